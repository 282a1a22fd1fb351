"""The laws that hold for every architecture of the registry, on whichever backend Keras runs on.

A new family is held to them the day it is in `zoo.registry.of_kind("seq2seq")`.
"""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load as load_arrays

from tests import thorough
from tests.zoo import tiny_models
from tests.zoo.kinds import dropout_law
from training.data.batches import make_batch
from training.objectives.cross_entropy import SmoothedCrossEntropy, make_optimizer
from zoo import registry, saving
from zoo.building import build
from zoo.inference.generation import generate
from zoo.prediction import AXES
from zoo.runtime import backend
from zoo.tokenizer import EOS, PAD

SHARED = {"shared_vocabulary": True, "source_vocabulary": tiny_models.TARGET_VOCABULARY}
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    model: (name, {**overrides, **(SHARED if model.endswith("no-positions") else {})})
    for model, (name, overrides) in tiny_models.VARIANTS.items()
}
SOURCE_LENGTHS, TARGET_LENGTHS = [7, 3, 3, 1], [4, 6, 6, 3]
CLOSE = {"rtol": 1e-4, "atol": 2e-5}


@pytest.fixture(
    scope="module",
    params=thorough.params(VARIANTS, [*registry.of_kind("seq2seq"), "lstm-bahdanau-coverage"]),
)
def network(request):
    model, overrides = VARIANTS[request.param]
    return tiny_models.network(model, **overrides)


