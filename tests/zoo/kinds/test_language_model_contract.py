"""The laws that hold for every language model of the registry, on whichever backend Keras runs on.

A new architecture is held to them the day it is in `zoo.registry.of_kind("language_model")`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests import thorough
from tests.zoo import tiny_language_models as tiny
from tests.zoo.kinds import dropout_law
from training.data.windows import Windows
from training.loop import step as train_step
from training.objectives.base import StepSpec
from training.objectives.cross_entropy import SmoothedCrossEntropy, make_optimizer
from training.tf_tracing import trace_step
from zoo import registry, saving
from zoo.building import build
from zoo.inference.language_model import LanguageModelPredictor
from zoo.kinds.language_model import LanguageModel, logits_at
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.attention_hooks import without_maps
from zoo.layers.positions import Rotary
from zoo.models.min_gru import linear_scan
from zoo.runtime import backend
from zoo.text_tokenizers import Characters

MODELS = list(registry.of_kind("language_model"))
ROWS, LENGTH = 4, 9
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
to_numpy = ops.convert_to_numpy


@pytest.fixture(
    scope="module",
    params=thorough.params(tiny.VARIANTS, [*registry.of_kind("language_model"), "gpt-llama"]),
)
def network(request):
    model, overrides = tiny.VARIANTS[request.param]
    return tiny.network(model, **overrides)


def tokens(length: int = LENGTH, rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(1).integers(4, tiny.VOCABULARY, (rows, length)).astype("int32")


def decode(network: Any, target: Any) -> tuple[Any, dict]:
    return network.decode(target, {})


def read(network: Any, some: Any, state: Any, index: Any, lengths: Any) -> tuple[Any, Any]:
    return network.read(some, state, index, lengths)


def stepped(network: Any, token: Any, index: Any, state: Any) -> tuple[Any, Any]:
    return network.step(token, index, state)


def run(network: Any, function: Any, *given: Any) -> Any:
    """Eager on TensorFlow; JAX otherwise compiles a loop at every call anew."""
    if keras.backend.backend() == "jax":
        return backend.compiled(network, function)(*given)
    return function(network, *keras.tree.map_structure(ops.convert_to_tensor, given))


def logits_of(network: Any, target: np.ndarray) -> np.ndarray:
    return to_numpy(run(network, decode, target)[0])


@pytest.fixture(scope="module")
def logits(network):
    return logits_of(network, tokens())


def test_shapes_and_types_are_those_of_the_contract(network):
    target = tokens()
    logits, maps = run(network, decode, target)
    assert tuple(logits.shape) == (ROWS, LENGTH, tiny.VOCABULARY)
    assert to_numpy(logits).dtype == np.float32
    assert set(maps) == set(network.attention_heads)
    for kind, array in maps.items():
        assert tuple(array.shape) == (ROWS, *network.attention_heads[kind], LENGTH, LENGTH)
        assert to_numpy(array).dtype == np.float32
    with without_maps():
        assert decode(network, ops.convert_to_tensor(target))[1] == {}
    state = network.init_state(ROWS, LENGTH)
    assert {leaf.shape[0] for leaf in keras.tree.flatten(state)} == {ROWS}
    after, next_state = run(network, stepped, target[:, 0], np.int32(0), state)
    assert tuple(after.shape) == (ROWS, tiny.VOCABULARY)
    keras.tree.assert_same_structure(next_state, state)
    for old, new in zip(keras.tree.flatten(state), keras.tree.flatten(next_state), strict=True):
        assert old.shape == new.shape and old.dtype == new.dtype


def test_logits_of_one_place_are_those_among_all(network, logits):
    places = np.array([0, LENGTH - 1, 3, 5], "int32")
    with logits_at(ops.convert_to_tensor(places)):
        found = to_numpy(decode(network, ops.convert_to_tensor(tokens()))[0])
    assert found.shape == (ROWS, 1, tiny.VOCABULARY)
    np.testing.assert_allclose(found[:, 0], logits[range(ROWS), places], atol=1e-4)


def test_every_layer_is_built_before_the_first_step(network):
    """Keras on JAX otherwise traces the whole network before each."""
    assert not [layer.name for layer in network._flatten_layers() if not layer.built]


def test_training_and_inference_see_the_same_logits(network, logits):
    np.testing.assert_allclose(to_numpy(network(tokens())), logits, **CLOSE)


def test_padding_on_the_right_changes_nothing(network, logits):
    wide = np.pad(tokens(), ((0, 0), (0, 4)))
    found, maps = run(network, decode, wide)
    np.testing.assert_allclose(to_numpy(found)[:, :LENGTH], logits, **CLOSE)
    narrow = run(network, decode, tokens())[1]
    for kind in maps:
        cut = to_numpy(maps[kind])[..., :LENGTH, :LENGTH]
        np.testing.assert_allclose(cut, to_numpy(narrow[kind]), **CLOSE)


def test_a_batch_answers_as_its_rows_do_one_by_one(network, logits):
    for row, length in enumerate([LENGTH, 4, 1, 6]):
        alone = logits_of(network, tokens()[row : row + 1, :length])
        np.testing.assert_allclose(logits[row, :length], alone[0], **CLOSE)


def test_attention_rows_sum_to_one_and_look_at_nothing_to_come(network):
    maps = run(network, decode, tokens())[1]
    above = np.triu(np.ones((LENGTH, LENGTH), bool), 1)
    for array in map(to_numpy, maps.values()):
        assert (array >= 0).all() and (array[..., above] == 0).all()
        np.testing.assert_allclose(array.sum(-1), 1.0, atol=1e-5)
        assert (np.diagonal(array, axis1=-2, axis2=-1) > 0).all()


def test_the_future_does_not_leak_into_the_past(network, logits):
    for changed in range(1, LENGTH):
        other = tokens()
        other[:, changed:] = np.where(other[:, changed:] == 4, 5, 4)
        seen = logits_of(network, other)
        np.testing.assert_allclose(seen[:, :changed], logits[:, :changed], rtol=1e-6, atol=1e-6)
        # ... and the present is read.
        assert (np.abs(seen[:, changed] - logits[:, changed]).max(-1) > 1e-3).all()


@pytest.mark.parametrize("size", [4, LENGTH, LENGTH + 3], ids=lambda size: f"{size} at a time")
def test_reading_in_pieces_equals_decode_at_once(network, logits, size):
    """Every row in pieces of its own lengths, padded with tokens that must not count."""
    random = np.random.default_rng(size)
    done = np.zeros(ROWS, "int32")
    state = network.init_state(ROWS, LENGTH)
    pieces = 0
    while (done < LENGTH).any():
        lengths = np.minimum(random.integers(0, size + 1, ROWS), LENGTH - done).astype("int32")
        piece = np.full((ROWS, size), 7, "int32")
        for row, (at, count) in enumerate(zip(done, lengths, strict=True)):
            piece[row, :count] = tokens()[row, at : at + count]
        found, state = run(network, read, piece, state, done, lengths)
        for row, (at, count) in enumerate(zip(done, lengths, strict=True)):
            wanted = logits[row, at : at + count]
            np.testing.assert_allclose(to_numpy(found)[row, :count], wanted, **CLOSE)
        done, pieces = done + lengths, pieces + 1
    assert pieces > 1


def test_step_by_step_equals_decode_at_once(network, logits):
    state = network.init_state(ROWS, LENGTH + 2)
    for index in range(LENGTH):
        found, state = run(network, stepped, tokens()[:, index], np.int32(index), state)
        np.testing.assert_allclose(to_numpy(found), logits[:, index], **CLOSE)


def test_steps_go_on_from_what_was_read_at_places_of_their_own(network, logits):
    """Prompts of several lengths, then a step each: what every answer begins with."""
    lengths = np.array([5, 1, 3, 8], "int32")
    padded = tokens(8)
    padded[:, :] = tokens()[:, :8]
    index = np.zeros(ROWS, "int32")
    state = run(network, read, padded, network.init_state(ROWS, LENGTH), index, lengths)[1]
    following = tokens()[np.arange(ROWS), lengths]
    found, _ = run(network, stepped, following, lengths, state)
    np.testing.assert_allclose(to_numpy(found), logits[np.arange(ROWS), lengths], **CLOSE)


def test_a_row_that_reads_nothing_keeps_its_state(network):
    index = np.zeros(ROWS, "int32")
    lengths = np.array([3, 2, 3, 1], "int32")
    _, before = run(
        network, read, tokens()[:, :3], network.init_state(ROWS, LENGTH), index, lengths
    )
    more = np.array([0, 2, 0, 1], "int32")
    _, after = run(network, read, tokens()[:, 4:7], before, lengths, more)
    pairs = list(zip(keras.tree.flatten(before), keras.tree.flatten(after), strict=True))
    for old, new in pairs:
        for row in (0, 2):
            assert (to_numpy(old)[row] == to_numpy(new)[row]).all()
    if any(np.prod(leaf.shape) for leaf, _ in pairs):  # a window of one has no state
        assert any((to_numpy(old)[1] != to_numpy(new)[1]).any() for old, new in pairs)


@pytest.mark.parametrize("model", MODELS)
def test_saving_and_loading_gives_the_same_logits(model, tmp_path):
    made = tiny.predictor(model, path=tmp_path / model)
    again = zoo.load(tmp_path / model)
    assert again.config == made.config and again.tokenizer.bytes == made.tokenizer.bytes
    assert saving.read_config(tmp_path / model)["kind"] == "language_model"
    np.testing.assert_array_equal(logits_of(again.model, tokens()), logits_of(made.model, tokens()))
    packed = [saving.pack_weights(saving.weight_arrays(p.model)) for p in (made, again)]
    assert packed[0] == packed[1]


@pytest.mark.parametrize("model", MODELS)
def test_it_runs_and_trains_in_mixed_precision(model):
    network = tiny.network(model, precision="mixed_bfloat16", dropout=0.0)
    assert network.compute_dtype == "bfloat16"
    full = logits_of(tiny.network(model, dropout=0.0), tokens())
    found = logits_of(network, tokens())
    assert found.dtype == np.float32
    assert np.abs(found - full).mean() < 0.05 * np.abs(full).mean()
    state = network.init_state(ROWS, LENGTH)
    index = np.zeros(ROWS, "int32")
    piece, after = run(network, read, tokens(), state, index, index + 3)
    np.testing.assert_allclose(to_numpy(piece)[:, :3], found[:, :3], atol=0.2, rtol=0.1)
    for old, new in zip(keras.tree.flatten(state), keras.tree.flatten(after), strict=True):
        assert old.shape == new.shape and old.dtype == new.dtype
    jax = keras.backend.backend() == "jax"  # where operation by operation is compiled one by one
    network.compile(
        make_optimizer_of(10), SmoothedCrossEntropy(0.0), run_eagerly=not jax, jit_compile=jax
    )
    batch = next(Windows(np.tile(tokens()[0], 9), LENGTH, ROWS).epoch(0))
    first, *_, last = (train_step(network, batch) for _ in range(4))
    assert np.isfinite(first) and last < first


def make_optimizer_of(steps: int) -> keras.optimizers.Optimizer:
    return make_optimizer(learning_rate=5e-3, warmup=2, steps=steps, clip=1.0, averaging=0.0)


@pytest.mark.parametrize("model", MODELS)
def test_a_few_lines_can_be_learnt_by_heart(model):
    """With the batches, the loss, the optimizer and the traced step of training."""
    random = np.random.default_rng(4)
    lines = [f"{first}{''.join(random.choice(list('abcdefgh'), 11))}" for first in "WXYZ"]
    tokenizer = Characters.learn("\n".join(lines) + "\n")
    sizes = {"vocabulary": tokenizer.size, "hidden_size": 32, "dropout": 0.0}
    config = registry.configuration(model, "nano", kind="language_model", **sizes)
    network = build(model, config, seed=1, kind="language_model")
    ids = np.stack([tokenizer.encode(f"\n{line}\n") for line in lines])
    steps, shape = 400, (4, ids.shape[1] - 1)
    network.compile(
        make_optimizer_of(steps),
        SmoothedCrossEntropy(0.0),
        jit_compile=keras.backend.backend() == "jax",
    )
    network.optimizer.build(network.trainable_variables)
    trace_step(network, spec=StepSpec.of_tokens(*shape))
    windows = Windows(ids.reshape(-1), shape[1], 4)
    batch = next(windows.epoch(0))
    whole = type(batch)(ids[:, :-1], ids[:, 1:], np.full(shape, 1 / ids[:, 1:].size, "f4"), 48)
    for _ in range(steps):
        # The first letter after a line break is anyone's guess: ln 4 over 13 tokens.
        if train_step(network, whole) < np.log(4) / shape[1] + 0.02:
            break
    predictor = LanguageModelPredictor("learnt", network, tokenizer, {})
    for line, found in zip(lines, predictor.predict(list("WXYZ"), 30, stop="\n"), strict=True):
        assert (found.prompt + found.text, found.finished) == (line, True)
        assert found.log_probs.min() > np.log(0.5)


def test_the_scan_of_min_gru_equals_its_loop():
    random = np.random.default_rng(2)
    for length in (1, 2, 3, 8, 13):
        decay, added = random.uniform(size=(2, 3, length, 5)).astype("float32")
        state = first = random.normal(size=(3, 5)).astype("float32")
        wanted = []
        for step in range(length):
            state = decay[:, step] * state + added[:, step]
            wanted.append(state)
        found = linear_scan(*map(ops.convert_to_tensor, (decay, added, first)))
        np.testing.assert_allclose(to_numpy(found), np.stack(wanted, 1), rtol=1e-5, atol=1e-6)


def test_rotary_scores_depend_on_the_distance_alone():
    random = np.random.default_rng(3)
    query, key = random.normal(size=(2, 1, 2, 1, 8)).astype("float32")
    query, key = np.repeat(query, 6, axis=2), np.repeat(key, 6, axis=2)
    rotary = Rotary(8)

    def scores(start: int) -> np.ndarray:
        index = np.arange(start, start + 6)
        turned = [to_numpy(rotary(ops.convert_to_tensor(x), index)) for x in (query, key)]
        return turned[0] @ turned[1].swapaxes(-1, -2)  # (1, 2, 6, 6)

    found = scores(0)
    np.testing.assert_allclose(scores(250), found, atol=2e-4)
    for distance in range(-5, 6):
        along = np.diagonal(found, distance, -2, -1)
        np.testing.assert_allclose(along, along[..., :1].repeat(along.shape[-1], -1), atol=1e-5)
    assert np.abs(found[..., 0, 0] - found[..., 0, 3]).min() > 1e-3
    plain = (query[..., 0, :] * key[..., 0, :]).sum(-1)
    np.testing.assert_allclose(found[..., 2, 2], plain, rtol=1e-4)  # at distance 0 as it was
    with pytest.raises(ValueError, match=r"even.*5"):
        Rotary(5)


def test_rotary_positions_may_differ_from_row_to_row():
    attention = MultiHeadAttention(2, 8, 0.0, rotary=Rotary(4))
    x = np.random.default_rng(4).normal(size=(2, 3, 8)).astype("float32")
    own = ops.convert_to_tensor(np.array([[0, 1, 2], [5, 6, 7]], "int32"))
    both, _ = attention.project_memory(ops.convert_to_tensor(x), own)
    for row in range(2):
        alone, _ = attention.project_memory(ops.convert_to_tensor(x[row : row + 1]), own[row])
        np.testing.assert_allclose(to_numpy(both)[row], to_numpy(alone)[0], **CLOSE)


@pytest.mark.parametrize("positions", ["rotary", "learned", "sinusoidal", "none"])
def test_only_without_positions_the_order_of_the_past_does_not_count(positions):
    """With one block: a set of keys is read then, whatever their order."""
    network = tiny.network("gpt", positions=positions, layers=1)
    target = tokens(5)
    swapped = target[:, [1, 0, 2, 3, 4]]
    found = np.abs(logits_of(network, target)[:, -1] - logits_of(network, swapped)[:, -1]).max()
    assert (found < 1e-4) == (positions == "none")


def test_a_context_holds_more_than_one_token():
    with pytest.raises(ValueError, match="max_length must be an int, at least 2"):
        registry.configuration("gpt", "nano", kind="language_model", vocabulary=9, max_length=1)


@pytest.mark.parametrize("model", MODELS)
def test_dropout_is_on_while_training_and_off_elsewhere(model):
    layers = dropout_law.one_layer(model, "language_model")
    dropout_law.check(tiny.network(model, dropout=0.5, **layers), tokens(), tokens())


def test_a_network_whose_call_does_not_take_training_is_refused():
    class Silent(LanguageModel):
        def call(self, tokens):
            return self.logits(self.embed(tokens))

    config = registry.configuration("rnn", "nano", kind="language_model", vocabulary=9)
    with pytest.raises(TypeError, match=r"Silent\.call must take `training`"):
        Silent(config)
