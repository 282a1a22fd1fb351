"""What a model reads, writes and scores, as ids and numbers: before a tokenizer makes text of it.

Axes: B batch, S source tokens, T target tokens, N hypotheses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from keras import ops

from zoo.inference.generation import Generated
from zoo.prediction import AXES
from zoo.tokenizer import EOS

if TYPE_CHECKING:
    from zoo.kinds.base import Maps, Tensor
    from zoo.kinds.seq2seq import Seq2Seq


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


def score(
    model: Seq2Seq, source: Tensor, target_in: Tensor, target_out: Tensor
) -> tuple[Tensor, Maps]:
    """How likely a target is after a source, and where the model looks as it reads both.

    To be compiled: `zoo.runtime.backend.compiled(network, score)`.

    Args:
        model: a `Seq2Seq`, or what keeps its `encode` and `decode`.
        source: (B, S) ids, padded with PAD.
        target_in: (B, T) ids that the decoder reads, BOS first.
        target_out: (B, T) ids whose probability is asked for.

    Returns:
        (B, T) natural logarithms of the probability of each token of `target_out`, and the maps.
    """
    logits, maps = model.decode(target_in, model.encode(source))
    log_probs = ops.log_softmax(logits, axis=-1)  # (B, T, V)
    picked = ops.take_along_axis(log_probs, target_out[:, :, None], axis=-1)
    return picked[:, :, 0], maps


def trim(maps: Maps, row: int, sizes: Mapping[str, int]) -> dict[str, np.ndarray]:
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
