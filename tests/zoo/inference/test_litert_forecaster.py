"""Forecasters on LiteRT, and as SavedModels, forecast and look as they do on Keras."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest

import zoo
from tests import thorough
from tests.zoo import tiny_forecasters as tiny
from zoo import registry
from zoo.export import export
from zoo.export import litert as litert_export
from zoo.serving import signatures

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("ai_edge_litert") is None, reason="LiteRT is not installed"
    ),
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow converts"),
]


ALWAYS = ["season-naive", "n-linear", "lstm-bahdanau", "transformer-patch", "transformer-variate"]


@pytest.fixture(scope="module", params=thorough.params(registry.of_kind("forecaster"), ALWAYS))
def both(request, tmp_path_factory):
    """A model on Keras and, as exported, on LiteRT."""
    place = tmp_path_factory.mktemp(request.param)
    on_keras = tiny.predictor(request.param, place / "model")
    return on_keras, zoo.load(litert_export.export(on_keras, place / "exported"))


def histories(rows):
    return np.stack([tiny.SCALER.restored(one) for one in tiny.histories(rows)])


def test_forecasts_are_those_of_keras(both):
    on_keras, on_litert = both
    assert (on_litert.kind, on_litert.runtime) == ("forecaster", "litert")
    assert on_litert.parameters == on_keras.parameters
    for mine, theirs in zip(
        on_litert.predict(histories(3)), on_keras.predict(histories(3)), strict=True
    ):
        np.testing.assert_allclose(mine.quantiles, theirs.quantiles, rtol=1e-3, atol=1e-2)
        np.testing.assert_allclose(mine.mean, theirs.mean, rtol=1e-3, atol=1e-2)
        assert (mine.spans, mine.query_spans) == (theirs.spans, theirs.query_spans)
        assert set(mine.attention) == set(theirs.attention)
        for kind, maps in theirs.attention.items():
            np.testing.assert_allclose(mine.attention[kind], maps, atol=1e-4)
    scores = tiny.histories(5)
    np.testing.assert_allclose(on_litert.values(scores), on_keras.values(scores), atol=1e-4)


def test_the_service_answers_as_python_does(both, tmp_path):
    _, model = both
    described = signatures.describe("x", model.path).signatures
    rows = [{"history": one.tolist()} for one in histories(2)]
    for name, signature in described.items():
        made = signatures.answer(model, name, rows)
        assert set(made[0]) == set(signature.outputs)
        for row, one in zip(made, model.predict(histories(2)), strict=True):
            np.testing.assert_allclose(row["mean"], one.mean, atol=1e-5)
    assert ("attention" in described) == bool(model.attention_heads)
    assert signatures.answer(model, "serving_default", [signatures.example(model)])


@pytest.mark.parametrize("name", ["season-naive", "lstm-bahdanau", "transformer-variate"])
def test_a_saved_model_answers_as_python_does(name, tmp_path):
    import tensorflow as tf

    on_keras = tiny.predictor(name, tmp_path / "model")
    version = export(on_keras, tmp_path / "served")
    loaded = tf.saved_model.load(str(version))
    given = tf.constant(histories(3), tf.float32)
    answers = on_keras.predict(histories(3))
    for signature, function in loaded.signatures.items():
        found = function(history=given)
        for row, one in enumerate(answers):
            np.testing.assert_allclose(found["mean"][row], one.mean, rtol=1e-4, atol=1e-3)
            np.testing.assert_allclose(found["quantiles"][row], one.quantiles, rtol=1e-4, atol=1e-3)
            if signature == "attention":
                for kind, maps in one.attention.items():
                    np.testing.assert_allclose(found[f"attention_{kind}"][row], maps, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no number"):
        loaded.signatures["serving_default"](history=given * float("nan"))
    assert (version / "assets.extra" / "scaler.json").read_bytes() == tiny.SCALER.bytes
    assert "float32 (B, 12, 3)" in (version / "README.md").read_text()
    with pytest.raises(ValueError, match="are for texts"):
        export(on_keras, tmp_path / "served", text=False)
