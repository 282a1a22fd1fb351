"""What a search found or a target says, as ids and numbers, before a tokenizer makes text of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from zoo.inference.generation import Generated
from zoo.tokenizer import EOS

if TYPE_CHECKING:
    from zoo.kinds.base import Maps, Tensor
    from zoo.kinds.seq2seq import Seq2Seq


class Found:
    """Hypotheses of one text as ids, the best first."""

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
    def of(cls, made: Generated, row: int) -> Found:
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


def look(model: Seq2Seq, source: Tensor, target_in: Tensor, target_out: Tensor) -> Any:
    """Log-probability of each piece of `target_out` (B, T), and the attention maps."""
    logits, maps = model.decode(target_in, model.encode(source))
    log_probs = ops.log_softmax(logits, axis=-1)
    picked = ops.take_along_axis(log_probs, target_out[:, :, None], axis=-1)
    return picked[:, :, 0], maps


def cut(maps: Maps, row: int, size: dict[str, int]) -> dict[str, np.ndarray]:
    """One row's maps without padding, for sizes S and T."""
    axes = {"cross": ("T", "S"), "encoder": ("S", "S"), "decoder": ("T", "T")}
    return {
        kind: maps[kind][row, :, :, : size[axes[kind][0]], : size[axes[kind][1]]].astype("float32")
        for kind in axes
        if kind in maps
    }
