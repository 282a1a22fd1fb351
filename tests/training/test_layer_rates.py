"""A learning rate for each layer: what is lowest, what is highest, and that steps follow it."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.zoo import tiny_models
from training import layer_rates
from training.data.batches import make_batch
from training.objectives.cross_entropy import SmoothedCrossEntropy, make_optimizer
from zoo import registry
from zoo.tokenizer import EOS

SIX = [f"bert/encoder/block_{i}/attention/query/kernel" for i in range(6)]


def test_the_rate_falls_from_the_head_to_the_embedding():
    paths = ["bert/embedding/embeddings", *SIX, "bert/head/scores/kernel"]
    found = layer_rates.multipliers(paths, 0.8)
    assert list(found.values()) == pytest.approx([0.8 ** (7 - place) for place in range(8)])


@pytest.mark.parametrize(("norm", "below"), [("pre", 0), ("post", 7)])
def test_the_norm_outside_of_blocks_belongs_where_it_is_applied(norm, below):
    path = "bert/encoder/norm/gamma"
    found = layer_rates.multipliers([*SIX, path], 0.5, norm)
    assert found[path] == pytest.approx(0.5**below)
    within = "bert/encoder/block_5/attention_norm/gamma"
    assert layer_rates.multipliers([*SIX, within], 0.5, norm)[within] == pytest.approx(0.5)


def test_a_network_without_blocks_is_refused():
    with pytest.raises(ValueError, match="--layer-decay is for networks of several blocks"):
        layer_rates.multipliers(["embedding/embeddings", "encoder/lstm_cell/kernel"], 0.8)


@pytest.mark.parametrize("kind", ["adam", "sgd"])
@pytest.mark.parametrize("fused", [False, True])
def test_each_weight_takes_a_step_of_its_own_length(kind, fused):
    if fused and keras.backend.backend() != "tensorflow":
        pytest.skip("of TensorFlow alone")
    settings = {"learning_rate": 0.5, "warmup": 0, "steps": 1000, "clip": 1e9, "averaging": 0.0}
    steps = {}
    for rates in (None, "of each"):
        weights = [keras.Variable(np.ones(3, "float32"), name=name) for name in ("low", "high")]
        given = rates and {weights[0].path: 0.25, weights[1].path: 1.0}
        made = make_optimizer(**settings, kind=kind, fused=fused, rates=given)
        made.build(weights)
        gradients = [keras.ops.convert_to_tensor(np.array([0.3, -0.3, 0.1], "float32"))] * 2
        made.apply(gradients)
        steps[rates] = [keras.ops.convert_to_numpy(weight) - 1.0 for weight in weights]
    for place, share in enumerate((0.25, 1.0)):
        np.testing.assert_allclose(steps["of each"][place], share * steps[None][place], rtol=1e-5)


@pytest.mark.parametrize("fused", [False, True])
def test_a_decay_of_nothing_trains_the_top_alone(fused):
    if fused and keras.backend.backend() != "tensorflow":
        pytest.skip("of TensorFlow alone")
    network = tiny_models.network("transformer")
    rates = layer_rates.multipliers([one.path for one in network.trainable_variables], 0.0)
    made = make_optimizer(
        learning_rate=0.1, warmup=0, steps=9, clip=1.0, averaging=0.0, fused=fused, rates=rates
    )
    network.compile(made, SmoothedCrossEntropy(0.1), jit_compile=False)
    before = [np.asarray(one).copy() for one in network.trainable_variables]
    batch = make_batch([[5, 6, EOS], [7, EOS]], [[8, EOS], [9, 8, EOS]])
    network.train_on_batch(batch.inputs, batch.target_out, sample_weight=batch.weights)
    changed = {
        one.path
        for one, was in zip(network.trainable_variables, before, strict=True)
        if not np.array_equal(np.asarray(one), was)
    }
    assert changed == {path for path, rate in rates.items() if rate} != set()


@pytest.mark.parametrize("name", list(registry.of_kind("seq2seq")))
def test_what_reads_tokens_has_the_lowest_rate_or_the_network_is_refused(name):
    network = tiny_models.network(name)
    paths = [weight.path for weight in network.trainable_variables]
    if not any(layer_rates.NUMBERED.search(path) for path in paths):
        with pytest.raises(ValueError, match="this one has none"):
            layer_rates.multipliers(paths, 0.5)
        return
    found = layer_rates.multipliers(paths, 0.5)
    lowest = {path.split("/")[-2] for path, rate in found.items() if rate == min(found.values())}
    assert lowest == {"source_embedding", "target_embedding"} and max(found.values()) == 1.0
