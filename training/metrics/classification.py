"""Figures of classifiers as sufficient statistics, so that intervals take little time.

Calibration is by `BINS` bins of equal width of the likeliest class's probability (Guo et al. 2017).
"""

from __future__ import annotations

import base64

import numpy as np

from training.metrics.text import Figure, ratio
from zoo import stats

BINS = 15
"""Of the probability of the likeliest class."""
LEAST = -30.0
"""Log-probabilities below this count as this: one impossible example is not the whole figure."""


def figures(log_probs: np.ndarray, labels: np.ndarray) -> dict[str, Figure]:
    """Every figure over N examples.

    Args:
        log_probs: (N, C) natural log-probability of each class.
        labels: (N,) numbers of the true classes.

    Example:
        >>> found = figures(np.log([[0.75, 0.25], [0.75, 0.25]]), np.array([0, 1]))
        >>> found["accuracy"].value, found["ece"].value
        (50.0, 25.0)
    """
    count, classes = log_probs.shape
    said, row = log_probs.argmax(axis=1), np.arange(count)
    right = (said == labels).astype("float64")
    one = np.eye(classes)
    both = np.concatenate([one[labels] * right[:, None], one[said], one[labels]], axis=1)
    loss = -np.maximum(log_probs[row, labels].astype("float64"), LEAST)
    ones = np.ones(count)
    confidence = np.exp(log_probs[row, said].astype("float64"))
    in_bin = np.eye(BINS)[bins(confidence)]
    calibration = np.concatenate([in_bin * (confidence - right)[:, None], ones[:, None]], axis=1)
    return {
        "accuracy": Figure(np.stack([right, ones], axis=1), ratio),
        "macro_f1": Figure(both, macro_f1),
        "log_loss": Figure(np.stack([loss, ones], axis=1), lambda sums: sums[0] / max(sums[1], 1)),
        "ece": Figure(calibration, ece),
    }


def bins(confidence: np.ndarray) -> np.ndarray:
    """(N,) the bin of each probability, from 0 on; 1.0 is in the last one."""
    return np.minimum((confidence * BINS).astype(int), BINS - 1)


def macro_f1(sums: np.ndarray) -> float:
    """Percent, from how often each class was right, was said and was true, end to end: (3 C,).

    Classes that were neither said nor true do not count.
    """
    right, said, true = np.split(sums, 3)
    seen = said + true
    return 100.0 * float(np.mean(2 * right[seen > 0] / seen[seen > 0])) if seen.any() else 0.0


def ece(sums: np.ndarray) -> float:
    """Percent, from confidence minus correctness summed in each bin, and the count: (BINS + 1,)."""
    return 100.0 * float(np.abs(sums[:-1]).sum() / sums[-1]) if sums[-1] else 0.0


def reliability(log_probs: np.ndarray, labels: np.ndarray) -> list[dict[str, float]]:
    """For each bin that is not empty its edges, count, mean confidence and accuracy, in percent."""
    said = log_probs.argmax(axis=1)
    confidence = np.exp(log_probs[np.arange(len(said)), said].astype("float64"))
    found, in_bin = [], bins(confidence)
    for number in range(BINS):
        chosen = in_bin == number
        if chosen.any():
            found.append(
                {
                    "from": round(100 * number / BINS, 1),
                    "to": round(100 * (number + 1) / BINS, 1),
                    "count": int(chosen.sum()),
                    "confidence": round(100 * float(confidence[chosen].mean()), 2),
                    "accuracy": round(100 * float((said == labels)[chosen].mean()), 2),
                }
            )
    return found


def confusion(log_probs: np.ndarray, labels: np.ndarray) -> list[list[int]]:
    """Counts (C, C): a row for each true class, a column for each class that was said."""
    classes = log_probs.shape[1]
    flat = labels * classes + log_probs.argmax(axis=1)
    return np.bincount(flat, minlength=classes**2).reshape(classes, classes).tolist()


def packed(right: np.ndarray) -> str:
    """(N,) bool, which examples were right, in base64: a card has it for the whole test side.

    Without slashes, or a card would take it for a path of this machine.

    Example:
        >>> packed(np.array([True, False, True])), unpacked("oA==", 3).tolist()
        ('oA==', [True, False, True])
    """
    return base64.urlsafe_b64encode(np.packbits(right).tobytes()).decode()


def unpacked(text: str, count: int) -> np.ndarray:
    """What was `packed`, (count,) bool. Raises ValueError: it has another length, or is damaged."""
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text, b"-_", validate=True), "u1"))
    if not count <= len(bits) < count + 8:
        raise ValueError(f"there must be a bit for each of {count} examples. Received: {len(bits)}")
    return bits[:count].astype(bool)


def difference(
    ours: np.ndarray, others: np.ndarray, resamples: int = stats.RESAMPLES
) -> stats.Interval:
    """How much more accurate one model is than another on the same examples, in percent points.

    Paired bootstrap (Koehn 2004): both models see the same resamples.

    Args:
        ours, others: (N,) bool, which examples each had right.
        resamples: how many.

    Raises:
        ValueError: other numbers of examples.
    """
    if ours.shape != others.shape:
        raise ValueError(
            "both models must have been asked the same examples. "
            f"Received: {len(ours)} and {len(others)}"
        )
    right = np.stack([ours, others, np.ones(len(ours))], axis=1).astype("float64")
    return stats.bootstrap(
        right, lambda sums: 100.0 * (sums[:, 0] - sums[:, 1]) / sums[:, 2], resamples=resamples
    )
