"""Windows of series, past and future: the batches of forecasters, as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SeriesBatch:
    """One step's input; B windows.

    Args:
        history: (B, L, C) float32 z-scores: what is read.
        target_out: (B, H, C) float32: what follows.
        weights: (B, H, C) float32, 1 / values at real ones: losses sum up to the mean per value.
        tokens: how many values are to be forecast.
    """

    history: np.ndarray
    target_out: np.ndarray
    weights: np.ndarray
    tokens: int

    @property
    def inputs(self) -> np.ndarray:
        """What the network is called with."""
        return self.history


class SeriesWindows:
    """All windows of a part of some series, in an order drawn anew in every epoch.

    Every batch has one shape: the last one of an epoch is filled up with rows of no weight.

    Args:
        values: (N, C) float32 z-scores; of the training part alone.
        lookback: L, steps read.
        horizon: H, steps forecast.
        rows: B.
        seed: of the order.
        stride: steps from one window to the next.

    Raises:
        ValueError: there is not one window.

    Example:
        >>> windows = SeriesWindows(np.zeros((9, 2), "float32"), lookback=4, horizon=2, rows=3)
        >>> len(windows), windows.count(), next(windows.epoch(0)).target_out.shape
        (4, 2, (3, 2, 2))
    """

    def __init__(
        self,
        values: np.ndarray,
        lookback: int,
        horizon: int,
        rows: int,
        seed: int = 0,
        stride: int = 1,
    ):
        if len(values) < lookback + horizon:
            raise ValueError(
                f"the training part has {len(values):,} steps, and a window needs "
                f"{lookback + horizon:,}: give more rows, or a shorter --lookback or --horizon"
            )
        self.values, self.lookback, self.horizon = values.astype("float32"), lookback, horizon
        self.rows, self.seed = rows, seed
        self.begins = np.arange(0, len(values) - lookback - horizon + 1, stride)

    def __len__(self) -> int:
        """How many windows there are."""
        return len(self.begins)

    def count(self, epoch: int = 0) -> int:
        """How many batches an epoch has."""
        return -(-len(self.begins) // self.rows)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[SeriesBatch]:
        """The batches of `epoch`, from number `start` on."""
        order = np.random.default_rng((self.seed, epoch)).permutation(self.begins)
        for at in range(start * self.rows, len(order), self.rows):
            chosen = order[at : at + self.rows]
            filled = np.concatenate([chosen, np.full(self.rows - len(chosen), chosen[0])])
            history, future = cut(self.values, filled, self.lookback, self.horizon)
            count = len(chosen) * future[0].size
            weights = np.zeros(future.shape, "float32")
            weights[: len(chosen)] = 1.0 / count
            yield SeriesBatch(history, future, weights, count)


def cut(
    values: np.ndarray, begins: np.ndarray, lookback: int, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Histories (B, L, C) and futures (B, H, C) of the windows that begin at `begins` (B,)."""
    both = values[begins[:, None] + np.arange(lookback + horizon)]  # (B, L + H, C)
    return both[:, :lookback], both[:, lookback:]
