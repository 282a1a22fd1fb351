"""Forecasters in the unit of the data: what is read, what is refused, what is said."""

from __future__ import annotations

import json

import numpy as np
import pytest

import zoo
from tests.zoo import tiny_forecasters as tiny
from tests.zoo.tiny_forecasters import COLUMNS, HORIZON, LOOKBACK
from zoo import saving
from zoo.forecast import LEVELS, Forecast
from zoo.scaler import Scaler


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.predictor("transformer-patch", tmp_path_factory.mktemp("a") / "patch")


def history(rows=LOOKBACK, seed=0):
    return np.random.default_rng(seed).normal([10, -2, 0.5], [3, 0.5, 40], (rows, 3))


def test_answers_are_in_the_unit_of_the_data(model):
    [found] = model.predict(history())
    scores = model.values(tiny.SCALER.scaled(history())[None])[0]  # (H, C, 1 + Q)
    for column, (mean, std) in enumerate(zip(tiny.SCALER.mean, tiny.SCALER.std, strict=True)):
        np.testing.assert_allclose(found.mean[:, column], scores[:, column, 0] * std + mean, 1e-5)
        wanted = scores[:, column, 1:] * std + mean
        np.testing.assert_allclose(found.quantiles[:, column], wanted, 1e-5)
    assert found.columns == COLUMNS and found.times is None and found.notes == []
    np.testing.assert_array_equal(found.history, history())
    low, high = found.band(0.8)
    assert (low < high).all() and low.shape == (HORIZON, 3)
    with pytest.raises(ValueError, match=r"There are bands of 0.8, 0.6, 0.4, 0.2"):
        found.band(0.5)


def test_only_the_last_steps_are_read_and_that_is_said(model):
    [alone], [longer] = model.predict(history(30)[-LOOKBACK:]), model.predict(history(30))
    np.testing.assert_array_equal(alone.mean, longer.mean)
    assert longer.notes == ["The model reads 12 steps: the last of the 30 given."]


def test_columns_by_name_lists_and_batches_are_the_same(model):
    named = {name: history()[:, n] for n, name in enumerate(COLUMNS)} | {"other": [1]}
    [one] = model.predict(named)
    found = model.predict(np.stack([history(), history(seed=1)]))
    listed = model.predict([history().tolist(), history(seed=1)])
    np.testing.assert_allclose(found[0].mean, one.mean, rtol=1e-5)
    for a, b in zip(found, listed, strict=True):
        np.testing.assert_array_equal(a.mean, b.mean)


def test_times_go_on(model):
    [found] = model.predict(history(), times=["2024-02-28T22:00"])
    assert str(found.times[0]) == "2024-02-28T23:00:00" and len(found.times) == HORIZON
    assert str(found.times[2]) == "2024-02-29T01:00:00"
    times = np.datetime64("2024-01-01") + np.arange(LOOKBACK).astype("timedelta64[h]")
    assert model.predict(history(), times=times)[0].times[0] == times[-1] + np.timedelta64(1, "h")
    with pytest.raises(ValueError, match="one entry for each history"):
        model.predict([history(), history()], times=["2024-01-01"])


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (history(11), ValueError, "reads 12 steps. Received: 11"),
        (history()[:, :2], ValueError, r"forecasts 3 series \(load, wind, sun\)"),
        (history()[:, 0], ValueError, "forecasts 3 series"),
        ([["a", 1, 2]] * 12, TypeError, "must be an array of numbers"),
        ({"load": [1], "wind": [2]}, ValueError, "has no column 'sun'"),
        (np.where(np.arange(36).reshape(12, 3) == 7, np.nan, 1.0), ValueError, "Step 2 of wind"),
        (np.where(np.arange(36).reshape(12, 3) == 8, np.inf, 1.0), ValueError, "Step 2 of sun"),
    ],
)
def test_histories_that_cannot_be_read_are_named(model, given, error, said):
    with pytest.raises(error, match=said):
        model.predict(given)


def test_what_is_unlike_the_training_data_is_said(model):
    flat = history()
    flat[:, 0] = 10.0
    flat[-1, 1] = 8.0
    [found] = model.predict(flat)
    assert found.notes[0].startswith("load does not change in what is read")
    assert found.notes[1] == (
        "wind is up to 20 standard deviations from what the model was trained on."
    )


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("scaler.json", b"{", "scaler.json is damaged"),
        ("scaler.json", b'{"columns": ["a"], "mean": [0], "std": [0]}', "must be above 0"),
        ("scaler.json", b'{"columns": ["a"], "mean": [0], "std": [1]}', "has 1 series"),
        ("scaler.json", None, "has no scaler.json"),
        ("config.json", {"hyperparameters": {"lookback": 0}}, "lookback must be an int"),
        ("config.json", {"tokenizers": {"scaler": "../scaler.json"}}, "must be a .json file"),
    ],
)
def test_damaged_folders_are_named(tmp_path, file, content, said):
    folder = tmp_path / "model"
    tiny.predictor("n-linear", folder)
    if content is None:
        (folder / file).unlink()
    elif isinstance(content, dict):
        config = json.loads((folder / file).read_text())
        for key, values in content.items():
            config[key] = config[key] | values
        (folder / file).write_text(json.dumps(config))
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(saving.ModelFolderError, match=said):
        zoo.load(folder)


def test_a_scaler_is_kept_as_it_is(tmp_path):
    scaler = Scaler(("à", "b"), (0.1, 2e9), (1e-9, 3.0), None)
    (tmp_path / "scaler.json").write_bytes(scaler.bytes)
    assert Scaler.load(tmp_path / "scaler.json") == scaler


def test_maps_of_a_series():
    maps = {"encoder": np.arange(3.0).reshape(3, 1, 1, 1, 1), "cross": np.ones((1, 1, 1, 2, 2))}
    zeros = np.zeros((2, 3))
    found = Forecast(COLUMNS, zeros, zeros, np.zeros((2, 3, len(LEVELS))), attention=maps)
    assert found.maps(2)["encoder"].item() == 2.0 and found.maps(2)["cross"].shape == (1, 1, 2, 2)
