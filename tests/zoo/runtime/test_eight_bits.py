"""Products in eight bits: what rounding leaves of inputs with a few large values is kept."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest

from zoo.layers.transformer import FeedForward
from zoo.runtime import eight_bits
from zoo.runtime.litert import Graph
from zoo.runtime.litert_conversion import Spec, convert

ROWS = np.random.default_rng(0).normal(size=(4, 64)).astype("float32")
ROWS[:, 5] *= 300
ROWS[1] = 0
ROWS[2] = np.abs(ROWS[2])
ROWS[3] = -np.abs(ROWS[3])


def in_eight_bits(rows: np.ndarray) -> np.ndarray:
    """What a row is for a product in eight bits: 256 steps from its least to its largest value."""
    low, high = np.minimum(rows.min(1), 0)[:, None], np.maximum(rows.max(1), 0)[:, None]
    size = np.maximum((high - low) / 255, 1e-30)
    zero = np.round(-low / size)
    return (np.clip(np.round(rows / size) + zero, 0, 255) - zero) * size


def test_rounded_values_are_left_as_they_are_and_the_rest_is_small():
    coarse = np.asarray(eight_bits.rounded(ROWS))
    np.testing.assert_allclose(in_eight_bits(coarse), coarse, atol=1e-4 * np.abs(ROWS).max())
    rest = in_eight_bits(ROWS - coarse)
    error, usual = (np.abs(part - ROWS).max() for part in (coarse + rest, in_eight_bits(ROWS)))
    assert error < usual / 50


def test_only_graphs_in_eight_bits_multiply_twice():
    seen = []

    def multiply(x):
        seen.append(tuple(x.shape))
        return x @ np.eye(64, dtype="float32")

    np.testing.assert_allclose(np.asarray(eight_bits.product(multiply, ROWS)), ROWS, rtol=1e-6)
    with eight_bits.in_eight_bits():
        found = eight_bits.product(multiply, ROWS)
    np.testing.assert_allclose(np.asarray(found), ROWS, atol=1e-4)
    assert seen == [(4, 64), (8, 64)]


@pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"
)
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow converts")
@pytest.mark.parametrize(("bias", "most"), [(False, 0.05), (True, 0.4)])
def test_what_follows_a_gate_keeps_its_small_values_on_litert(tmp_path, bias, most):
    """With a bias the product is not linear, and rounded once; it must still be right."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, 64))
    layer = FeedForward(inner=256, width=64, activation="swiglu", bias=bias)
    network = keras.Model(inputs, layer(inputs))
    outer = layer.outer.kernel
    # The gate's large value reaches one output alone.
    outer.assign(np.where(np.arange(256)[:, None] == 3, np.arange(64) == 0, np.asarray(outer)))
    inner = np.asarray(layer.inner.kernel).copy()
    inner[:, [3, 256 + 3]] = 20.0 * (np.arange(64) == 0)[:, None]
    layer.inner.kernel.assign(inner)
    if bias:
        layer.outer.bias.assign(np.full(64, 0.5))
    x = np.random.default_rng(1).normal(size=(1, 6, 64)).astype("float32")
    x[..., 0] = 1.0  # the gate is open
    path, axes = tmp_path / "graph.tflite", {"x": [1, 6, 64]}
    path.write_bytes(convert(network, lambda x: {"y": network(x)}, {"x": Spec((1, 6, 64))}, "int8"))
    graph = Graph(path, axes)
    graph["x"][:] = x
    graph.run()
    found, wanted = (np.asarray(y)[0, :, 1:] for y in (graph.output("y"), network(x)))
    assert np.abs(found - wanted).mean() < most * np.abs(wanted).mean()
