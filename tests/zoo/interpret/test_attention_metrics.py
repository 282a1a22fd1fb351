"""What the scores of maps say at their ends, in between by hand, and over a corpus."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.interpret import attention_metrics

IDENTITY = np.eye(4)[None, None]
BACKWARDS = IDENTITY[..., ::-1]
UNIFORM = np.full((1, 1, 4, 4), 0.25)
ALWAYS_FIRST = np.broadcast_to(np.eye(4)[0], (1, 1, 4, 4))


@pytest.mark.parametrize(
    ("name", "identity", "backwards", "uniform", "always_first"),
    [
        ("entropy", 0.0, 0.0, 2.0, 0.0),
        ("normalised_entropy", 0.0, 0.0, 1.0, 0.0),
        ("coverage", 1.0, 1.0, 1.0, 0.25),
        ("monotonicity", 1.0, -1.0, 0.0, 0.0),
        # distances to the diagonal: 3 1 1 3 quarters; of all pairs 1.25 quarters; 0 1 2 3 quarters
        ("diagonality", 1.0, 0.5, 0.6875, 0.625),
    ],
)
def test_by_hand(name, identity, backwards, uniform, always_first):
    score = attention_metrics.SCORES[name]
    found = [score(m).item() for m in (IDENTITY, BACKWARDS, UNIFORM, ALWAYS_FIRST)]
    np.testing.assert_allclose(found, [identity, backwards, uniform, always_first], atol=1e-12)


def test_entropy_is_the_mean_over_rows_in_bits():
    rows = np.array([[[[0.5, 0.25, 0.25, 0.0], [1.0, 0.0, 0.0, 0.0]]]], "float32")
    assert attention_metrics.entropy(rows).item() == pytest.approx(0.75)  # 1.5 and 0 bits
    assert attention_metrics.normalised_entropy(rows).item() == pytest.approx(0.375)


def test_coverage_counts_a_word_once_however_often_it_is_looked_at():
    rows = np.array([[[[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]]])
    assert attention_metrics.coverage(rows).item() == pytest.approx((1.0 + 0.5 + 0.0) / 3)


def test_monotonicity_is_kendalls_tau_of_the_columns_drawn():
    order = [2, 0, 1, 3]  # rows 0-1 and 0-2 go back, the other four pairs go on
    assert attention_metrics.monotonicity(np.eye(4)[order][None, None]).item() == pytest.approx(
        2 / 6
    )
    # right of column 0 with chance 1/2, else the same one
    half = np.array([[[[1.0, 0.0], [0.5, 0.5]]]])
    assert attention_metrics.monotonicity(half).item() == pytest.approx(0.5)
    stats = pytest.importorskip("scipy.stats")
    order = np.random.default_rng(0).permutation(9)
    expected = stats.kendalltau(np.arange(9), order).statistic
    assert attention_metrics.monotonicity(np.eye(9)[order][None, None]).item() == pytest.approx(
        expected
    )


def test_each_map_is_scored_by_itself_and_within_its_range():
    maps = np.random.default_rng(0).dirichlet(np.full(7, 0.3), size=(3, 4, 5)).astype("float32")
    ranges = {
        "entropy": (0, np.log2(7)),
        "normalised_entropy": (0, 1),
        "coverage": (1 / 7, 5 / 7),
        "monotonicity": (-1, 1),
        "diagonality": (0, 1),
    }
    for name, found in attention_metrics.scores(maps).items():
        low, high = ranges[name]
        assert found.shape == (3, 4)
        assert ((found >= low - 1e-6) & (found <= high + 1e-6)).all(), name
        alone = attention_metrics.SCORES[name](maps[1:2, 2:3])
        np.testing.assert_allclose(found[1, 2], alone.item(), rtol=1e-9)


def test_rows_with_nothing_left_are_left_out():
    some = np.concatenate([np.zeros((1, 1, 1, 4)), IDENTITY[:, :, [1, 0]]], axis=2)
    assert attention_metrics.entropy(some).item() == 0.0
    assert attention_metrics.monotonicity(some).item() == -1.0
    # rows 1 and 2 of three: centres 1/2 and 5/6, looked-at 3/8 and 1/8
    assert attention_metrics.diagonality(some).item() == pytest.approx(1 - (1 / 8 + 17 / 24) / 2)


def test_what_cannot_be_scored_is_nan():
    one = np.ones((1, 1, 1, 1))
    assert np.isnan(attention_metrics.monotonicity(one)).all()
    assert np.isnan(attention_metrics.normalised_entropy(one)).all()
    assert attention_metrics.entropy(one).item() == 0.0
    for shape in ((1, 2, 0, 3), (1, 2, 0, 0)):
        for name, found in attention_metrics.scores(np.zeros(shape)).items():
            assert found.shape == (1, 2), name
            assert np.isnan(found).all(), name


def test_over_a_corpus_sentences_count_alike_and_those_without_a_score_not_at_all():
    corpus = [IDENTITY, BACKWARDS, IDENTITY, np.ones((1, 1, 1, 1))]
    found = attention_metrics.over_corpus(corpus, resamples=200)
    tau = found["monotonicity"]
    assert tau.value.item() == pytest.approx(1 / 3)  # of three
    assert tau.low.item() < tau.value.item() < tau.high.item()
    assert found["coverage"].value.item() == found["coverage"].low.item() == 1.0
    again = attention_metrics.over_corpus(corpus, resamples=200)
    assert again["monotonicity"].low == tau.low
    with pytest.raises(ValueError, match="needs examples"):
        attention_metrics.over_corpus([])
