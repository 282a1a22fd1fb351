"""The laws that hold for every forecaster of the registry, on whichever backend Keras runs on.

A new architecture is held to them the day it is in `zoo.registry.of_kind("forecaster")`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.zoo import tiny_forecasters as tiny
from tests.zoo.kinds import dropout_law
from tests.zoo.tiny_forecasters import CHANNELS, HORIZON, LOOKBACK
from training.data.series_windows import SeriesWindows, cut
from training.loop import step as train_step
from training.objectives.base import StepSpec
from training.objectives.cross_entropy import make_optimizer
from training.objectives.forecaster import ForecastLoss
from training.tf_tracing import trace_step
from zoo import registry, saving
from zoo.building import build
from zoo.forecast import LEVELS
from zoo.layers.attention_hooks import without_maps
from zoo.runtime import backend

MODELS = registry.of_kind("forecaster")
TRAINED = [name for name, entry in MODELS.items() if not entry.closed_form]
BY_THEMSELVES = [m for m in MODELS if m not in ("transformer-point", "transformer-variate")]
"""Those that read each series alone."""
ROWS = 4
CLOSE = {"rtol": 1e-4, "atol": 2e-5}
to_numpy = ops.convert_to_numpy


@pytest.fixture(scope="module", params=MODELS)
def network(request):
    return tiny.network(request.param)


def looked(network: Any, histories: Any) -> Any:
    return network.look(histories)


def run(network: Any, histories: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Eager on TensorFlow; JAX otherwise compiles operation by operation."""
    if keras.backend.backend() == "jax":
        values, maps = backend.compiled(network, looked)(histories)
    else:
        values, maps = network.look(ops.convert_to_tensor(histories))
    return to_numpy(values), {kind: to_numpy(every) for kind, every in maps.items()}


@pytest.fixture(scope="module")
def answer(network):
    return run(network, tiny.histories(ROWS))


def test_shapes_and_types_are_those_of_the_contract(network, answer):
    values, maps = answer
    assert values.shape == (ROWS, HORIZON, CHANNELS, 1 + len(LEVELS))
    assert values.dtype == np.float32
    assert set(maps) == set(network.attention_heads)
    for kind, array in maps.items():
        assert array.shape[0] == ROWS and array.shape[1] in (1, CHANNELS)
        assert array.shape[2:4] == network.attention_heads[kind] and array.dtype == np.float32
        keys, queries = network.config.spans(), network.config.query_spans()
        if keys:  # else a key is a whole series
            assert array.shape[4:] == (len(queries), len(keys))
            assert keys[-1][1] == LOOKBACK - 1
    with without_maps():
        assert network.look(ops.convert_to_tensor(tiny.histories(1)))[1] == {}


def test_every_layer_is_built_before_the_first_step(network):
    assert not [layer.name for layer in network._flatten_layers() if not layer.built]


def test_quantiles_do_not_cross(network, answer):
    if network.name in TRAINED:  # those of a floor are computed in order, and drawn here
        assert (np.diff(answer[0][..., 1:], axis=-1) > 0).all()


def test_a_batch_answers_as_its_rows_do_one_by_one(network, answer):
    for row in range(ROWS):
        values, maps = run(network, tiny.histories(ROWS)[row : row + 1])
        np.testing.assert_allclose(answer[0][row], values[0], **CLOSE)
        for kind, array in maps.items():
            np.testing.assert_allclose(answer[1][kind][row], array[0], **CLOSE)


def test_attention_rows_sum_to_one(answer):
    for array in answer[1].values():
        assert (array >= 0).all()
        np.testing.assert_allclose(array.sum(-1), 1.0, atol=1e-5)


def test_a_constant_added_to_a_series_is_added_to_its_forecast(network, answer):
    moved = tiny.histories(ROWS)
    moved[..., 1] += 7.0
    found = run(network, moved)[0] - answer[0]
    np.testing.assert_allclose(found[:, :, 1], 7.0, atol=1e-3)
    np.testing.assert_allclose(found[:, :, [0, 2]], 0.0, atol=1e-3)


@pytest.mark.parametrize("model", BY_THEMSELVES)
def test_a_series_read_alone_does_not_depend_on_the_others(model):
    network = tiny.network(model)
    before = run(network, tiny.histories(2))[0]
    other = tiny.histories(2)
    other[..., 0] = other[:, ::-1, 0] * 3
    after = run(network, other)[0]
    np.testing.assert_allclose(after[:, :, 1:], before[:, :, 1:], **CLOSE)
    assert np.abs(after[:, :, 0] - before[:, :, 0]).max() > 0.01


