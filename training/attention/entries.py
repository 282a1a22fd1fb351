"""Figures with their intervals as `attention.json` holds them: plain lists and short numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.stats import Interval, bootstrap

DIGITS = 5


def plain(values: Any) -> Any:
    """Arrays as nested lists of numbers with few digits, None for what is not a number."""
    if isinstance(values, list):
        return [plain(one) for one in values]
    if isinstance(values, np.ndarray):
        return plain(values.tolist())
    return round(float(values), DIGITS) if np.isfinite(values) else None


def entry(interval: Interval) -> dict[str, Any]:
    """{"value", "low", "high"}, each a number or nested lists, as the interval's arrays are."""
    return {part: plain(getattr(interval, part)) for part in ("value", "low", "high")}


def difference(
    one: np.ndarray,
    other: np.ndarray,
    reduce: Callable[[np.ndarray], np.ndarray],
    *,
    resamples: int,
    seed: int = 0,
) -> dict[str, Any]:
    """The figure of one less that of the other, both on the same resamples of the same examples.

    A paired interval: what makes an example hard for both does not widen it.

    Args:
        one, other: (N, K) statistics.
        reduce: (..., K) sums -> (...) figures.
    """

    def apart(sums: np.ndarray) -> np.ndarray:
        return reduce(sums[..., 0, :]) - reduce(sums[..., 1, :])

    both = np.stack([one, other], axis=-2)
    return entry(bootstrap(both, apart, resamples=resamples, seed=seed))


def figure(
    overall: Mapping[str, Any],
    per_head: Mapping[str, Any],
    differences: Sequence[Mapping[str, Any]] = (),
    **rest: Any,
) -> dict[str, Any]:
    """One figure of the file: of the model as a whole, of each head by kind, and what differs."""
    return {
        "overall": dict(overall),
        "per_head": dict(per_head),
        "differences": [dict(one) for one in differences],
        **rest,
    }
