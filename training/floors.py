"""Weights that are computed and not trained: the floors of classification.

Axes: N examples, V features, C classes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

MEMORY = 10
"""Steps that the search remembers."""
HALVINGS = 30
"""Of a step that is too long, before the search ends."""


def naive_bayes(
    rows: Sequence[np.ndarray],
    labels: np.ndarray,
    classes: int,
    features: int,
    strength: float = 1.0,
    steps: int = 100,
) -> tuple[np.ndarray, np.ndarray]:
    """A logistic regression on features scaled by naive Bayes, as scores of a linear layer.

    Wang and Manning 2012, equations 1 to 4: `r[v, c] = log(p[v, c] / q[v, c])` compares how often
    texts of class c and of the others have feature v, one added to each count; a regression is
    then fitted to `x * r` with the penalty `|w|^2 / 2` beside `strength` times the summed loss.

    Args:
        rows: for each example the features it has, each once; 0 is none.
        labels: (N,) numbers of classes.
        classes: C.
        features: V.
        strength: of the examples against the penalty.
        steps: of the search at most.

    Returns:
        table (V, C - 1) and bias (C - 1,) float64: scores relative to those of the first class.

    Example:
        >>> rows = [np.array([1, 2]), np.array([1, 3])] * 9
        >>> table, _ = naive_bayes(rows, np.array([0, 1] * 9), classes=2, features=4)
        >>> [round(float(score), 1) for score in np.sign(table[:, 0])]
        [0.0, 0.0, -1.0, 1.0]
    """
    flat = np.concatenate(rows).astype("int64")
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    flat, owner = flat[flat > 0], owner[flat > 0]
    true = np.eye(classes)[labels]  # (N, C)

    def spread(values: np.ndarray) -> np.ndarray:
        """(N, C) of each example -> (V, C) summed over the examples that have a feature."""
        columns = [np.bincount(flat, values[owner, c], features) for c in range(classes)]
        return np.stack(columns, axis=1)

    def gathered(table: np.ndarray) -> np.ndarray:
        """(V, C) of each feature -> (N, C) summed over the features of an example."""
        columns = [np.bincount(owner, table[flat, c], len(rows)) for c in range(classes)]
        return np.stack(columns, axis=1)

    have = spread(true)  # (V, C): texts of a class that have a feature
    p = (1.0 + have) / (1.0 + have).sum(axis=0)
    others = have.sum(axis=1, keepdims=True) - have
    q = (1.0 + others) / (1.0 + others).sum(axis=0)
    scale = np.log(p / q)
    scale[have.sum(axis=1) == 0] = 0.0  # seen in no text

    def loss(given: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = given[:-1], given[-1]  # (V, C), (C,)
        scores = gathered(scale * weights) + bias
        scores -= scores.max(axis=1, keepdims=True)
        mass = np.exp(scores)
        total = mass.sum(axis=1, keepdims=True)
        value = strength * float((np.log(total[:, 0]) - (scores * true).sum(axis=1)).sum())
        wrong = strength * (mass / total - true)  # (N, C)
        gradient = np.concatenate([scale * spread(wrong) + weights, wrong.sum(axis=0)[None]])
        return value + 0.5 * float((weights**2).sum()), gradient

    best = smallest(loss, np.zeros((features + 1, classes)), steps)
    table = scale * best[:-1]
    return table[:, 1:] - table[:, :1], best[-1, 1:] - best[-1, :1]


def smallest(
    function: Callable[[np.ndarray], tuple[float, np.ndarray]],
    start: np.ndarray,
    steps: int = 100,
    enough: float = 1e-5,
) -> np.ndarray:
    """Where a smooth convex function is smallest: L-BFGS (Liu and Nocedal 1989), step halved.

    Args:
        function: gives value and gradient at a place.
        start: where to begin.
        steps: at most.
        enough: the search ends where a step makes less of the value better than this share.

    Example:
        >>> smallest(lambda x: (float(((x - 3) ** 2).sum()), 2 * (x - 3)), np.zeros(2)).round(3)
        array([3., 3.])
    """
    x = start
    value, gradient = function(x)
    past: deque[tuple[np.ndarray, np.ndarray, float]] = deque(maxlen=MEMORY)
    for step in range(steps):
        direction = -_scaled(gradient, past)
        slope = float((gradient * direction).sum())
        if slope >= 0:
            break
        size = 1.0 if step else 1.0 / max(float(np.sqrt((gradient**2).sum())), 1.0)
        for _ in range(HALVINGS):
            there = x + size * direction
            found, new = function(there)
            if found <= value + 1e-4 * size * slope:
                break
            size *= 0.5
        else:
            break
        moved, turned = there - x, new - gradient
        along = float((moved * turned).sum())
        if along > 0:
            past.append((moved, turned, along))
        gain = value - found
        x, value, gradient = there, found, new
        if gain <= enough * max(abs(value), 1e-12):
            break
    return x


def _scaled(gradient: np.ndarray, past: deque) -> np.ndarray:
    """The gradient times an estimate of the inverse second derivatives; the two loops."""
    q, shares = gradient.copy(), []
    for moved, turned, along in reversed(past):
        share = float((moved * q).sum()) / along
        shares.append(share)
        q -= share * turned
    if past:
        _, turned, along = past[-1]
        q *= along / float((turned**2).sum())
    for (moved, turned, along), share in zip(past, reversed(shares), strict=True):
        q += (share - float((turned * q).sum()) / along) * moved
    return q
