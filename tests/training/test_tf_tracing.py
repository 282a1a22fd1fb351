"""One program for batches of any shape, and nothing imported that no training needs."""

from __future__ import annotations

import importlib
import sys

import keras
import numpy as np
import pytest

from tests import thorough
from tests.zoo import tiny_models
from tests.zoo.kinds import dropout_law
from training import checkpoint
from training.data.batches import make_batch
from training.distributed.devices import Devices, backend_wanted
from training.loop import step
from training.objectives.cross_entropy import SmoothedCrossEntropy, make_optimizer
from training.tf_tracing import trace_step
from zoo.runtime.imports import left_out
from zoo.tokenizer import EOS

BATCHES = [
    make_batch([[5, 6, EOS], [7, EOS]], [[8, EOS], [9, 8, EOS]]),
    make_batch([[5, EOS]] * 3, [[8, 9, 9, EOS]] * 3),
    make_batch([[5, 6, 7, 5, EOS]], [[9, EOS]]),
] * 2


def ready(model: str, fused: bool = False, eager: bool = False):
    network = tiny_models.network(model, dropout=0.0, **dropout_law.one_layer(model, "seq2seq"))
    optimizer = make_optimizer(
        learning_rate=1e-2,
        warmup=2,
        steps=100,
        clip=1.0,
        averaging=0.9,
        weight_decay=0.1,
        fused=fused,
    )
    network.compile(optimizer, SmoothedCrossEntropy(0.1), jit_compile=False, run_eagerly=eager)
    optimizer.build(network.trainable_variables)
    return network


only_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow's programs"
)


@only_tensorflow
def test_a_step_is_traced_once_and_changes_nothing_before_it_is_taken(monkeypatch):
    traced = ready("simple-rnn")
    before = [np.asarray(weight).copy() for weight in traced.weights]
    traces = []
    train_step = traced.train_step
    monkeypatch.setattr(traced, "train_step", lambda data: traces.append(1) or train_step(data))
    trace_step(traced)
    for weight, value in zip(traced.weights, before, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), value)
    for batch in BATCHES:
        step(traced, batch)
    assert traces == [1]


@only_tensorflow
@pytest.mark.parametrize(
    ("model", "parts"),
    thorough.params(
        [("lstm-bahdanau", 1), ("simple-rnn", 2), ("transformer", 3)], [("transformer", 3)]
    ),
)
def test_a_step_in_parts_learns_what_keras_own_step_learns(model, parts):
    """Batches of fewer rows than parts are among them; Adam has one operation a weight."""
    plain, traced = ready(model, eager=True), ready(model, fused=True)
    trace_step(traced, Devices(parts=parts))
    for batch in BATCHES:
        assert step(traced, batch) == pytest.approx(step(plain, batch), rel=2e-5)
    pairs = zip(checkpoint.variables(traced), checkpoint.variables(plain), strict=True)
    for found, expected in pairs:
        assert found.path.split("/")[1:] == expected.path.split("/")[1:]
        if "key_value" in found.path and "bias" in found.path:
            continue  # keys moved alike change no softmax: Adam follows the rounding of a 0
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=2e-4)


def test_a_module_is_left_out_for_a_while_only(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with left_out("colorsys", "json"):
        with pytest.raises(ImportError):
            importlib.import_module("colorsys")
        assert importlib.import_module("json")  # it was there before
    assert importlib.import_module("colorsys").rgb_to_hsv(0, 0, 0) == (0, 0, 0)
    with pytest.raises(RuntimeError), left_out("colorsys_not_there"):
        raise RuntimeError
    assert "colorsys_not_there" not in sys.modules


def test_the_backend_is_known_before_keras_is(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert backend_wanted() == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}', encoding="utf-8")
    assert backend_wanted() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert backend_wanted() == "tensorflow"
    monkeypatch.delenv("KERAS_BACKEND")
    (tmp_path / "keras.json").write_text("[broken", encoding="utf-8")
    assert backend_wanted() == "tensorflow"
