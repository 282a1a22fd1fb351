"""What every language model does, whatever computes it: prompts to ids, tokens to answers.

No framework is imported. `zoo.inference.language_model` computes with Keras,
`zoo.inference.litert_language_model` with LiteRT, `zoo.inference.ngram` with counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.checks import MISSING, MISSING_SHOWN
from zoo.continuation import Continuation, ScoredText, Token
from zoo.inference import stop_texts
from zoo.inference.prompt_rows import Row, WritingOptions, together
from zoo.inference.sampling import Sampling, draw
from zoo.inference.text_windows import Ranked
from zoo.text_tokenizers import TextTokenizer, visible

MAX_CHARACTERS = 200_000
"""Prompts are cut here, at their beginning, before they are tokenised."""
CHUNK = 32
"""Tokens that one program writes before the caller sees them; fewer while streaming."""
STREAMED = 4
GROWS = 8
"""Tokens back that the text of one more may depend on."""

LAST_CHARACTERS = "Only the last {most} characters were read."
FIRST_CHARACTERS = "Only the first {most} characters were read."
LAST_TOKENS = "The model reads at most {context} tokens: the last {most} were."
EMPTY = "An empty prompt: it begins as a text does."
NAMED = 20
"""Characters of a word that is not in the vocabulary, in a note about it."""


class LanguageModelBase:
    """A language model's tokenizer and card; a subclass computes.

    Args:
        name: of the shipped model, or of the folder's name.
        tokenizer: of the text it reads and writes.
        config: the content of `config.json`.
        card: the content of `card.json`, {} when there is none.
        path: the folder it came from, if any.
    """

    kind = "language_model"
    context: int | None
    """How many tokens it can read at most; None: as many as there are."""
    attention_heads: dict[str, tuple[int, int]]
    """How many layers and heads of attention there are, by kind; {} without attention."""
    parameters: int
    """How many weights it has."""

    def __init__(
        self,
        name: str,
        tokenizer: TextTokenizer,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
    ):
        self.name, self.tokenizer = name, tokenizer
        self.config, self.card, self.path = config, card or {}, path

    def predict(
        self,
        prompts: str | Sequence[str],
        max_new_tokens: int = 100,
        sampling: Sampling | None = None,
        seed: int = 0,
        stop: str | Sequence[str] = (),
        candidates: int = 5,
        attention: bool = True,
    ) -> list[Continuation]:
        """Continue each prompt.

        Args:
            prompts: what to go on from; one string counts as a list of one. An empty one begins as
                a text of the training corpus does.
            max_new_tokens: after how many tokens to stop.
            sampling: draw tokens by chance instead of taking the likeliest.
            seed: of the draws; row i of the prompts has draws of its own.
            stop: texts at which to stop; what was written ends before the first one.
            candidates: how many of the likeliest tokens to tell at each place.
            attention: whether to fetch the maps, where there are any.

        Raises:
            TypeError: a prompt is no string.
            ValueError: `max_new_tokens` below 1, an empty `stop`, `candidates` out of range.

        Example:
            >>> import zoo
            >>> [answer] = zoo.load("shakespeare-gpt").predict("ROMEO:", max_new_tokens=8)
            >>> len(answer.text), answer.attention["decoder"].shape
            (8, (6, 4, 14, 14))
        """
        prompts = [prompts] if isinstance(prompts, str) else list(prompts)
        stops = stop_texts.checked(stop)
        rows = [self._row(text, i) for i, text in enumerate(prompts)]
        uniform = self._check(max_new_tokens, candidates, sampling, seed, len(rows))
        options = WritingOptions(max_new_tokens, CHUNK, candidates, stops, sampling, uniform)
        found: dict[int, Continuation] = {}
        for some in together(rows, max_new_tokens, self.context):
            began = time.perf_counter()
            for _ in self._written(some, options):
                pass
            for row in some:
                found[row.number] = self._answer(row, stops, attention)
            for row in some:
                found[row.number].seconds = (time.perf_counter() - began) / len(some)
        return [found[number] for number in range(len(rows))]

    def stream(
        self,
        prompt: str,
        max_new_tokens: int = 100,
        sampling: Sampling | None = None,
        seed: int = 0,
        stop: str | Sequence[str] = (),
        candidates: int = 5,
    ) -> Iterator[Token]:
        """The tokens of `predict` as they are written.

        With `stop` texts a token is given once it cannot be part of one.
        """
        row, stops, given = self._row(prompt), stop_texts.checked(stop), 0
        uniform = self._check(max_new_tokens, candidates, sampling, seed, 1)
        options = WritingOptions(max_new_tokens, STREAMED, candidates, stops, sampling, uniform)
        for _ in self._written([row], options):
            _, kept = stop_texts.until(row.tokens, stops)
            # The beginning of a stop text may still be completed.
            held = 0 if row.ended else stop_texts.held(row.tokens[:kept], stops)
            yield from row.tokens[given : kept - held]
            given = max(given, kept - held)
        _, kept = stop_texts.until(row.tokens, stops)
        yield from row.tokens[given:kept]

    def maps(self, ids: Sequence[int]) -> dict[str, np.ndarray]:
        """Attention (L, H, T, T) by kind over token ids; {} without attention.

        Raises:
            ValueError: no ids, or more than the model reads.
        """
        if not len(ids) or (self.context and len(ids) > self.context):
            most = self.context or "any number of"
            raise ValueError(f"{self.name} reads 1 to {most} tokens. Received: {len(ids)}")
        return self._maps([int(one) for one in ids]) if self.attention_heads else {}

    def log_probs(
        self,
        text: str,
        stride: int | None = None,
        report: Callable[[int], None] = lambda done: None,
    ) -> np.ndarray:
        """(N,) float32 natural log-probability of each token of a text.

        `stride`, `report`: as `zoo.inference.text_scoring.log_probs` has them.
        """
        return self.log_probs_of(self.tokenizer.encode(text), stride, report)

    def log_probs_of(
        self,
        ids: np.ndarray,
        stride: int | None = None,
        report: Callable[[int], None] = lambda done: None,
    ) -> np.ndarray:
        """The same of (N,) token ids."""
        raise NotImplementedError

    def read_ids(self, prompt: str) -> tuple[list[int], int]:
        """What is read of a prompt, as ids, and how many of them (0 or 1) are a start token."""
        row = self._row(prompt)
        return row.read, row.begin

    def score(self, text: str, candidates: int = 5, stride: int | None = None) -> ScoredText:
        """How likely the model finds each token of a text, and what it would have written there.

        Args:
            text: at most `MAX_CHARACTERS` of it are read, from its beginning.
            candidates: how many of the likeliest tokens to tell at each place.
            stride: as in `zoo.inference.text_scoring.log_probs`.

        Raises:
            TypeError: the text is no string.
            ValueError: `candidates` or `stride` out of range.

        Example:
            >>> import zoo
            >>> answer = zoo.load("shakespeare-ngram").score("To be, or not to be")
            >>> answer.tokens[-1].text, int(answer.ranks[-1]), answer.nats < 2
            ('e', 1, True)
        """
        if not isinstance(text, str):
            raise TypeError(f"A text must be a string. Received: {type(text).__name__}")
        self._check_candidates(candidates)
        notes = [FIRST_CHARACTERS.format(most=f"{MAX_CHARACTERS:,}")]
        notes = notes if len(text) > MAX_CHARACTERS else []
        text = text[:MAX_CHARACTERS]
        ids = self.tokenizer.encode(text)
        notes += self._missing(text)
        found = self._ranked(ids, candidates, stride) if len(ids) else None
        tokens = []
        for place, token in enumerate(ids.tolist()):
            best, chances = found.candidates[place], np.exp(found.candidate_log_probs[place])
            named = zip(self.tokenizer.labels(best), chances.tolist(), strict=True)
            tokens.append(
                Token(
                    self.tokenizer.growth(ids[max(place - GROWS, 0) : place].tolist(), token),
                    self.tokenizer.labels([token])[0],
                    float(found.log_probs[place]),
                    tuple(one for one in named if one[1] > 0),
                    token,
                )
            )
        return ScoredText(
            text=text,
            tokens=tokens,
            ranks=found.ranks if found else np.zeros(0, "int32"),
            sizes=self.tokenizer.byte_lengths(ids),
            known=~np.isin(ids, self.tokenizer.excluded),
            notes=notes,
        )

    def _ranked(self, ids: np.ndarray, candidates: int, stride: int | None) -> Ranked:
        """What `score` tells of (N,) token ids, at least one."""
        raise NotImplementedError

    def _written(self, rows: list[Row], options: WritingOptions) -> Iterator[None]:
        """Continue the rows in place, with a stop after each `options.chunk` tokens."""
        raise NotImplementedError

    def _maps(self, ids: list[int]) -> dict[str, np.ndarray]:
        """Where each of the tokens looks: maps by kind, (L, H, T, T)."""
        raise NotImplementedError

    def _check(
        self, limit: int, candidates: int, sampling: Sampling | None, seed: int, rows: int
    ) -> np.ndarray | None:
        """The draws (rows, limit) of a call, once its arguments make sense."""
        if not isinstance(limit, int) or limit < 1:
            raise ValueError(f"max_new_tokens must be a number from 1 on. Received: {limit!r}")
        self._check_candidates(candidates)
        return draw(seed, rows, limit) if sampling and rows else None

    def _check_candidates(self, candidates: int) -> None:
        if not 1 <= candidates <= self.tokenizer.size:
            raise ValueError(
                f"candidates must be from 1 to {self.tokenizer.size}. Received: {candidates}"
            )

    def _missing(self, text: str) -> list[str]:
        """What of a text is not in the vocabulary, in a sentence; [] where all of it is."""
        missing = self.tokenizer.missing(text)
        if not missing:
            return []
        more = " ..." if len(missing) > MISSING_SHOWN else ""
        named = (visible(name[:NAMED]) for name in missing[:MISSING_SHOWN])
        return [MISSING.format(shown=" ".join(named) + more)]

    def _row(self, prompt: str, number: int = 0) -> Row:
        """A prompt as ids, and what should be said of it."""
        if not isinstance(prompt, str):
            raise TypeError(f"A prompt must be a string. Received: {type(prompt).__name__}")
        notes, text = [], prompt
        if len(text) > MAX_CHARACTERS:
            text = text[-MAX_CHARACTERS:]
            notes.append(LAST_CHARACTERS.format(most=f"{MAX_CHARACTERS:,}"))
        ids = self.tokenizer.encode(text).tolist()
        notes += self._missing(text)
        context, begin = self.context, 0
        most = context - 1 if context else None
        if most and len(ids) > most:
            notes.append(LAST_TOKENS.format(context=f"{context:,}", most=f"{most:,}"))
            ids = ids[-most:]
        elif not ids or not most or len(ids) < most:
            ids, begin = [self.tokenizer.start, *ids], 1
        if not prompt:
            notes.append(EMPTY)
        return Row(number, prompt, ids, notes, begin)

    def _append(
        self,
        row: Row,
        token: int,
        log_prob: float,
        best: Sequence[int],
        chances: Sequence[float],
    ) -> None:
        """Put a token into a row, with its likeliest alternatives and their probabilities."""
        never = self.tokenizer.excluded  # where there are fewer than `candidates` others
        text = self.tokenizer.growth([*row.read, *row.ids][-GROWS:], token)
        labels = zip(self.tokenizer.labels(best), map(float, chances), best, strict=True)
        named = ((shown, chance) for shown, chance, id_ in labels if id_ not in never)
        label = self.tokenizer.labels([token])[0]
        row.tokens.append(Token(text, label, float(log_prob), tuple(named), int(token)))
        row.ids.append(int(token))

    def _answer(self, row: Row, stops: tuple[str, ...], attention: bool) -> Continuation:
        text, kept = stop_texts.until(row.tokens, stops)
        finished = kept < len(row.tokens)
        tokens, ids = row.tokens[:kept], row.ids[:kept]
        maps, shown = {}, [*row.read, *ids[:-1]]
        if attention and self.attention_heads:
            shown = shown[-self.context :] if self.context else shown
            maps = self._maps(shown)
        return Continuation(
            prompt=row.prompt,
            text=text,
            tokens=tokens,
            prompt_labels=self.tokenizer.labels(row.read),
            attention=maps,
            labels=self.tokenizer.labels(shown),
            finished=finished,
            notes=row.notes,
        )
