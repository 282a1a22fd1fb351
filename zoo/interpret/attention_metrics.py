"""What an attention map looks like, in numbers: entropy, coverage, monotonicity, diagonality.

Every score takes maps (..., T, S), rows summing to 1 (rows of zeros, all hidden, are left out), and
gives one number a map, (...): (L, H, T, S) -> (L, H). NaN where a map has nothing to score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zoo.stats import RESAMPLES, Interval, bootstrap, ratio


def entropy(maps: np.ndarray) -> np.ndarray:
    """Mean over rows of -sum_s a log2 a: bits, 0 (one word looked at) to log2 S (all alike)."""
    return _over_rows(_row_entropy(maps), maps)


def normalised_entropy(maps: np.ndarray) -> np.ndarray:
    """Entropy over log2 S: 0 (one word looked at) to 1 (all alike), whatever the length; S > 1."""
    sources = maps.shape[-1]
    return entropy(maps) / (np.log2(sources) if sources > 1 else np.nan)


def coverage(maps: np.ndarray) -> np.ndarray:
    """Mean over read words of min(sum_t a, 1): 1/S (always the same one) to 1 (each looked at).

    The sum in the coverage penalty of Wu et al. 2016 (equation 14), without its logarithm; with
    fewer written words than read ones it is at most T/S.
    """
    if 0 in maps.shape[-2:]:
        return np.full(maps.shape[:-2], np.nan)
    return np.minimum(_exact(maps).sum(axis=-2), 1.0).mean(axis=-1)


def monotonicity(maps: np.ndarray) -> np.ndarray:
    """Kendall's tau-a of row and column: -1 (backwards) to 1 (each row further right), 0 constant.

    Over all pairs of rows t < t', the mean chance that a column drawn from row t' lies right of
    one drawn from row t, less the chance that it lies left.
    """
    exact = _exact(maps)
    filled = exact.sum(axis=-1) > 0
    up_to = np.cumsum(exact, axis=-1)
    below = up_to - exact
    above = up_to[..., -1:] - up_to
    later = np.einsum("...ts,...us->...tu", below - above, exact)  # t earlier, u later
    pairs = np.triu(np.ones(later.shape[-2:]), 1) * filled[..., :, None] * filled[..., None, :]
    sums = np.stack([(later * pairs).sum(axis=(-2, -1)), pairs.sum(axis=(-2, -1))], axis=-1)
    return ratio(sums)


def diagonality(maps: np.ndarray) -> np.ndarray:
    """1 - mean distance to the diagonal: near 0 (opposite corners) to 1; all alike gives about 2/3.

    The mean over rows of sum_s a |(s + 1/2) / S - (t + 1/2) / T|.
    """
    rows, columns = ((np.arange(size) + 0.5) / max(size, 1) for size in maps.shape[-2:])
    distance = np.abs(columns[None, :] - rows[:, None])
    return 1.0 - _over_rows((_exact(maps) * distance).sum(axis=-1), maps)


SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "entropy": entropy,
    "normalised_entropy": normalised_entropy,
    "coverage": coverage,
    "monotonicity": monotonicity,
    "diagonality": diagonality,
}
"""Every score by its name."""


def scores(maps: np.ndarray) -> dict[str, np.ndarray]:
    """Every score of each map: (L, H, T, S) -> name: (L, H)."""
    return {name: score(maps) for name, score in SCORES.items()}


def over_corpus(
    corpus: Sequence[np.ndarray], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """The mean of every score over sentences, with its 95 % bootstrap interval.

    Args:
        corpus: one set of maps (L, H, T, S) a sentence, L and H always the same. A sentence whose
            score is NaN does not count for it.
        resamples, seed: of `bootstrap`.

    Returns:
        name: `Interval` of arrays (L, H).

    Raises:
        ValueError: no sentence.
    """
    each = [scores(maps) for maps in corpus]
    means = {}
    for name in SCORES:
        values = np.stack([found[name] for found in each]) if each else np.zeros((0, 1))
        counted = np.stack([np.nan_to_num(values), ~np.isnan(values)], axis=-1)
        means[name] = bootstrap(counted, ratio, resamples=resamples, seed=seed)
    return means


def _exact(maps: np.ndarray) -> np.ndarray:
    return np.asarray(maps, "float64")


def _row_entropy(maps: np.ndarray) -> np.ndarray:
    exact = _exact(maps)
    logs = np.log2(exact, out=np.zeros_like(exact), where=exact > 0)
    return np.maximum(-(exact * logs).sum(axis=-1), 0.0)


def _over_rows(values: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """(..., T) -> (...): the mean over rows that are not all zero."""
    filled = maps.sum(axis=-1) > 0
    sums = [(values * filled).sum(axis=-1), filled.sum(axis=-1, dtype="float64")]
    return ratio(np.stack(sums, axis=-1))
