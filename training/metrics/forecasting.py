"""Figures of a forecaster over a split: MSE, MAE, MASE, CRPS and the coverage of its bands.

Windows overlap, so that neighbours are not independent: blocks of windows that follow one another
are resampled (Kunsch 1989), each as long as the horizon.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from training.metrics.text import Figure
from zoo import stats
from zoo.forecast import LEVELS

MOST_BLOCKS = 200
BAND = 0.8
"""The central interval whose coverage is told: from the quantile 0.1 to 0.9."""
SUMS = ("squared", "absolute", "scaled", "pinball", "covered", "values")
"""What a block adds up; the last is the number of values."""
FIGURES = {"mse": 0, "mae": 1, "mase": 2, "crps": 3, "coverage": 4}
"""Which sum each figure is made of."""


def sums(values: np.ndarray, future: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The sums of N windows, (N, 6) float64 in the order of `SUMS`.

    Args:
        values: (N, H, C, 1 + Q) z-scores, as `zoo.kinds.forecaster.Forecaster` gives them.
        future: (N, H, C) z-scores: what was.
        scale: (C,) mean absolute difference over a season in the training part: MASE is the mean
            absolute error divided by it (Hyndman and Koehler 2006).

    CRPS is twice the mean pinball loss of the quantiles (Gneiting and Raftery 2007).
    """
    error = future - values[..., 0]  # (N, H, C)
    short = future[..., None] - values[..., 1:]  # (N, H, C, Q)
    levels = np.asarray(LEVELS, "float32")
    pinball = 2 * np.maximum(levels * short, (levels - 1) * short).mean(axis=-1)
    low, high = LEVELS.index(0.1), LEVELS.index(0.9)
    inside = (short[..., low] >= 0) & (short[..., high] <= 0)
    parts = (error**2, np.abs(error), np.abs(error) / scale, pinball, inside, np.ones_like(error))
    return np.stack([part.sum(axis=(1, 2), dtype="float64") for part in parts], axis=-1)


def blocks(found: np.ndarray, horizon: int) -> np.ndarray:
    """The sums of N windows (N, 6) -> those of blocks that follow one another, (M, 6)."""
    size = max(horizon, -(-len(found) // MOST_BLOCKS))
    size = max(min(size, len(found) // 8), 1)  # a short split has a few blocks at least
    return np.add.reduceat(found, np.arange(0, len(found), size), axis=0)


def figures(of_blocks: np.ndarray) -> dict[str, Figure]:
    """Every figure as sufficient statistics of the blocks; the coverage in percent."""

    def ratio(place: int, factor: float) -> Any:
        return lambda sums: factor * sums[place] / max(sums[-1], 1)

    return {
        key: Figure(of_blocks, ratio(place, 100.0 if key == "coverage" else 1.0))
        for key, place in FIGURES.items()
    }


def records(of_blocks: np.ndarray) -> list[dict[str, float]]:
    """The blocks as JSON, for comparing two models later."""
    return [dict(zip(SUMS, map(float, row), strict=True)) for row in of_blocks.round(4).tolist()]


def against(
    mine: Sequence[Mapping[str, float]], others: Sequence[Mapping[str, float]], key: str
) -> dict[str, float] | None:
    """The difference of a figure between two models on the same blocks, with its interval.

    Paired: both are resampled alike (block bootstrap).

    Returns:
        value, low and high; None where the blocks are not the same ones.
    """
    a, b = (np.array([[row[name] for name in SUMS] for row in one]) for one in (mine, others))
    if a.shape != b.shape or not len(a) or not np.allclose(a[:, -1], b[:, -1]):
        return None
    place, factor = FIGURES[key], 100.0 if key == "coverage" else 1.0
    both = np.concatenate([a[:, [place]], b[:, [place]], a[:, -1:]], axis=1)  # (M, 3)
    found = stats.bootstrap(
        both, lambda sums: factor * (sums[:, 0] - sums[:, 1]) / np.maximum(sums[:, 2], 1)
    )
    names = ("value", "low", "high")
    values = (float(found.value), float(found.low), float(found.high))
    return {name: round(value, 5) for name, value in zip(names, values, strict=True)}


def batches(count: int, size: int = 256) -> Iterator[slice]:
    """Parts of `count` windows that are scored at a time."""
    return (slice(i, min(i + size, count)) for i in range(0, count, size))
