"""Aggregated maps are still maps: rows sum to one, and what they say is worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.interpret import attention_maps


def maps(*shape: int, seed: int = 0) -> np.ndarray:
    """Random maps in float32, as a model gives them."""
    rows = np.random.default_rng(seed).dirichlet(np.full(shape[-1], 0.3), size=shape[:-1])
    return rows.astype("float32")


def assert_rows_sum_to_one(found: np.ndarray) -> None:
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, atol=1e-5)
    assert (found >= 0).all()


@pytest.mark.parametrize("over", ["heads", "layers", "both"])
@pytest.mark.parametrize("combine", [attention_maps.mean, attention_maps.maximum])
def test_mean_and_maximum_keep_four_axes_and_rows_that_sum_to_one(combine, over):
    found = combine(maps(3, 4, 5, 6), over)
    assert found.shape == {"heads": (3, 1), "layers": (1, 4), "both": (1, 1)}[over] + (5, 6)
    assert found.dtype == np.float32
    assert_rows_sum_to_one(found)


def test_mean_and_maximum_by_hand():
    two = np.array([[[[0.8, 0.2]], [[0.2, 0.8]]], [[[0.4, 0.6]], [[0.6, 0.4]]]])
    np.testing.assert_allclose(
        attention_maps.mean(two, "layers")[0, :, 0], [[0.6, 0.4], [0.4, 0.6]]
    )
    # the largest of each column, [.8 .6] over layers for the first head, scaled by 1.4
    np.testing.assert_allclose(attention_maps.maximum(two, "layers")[0, 0, 0], [4 / 7, 3 / 7])
    np.testing.assert_allclose(attention_maps.maximum(two, "heads")[1, 0, 0], [0.5, 0.5])


def test_rollout_of_identity_is_identity():
    identity = np.broadcast_to(np.eye(5, dtype="float32"), (4, 2, 5, 5))
    np.testing.assert_array_equal(attention_maps.rollout(identity)[:, 0], identity[:, 0])


def test_rollout_by_hand():
    # layer 1 copies the first word everywhere, layer 2 swaps; halved with the identity these are
    # [[1 0] [.5 .5]] and [[.5 .5] [.5 .5]], and the upper is multiplied onto the lower
    first, second = [[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]
    found = attention_maps.rollout(np.array([[first], [second]]))
    np.testing.assert_allclose(found[0, 0], [[1.0, 0.0], [0.5, 0.5]])
    np.testing.assert_allclose(found[1, 0], [[0.75, 0.25], [0.75, 0.25]])
    # without the residual connection the swap of two equal rows is no change
    np.testing.assert_allclose(
        attention_maps.rollout(np.array([[first], [second]]), 0.0)[1, 0], first
    )


def test_rollout_averages_heads_and_keeps_rows_and_causality():
    random = maps(6, 8, 7, 7)
    found = attention_maps.rollout(random)
    assert found.shape == (6, 1, 7, 7)
    assert_rows_sum_to_one(found)
    np.testing.assert_allclose(
        found, attention_maps.rollout(attention_maps.mean(random)), atol=1e-6
    )
    causal = attention_maps.normalise(np.tril(random))
    assert not np.triu(attention_maps.rollout(causal), 1).any()


def test_cross_rollout_goes_from_written_words_to_the_words_as_read():
    cross, encoder = maps(2, 3, 4, 5), maps(6, 8, 5, 5, seed=1)
    found = attention_maps.cross_rollout(cross, encoder)
    assert found.shape == cross.shape
    assert_rows_sum_to_one(found)
    whole = attention_maps.rollout(encoder)[-1, 0]
    np.testing.assert_allclose(found[1, 2, 3], cross[1, 2, 3] @ whole, atol=1e-6)
    straight = np.broadcast_to(np.eye(5, dtype="float32"), (6, 1, 5, 5))
    np.testing.assert_allclose(attention_maps.cross_rollout(cross, straight), cross, atol=1e-6)


def test_hiding_scales_what_is_left_and_says_so():
    cross = np.array([[[[0.2, 0.1, 0.1, 0.6], [0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]]])
    shown = attention_maps.hide(
        {"cross": cross}, ["▁a", "▁b", ".", "</s>"], ["▁x", "▁y", "</s>"], punctuation=True
    )
    assert (shown.source, shown.target) == (["▁a", "▁b"], ["▁x", "▁y"])
    np.testing.assert_allclose(shown.attention["cross"][0, 0], [[2 / 3, 1 / 3], [0.5, 0.5]])
    np.testing.assert_allclose(shown.hidden["cross"][0, 0], [0.7, 0.0])
    assert shown.note == (
        "Hidden words held 35 % of the weight; what is left was scaled to sum to 1."
    )


def test_a_row_that_gave_everything_to_hidden_words_stays_zero():
    cross = np.array([[[[0.0, 1.0], [0.25, 0.75]]]], "float32")
    shown = attention_maps.hide({"cross": cross}, ["a", "</s>"], ["x", "y"])
    np.testing.assert_array_equal(shown.attention["cross"][0, 0], [[0.0], [1.0]])
    assert shown.attention["cross"].dtype == np.float32


def test_hiding_every_kind_keeps_rows_and_the_given_maps():
    attention = {
        "cross": maps(2, 2, 3, 4),
        "encoder": maps(2, 2, 4, 4),
        "decoder": maps(1, 2, 3, 3),
    }
    before = {kind: array.copy() for kind, array in attention.items()}
    source, target = ["Hi", ",", "you", "</s>"], ["¡", "Hola", "</s>"]
    for punctuation, sizes in ((False, (3, 2)), (True, (2, 1))):
        shown = attention_maps.hide(attention, source, target, punctuation=punctuation)
        assert (len(shown.source), len(shown.target)) == sizes
        for kind, array in shown.attention.items():
            assert_rows_sum_to_one(array)
            assert shown.hidden[kind].shape == array.shape[:-1]
    assert all((attention[kind] == before[kind]).all() for kind in before)
    nothing = attention_maps.hide(attention, source, target, end=False)
    assert (nothing.note, nothing.source) == ("", source)
    np.testing.assert_allclose(nothing.attention["cross"], attention["cross"], atol=1e-6)


def test_punctuation_is_what_has_nothing_else():
    for word in (",", "▁¿", "...", "—", "。", "«", "▁'"):
        assert attention_maps.is_punctuation(word), word
    for word in ("▁", "", "it's", "</s>", "$", "1,000", "+", "▁a", "<unk>"):
        assert not attention_maps.is_punctuation(word), word


def test_nothing_written_is_nothing_shown():
    shown = attention_maps.hide(
        {"cross": np.zeros((2, 2, 0, 3), "float32")}, ["a", "b", "</s>"], []
    )
    assert shown.attention["cross"].shape == (2, 2, 0, 2)
    assert shown.note == ""


def test_errors_say_what_was_given():
    with pytest.raises(ValueError, match=r"heads, both\. Received: over='rows'"):
        attention_maps.mean(maps(1, 1, 2, 2), "rows")
    with pytest.raises(ValueError, match=r"\(L, H, T, S\).*Received: \(2, 2\)"):
        attention_maps.maximum(np.eye(2))
    with pytest.raises(ValueError, match=r"self-attention.*Received: \(1, 1, 2, 3\)"):
        attention_maps.rollout(maps(1, 1, 2, 3))
    with pytest.raises(ValueError, match=r"residual=1\.5"):
        attention_maps.rollout(maps(1, 1, 2, 2), 1.5)
    with pytest.raises(ValueError, match="same words"):
        attention_maps.cross_rollout(maps(1, 1, 2, 3), maps(1, 1, 4, 4))
    with pytest.raises(ValueError, match=r"3 rows and 2 columns.*\(1, 1, 2, 2\)"):
        attention_maps.hide({"cross": maps(1, 1, 2, 2)}, ["a", "b"], ["x", "y", "z"])
    with pytest.raises(ValueError, match="Received: 'self'"):
        attention_maps.hide({"self": maps(1, 1, 2, 2)}, ["a", "b"], ["x", "y"])
