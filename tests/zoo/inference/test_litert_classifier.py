"""Classifiers on LiteRT say and look as they do on Keras."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest

import zoo
from tests.zoo import tiny_classifiers as tiny
from zoo import images, registry
from zoo.export import litert as litert_export
from zoo.serving import signatures

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"
    ),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow converts"),
]


@pytest.fixture(scope="module", params=registry.of_kind("classifier"))
def both(request, tmp_path_factory):
    """A model on Keras and, as exported, on LiteRT."""
    place = tmp_path_factory.mktemp(request.param)
    on_keras = tiny.predictor(request.param, place / "model")
    return on_keras, zoo.load(litert_export.export(on_keras, place / "exported"))


def test_labels_and_maps_are_those_of_keras(both):
    on_keras, on_litert = both
    assert (on_litert.kind, on_litert.runtime) == ("classifier", "litert")
    assert on_litert.parameters == on_keras.parameters
    assert on_litert.attention_heads == on_keras.attention_heads
    given = tiny.inputs(on_keras.config["model"])
    answers = zip(on_litert.predict(given), on_keras.predict(given), strict=True)
    for mine, theirs in answers:
        assert (mine.labels, mine.grid, mine.ahead) == (theirs.labels, theirs.grid, theirs.ahead)
        assert (mine.classified, mine.notes) == (theirs.classified, theirs.notes)
        assert list(mine.probabilities) == list(theirs.probabilities)
        np.testing.assert_allclose(
            list(mine.probabilities.values()), list(theirs.probabilities.values()), atol=1e-4
        )
        assert set(mine.attention) == set(theirs.attention)
        for kind, maps in theirs.attention.items():
            np.testing.assert_allclose(mine.attention[kind], maps, atol=1e-4)
    np.testing.assert_allclose(on_litert.log_probs(given), on_keras.log_probs(given), atol=2e-4)


def test_an_input_alone_gets_the_answer_that_it_gets_beside_others(both):
    _, model = both
    given = tiny.inputs(model.config["model"])
    together = model.log_probs(given)
    for row, one in enumerate(given):
        np.testing.assert_allclose(model.log_probs([one])[0], together[row], atol=1e-5)
        if not isinstance(one, str):  # an array alone is one input, and not a list of its rows
            np.testing.assert_allclose(model.log_probs(one), together[row : row + 1], atol=1e-5)
    if not isinstance(given[0], str):
        np.testing.assert_allclose(model.log_probs(np.stack(given)), together, atol=1e-5)
    assert model.log_probs([]).shape == (0, len(tiny.CLASSES))


def test_the_export_says_how_to_use_it(both):
    _, model = both
    text = (model.path / "README.md").read_text()
    assert "calm, fierce, both" in text and "`classify`" in text
    assert "{" not in text


def test_the_service_answers_as_python_does(both):
    _, model = both
    described = signatures.describe("x", model.path).signatures
    given = tiny.inputs(model.config["model"])
    sent = [images.png(one) if model.reads == "image" else one for one in given]
    rows = [{model.reads: one} for one in sent]
    for name, signature in described.items():
        made = signatures.answer(model, name, rows)
        assert set(made[0]) == set(signature.outputs)
        for row, one in zip(made, model.predict(sent), strict=True):
            assert (row["label"], row["notes"]) == (one.name, "\n".join(one.notes))
            assert row["classes"] == list(tiny.CLASSES)
            np.testing.assert_allclose(
                row["probabilities"], list(one.probabilities.values()), atol=1e-5
            )
    assert ("attention" in described) == bool(model.attention_heads)
    assert signatures.answer(model, "serving_default", [signatures.example(model)])
