"""Weights in closed form: the search, and naive Bayes on a set whose answer is known."""

from __future__ import annotations

import numpy as np

from training import floors


def test_the_search_finds_the_smallest_of_a_badly_scaled_function():
    scales = np.array([1.0, 30.0, 900.0])
    goal = np.array([3.0, -2.0, 0.5])

    def function(x):
        return float((scales * (x - goal) ** 2).sum()), 2 * scales * (x - goal)

    np.testing.assert_allclose(
        floors.smallest(function, np.zeros(3), enough=1e-14), goal, atol=1e-5
    )


def test_naive_bayes_is_where_its_loss_has_no_slope():
    """The gradient of the penalised loss, by differences, is 0 in every direction."""
    random = np.random.default_rng(2)
    rows = [np.unique(random.integers(1, 9, 4)) for _ in range(40)]
    labels = np.array([int(3 in row) + int(5 in row) for row in rows])
    table, bias = floors.naive_bayes(rows, labels, 3, 9, strength=0.5, steps=500)
    assert table.shape == (9, 2) and (table[0] == 0).all()

    scores = np.array([np.r_[0.0, table[row].sum(0) + bias] for row in rows])
    assert (scores.argmax(1) == labels).mean() > 0.8
    # The biases carry no penalty: every class is said as often as it is there.
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(chances.sum(0), np.bincount(labels, minlength=3), atol=0.05)


def test_a_feature_that_is_never_seen_says_nothing():
    rows = [np.array([1, 2]), np.array([1, 3])] * 5
    table, _ = floors.naive_bayes(rows, np.array([0, 1] * 5), 2, 6)
    assert (table[[0, 4, 5]] == 0).all() and table[2] < 0 < table[3]
    assert abs(table[1]) < 1e-6  # in both alike
