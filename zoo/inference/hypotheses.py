"""What a model reads and writes, as ids and numbers: before a tokenizer makes text of it.

NumPy alone, no framework. Axes: B batch, S source tokens, T target tokens, N hypotheses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from zoo.inference.sampling import Generated
from zoo.prediction import AXES
from zoo.tokenizer import EOS


class Source(NamedTuple):
    """A text as a model reads it."""

    ids: list[int]
    """S ids, closed by EOS."""
    pieces: list[str]
    """The S tokens as text."""
    notes: list[str]
    """What was done to the text, in plain sentences."""


class Hypotheses:
    """The hypotheses of one text as ids, the best first.

    Args:
        tokens: N lists of ids, each with the closing EOS if it ended by itself.
        log_probs: N arrays, one number a token.
        scores: N numbers by which the search compares them.
        finished: whether the best ended by itself.
    """

    def __init__(
        self,
        tokens: list[list[int]],
        log_probs: list[Any],
        scores: list[float],
        finished: bool,
    ):
        self.tokens, self.log_probs, self.scores = tokens, log_probs, scores
        self.finished = finished

    @classmethod
    def of(cls, made: Generated, row: int) -> Hypotheses:
        """What was generated for one row of a batch."""
        kept = [n for n in range(made.tokens.shape[1]) if np.isfinite(made.scores[row, n])] or [0]
        lengths = [int(made.lengths[row, n]) for n in kept]
        tokens = [
            made.tokens[row, n, :length].tolist() for n, length in zip(kept, lengths, strict=True)
        ]
        return cls(
            tokens,
            [made.log_probs[row, n, :length] for n, length in zip(kept, lengths, strict=True)],
            [float(made.scores[row, n]) if lengths[0] else 0.0 for n in kept],
            finished=not tokens[0] or tokens[0][-1] == EOS,
        )


def trim(
    maps: Mapping[str, np.ndarray], row: int, sizes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """The maps of one row without padding, in float32.

    Args:
        maps: (B, L, H, T, S) arrays by kind.
        row: which of the B.
        sizes: how many tokens the "source" and the "target" of that row have.
    """
    found = {}
    for kind in AXES:
        if kind in maps:
            rows, columns = (sizes[side] for side in AXES[kind])
            found[kind] = maps[kind][row, :, :, :rows, :columns].astype("float32")
    return found
