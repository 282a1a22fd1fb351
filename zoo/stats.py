"""How sure a corpus figure is: bootstrap intervals over examples, many figures at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1_000


@dataclass(frozen=True)
class Interval:
    """A figure with its percentile interval: three arrays of one shape, such as (L, H).

    Example:
        >>> found = bootstrap(np.ones((20, 1)), lambda sums: sums[:, 0] / 20)
        >>> float(found.low), float(found.value), float(found.high)
        (1.0, 1.0, 1.0)
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def bootstrap(
    statistics: np.ndarray,
    reduce: Callable[[np.ndarray], np.ndarray],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    confidence: float = 0.95,
) -> Interval:
    """The percentile interval of figures when the N examples are drawn anew with replacement.

    Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation". All figures
    see the same resamples, and so do two calls with one seed over as many examples.

    Args:
        statistics: (N, ..., K), each example's share of the sums a figure is made of.
        reduce: sums (R, ..., K) -> figures (R, ...), for R resamples at once.
        resamples: how many.
        seed: of the drawing.
        confidence: of the interval.

    Raises:
        ValueError: there are no examples.
    """
    examples = len(statistics)
    if not examples:
        raise ValueError(f"An interval needs examples. Received: shape={statistics.shape}")
    rows = np.asarray(statistics, "float64").reshape(examples, -1)
    shape = statistics.shape[1:]
    value = reduce(rows.sum(axis=0).reshape(1, *shape))[0]
    rng = np.random.default_rng(seed)
    chance = np.full(examples, 1.0 / examples)
    found = []
    for start in range(0, resamples, 100):  # 100 rows of counts at a time: N can be large
        counts = rng.multinomial(examples, chance, size=min(100, resamples - start))
        found.append(reduce((counts.astype("float64") @ rows).reshape(-1, *shape)))
    tail = 50.0 * (1.0 - confidence)
    low, high = np.percentile(np.concatenate(found), [tail, 100.0 - tail], axis=0)
    return Interval(np.asarray(value), np.asarray(low), np.asarray(high))


def ratio(sums: np.ndarray) -> np.ndarray:
    """(..., 2) sums -> the first over the second; NaN where that is 0."""
    above, below = sums[..., 0], sums[..., 1]
    return np.divide(above, below, out=np.full(below.shape, np.nan), where=below != 0)
