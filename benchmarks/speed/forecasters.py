"""What the measure of forecasters has in common: sizes, and series to train on.

Standard library and NumPy only, as every toolkit's environment imports it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

LEVELS = tuple(round(0.1 * i, 1) for i in range(1, 10))
"""Of the quantiles that are learnt."""
LEARNING_RATE = 1e-4
STEPS = 8_000
"""Of the series to train on."""
MEASURE = "train/patch-forecaster"


@dataclass(frozen=True)
class Size:
    """The same PatchTST in every toolkit, without dropout."""

    lookback: int = 336
    horizon: int = 96
    channels: int = 7
    patch: int = 16
    stride: int = 8
    layers: int = 3
    hidden_size: int = 64
    heads: int = 4
    feed_forward_size: int = 128
    rows: int = 32


SIZE = Size()
"""As PatchTST for ETTh1, four times as wide."""


def about(measure: str) -> dict[str, Any]:
    """What a row of results says of the network; {} for a measure of another kind."""
    return asdict(SIZE) if measure == MEASURE else {}


def series() -> np.ndarray:
    """(N, C) float32 z-scores, drawn at random: how fast a step is does not depend on them."""
    return np.random.default_rng(0).normal(size=(STEPS, SIZE.channels)).astype("float32")
