"""How tokens are drawn by chance, and what a search gives: NumPy alone, no framework.

Axes: B batch, N hypotheses, T steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np


@dataclass(frozen=True)
class Sampling:
    """How to draw the next token by chance: temperature, then top-k, then top-p.

    Args:
        temperature: divides the logits; below 1 sharpens, above 1 flattens. Positive.
        top_k: draw among the k likeliest tokens (Fan et al. 2018); 0: among all.
        top_p: draw among the fewest likeliest tokens that together have this probability
            (nucleus sampling, Holtzman et al. 2020); 1: among all. In (0, 1].

    Raises:
        ValueError: a value outside its range.

    Example:
        >>> Sampling(temperature=0.8, top_k=10)
        Sampling(temperature=0.8, top_k=10, top_p=1.0)
        >>> Sampling(top_p=0)
        Traceback (most recent call last):
        ValueError: `top_p` must be in (0, 1]. Received: top_p=0
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(
                f"`temperature` must be positive. Received: temperature={self.temperature}"
            )
        if isinstance(self.top_k, bool) or int(self.top_k) != self.top_k or self.top_k < 0:
            raise ValueError(f"`top_k` must be an integer >= 0. Received: top_k={self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ValueError(f"`top_p` must be in (0, 1]. Received: top_p={self.top_p}")


class Generated(NamedTuple):
    """What was written, the best hypothesis of each row first. Arrays of NumPy, or tensors.

    A hypothesis that did not end (its last token is not EOS) was cut at the limit. Where there are
    fewer than N, and where the source is all padding, the length is 0 and the score -inf.
    """

    tokens: Any
    """(B, N, T) int32: ids with the closing EOS, then PAD."""
    log_probs: Any
    """(B, N, T) float32: natural logarithm of the model's probability of each token, then 0."""
    lengths: Any
    """(B, N) int32: number of tokens, EOS included."""
    scores: Any
    """(B, N) float32: summed log-probability over the length penalty."""


def draw(seed: int | Sequence[int], rows: int, length: int) -> np.ndarray:
    """(rows, length) float32 in [0, 1): the draws of a seed, one for each row and position.

    Made by NumPy, not in the compiled loop, so that they are the same on every backend and
    device, compiled or not, and a row's do not change with the size of its batch.
    """
    seeds = (seed,) if isinstance(seed, (int, np.integer)) else tuple(seed)
    generators = (np.random.default_rng((*seeds, row)) for row in range(rows))
    return np.stack([generator.random(length, dtype=np.float32) for generator in generators])
