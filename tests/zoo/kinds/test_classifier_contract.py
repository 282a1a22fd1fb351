"""The laws that hold for every classifier of the registry, on whichever backend Keras runs on.

A new architecture is held to them the day it is in `zoo.registry.of_kind("classifier")`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import thorough
from tests.zoo import tiny_classifiers as tiny
from tests.zoo.kinds import dropout_law
from training.data.rows import ArrayRows, TextRows
from training.loop import step as train_step
from training.objectives.base import StepSpec
from training.objectives.cross_entropy import SmoothedCrossEntropy, make_optimizer
from training.tf_tracing import trace_step
from zoo import registry, saving
from zoo.building import build
from zoo.kinds.classifier import Classifier
from zoo.layers.attention import AdditiveAttention, MultiHeadAttention
from zoo.layers.attention_hooks import without_maps
from zoo.runtime import backend

MODELS = list(registry.of_kind("classifier"))
TRAINED = [m for m in MODELS if not registry.architecture(m, "classifier").closed_form]
TEXTS = [model for model in MODELS if tiny.reads(model) == "text"]
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{model: (model, {}) for model in MODELS},
    "bert-post": ("bert", {"norm": "post", "norm_epsilon": 1e-12}),
    "bert-mean": ("bert", {"pooling": "mean", "positions": "sinusoidal"}),
    "vit-mean-odd": ("vit", {"pooling": "mean", "patch": 3}),
    "transformer-first": ("transformer", {"pooling": "first"}),
    "knn-series": ("knn", {"neighbours": 4}),
    "knn-squares": ("knn", {"shrink": 3}),
}
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
to_numpy = ops.convert_to_numpy


@pytest.fixture(scope="module", params=thorough.params(VARIANTS, registry.of_kind("classifier")))
def case(request):
    model, overrides = VARIANTS[request.param]
    return model, tiny.network(model, **overrides), tiny.arrays(model)


def read(network: Any, inputs: Any) -> tuple[Any, dict]:
    return network.read(inputs)


def run(network: Any, inputs: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Eager on TensorFlow; JAX otherwise compiles operation by operation."""
    if keras.backend.backend() == "jax":
        logits, maps = backend.compiled(network, read)(inputs)
    else:
        logits, maps = network.read(ops.convert_to_tensor(inputs))
    return to_numpy(logits), {kind: to_numpy(array) for kind, array in maps.items()}


def test_shapes_and_types_are_those_of_the_contract(case):
    _, network, inputs = case
    logits, maps = run(network, inputs)
    assert isinstance(network, Classifier)
    assert logits.shape == (len(inputs), len(tiny.CLASSES)) and logits.dtype == np.float32
    assert set(maps) == set(network.attention_heads)
    for kind, array in maps.items():
        assert array.shape[:3] == (len(inputs), *network.attention_heads[kind])
        assert array.shape[3] == (1 if kind == "pooling" else array.shape[4])
        assert array.dtype == np.float32
    with without_maps():
        assert network.read(ops.convert_to_tensor(inputs))[1] == {}
    # What training runs has one place to predict.
    np.testing.assert_allclose(to_numpy(network(inputs))[:, 0], logits, **CLOSE)


def test_every_layer_is_built_before_the_first_step(case):
    """Keras on JAX otherwise traces the whole network before each."""
    assert not [layer.name for layer in case[1]._flatten_layers() if not layer.built]


def test_a_batch_answers_as_its_rows_do_one_by_one(case):
    model, network, inputs = case
    logits, maps = run(network, inputs)
    for row in range(len(inputs)):
        alone = inputs[row : row + 1]
        if tiny.reads(model) == "text":
            alone = alone[:, : np.count_nonzero(alone)]  # without its padding too
        found, looked = run(network, alone)
        np.testing.assert_allclose(found[0], logits[row], **CLOSE)
        for kind, array in looked.items():
            length = array.shape[-1]
            rows = array.shape[-2]
            np.testing.assert_allclose(array[0], maps[kind][row][..., :rows, :length], **CLOSE)


@pytest.mark.parametrize("model", TEXTS)
def test_padding_on_the_right_changes_nothing(model):
    network, inputs = tiny.network(model), tiny.arrays(model)
    wide = run(network, np.pad(inputs, ((0, 0), (0, 5))))[0]
    np.testing.assert_allclose(wide, run(network, inputs)[0], **CLOSE)


def test_attention_rows_sum_to_one_and_give_padding_nothing(case):
    model, network, inputs = case
    for array in run(network, inputs)[1].values():
        assert (array >= 0).all()
        np.testing.assert_allclose(array.sum(-1), 1.0, atol=1e-5)
        if tiny.reads(model) == "text":
            padding = inputs == 0
            assert padding.any()
            shown = np.broadcast_to(padding[:, None, None, None], array.shape)
            assert (array[shown] == 0).all()


