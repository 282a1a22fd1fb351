"""A trained model with its tokenizers, ready to answer: text in, `Prediction` out."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from zoo import checks
from zoo.checks import Checks
from zoo.inference import generation
from zoo.inference.generation import Sampling
from zoo.inference.scoring import Found, cut, look
from zoo.padding import LENGTHS, ROWS, bucket, pad, shift
from zoo.prediction import Hypothesis, Prediction
from zoo.runtime import backend
from zoo.tokenizer import EOS, Tokenizer

if TYPE_CHECKING:
    from zoo.interpret.attribution import Attribution
    from zoo.interpret.edited_network import Edits
    from zoo.interpret.internals import Candidates, Inside
    from zoo.interpret.intervene import Intervention, Off, Outcome
    from zoo.kinds.base import Maps
    from zoo.kinds.seq2seq import Seq2Seq

MAX_CHARACTERS = 20_000
"""Texts are cut here before they are tokenised: no model reads that far."""


class Seq2SeqPredictor:
    """A network, its tokenizers and its card.

    Args:
        name: of the shipped model, or of the folder's name.
        network: the network with its weights.
        source_tokenizer, target_tokenizer: of the text it reads and of the text it writes.
        config: the content of `config.json`.
        card: the content of `card.json`, {} when there is none.
        path: the folder it came from, if any.
    """

    def __init__(
        self,
        name: str,
        network: Seq2Seq,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
    ):
        self.name = name
        self.model = network
        self.source_tokenizer = source_tokenizer
        self.target_tokenizer = target_tokenizer
        self.config = config
        self.card = card or {}
        self.checks = Checks(config.get("checks"))
        self.path = path
        # A Transformer has no more positions than it was built with.
        most = min(LENGTHS[-1], getattr(network.config, "max_length", LENGTHS[-1]))
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
        off: Sequence[Off] = (),
    ) -> list[Prediction]:
        """Answer each text.

        Args:
            texts: what to read; one string counts as a list of one. An empty text is answered
                with an empty text.
            beams: width of the beam; 1 is greedy.
            max_length: the most pieces to write, the closing one included; by default, and at
                most, what the model was made for.
            target: one text each that the model is made to write (forced decoding): the answer's
                log-probabilities and attention are those of that text.
            sampling: draw pieces by chance instead of taking the likeliest.
            attention: whether to fetch the maps.
            length_penalty: of the beam (Wu et al. 2016, equation 14).
            seed: of the draws of `sampling`.
            off: heads and layers of attention to switch off (`zoo.interpret.intervene.Off`).

        Raises:
            TypeError: a text is no string.
            ValueError: `max_length` or `beams` below 1, as many targets as texts not given, a head
                that is not there, or `off` together with `sampling`.
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
        if off and sampling is not None:
            raise ValueError("Heads are not switched off while sampling. Received: both")
        edits = self._edits(off) if off else None
        limit = min(max_length or self.max_target_length, self.max_target_length)
        answers: list[Prediction] = []
        for start in range(0, len(texts), ROWS[-1]):
            part = slice(start, start + ROWS[-1])
            began = time.perf_counter()
            read = [self._read(text) for text in texts[part]]
            if target is None:
                found = self._generate(
                    read, limit, beams, sampling, length_penalty, seed + start, edits
                )
            else:
                found = [self._forced(text) for text in target[part]]
            some = self._finish(read, found, attention, target is not None, edits)
            for answer in some:
                answer.seconds = (time.perf_counter() - began) / len(some)
            answers += some
        return answers

    def attribute(
        self,
        prediction: Prediction,
        method: str = "gradient",
        *,
        baseline: str = "unknown",
        steps: int = 32,
        max_steps: int = 864,
        leave_out: bool = False,
    ) -> Attribution:
        """What each written piece's log-probability owes to each read one; needs no attention.

        Args:
            prediction: an answer of this model.
            method: `gradient` (x input, Denil et al. 2014, arXiv:1412.6815), `integrated`
                (gradients, Sundararajan et al. 2017, arXiv:1703.01365), or `occlusion`: how far
                the log-probability falls as the piece is hidden.
            baseline: of `integrated`: every piece `unknown`, or embeddings of `zero`.
            steps, max_steps: of `integrated`: points of the path, tripled up to the most until the
                scores of every written piece add up to within 1 %.
            leave_out: of `occlusion`: take pieces away instead of making them unknown.

        Returns:
            signed scores (T, S), with the error of completeness where the method has one.

        Raises:
            ValueError: an unknown method or baseline, or steps that make no sense.
        """
        from zoo.interpret.attribution import attribute

        pieces = prediction.source_pieces, prediction.target_pieces
        source, target = self.source_tokenizer.ids(pieces[0]), self.target_tokenizer.ids(pieces[1])
        return attribute(
            self.model,
            pad([source], bucket(len(source), LENGTHS)),
            pad([target], bucket(len(target), LENGTHS)),
            pieces,
            method,
            baseline=baseline,
            steps=steps,
            max_steps=max_steps,
            leave_out=leave_out,
        )

    def saliency(self, prediction: Prediction) -> np.ndarray:
        """How much each read piece mattered to each written one: |gradient x input|.

        `attribute(prediction)` without its sign, as shares: what the models without attention are
        shown by.

        Returns:
            (T, S) float32, rows sum to 1.
        """
        return self.attribute(prediction).normalised()

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention there are, by kind; {} without attention."""
        return self.model.attention_heads

    def intervene(
        self,
        prediction: Prediction,
        intervention: Intervention,
        beams: int = 1,
        max_length: int | None = None,
    ) -> Outcome:
        """What the model does if words are hidden or swapped, attention forced, heads off.

        Args:
            prediction: an answer of this model.
            intervention: what is done; see `zoo.interpret.intervene`.
            beams, max_length: of the new answer, as in `predict`.

        Raises:
            ValueError: a word, layer, head or kind of attention that is not there.
        """
        from zoo.interpret.intervene import intervene

        return intervene(self, prediction, intervention, beams, max_length)

    def candidates(self, prediction: Prediction, k: int = 5) -> Candidates:
        """At each step of the answer, the `k` likeliest tokens; see `zoo.interpret.internals`."""
        from zoo.interpret.internals import candidates

        return candidates(self, prediction, k)

    def inside(self, prediction: Prediction) -> dict[str, Inside]:
        """By kind of attention, the queries, keys and values its weights were made of."""
        from zoo.interpret.internals import inside

        return inside(self, prediction)

    def _edits(self, off: Sequence[Off]) -> Edits:
        from zoo.interpret.edited_network import Edits

        return Edits(self.attention_heads, off)

    def _read(self, text: str) -> tuple[list[int], list[str], list[str]]:
        """Ids and pieces of a source, and notes on what was done to it."""
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
        return ids, pieces, notes

    def _forced(self, text: str) -> Found:
        ids = self.target_tokenizer.encode(text[:MAX_CHARACTERS])
        cut = len(ids) > self.max_target_length
        return Found([ids[: self.max_target_length]], [None], [0.0], finished=not cut)

    def _generate(
        self,
        read: Sequence[tuple[list[int], list[str], list[str]]],
        limit: int,
        beams: int,
        sampling: Sampling | None,
        length_penalty: float,
        seed: int,
        edits: Edits | None = None,
    ) -> list[Found]:
        # A text of nothing but its end is not put to the model: its answer is nothing.
        rows = [ids if len(ids) > 1 else [] for ids, _, _ in read]
        length = max(map(len, rows))
        if not length:
            return [Found([[]], [np.zeros(0, "float32")], [0.0], finished=True) for _ in rows]
        source = pad(rows, bucket(length, LENGTHS), bucket(len(rows), ROWS))
        options = {"length": bucket(limit, LENGTHS), "limit": limit, "beams": beams}
        options |= {"length_penalty": length_penalty}
        if edits is None:
            made = generation.generate(self.model, source, **options, sampling=sampling, seed=seed)
        else:
            from zoo.interpret import edited_network

            made = edited_network.generate(self.model, source, edits.gates_alone(), **options)
        return [Found.of(made, row) for row in range(len(rows))]

    def _finish(
        self,
        read: Sequence[tuple[list[int], list[str], list[str]]],
        found: Sequence[Found],
        attention: bool,
        scored: bool,
        edits: Edits | None = None,
    ) -> list[Prediction]:
        """Fetch maps (and, for forced targets, log-probabilities) and put answers together."""
        targets = [f.tokens[0] for f in found]
        maps: Maps = {}
        if (attention or scored) and any(targets):
            log_probs, maps = self._look([ids for ids, _, _ in read], targets, edits)
            if scored:
                for i, f in enumerate(found):
                    f.log_probs = [log_probs[i, : len(targets[i])]]
                    f.scores = [float(f.log_probs[0].sum())]
        return [
            self.assemble(one, f, maps if attention else {}, row)
            for row, (one, f) in enumerate(zip(read, found, strict=True))
        ]

    def assemble(
        self, read: tuple[list[int], list[str], list[str]], found: Found, maps: Maps, row: int = 0
    ) -> Prediction:
        """One answer from ids, pieces and notes of its source, what was found, and its maps."""
        ids, pieces, notes = read
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
        size = {"S": len(ids), "T": len(best.pieces)}
        notes = [*notes] if found.finished else [*notes, checks.CUT]
        notes += self.checks.of_answer(checks.read_text(pieces), best.text)
        return Prediction(
            text=best.text,
            source_pieces=list(pieces),
            target_pieces=best.pieces,
            log_probs=best.log_probs,
            attention=cut(maps, row, size) if best.pieces else {},
            score=best.score,
            alternatives=hypotheses if len(hypotheses) > 1 else [],
            finished=found.finished,
            notes=notes,
        )

    def _look(
        self,
        sources: Sequence[list[int]],
        targets: Sequence[list[int]],
        edits: Edits | None = None,
    ) -> tuple[np.ndarray, Maps]:
        """One `decode` over what was written: log-probabilities (B, T) and the maps."""
        rows = bucket(len(sources), ROWS)
        source = pad(sources, bucket(max(map(len, sources)), LENGTHS), rows)
        target = pad(targets, bucket(max(map(len, targets)), LENGTHS), rows)
        if edits is None:
            run = backend.compiled(self.model, look)
            log_probs, maps = run(source, shift(target), target)
        else:
            from zoo.interpret import edited_network

            run = backend.compiled(self.model, edited_network.look)
            log_probs, maps = run(source, shift(target), target, edits.gates_alone())
        to_numpy = ops.convert_to_numpy
        return to_numpy(log_probs), {kind: to_numpy(array) for kind, array in maps.items()}

    @functools.cached_property
    def parameters(self) -> int:
        """How many weights the network has."""
        return int(self.model.count_params())
