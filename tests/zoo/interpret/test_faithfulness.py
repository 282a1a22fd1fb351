"""Faithfulness: erasure by hand on made-up probabilities, and on networks against interventions."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from zoo.interpret import Intervention, faithfulness, intervene
from zoo.interpret.faithfulness import Faithfulness

SEEN, UNSEEN = -0.1, -3.0
DROP = np.exp(SEEN) - np.exp(UNSEEN)


def only_the_third_matters(hidden: np.ndarray) -> np.ndarray:
    """One written word of four read ones, likely while the third is seen; a second never moves."""
    own = np.where(hidden[:, 2], UNSEEN, SEEN)
    return np.stack([own, np.full(len(hidden), -0.5)], axis=1)


def rationale(*weights: float) -> np.ndarray:
    return np.broadcast_to(np.array(weights), (2, 4))


def test_bins_are_rounded_up_to_words():
    assert faithfulness.sizes(7) == [1, 1, 1, 2, 4]
    assert faithfulness.sizes(1) == [1, 1, 1, 1, 1]
    assert faithfulness.sizes(100) == [1, 5, 10, 20, 50]
    assert faithfulness.sizes(30) == [1, 2, 3, 6, 15]


def test_a_map_that_points_at_what_matters_beats_one_that_points_elsewhere():
    found = faithfulness.erase(
        only_the_third_matters,
        {
            "right": rationale(0.1, 0.1, 0.7, 0.1),
            "wrong": rationale(0.5, 0.3, 0.0, 0.2),
            "late": rationale(0.6, 0.0, 0.4, 0.0),
        },
    )
    # of four words the bins name 1, 1, 1, 1 and 2
    needed, enough = found["comprehensiveness"], found["sufficiency"]
    assert needed["right"] == pytest.approx([DROP, 0])
    assert enough["right"] == pytest.approx([0, 0])
    assert needed["wrong"] == pytest.approx([0, 0])
    assert enough["wrong"] == pytest.approx([DROP, 0])
    # the third is among its two words, not its one
    assert needed["late"] == pytest.approx([DROP / 5, 0])
    assert enough["late"] == pytest.approx([4 * DROP / 5, 0])
    assert found["comprehensiveness_nats"]["right"] == pytest.approx([SEEN - UNSEEN, 0])
    assert found["sufficiency_nats"]["late"] == pytest.approx([4 * (SEEN - UNSEEN) / 5, 0])


def test_each_altered_source_is_scored_once_and_heads_keep_their_axes():
    asked = []

    def score(hidden: np.ndarray) -> np.ndarray:
        asked.append(hidden)
        return only_the_third_matters(hidden)

    heads = np.random.default_rng(0).random((3, 2, 2, 4))
    found = faithfulness.erase(score, {"heads": heads, "mean": heads.mean(axis=(0, 1))})
    rows = np.concatenate(asked)
    assert len(np.unique(rows, axis=0)) == len(rows) <= 1 + 4 + 6 + 4 + 6
    assert found["sufficiency"]["heads"].shape == (3, 2, 2)
    alone = faithfulness.erase(score, {"one": heads[2, 1]})
    for figure in alone:
        np.testing.assert_allclose(found[figure]["heads"][2, 1], alone[figure]["one"])


def test_tau_b_is_kendalls():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 4, (2, 5, 7)), rng.integers(0, 4, (5, 7))
    found = faithfulness.kendall(one, other)
    assert found.shape == (2, 5)
    expected = [
        [stats.kendalltau(a, b).statistic for a, b in zip(x, other, strict=True)] for x in one
    ]
    np.testing.assert_allclose(found, expected)
    assert np.isnan(faithfulness.kendall(np.ones(3), np.arange(3)))
    assert faithfulness.kendall(np.arange(3), -np.arange(3)) == -1


@pytest.fixture(scope="module")
def loaded(folder):
    return zoo.load(folder)


@pytest.fixture(scope="module")
def prediction(loaded):
    return loaded.predict("Tom sees", target=["Tomás ve"])[0]


@pytest.mark.parametrize("how", faithfulness.HOW)
def test_words_are_hidden_as_an_intervention_hides_them(loaded, prediction, how, monkeypatch):
    monkeypatch.setattr(faithfulness, "ROWS", 4)
    words = prediction.words()
    sides = [
        faithfulness.spans(p, "word") for p in (prediction.source_pieces, prediction.target_pieces)
    ]
    many = len(sides[0])
    score = faithfulness.scorer(loaded, prediction, sides, how)
    hidden = np.concatenate([np.zeros((1, many), bool), np.eye(many, dtype=bool)])
    found = score(hidden)
    assert found.shape == (1 + many, len(sides[1])) and len(sides[1]) == len(words.target) - 1
    np.testing.assert_allclose(found[0], words.log_probs[:-1], atol=1e-4)
    for word in (0, many - 1):
        outcome = intervene(loaded, prediction, Intervention(mask=(word,), how=how))
        expected = outcome.forced.words().log_probs[:-1]
        np.testing.assert_allclose(found[1 + word], expected, atol=1e-4)
    # with nothing left to read, all is unknown
    everything = score(np.ones((1, many), bool))
    unknown = faithfulness.scorer(loaded, prediction, sides)(np.ones((1, many), bool))
    np.testing.assert_allclose(everything, unknown, atol=1e-5)


def test_every_head_is_measured_beside_saliency_occlusion_and_chance(loaded, prediction):
    found = faithfulness.measure(loaded, prediction)
    assert (found.source, found.target) == (["Tom", "sees"], ["Tomás", "ve"])
    many = len(found.target)
    for figure, rationales in found.figures.items():
        assert rationales["heads"].shape == (*loaded.attention_heads["cross"], many)
        shapes = {name: v.shape for name, v in rationales.items() if name != "heads"}
        assert set(shapes.values()) == {(many,)}
        assert ("random" in shapes) == ("occlusion" in shapes) == (figure != "correlation")
    again = faithfulness.measure(loaded, prediction)
    np.testing.assert_array_equal(
        found.figures["sufficiency"]["random"], again.figures["sufficiency"]["random"]
    )


def test_without_attention_the_rationale_is_saliency(character_folder):
    loaded = zoo.load(character_folder)
    prediction = loaded.predict("Tom se", target=["Tomás"])[0]
    found = faithfulness.measure(loaded, prediction, unit="piece")
    assert len(found.source) == len(prediction.source_pieces) - 1
    assert set(found.figures["comprehensiveness"]) == {"gradient", "occlusion", "random"}
    assert set(found.figures["correlation"]) == {"gradient"}
    assert faithfulness.measure(loaded, loaded.predict("")[0]) is None
    with pytest.raises(ValueError, match="unit='line'"):
        faithfulness.measure(loaded, prediction, unit="line")
    with pytest.raises(ValueError, match="how='gone'"):
        faithfulness.measure(loaded, prediction, how="gone")


def test_a_corpus_counts_words_and_leaves_out_what_says_nothing():
    def one(*values: float) -> Faithfulness:
        row = {"attention": np.array(values), "heads": np.array([[values]])}
        return Faithfulness([], [], dict.fromkeys(faithfulness.FIGURES, row))

    found = faithfulness.over_corpus([one(1.0, 0.0, 0.0), one(1.0, np.nan)], resamples=200)
    interval = found["correlation"]["attention"]
    assert interval.value == pytest.approx(2 / 4)  # not the mean of 1/3 and 1
    assert (interval.low, interval.high) == pytest.approx((1 / 3, 1.0))
    assert found["sufficiency"]["heads"].value.shape == (1, 1)
    with pytest.raises(ValueError, match="at least one answer"):
        faithfulness.over_corpus([])
