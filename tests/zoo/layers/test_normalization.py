"""Values and gradients written by hand are those of Keras's operations."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from tests.zoo.gradient_helper import gradient
from zoo.layers.dropout import in_training
from zoo.layers.normalization import LayerNormalization, gelu, normalized

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(1.0, 2.0, (3, 4, 8)).astype("float32")
UPSTREAM = RANDOM.normal(size=X.shape).astype("float32")
GAMMA, BETA = (np.linspace(low, 1.5, 8, dtype="float32") for low in (0.5, -1.0))


@pytest.mark.parametrize("place", [0, 1, 2], ids=["x", "gamma", "beta"])
def test_layer_normalisation_has_the_gradients_of_keras_own(place):
    def summed(function, value):
        given = [X, GAMMA, BETA]
        given[place] = value
        return function(*given, epsilon=1e-6) * UPSTREAM

    at = (X, GAMMA, BETA)[place]
    found = gradient(partial(summed, normalized), at)
    expected = gradient(partial(summed, ops.layer_normalization), at)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("policy", "nearly"), [("float32", 1e-6), ("mixed_bfloat16", 0.02)])
def test_a_layer_gives_the_same_while_it_is_trained(policy, nearly):
    layer = LayerNormalization(epsilon=1e-6, dtype=keras.DTypePolicy(policy))
    layer.build(X.shape)
    layer.gamma.assign(GAMMA)
    layer.beta.assign(BETA)
    expected = layer(X)
    with in_training(True):
        found = layer(X)
    assert found.dtype == expected.dtype == layer.compute_dtype
    values = (np.asarray(ops.cast(x, "float32")) for x in (found, expected))
    np.testing.assert_allclose(*values, atol=nearly)


def test_gelu_has_the_values_and_the_gradient_of_keras_own():
    x = np.linspace(-6, 6, 101, dtype="float32")

    def trained(x):
        with in_training(True):
            return gelu(x)

    np.testing.assert_allclose(trained(x), gelu(x), atol=1e-6)
    np.testing.assert_allclose(gradient(trained, x), gradient(gelu, x), atol=1e-5)
