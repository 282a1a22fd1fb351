"""Candidates are the model's own probabilities; queries and keys give back the very map."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from tests import thorough
from tests.zoo import tiny_models
from zoo import registry
from zoo.interpret import attention_maps, candidates, query_key_value

TEXT = "my sister buys the red car."


@pytest.fixture(
    scope="module",
    params=thorough.params(registry.of_kind("seq2seq"), ["lstm-bahdanau", "transformer"]),
)
def model(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("computed") / request.param
    return zoo.load(tiny_models.folder(path, request.param, max_target_length=8))


def test_candidates_are_those_of_the_model(model):
    [found] = model.predict([TEXT], target=["ella ve el libro."])
    size = model.target_tokenizer.size
    every = candidates(model, found, size)
    np.testing.assert_allclose(every.probabilities.sum(axis=1), 1, atol=1e-4)
    for t, piece in enumerate(found.target_pieces):
        place = every.pieces[t].index(piece)
        assert place + 1 == every.rank[t]
        assert np.log(every.probabilities[t, place]) == pytest.approx(found.log_probs[t], abs=1e-4)
    bits = -(every.probabilities * np.log2(np.maximum(every.probabilities, 1e-30))).sum(axis=1)
    np.testing.assert_allclose(every.entropy, bits, rtol=1e-3)
    few = candidates(model, found, 2)
    assert few.pieces == [row[:2] for row in every.pieces]
    with pytest.raises(ValueError, match="k must be"):
        candidates(model, found, size + 1)


def test_a_greedy_answer_is_made_of_first_candidates(model):
    found = model.predict([TEXT])[0]
    # Specials are never written, however likely.
    first = [
        next(piece for piece in row if piece not in ("<pad>", "<s>", "<unk>"))
        for row in candidates(model, found, 4).pieces
    ]
    assert first == found.target_pieces


def test_energies_give_the_map(model):
    found = model.predict([TEXT])[0]
    computed = query_key_value(model, found)
    assert computed.keys() == model.attention_heads.keys()
    for kind, one in computed.items():
        layers, heads = model.attention_heads[kind]
        for layer, head in np.ndindex(layers, heads):
            energy = one.energy(layer, head)
            np.testing.assert_allclose(one.parts(layer, head).sum(-1), energy, atol=1e-5)
            if kind == "decoder":
                energy = np.where(np.tril(np.ones_like(energy)) > 0, energy, -np.inf)
            weights = np.exp(energy - energy.max(axis=-1, keepdims=True))
            weights /= weights.sum(axis=-1, keepdims=True)
            np.testing.assert_allclose(weights, found.attention[kind][layer, head], atol=1e-4)


@pytest.mark.parametrize("model", ["transformer"], indirect=True)
def test_value_norms_are_what_each_position_would_add(model):
    found = model.predict([TEXT])[0]
    norms = query_key_value(model, found)["encoder"].value_norms
    assert norms.shape == (*model.attention_heads["encoder"], len(found.source_pieces))
    # Layer 0 sees embeddings alone: by hand.
    network = model.model
    ids = np.array([model.source_tokenizer.ids(found.source_pieces)], "int32")
    x = network.source_embedding(ids) * network.scale
    x = x + network.source_positions(np.arange(ids.shape[1]))[None]
    layer = network.encoder_layers[0]
    _, values = layer.attention.project_memory(layer.attention_norm(x))
    kernel = np.asarray(layer.attention.output_projection.kernel)
    for head in range(layer.attention.heads):
        part = np.split(kernel, layer.attention.heads)[head]
        wanted = np.linalg.norm(np.asarray(values)[0, head] @ part, axis=-1)
        np.testing.assert_allclose(norms[0, head], wanted, rtol=1e-4)


def test_weighted_maps_sum_to_one_and_follow_the_norms():
    maps = np.array([[[[0.5, 0.5], [0.25, 0.75]]]])
    even = attention_maps.weighted(maps, np.array([[[2.0, 2.0]]]))
    np.testing.assert_allclose(even, maps)
    found = attention_maps.weighted(maps, np.array([[[3.0, 1.0]]]))
    np.testing.assert_allclose(found, [[[[0.75, 0.25], [0.5, 0.5]]]])
    with pytest.raises(ValueError, match="value_norms"):
        attention_maps.weighted(maps, np.ones((1, 1, 3)))
