"""Masks and attention against literal matrices and against loops in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from zoo.kinds.seq2seq import source_mask
from zoo.layers.attention import (
    QUERIES_AT_ONCE,
    AdditiveAttention,
    MultiHeadAttention,
    causal_mask,
    masked_softmax,
)
from zoo.layers.attention_hooks import without_maps
from zoo.layers.dropout import in_training
from zoo.runtime import backend


def test_causal_mask_is_the_lower_triangle():
    expected = [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]
    mask = ops.convert_to_numpy(causal_mask(4))
    assert mask.shape == (1, 1, 4, 4) and mask.dtype == bool
    assert (mask[0, 0] == expected).all()


def test_source_mask_is_true_at_real_pieces():
    mask = ops.convert_to_numpy(source_mask(np.array([[7, 2, 0, 0], [5, 6, 3, 2], [0, 0, 0, 0]])))
    assert mask.tolist() == [[True, True, False, False], [True] * 4, [False] * 4]


def test_masked_softmax_of_known_odds():
    scores = np.log(np.array([[1.0, 2.0, 3.0]] * 4, "float32"))
    mask = np.array(
        [
            [True, True, True],
            [True, False, True],
            [False, False, True],
            [False, False, False],
        ]
    )
    expected = [[1 / 6, 2 / 6, 3 / 6], [1 / 4, 0, 3 / 4], [0, 0, 1], [0, 0, 0]]
    weights = ops.convert_to_numpy(masked_softmax(scores, mask))
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert (weights[~mask] == 0).all()


def test_masked_softmax_survives_extreme_scores():
    scores = np.array([[1e4, 1e4, -1e4, 3e38], [-1e4, -1e4, -1e4, 0.0]], "float32")
    weights = masked_softmax(scores, np.array([True, True, True, False]))
    np.testing.assert_allclose(weights, [[0.5, 0.5, 0, 0], [1 / 3, 1 / 3, 1 / 3, 0]], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_masked_softmax_answers_in_full_precision(dtype):
    scores = ops.cast(np.linspace(-3, 3, 300), dtype)[None]
    weights = masked_softmax(scores, np.ones((1, 300), bool))
    assert keras.backend.standardize_dtype(weights.dtype) == "float32"
    np.testing.assert_allclose(ops.sum(weights), 1.0, rtol=1e-5)


def test_a_single_key_gets_all_the_weight_without_a_warning():
    weights = masked_softmax(np.array([[-3.0], [5.0]], "float32"), np.array([[True], [False]]))
    assert ops.convert_to_numpy(weights).tolist() == [[1.0], [0.0]]


def test_additive_attention_worked_by_hand():
    """energy = v . tanh(W_query query + W_key key), Bahdanau et al. 2015, A.1.2."""
    attention = AdditiveAttention(units=2)
    query = np.array([[[1.0, 0.0]]], "float32")
    memory = np.array([[[0.0, 1.0], [1.0, 0.0], [5.0, 5.0]]], "float32")
    mask = np.array([[True, True, False]])
    attention(query, attention.project_keys(memory), memory, mask)
    attention.query_projection.set_weights([np.array([[1.0, 0.0], [0.0, 1.0]])])
    attention.key_projection.set_weights([np.array([[1.0, 0.0], [0.0, -1.0]])])
    attention.energy.set_weights([np.array([[1.0], [2.0]])])
    context, weights = attention(query, attention.project_keys(memory), memory, mask)
    # First key: tanh(1, -1) . (1, 2) = -0.7616; second: tanh(2, 0) . (1, 2) = 0.9640.
    np.testing.assert_allclose(weights, [[[[0.151148, 0.848852, 0.0]]]], atol=1e-5)
    np.testing.assert_allclose(context, [[[0.848852, 0.151148]]], atol=1e-5)


def test_additive_attention_is_its_equation_in_numpy():
    random = np.random.default_rng(1)
    query = random.normal(size=(2, 3, 5)).astype("float32")
    memory = random.normal(size=(2, 4, 6)).astype("float32")
    mask = np.array([[True] * 4, [True, True, False, False]])
    attention = AdditiveAttention(units=7)
    context, weights = attention(query, attention.project_keys(memory), memory, mask)
    w_query, w_key, v = (
        np.asarray(layer.kernel)
        for layer in (attention.query_projection, attention.key_projection, attention.energy)
    )
    assert len(attention.weights) == 3  # no biases in the paper
    for b in range(2):
        for t in range(3):
            energy = [np.tanh(query[b, t] @ w_query + key @ w_key) @ v for key in memory[b]]
            odds = np.exp(np.ravel(energy)) * mask[b]
            expected = odds / odds.sum()
            np.testing.assert_allclose(weights[b, 0, t], expected, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(context[b, t], expected @ memory[b], rtol=1e-4, atol=1e-5)


def test_multi_head_attention_is_its_equation_in_numpy():
    random = np.random.default_rng(2)
    heads, width = 2, 6
    x = random.normal(size=(2, 4, width)).astype("float32")
    memory = random.normal(size=(2, 5, width)).astype("float32")
    mask = np.array([[True] * 5, [True, True, True, False, False]])[:, None, None, :]
    attention = MultiHeadAttention(heads, width)
    attention(x, *attention.project_memory(memory), mask)
    for weight in attention.weights:
        weight.assign(random.normal(size=weight.shape))
    output, weights = attention(x, *attention.project_memory(memory), mask)
    (w_q, b_q), (w_kv, b_kv), (w_o, b_o) = (
        map(np.asarray, layer.weights)
        for layer in (
            attention.query_projection,
            attention.memory_projection,
            attention.output_projection,
        )
    )
    for b in range(2):
        found = []
        for head in range(heads):
            part = slice(head * 3, head * 3 + 3)
            queries = (x[b] @ w_q + b_q)[:, part]
            keys, values = np.split(memory[b] @ w_kv + b_kv, 2, axis=-1)
            scores = queries @ keys[:, part].T / np.sqrt(3)
            odds = np.exp(scores - scores.max()) * mask[b, 0]
            expected = odds / odds.sum(-1, keepdims=True)
            np.testing.assert_allclose(weights[b, head], expected, rtol=1e-3, atol=1e-5)
            found.append(expected @ values[:, part])
        expected = np.concatenate(found, axis=-1) @ w_o + b_o
        np.testing.assert_allclose(output[b], expected, rtol=1e-3, atol=1e-4)


def test_dropout_is_applied_to_what_is_used_not_to_what_is_shown():
    x = np.random.default_rng(3).normal(size=(1, 6, 8)).astype("float32")
    attention = MultiHeadAttention(2, 8, dropout=0.5)
    mask = np.ones((1, 1, 1, 6), bool)
    keys, values = attention.project_memory(x)
    plain, shown = attention(x, keys, values, mask)
    with in_training(True):
        dropped, still_shown = attention(x, keys, values, mask)
    np.testing.assert_allclose(still_shown, shown, rtol=1e-6)
    assert np.abs(ops.convert_to_numpy(dropped - plain)).max() > 1e-3


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [5, 4 * QUERIES_AT_ONCE])
def test_attention_without_its_map_gives_the_same(length, causal, monkeypatch):
    """In one piece, some queries at a time, and fused as accelerators do it."""
    random = np.random.default_rng(4)
    x = random.normal(size=(2, length, 8)).astype("float32")
    attention = MultiHeadAttention(2, 8)
    mask = np.arange(length) < np.array([length, length - 2])[:, None]
    mask = causal_mask(length) if causal else ops.convert_to_tensor(mask[:, None, None, :])
    expected, weights = attention(x, *attention.project_memory(x), mask)
    assert weights.shape == (2, 2, length, length)
    for accelerated in (False, True):
        monkeypatch.setattr(backend, "accelerated", lambda found=accelerated: found)
        with without_maps():
            found, weights = attention(x, *attention.project_memory(x), mask)
        assert weights is None
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_width_must_be_a_multiple_of_heads():
    with pytest.raises(ValueError, match="width=10, heads=4"):
        MultiHeadAttention(heads=4, width=10)


@pytest.mark.parametrize(
    "layer", [AdditiveAttention(5), MultiHeadAttention(2, 6, dropout=0.25)], ids=["add", "multi"]
)
def test_layers_are_made_again_from_their_config(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
