"""What each written piece's log-probability owes to each read one: `Attribution`.

Axes: S read pieces, T written pieces. How the scores are found stands in `zoo.interpret.gradients`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.prediction import join_pieces, word_spans
from zoo.tokenizer import UNK

if TYPE_CHECKING:
    from zoo.kinds.seq2seq import Seq2Seq

METHODS = ("gradient", "integrated", "occlusion")
BASELINES = ("unknown", "zero")


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each read piece (or word) speaks for each written one, in nats, signed.

    Args:
        method: `gradient`, `integrated` or `occlusion`.
        source, target: S read and T written pieces, or words.
        scores: (T, S) float32; above 0 where the read piece makes the written one likelier.
        difference: (T,) float32, log p(source) - log p(baseline), which the scores of a row should
            add up to; None but for `integrated`.
        steps: points of the path that the most difficult piece took; None but for `integrated`.
        notes: plain sentences about what the reader should know.
    """

    method: str
    source: list[str]
    target: list[str]
    scores: np.ndarray
    difference: np.ndarray | None = None
    steps: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def error(self) -> np.ndarray | None:
        """(T,) |sum of scores - difference| in nats: how far each row is from complete."""
        if self.difference is None:
            return None
        return np.abs(self.scores.sum(axis=-1) - self.difference)

    def words(self) -> Attribution:
        """The same over words, as `Prediction.words()` cuts them: summed on both sides.

        Log-probabilities of pieces add up to the word's, and so do what they owe.
        """
        read, written = word_spans(self.source), word_spans(self.target)
        scores = np.zeros((len(written), len(read)), "float32")
        for row, (a, b) in enumerate(written):
            for column, (c, d) in enumerate(read):
                scores[row, column] = self.scores[a:b, c:d].sum()
        difference = self.difference
        if difference is not None:
            difference = np.array([difference[a:b].sum() for a, b in written], "float32")
        return replace(
            self,
            source=join_pieces(self.source, read),
            target=join_pieces(self.target, written),
            scores=scores,
            difference=difference,
        )

    def normalised(self) -> np.ndarray:
        """(T, S) float32: sizes without sign, rows sum to 1; even where nothing mattered."""
        sizes = np.abs(self.scores)
        total = sizes.sum(axis=-1, keepdims=True)
        even = np.full_like(sizes, 1 / max(len(self.source), 1))
        return np.where(total > 0, sizes / np.maximum(total, 1e-30), even).astype("float32")


def attribute(
    network: Seq2Seq,
    source: np.ndarray,
    target: np.ndarray,
    pieces: tuple[Sequence[str], Sequence[str]],
    method: str = "gradient",
    baseline: str = "unknown",
    steps: int = 32,
    max_steps: int = 864,
    leave_out: bool = False,
) -> Attribution:
    """Attribution of ids: (1, S) and (1, T), padded, with the `pieces` they stand for.

    Raises:
        ValueError: an unknown method or baseline, or steps that make no sense.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}. Received: method={method!r}")
    if baseline not in BASELINES:
        raise ValueError(
            f"baseline must be one of {', '.join(BASELINES)}. Received: baseline={baseline!r}"
        )
    if not 1 <= steps <= max_steps:
        raise ValueError(
            f"steps must be from 1 to max_steps. Received: steps={steps}, max_steps={max_steps}"
        )
    from zoo.interpret import gradients

    read, written = (list(side) for side in pieces)
    notes = []
    unknown = int((source == UNK).sum())
    if unknown and (method, leave_out) == ("occlusion", False):
        notes.append(f"Unknown to the model, hence nothing to hide: {unknown} of the read pieces.")
    if unknown and (method, baseline) == ("integrated", "unknown"):
        notes.append(f"Unknown to the model, as the baseline is: {unknown} of the read pieces.")
    if method == "gradient":
        return Attribution(
            method, read, written, gradients.gradient_times_input(network, source, target)
        )
    if method == "occlusion":
        scores = gradients.occlusion(network, source, target, leave_out)
        return Attribution(method, read, written, scores, notes=notes)
    found = gradients.integrated_gradients(network, source, target, baseline, steps, max_steps)
    made = Attribution(method, read, written, *found, notes=notes)
    missed = made.error > gradients.allowed(made.difference)
    if missed.any():
        notes.append(
            f"After {made.steps} steps the scores of {missed.sum()} of {len(written)} written "
            f"pieces still miss the difference they should add up to by more than 1 %, "
            f"by {made.error.max():.2g} nats at most."
        )
    return made
