"""Position encodings against hand-computed values, and what they do to an encoder."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from tests.zoo import tiny_models
from zoo.layers.positions import Positions, sinusoids


def test_sinusoids_of_a_small_case():
    # Width 4: sin and cos of p, then of p / 100.
    expected = [
        [0.0, 1.0, 0.0, 1.0],
        [0.841471, 0.540302, 0.010000, 0.999950],
        [0.909297, -0.416147, 0.019999, 0.999800],
    ]
    codes = sinusoids(3, 4)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(codes, expected, atol=1e-6)


def test_a_fixed_offset_is_a_rotation():
    """Vaswani et al. 2017, section 3.5: PE[p + k] is a linear function of PE[p]."""
    codes, offset = sinusoids(60, 8).reshape(60, 4, 2), 7
    for pair in range(4):
        angle = offset / 10_000 ** (pair / 4)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        np.testing.assert_allclose(codes[:-offset, pair] @ turn.T, codes[offset:, pair], atol=1e-5)


@pytest.mark.parametrize("width", [1, 5])
def test_odd_widths_have_codes_too(width):
    codes = sinusoids(4, width)
    assert codes.shape == (4, width)
    np.testing.assert_allclose(codes[:, 0], np.sin(np.arange(4)), atol=1e-6)


def test_each_kind_gives_what_it_says():
    index = np.array([2, 0], "int32")
    layer = Positions("sinusoidal", 6, 4)
    np.testing.assert_allclose(layer(index), sinusoids(6, 4)[[2, 0]], atol=1e-6)
    assert not layer.weights
    layer = Positions("none", 6, 4)
    assert (ops.convert_to_numpy(layer(index)) == np.zeros((2, 4))).all()
    assert not layer.weights
    layer = Positions("learned", 6, 4)
    codes = ops.convert_to_numpy(layer(index))
    (table,) = layer.trainable_weights
    assert table.shape == (6, 4)
    np.testing.assert_allclose(codes, np.asarray(table)[[2, 0]])


@pytest.mark.parametrize("kind", ["sinusoidal", "learned"])
def test_padding_beyond_the_last_position_is_harmless(kind):
    codes = ops.convert_to_numpy(Positions(kind, 3, 4)(np.arange(6, dtype="int32")))
    assert np.isfinite(codes).all() and (codes[3:] == codes[2]).all()


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="positions='rotary'"):
        Positions("rotary", 8, 4)


@pytest.mark.parametrize("kind", ["sinusoidal", "learned", "none"])
def test_only_without_positions_is_the_encoder_blind_to_order(kind):
    network = tiny_models.network("transformer", positions=kind)
    source = tiny_models.rows([6], tiny_models.SOURCE_VOCABULARY, seed=4)
    order = np.array([3, 0, 5, 1, 4, 2])
    plain, mixed = (
        keras.tree.map_structure(ops.convert_to_numpy, network.encode(ids))
        for ids in (source, source[:, order])
    )
    (_, values), (_, mixed_values) = plain["cross"][0], mixed["cross"][0]
    moved = np.abs(mixed_values - values[:, :, order]).max()
    turned = np.abs(mixed["encoder"] - plain["encoder"][..., order, :][..., order]).max()
    if kind == "none":
        assert moved < 1e-4 and turned < 1e-5
    else:
        assert moved > 1e-2 and turned > 1e-3
