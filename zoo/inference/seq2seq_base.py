"""Text in, `Prediction` out: what answering has in common on every runtime.

No framework is imported here; a subclass brings the two programs that an answer takes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo import checks
from zoo.checks import Checks
from zoo.inference.hypotheses import Hypotheses, Source, trim
from zoo.inference.sampling import Generated, Sampling
from zoo.padding import LENGTHS, ROWS, bucket, pad
from zoo.prediction import Hypothesis, Prediction
from zoo.tokenizer import EOS, Tokenizer

Maps = dict[str, Any]

MAX_CHARACTERS = 20_000
"""Texts are cut here before they are tokenised: no model reads that far."""


class Seq2SeqBase:
    """Tokenizers, a card and the way from a text to its answer.

    Args:
        name: of the shipped model, or of the folder's name.
        source_tokenizer, target_tokenizer: of the text it reads and of the text it writes.
        config: the content of `config.json`.
        card: the content of `card.json`, {} when there is none.
        path: the folder it came from, if any.
        max_length: the most tokens that the network has positions for; None: any number.
    """

    kind = "seq2seq"

    def __init__(
        self,
        name: str,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
        max_length: int | None = None,
    ):
        self.name = name
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.config = config
        self.card = card or {}
        self.checks = Checks(config.get("checks"))
        self.path = path
        # A Transformer has no more positions than it was built with.
        most = min(LENGTHS[-1], max_length or LENGTHS[-1])
        self.max_source_length = min(config.get("max_source_length", 128), most)
        self.max_target_length = min(config.get("max_target_length", 128), most)

    def predict(
        self,
        texts: str | Sequence[str],
        beams: int = 1,
        max_length: int | None = None,
        target: Sequence[str] | None = None,
        sampling: Sampling | None = None,
        attention: bool = True,
        length_penalty: float = 0.6,
        seed: int = 0,
    ) -> list[Prediction]:
        """Answer each text.

        Args:
            texts: what to read; one string counts as a list of one. An empty text is answered
                with an empty text.
            beams: width of the beam; 1 is greedy.
            max_length: the most tokens to write, the closing one included; by default, and at
                most, what the model was made for.
            target: one text each that the model is made to write (forced decoding): the answer's
                log-probabilities and attention are those of that text.
            sampling: draw tokens by chance instead of taking the likeliest.
            attention: whether to fetch the maps.
            length_penalty: of the beam (Wu et al. 2016, equation 14).
            seed: of the draws of `sampling`.

        Raises:
            TypeError: a text is no string.
            ValueError: `max_length` or `beams` below 1, or not as many targets as texts.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        target = [target] if isinstance(target, str) else target
        for text in [*texts, *(target or [])]:
            if not isinstance(text, str):
                raise TypeError(f"Texts must be strings. Received: {type(text).__name__}")
        if target is not None and len(target) != len(texts):
            raise ValueError(
                f"One target for each text. Received: {len(texts)} texts, {len(target)} targets"
            )
        if max_length is not None and max_length < 1:
            raise ValueError(f"max_length must be at least 1. Received: max_length={max_length}")
        if beams < 1:
            raise ValueError(f"beams must be at least 1. Received: beams={beams}")
        limit = min(max_length or self.max_target_length, self.max_target_length)
        answers: list[Prediction] = []
        for start in range(0, len(texts), ROWS[-1]):
            part = slice(start, start + ROWS[-1])
            began = time.perf_counter()
            sources = [self.read(text) for text in texts[part]]
            if target is None:
                found = self.write(
                    sources,
                    limit=limit,
                    beams=beams,
                    sampling=sampling,
                    length_penalty=length_penalty,
                    seed=seed + start,
                )
            else:
                found = [self._forced(text) for text in target[part]]
            some = self._finish(sources, found, attention, target is not None)
            for answer in some:
                answer.seconds = (time.perf_counter() - began) / len(some)
            answers += some
        return answers

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention there are, by kind; {} without attention."""
        raise NotImplementedError

    @property
    def parameters(self) -> int:
        """How many weights the network has."""
        raise NotImplementedError

    def read(self, text: str) -> Source:
        """Tokenise a text, cut to what the model reads, with notes on what was done to it."""
        notes = []
        if len(text) > MAX_CHARACTERS:
            text = text[:MAX_CHARACTERS]
            notes.append(checks.FIRST_CHARACTERS.format(most=f"{MAX_CHARACTERS:,}"))
        ids, pieces = self.source_tokenizer.encode_as_read(text)
        if len(ids) > self.max_source_length:
            most = self.max_source_length - 1
            notes.append(checks.TOO_LONG.format(count=len(ids), most=most))
            ids = [*ids[: self.max_source_length - 1], EOS]
            pieces = [*pieces[: self.max_source_length - 1], "</s>"]
        if missing := self.source_tokenizer.missing(ids, pieces):
            shown = " ".join(missing[: checks.MISSING_SHOWN])
            shown += " ..." if len(missing) > checks.MISSING_SHOWN else ""
            notes.append(checks.MISSING.format(shown=shown))
        notes += self.checks.of_input(text, checks.read_text(pieces))
        return Source(ids, pieces, notes)

    def _forced(self, text: str) -> Hypotheses:
        ids = self.target_tokenizer.encode(text[:MAX_CHARACTERS])
        cut = len(ids) > self.max_target_length
        return Hypotheses([ids[: self.max_target_length]], [None], [0.0], finished=not cut)

    def write(
        self,
        sources: Sequence[Source],
        *,
        limit: int,
        beams: int = 1,
        sampling: Sampling | None = None,
        length_penalty: float = 0.6,
        seed: int = 0,
    ) -> list[Hypotheses]:
        """Search for a target of each source: one padded batch, which `generate` answers.

        Args:
            sources: at most as many as the largest batch, `zoo.padding.ROWS`.
            limit: the most tokens of a target, the closing one included.
            beams, sampling, length_penalty, seed: as in `predict`.
        """
        # A text of nothing but its end is not given to the model: its answer is nothing.
        rows = [source.ids if len(source.ids) > 1 else [] for source in sources]
        length = max(map(len, rows))
        if not length:
            return [Hypotheses([[]], [np.zeros(0, "float32")], [0.0], finished=True) for _ in rows]
        made = self.generate(
            pad(rows, bucket(length, LENGTHS), bucket(len(rows), ROWS)),
            length=bucket(limit, LENGTHS),
            limit=limit,
            beams=beams,
            length_penalty=length_penalty,
            sampling=sampling,
            seed=seed,
        )
        return [Hypotheses.of(made, row) for row in range(len(rows))]

    def score(
        self, sources: Sequence[list[int]], targets: Sequence[list[int]]
    ) -> tuple[np.ndarray, Maps]:
        """Score given targets in one padded batch: what `log_probs_and_maps` says, in NumPy.

        Args:
            sources, targets: ids of each text.

        Returns:
            (B, T) log-probabilities of the target tokens, and the maps (B, L, H, T, S) by kind;
            both with padding, B, T and S as `zoo.padding` rounds them up.
        """
        rows = bucket(len(sources), ROWS)
        log_probs, maps = self.log_probs_and_maps(
            pad(sources, bucket(max(map(len, sources)), LENGTHS), rows),
            pad(targets, bucket(max(map(len, targets)), LENGTHS), rows),
        )
        return self.to_numpy(log_probs), {kind: self.to_numpy(x) for kind, x in maps.items()}

    def answer_ids(self, answer: Prediction) -> tuple[np.ndarray, np.ndarray]:
        """What an answer's source and target are as ids, (1, S) and (1, T), padded with PAD."""
        source = self.source_tokenizer.ids(answer.source_pieces)
        target = self.target_tokenizer.ids(answer.target_pieces)
        return (
            pad([source], bucket(len(source), LENGTHS)),
            pad([target], bucket(len(target), LENGTHS)),
        )

    # What a runtime has: the two programs of the network that an answer takes.

    def generate(self, source: np.ndarray, **options: Any) -> Generated:
        """Search for a target of each row (B, S) of ids; options as `write` gives them."""
        raise NotImplementedError

    def log_probs_and_maps(self, source: np.ndarray, target: np.ndarray) -> tuple[Any, Maps]:
        """(B, T) log-probabilities of (B, T) ids after (B, S) ids, and the maps, all padded."""
        raise NotImplementedError

    def to_numpy(self, array: Any) -> np.ndarray:
        """An array that `log_probs_and_maps` gave, as NumPy's."""
        return np.asarray(array)

    def _finish(
        self,
        sources: Sequence[Source],
        found: Sequence[Hypotheses],
        attention: bool,
        scored: bool,
    ) -> list[Prediction]:
        """Fetch maps (and, for forced targets, log-probabilities) and put answers together."""
        targets = [one.tokens[0] for one in found]
        maps: Maps = {}
        if (attention or scored) and any(targets):
            log_probs, maps = self.score([source.ids for source in sources], targets)
            if scored:
                for row, one in enumerate(found):
                    one.log_probs = [log_probs[row, : len(targets[row])]]
                    one.scores = [float(one.log_probs[0].sum())]
        return [
            self.assemble(source, one, maps if attention else {}, row)
            for row, (source, one) in enumerate(zip(sources, found, strict=True))
        ]

    def assemble(self, source: Source, found: Hypotheses, maps: Maps, row: int = 0) -> Prediction:
        """The answer to one source: its hypotheses as text, its notes, and its maps.

        Args:
            source: what was read.
            found: what was written.
            maps: of a batch, with padding, as `score` gives them; {} for none.
            row: which row of that batch it is.
        """
        hypotheses = [
            Hypothesis(
                self.target_tokenizer.decode(tokens),
                self.target_tokenizer.pieces(tokens),
                np.asarray(log_probs, "float32"),
                score,
            )
            for tokens, log_probs, score in zip(
                found.tokens, found.log_probs, found.scores, strict=True
            )
        ]
        best = hypotheses[0]
        sizes = {"source": len(source.ids), "target": len(best.pieces)}
        notes = [*source.notes] if found.finished else [*source.notes, checks.CUT]
        notes += self.checks.of_answer(checks.read_text(source.pieces), best.text)
        return Prediction(
            text=best.text,
            source_pieces=list(source.pieces),
            target_pieces=best.pieces,
            log_probs=best.log_probs,
            attention=trim(maps, row, sizes) if best.pieces else {},
            score=best.score,
            alternatives=hypotheses if len(hypotheses) > 1 else [],
            finished=found.finished,
            notes=notes,
        )