def test_training_and_inference_see_the_same_values(network, answer):
    np.testing.assert_allclose(to_numpy(network(tiny.histories(ROWS))), answer[0], **CLOSE)


@pytest.mark.parametrize("model", MODELS)
def test_a_saved_model_answers_the_same(model, tmp_path):
    made = tiny.predictor(model, tmp_path / "model")
    history = tiny.histories(1)[0] * 3 + 10
    [one] = made.predict(history)
    [other] = zoo.load(tmp_path / "model").predict(history)
    np.testing.assert_array_equal(one.quantiles, other.quantiles)
    np.testing.assert_array_equal(one.mean, other.mean)
    for kind, maps in one.attention.items():
        np.testing.assert_array_equal(maps, other.attention[kind])


@pytest.mark.parametrize("model", TRAINED)
def test_dropout_is_on_while_training_alone(model):
    one = dropout_law.one_layer(model, "forecaster")
    future = np.ones((2, HORIZON, CHANNELS), "float32")
    network = tiny.network(model, dropout=0.5, **one)
    dropout_law.check(network, tiny.histories(2), future, ForecastLoss())


@pytest.mark.parametrize("model", TRAINED)
def test_waves_can_be_learnt(model):
    """Better than repeating the last value by far, after some steps."""
    steps = np.arange(400)[:, None]
    values = np.sin(2 * np.pi * steps / np.array([8, 12, 6]) + np.array([0, 1, 2]))
    windows = SeriesWindows(values.astype("float32"), LOOKBACK, HORIZON, rows=16, seed=1)
    network = tiny.network(model, dropout=0.0, hidden_size=16)
    optimizer = make_optimizer(learning_rate=0.02, warmup=10, steps=250, clip=1.0, averaging=0.0)
    network.compile(optimizer, ForecastLoss(), jit_compile=keras.backend.backend() == "jax")
    optimizer.build(network.trainable_variables)
    future = ((16, HORIZON, CHANNELS), "float32")
    trace_step(network, spec=StepSpec(((16, LOOKBACK, CHANNELS), "float32"), future, future))
    done = 0
    while done < 250:
        for batch in windows.epoch(done):
            train_step(network, batch)
            done += 1
    batch = next(windows.epoch(999))
    error = np.mean((run(network, batch.history)[0][..., 0] - batch.target_out) ** 2)
    naive = np.mean((batch.history[:, -1:] - batch.target_out) ** 2)
    assert error < 0.1 * naive, (error, naive)


def test_a_seed_gives_the_same_weights_again():
    config = dataclasses.replace(tiny.network("transformer-patch").config)
    one, other = (build("transformer-patch", config, seed=4, kind="forecaster") for _ in "ab")
    for name, array in saving.weight_arrays(one).items():
        np.testing.assert_array_equal(array, saving.weight_arrays(other)[name])


@pytest.mark.parametrize(
    ("model", "overrides", "said"),
    [
        ("season-naive", {"season": 13}, "a season must be within what is read"),
        ("lstm", {"segment": 13}, "a segment must be within what is read"),
        ("transformer-patch", {"heads": 3}, "hidden_size must be a multiple of heads"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(model, overrides, said):
    with pytest.raises(ValueError, match=said):
        tiny.network(model, **overrides)


def test_ridge_finds_the_weights_that_made_the_series():
    drawn = np.random.default_rng(0)
    values = np.zeros((600, 1), "float32")
    for t in range(2, 600):  # four fifths of a change are repeated, and some noise
        change = values[t - 1] - values[t - 2]
        values[t] = values[t - 1] + 0.8 * change + 0.1 * drawn.normal()
    config = registry.configuration(
        "n-linear", "nano", kind="forecaster", lookback=4, horizon=1, channels=1
    )
    network = build("n-linear", config, kind="forecaster")
    network.fit_windows(*cut(values, np.arange(590), 4, 1))
    kernel = to_numpy(network.kernel)[:, 0]  # of what is left without the last value
    np.testing.assert_allclose(kernel[:3], [0.0, 0.0, -0.8], atol=0.1)
    spread = np.diff(to_numpy(network.errors)[0, 0])
    assert (spread > 0).all() and 0.2 < spread.sum() < 0.32  # from 10 to 90 % of a normal of 0.1
