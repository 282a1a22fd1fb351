"""A decoder that may copy: what it writes is a mixture, and sums to one."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import thorough
from tests.zoo import tiny_models
from zoo import building, registry
from zoo.layers.copying import Copying


def test_the_mixture_is_that_of_the_paper():
    random = np.random.default_rng(0)
    layer, vocabulary = Copying(), 7
    logits = random.normal(size=(2, 3, vocabulary)).astype("float32")
    weights = random.dirichlet(np.ones(4), (2, 3)).astype("float32")
    source = np.array([[5, 6, 5, 2], [4, 2, 0, 0]], "int32")
    known = random.normal(size=(2, 3, 5)).astype("float32")
    found, places = (ops.convert_to_numpy(x) for x in layer(logits, weights, source, known))
    found = np.exp(found)
    gate = 1 / (1 + np.exp(-np.asarray(layer.gate(known))))
    own = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    copied = np.zeros_like(own)
    for b in range(2):
        for i, token in enumerate(source[b]):
            copied[b, :, token] += weights[b, :, i]
    np.testing.assert_allclose(found, gate * own + (1 - gate) * copied, rtol=1e-4)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(places, (1 - gate) * weights, rtol=1e-4)


@pytest.mark.parametrize("model", ["transformer", "lstm-bahdanau"])
def test_two_vocabularies_are_refused(model):
    sizes = {"source_vocabulary": 9, "target_vocabulary": 9, "copying": True}
    with pytest.raises(ValueError, match="copying needs one vocabulary for both sides"):
        building.build(model, registry.configuration(model, "nano", **sizes))


@pytest.mark.parametrize(
    ("model", "coverage"),
    thorough.params(
        [("transformer", {}), ("lstm-bahdanau", {}), ("lstm-bahdanau", {"coverage": True})],
        [("lstm-bahdanau", {"coverage": True})],
    ),
)
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow converts")
@pytest.mark.skipif(importlib.util.find_spec("ai_edge_litert") is None, reason="no LiteRT")
def test_litert_copies_the_same(model, coverage, tmp_path):
    folder = tiny_models.folder(
        tmp_path, model, shared=True, overrides={"copying": True, **coverage}
    )
    # Together they are padded to other lengths than apart.
    texts = ["Tom sees the red car.", "my sister wants", "", "the book " * 16]
    ours = zoo.load(folder).predict(texts, beams=3)
    theirs = zoo.load(folder, runtime="litert").predict(texts, beams=3)
    assert [one.text for one in ours] == [one.text for one in theirs]
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-4)
        assert one.attention.keys() == other.attention.keys()
        for kind, maps in one.attention.items():
            np.testing.assert_allclose(maps, other.attention[kind], atol=1e-4)
    assert "copy" in ours[0].attention