def pair(network: Any, wider: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sources and targets of mixed lengths, with `wider` more columns of padding."""
    source = tiny_models.rows(SOURCE_LENGTHS, network.config.source_vocabulary, 7 + wider, seed=1)
    target = tiny_models.rows(TARGET_LENGTHS, network.config.target_vocabulary, 6 + wider, seed=2)
    return source, tiny_models.shifted(target)


def at_once(network: Any, source: Any, target: Any) -> tuple[Any, dict]:
    return network.decode(target, network.encode(source))


def run(network: Any, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, dict]:
    """Logits and maps as NumPy arrays."""
    if keras.backend.backend() == "jax":  # which otherwise compiles a loop at every call anew
        logits, maps = backend.compiled(network, at_once)(source, target)
    else:
        logits, maps = at_once(network, source, target)
    to_numpy = ops.convert_to_numpy
    return to_numpy(logits), {kind: to_numpy(array) for kind, array in maps.items()}


def begin(network: Any, source: Any, length: int) -> tuple[Any, Any]:
    memory = network.encode(source)
    return memory, network.init_state(memory, length)


def one_step(network: Any, token: Any, index: Any, state: Any, memory: Any) -> tuple[Any, Any]:
    return network.step(token, index, state, memory)


def step_by_step(network: Any, source: np.ndarray, target: np.ndarray, length: int) -> np.ndarray:
    if keras.backend.backend() == "jax":
        first = backend.compiled(network, begin, length=length)
        ahead = backend.compiled(network, one_step)
    else:
        first, ahead = (functools.partial(part, network) for part in (begin, one_step))
        first = functools.partial(first, length=length)
    memory, state = first(ops.convert_to_tensor(source))
    logits = []
    for index in range(target.shape[1]):
        token = ops.convert_to_tensor(target[:, index])
        step, state = ahead(token, ops.convert_to_tensor(index, dtype="int32"), state, memory)
        logits.append(ops.convert_to_numpy(step))
    return np.stack(logits, axis=1)


def cut(array: np.ndarray, kind: str, row: int) -> np.ndarray:
    """One row's map without padding."""
    sizes = {"source": SOURCE_LENGTHS[row], "target": TARGET_LENGTHS[row]}
    rows, columns = (sizes[side] for side in AXES[kind])
    return array[..., :rows, :columns]


def test_shapes_and_types_are_those_of_the_contract(network):
    source, target = pair(network)
    memory = network.encode(source)
    logits, maps = run(network, source, target)
    assert logits.shape == (4, 6, network.config.target_vocabulary) and logits.dtype == np.float32
    sizes = {"target": 6, "source": 7}
    heads = network.config.maps()
    assert set(maps) == set(heads)
    for kind, array in maps.items():
        assert array.dtype == np.float32
        axes = tuple(sizes[side] for side in AXES[kind])
        assert array.shape == (4, *heads[kind], *axes)
    assert (ops.convert_to_numpy(memory["mask"]) == (source != PAD)).all()
    assert ("encoder" in memory) == ("encoder" in network.attention_heads)
    state = network.init_state(memory, 9)
    assert {leaf.shape[0] for leaf in keras.tree.flatten([memory, state])} == {4}
    token, index = ops.convert_to_tensor(target[:, 0]), ops.convert_to_tensor(0, dtype="int32")
    logits, after = network.step(token, index, state, memory)
    assert logits.shape == (4, network.config.target_vocabulary)
    keras.tree.assert_same_structure(after, state)
    for old, new in zip(keras.tree.flatten(state), keras.tree.flatten(after), strict=True):
        assert old.shape == new.shape and old.dtype == new.dtype


def test_training_and_inference_see_the_same_logits(network):
    source, target = pair(network)
    np.testing.assert_allclose(network((source, target)), run(network, source, target)[0], **CLOSE)


def test_padding_changes_nothing(network):
    logits, maps = run(network, *pair(network))
    wide_logits, wide_maps = run(network, *pair(network, wider=3))
    for row, written in enumerate(TARGET_LENGTHS):
        np.testing.assert_allclose(wide_logits[row, :written], logits[row, :written], **CLOSE)
        for kind in maps:
            narrow, wide = cut(maps[kind][row], kind, row), cut(wide_maps[kind][row], kind, row)
            np.testing.assert_allclose(wide, narrow, **CLOSE)


def test_a_batch_answers_as_its_rows_do_one_by_one(network):
    source, target = pair(network)
    logits, maps = run(network, source, target)
    for row, (read, written) in enumerate(zip(SOURCE_LENGTHS, TARGET_LENGTHS, strict=True)):
        alone, own_maps = run(
            network, source[row : row + 1, :read], target[row : row + 1, :written]
        )
        np.testing.assert_allclose(logits[row, :written], alone[0], **CLOSE)
        for kind in maps:
            np.testing.assert_allclose(cut(maps[kind][row], kind, row), own_maps[kind][0], **CLOSE)


def test_the_future_does_not_leak_into_the_past(network):
    source, _ = pair(network)
    target = tiny_models.shifted(
        tiny_models.rows([6] * 4, network.config.target_vocabulary, seed=2)
    )
    logits, maps = run(network, source, target)
    for changed in range(1, 6):
        other = target.copy()
        other[:, changed] = np.where(other[:, changed] == 4, 5, 4)
        seen, seen_maps = run(network, source, other)
        np.testing.assert_allclose(seen[:, :changed], logits[:, :changed], rtol=1e-6, atol=1e-6)
        for kind in set(maps) - {"encoder"}:
            before = (..., slice(changed), slice(None))
            np.testing.assert_allclose(seen_maps[kind][before], maps[kind][before], atol=1e-6)
        # ... and the present is read.
        assert (np.abs(seen[:, changed] - logits[:, changed]).max(-1) > 1e-3).all()


def test_every_source_piece_is_read(network):
    _, target = pair(network)
    source = tiny_models.rows([7] * 4, network.config.source_vocabulary, seed=1)
    logits, _ = run(network, source, target)
    for changed in range(6):
        other = source.copy()
        other[:, changed] = np.where(other[:, changed] == 4, 5, 4)
        assert np.abs(run(network, other, target)[0] - logits).max() > 1e-5


@pytest.mark.parametrize("length", [6, 9])
def test_step_by_step_equals_decode_at_once(network, length):
    source, target = pair(network)
    logits, _ = run(network, source, target)
    stepped = step_by_step(network, source, target, length)
    real = target != PAD
    np.testing.assert_allclose(stepped[real], logits[real], **CLOSE)


def test_attention_rows_sum_to_one_and_give_padding_zero(network):
    source, target = pair(network, wider=3)
    _, maps = run(network, source, target)
    for kind in network.attention_heads:
        keys = target if kind == "decoder" else source
        queries = source if kind == "encoder" else target
        assert (maps[kind] >= 0).all()
        real = np.broadcast_to((queries != PAD)[:, None, None, :], maps[kind].shape[:-1])
        np.testing.assert_allclose(maps[kind].sum(-1)[real], 1.0, atol=1e-5)
        if kind != "decoder":  # a decoder never sees padding: that is all in the future
            padded = np.broadcast_to((keys == PAD)[:, None, None, None, :], maps[kind].shape)
            assert padded.any() and (maps[kind][padded] == 0).all()


def test_the_decoder_looks_at_nothing_it_has_not_written(network):
    if "decoder" not in network.attention_heads:
        return
    _, maps = run(network, *pair(network))
    above = np.triu(np.ones(maps["decoder"].shape[-2:], bool), 1)
    assert (maps["decoder"][..., above] == 0).all()
    # The diagonal itself is looked at.
    assert (np.diagonal(maps["decoder"], axis1=-2, axis2=-1) > 0).all()


@pytest.mark.parametrize("model", registry.of_kind("seq2seq"))
def test_only_a_shared_vocabulary_shares_the_embedding(model):
    for overrides, tables in (({}, 2), (SHARED, 1)):
        network = tiny_models.network(model, **overrides)
        assert (network.source_embedding is network.target_embedding) == (tables == 1)
        named = [name for name in saving.weight_arrays(network) if name.endswith("/embeddings")]
        assert len(named) == tables
    source, target = pair(network)
    before, _ = run(network, source, target)
    network.source_embedding.embeddings.assign(network.source_embedding.embeddings * 2)
    after, _ = run(network, source, target)
    # One matrix reads the source, reads the target and scores the answer.
    assert (np.abs(after - before).max(-1) > 1e-3).all()


def test_saving_and_loading_gives_the_same_bytes(network):
    source, target = pair(network)
    logits, maps = run(network, source, target)
    written = saving.pack_weights(saving.weight_arrays(network))
    arrays = load_arrays(written)
    assert {array.dtype for array in arrays.values()} == {np.dtype("float16")}
    assert sum(array.size for array in arrays.values()) == network.count_params()
    again = build(network.name, network.config, seed=99)
    saving.set_weight_arrays(again, arrays)
    assert saving.pack_weights(saving.weight_arrays(again)) == written
    # Half precision costs three digits, and nothing else is lost.
    found, found_maps = run(again, source, target)
    np.testing.assert_allclose(found, logits, atol=0.05)
    assert np.abs(found - logits).mean() < 5e-3
    for kind in maps:
        np.testing.assert_allclose(found_maps[kind], maps[kind], atol=0.02)


# What follows writes: each family learns 32 pairs by heart once, which makes the right answers
# known and certain.


@pytest.fixture(
    scope="module",
    params=thorough.params(
        registry.of_kind("seq2seq"), ["feed-forward", "lstm-bahdanau", "transformer"]
    ),
)
def learnt(request):
    """A network that was trained on 32 pairs until it knew them, and the pairs."""
    random = np.random.default_rng(11)
    sources = [
        [4 + i // 8, 4 + i % 8, *random.integers(4, 12, 2 + i % 4).tolist(), EOS] for i in range(32)
    ]
    targets = [[*random.integers(4, 12, i % 5).tolist(), EOS] for i in range(32)]
    batch = make_batch(sources, targets)
    sizes = {"source_vocabulary": 12, "target_vocabulary": 12, "dropout": 0.0}
    fields = registry.architecture(request.param).config.__dataclass_fields__
    recurrent = "embedding_size" in fields
    sizes |= {"embedding_size": 32, "hidden_size": 64} if recurrent else {"hidden_size": 32}
    sizes |= {name: 64 for name in ("inner_size",) if name in fields}
    config = registry.configuration(request.param, "nano", **sizes)
    network = build(request.param, config, seed=1)
    optimizer = make_optimizer(learning_rate=5e-3, warmup=10, steps=400, clip=1.0, averaging=0.0)
    network.compile(
        optimizer=optimizer,
        loss=SmoothedCrossEntropy(0.0),
        jit_compile=keras.backend.backend() == "jax",
    )
    optimizer.build(network.trainable_variables)  # or TensorFlow traces the step twice
    for _ in range(400):
        network.reset_metrics()
        loss = network.train_on_batch(
            (batch.source, batch.target_in), batch.target_out, sample_weight=batch.weights
        )
        # A mean so small leaves no room for a single wrong piece.
        if loss < 0.003:
            break
    # Generated from with more padding than trained with.
    return network, np.pad(batch.source, ((0, 0), (0, 3))), batch.target_out


def test_32_examples_can_be_learnt_by_heart(learnt):
    network, source, target = learnt
    found = generate(network, source, length=8)
    assert (found.tokens[:, 0, : target.shape[1]] == target).all()
    assert (found.lengths[:, 0] == (target != PAD).sum(-1)).all()


def test_generation_stops_row_by_row(learnt):
    network, source, target = learnt
    lengths = (target != PAD).sum(-1)
    assert set(lengths) == {1, 2, 3, 4, 5}
    # Each row with a limit of its own; rows of padding between them; all in another order.
    order = np.random.default_rng(1).permutation(32)
    limits = np.where(np.arange(32) % 2, 2, 8)
    source = np.where((np.arange(32) % 8 == 5)[:, None], PAD, source[order])
    found = generate(network, source, length=8, limit=limits.tolist())
    expected = np.minimum(lengths[order], limits) * (source[:, 0] != PAD)
    assert (found.lengths[:, 0] == expected).all()
    for row, length in enumerate(expected):
        assert (found.tokens[row, 0, :length] == target[order[row], :length]).all()
        assert (found.tokens[row, 0, length:] == PAD).all()
        assert (found.log_probs[row, 0, length:] == 0).all()


@pytest.mark.parametrize("beams", [1, 3])
def test_log_probabilities_of_what_was_written_are_those_of_decode(learnt, beams):
    network, source, target = learnt
    found = generate(network, source, length=8, beams=beams)
    assert (found.tokens[:, 0, : target.shape[1]] == target).all()
    for hypothesis in range(beams):
        tokens = found.tokens[:, hypothesis]
        logits, _ = run(network, source, tiny_models.shifted(tokens))
        log_probs = np.asarray(ops.log_softmax(logits))
        chosen = np.take_along_axis(log_probs, tokens[..., None], -1)[..., 0]
        real = tokens != PAD
        np.testing.assert_allclose(
            found.log_probs[:, hypothesis][real], chosen[real], rtol=1e-3, atol=1e-4
        )


@pytest.mark.parametrize("model", registry.of_kind("seq2seq"))
def test_dropout_is_on_while_training_and_off_elsewhere(model):
    network = tiny_models.network(model, dropout=0.5, **dropout_law.one_layer(model, "seq2seq"))
    source, target = pair(network)
    dropout_law.check(network, (source, target), target)
