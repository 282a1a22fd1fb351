"""A state carried from step to step: windows that go on, and a network that goes on with them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from keras import ops

from tests.zoo import tiny_language_models as tiny
from training.data.windows import ContinuedWindows
from zoo import registry, saving
from zoo.building import network_class

CARRYING = [
    name
    for name in registry.of_kind("language_model")
    if network_class(name, "language_model").carries_state
]


def test_recurrent_networks_carry_a_state():
    assert CARRYING == ["rnn", "lstm", "min-gru"]


@pytest.mark.parametrize("count, length, rows", [(9, 2, 3), (40, 7, 3), (1000, 32, 8)])
@pytest.mark.parametrize("epoch", range(3))
def test_each_row_reads_on(count, length, rows, epoch):
    windows = ContinuedWindows(np.arange(count), length, rows, seed=3)
    batches = list(windows.epoch(epoch))
    assert len(batches) == windows.count(epoch) > 0
    for batch in batches:
        assert batch.target_in.shape == (rows, length) and batch.tokens == rows * length
        assert (batch.target_out == batch.target_in + 1).all()  # of a stream that counts up
        assert batch.weights.sum() == pytest.approx(1)
    for one, other in itertools.pairwise(batches):
        assert (one.target_out[:, -1] == other.target_in[:, 0]).all()
    read = np.concatenate([batch.target_in.ravel() for batch in batches])
    assert len(set(read.tolist())) == len(read) > count - rows * length - length
    if len(batches) > 1:
        [again, *_] = windows.epoch(epoch, start=1)
        assert (again.target_in == batches[1].target_in).all()
    begins = {tuple(next(windows.epoch(e)).target_in[:, 0]) for e in range(9)}
    assert len(begins) == min(length, 9) or len(begins) > 3


def test_a_text_that_is_too_short_is_named():
    with pytest.raises(ValueError, match=r"has 8 tokens, and 3 windows of 2 that go on need 9"):
        ContinuedWindows(np.arange(8), 2, 3)


@pytest.mark.parametrize("model", CARRYING)
def test_windows_one_after_the_other_are_read_as_one(model):
    network = tiny.network(model, dropout=0.0)
    tokens = np.random.default_rng(1).integers(4, tiny.VOCABULARY, (3, 12)).astype("int32")
    whole = ops.convert_to_numpy(network(tokens))
    named = saving.named_weights(network).keys()
    network.carry_state(3)
    for _ in range(2):
        network.carried.reset()
        parts = [network(tokens[:, at : at + 4], training=True) for at in (0, 4, 8)]
        found = np.concatenate([ops.convert_to_numpy(part) for part in parts], axis=1)
        np.testing.assert_allclose(found, whole, atol=1e-4)
    # Only training carries; and the state is no weight, though a checkpoint has it.
    np.testing.assert_allclose(ops.convert_to_numpy(network(tokens)), whole, atol=1e-5)
    assert saving.named_weights(network).keys() == named
    kept = [variable for variable in network.variables if "state" in variable.path]
    assert kept and not set(map(id, kept)) & set(map(id, network.weights))