def test_the_attention_found_is_the_attention_declared(case):
    _, network, _ = case
    layers = network._flatten_layers()
    sites = [x.site for x in layers if isinstance(x, MultiHeadAttention | AdditiveAttention)]
    wanted = [(k, i) for k, (count, _) in network.attention_heads.items() for i in range(count)]
    assert sorted(sites) == sorted(wanted)


@pytest.mark.parametrize("model", MODELS)
def test_saving_and_loading_gives_the_same_answers(model, tmp_path):
    made = tiny.predictor(model, path=tmp_path / model)
    again = zoo.load(tmp_path / model)
    assert again.config == made.config and again.reader.bytes == made.reader.bytes
    packed = [saving.pack_weights(saving.weight_arrays(p.model)) for p in (made, again)]
    assert packed[0] == packed[1]
    inputs = tiny.inputs(model)
    for ours, theirs in zip(made.predict(inputs), again.predict(inputs), strict=True):
        assert ours.probabilities == theirs.probabilities
        assert ours.labels == theirs.labels and ours.notes == theirs.notes


@pytest.mark.parametrize("model", TRAINED)
def test_dropout_is_on_in_training_alone(model):
    one = dropout_law.one_layer(model, "classifier")
    network = tiny.network(model, dropout=0.5, **one)
    dropout_law.check(network, tiny.arrays(model), np.array([[0], [1], [2], [0]]))


@pytest.mark.parametrize("model", TRAINED)
def test_it_runs_in_mixed_precision(model):
    network = tiny.network(model, precision="mixed_bfloat16")
    found, full = run(network, tiny.arrays(model))[0], run(tiny.network(model), tiny.arrays(model))
    assert network.compute_dtype == "bfloat16" and found.dtype == np.float32
    assert np.abs(found - full[0]).mean() < 0.1 * np.abs(full[0]).mean()


@pytest.mark.parametrize("model", TRAINED)
def test_a_few_examples_can_be_learnt_by_heart(model):
    """With the batches, the loss, the optimizer and the traced step of training."""
    given = {"classes": 3, "dropout": 0.0, **tiny.sizes(model)}
    config = registry.configuration(model, "nano", kind="classifier", **given)
    network = build(model, config, seed=1, kind="classifier")
    inputs, labels = tiny.arrays(model), np.array([0, 1, 2, 1])
    steps = 300
    network.compile(
        make_optimizer(learning_rate=5e-3, warmup=2, steps=steps, clip=1.0, averaging=0.0),
        SmoothedCrossEntropy(0.0),
        jit_compile=keras.backend.backend() == "jax",
    )
    network.optimizer.build(network.trainable_variables)
    shape, kind = config.arrays()
    one = ((None, 1), "int32"), ((None, 1), "float32")
    trace_step(network, spec=StepSpec(((None, *shape), kind), *one))
    if tiny.reads(model) == "text":
        rows = TextRows([row[row > 0] for row in inputs], labels, tokens=1000)
    else:
        rows = ArrayRows(inputs, labels, places=4, tokens=1000)
    for epoch in range(steps // rows.count()):
        losses = [train_step(network, batch) for batch in rows.epoch(epoch)]
        if max(losses) < 0.05:
            break
    assert max(losses) < 0.05
    assert (run(network, inputs)[0].argmax(-1) == labels).all()


def test_a_cnn_has_as_many_weights_as_a_vit_of_its_size():
    """Within a tenth, but for the smallest, which is for tests."""
    given = {"height": 28, "width": 28, "channels": 1, "classes": 10}
    for preset in ("tiny", "compact", "small"):
        counts = []
        for model in ("cnn", "vit"):
            config = registry.configuration(model, preset, kind="classifier", **given)
            counts.append(build(model, config, kind="classifier").count_params())
        assert abs(counts[0] - counts[1]) < 0.1 * counts[1]


def test_the_nearest_example_decides_and_votes_are_counted():
    network = tiny.network("knn", neighbours=3, height=0, width=0, length=2, channels=1)
    points = [[0, 0], [0, 1], [5, 5], [6, 6], [7, 7], [20, 20], [30, 30], [40, 40], [50, 50]]
    network.examples.assign(np.array(points, "float32"))
    network.labels.assign(np.eye(3)[[0, 0, 1, 1, 1, 2, 2, 2, 2]])
    logits = run(network, np.array([[[0], [0.4]], [[6], [6]], [[100], [100]]], "float32"))[0]
    assert logits.argmax(-1).tolist() == [0, 1, 2]
    chances = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(chances[0], [0.656, 0.333, 0.011], atol=0.01)


def test_naive_bayes_adds_up_what_its_features_say():
    network = tiny.network("naive-bayes", classes=3)
    table, bias = np.asarray(network.table), np.asarray(network.bias)
    logits = run(network, np.array([[3, 9, 0, 0]], "int32"))[0]
    np.testing.assert_allclose(logits[0], [0, *(table[3] + table[9] + bias)], rtol=1e-5)
