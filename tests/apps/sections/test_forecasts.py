"""Compare for forecasters: stretches of the test side, errors, floors, maps, and one's own file."""

from __future__ import annotations

import numpy as np
import pytest

from tests.apps import app_runner, fake_forecasters
from tests.apps.app_runner import said
from tests.apps.fake_forecasters import HORIZON, LOOKBACK, SHORT
from zoo.runtime import backend

ASKED = ("season-naive", "n-linear", "lstm-bahdanau", "transformer-patch", "transformer-variate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return fake_forecasters.make(tmp_path_factory.mktemp("series") / "saved_models", ASKED)


@pytest.fixture(autouse=True)
def used(folder, monkeypatch):
    monkeypatch.setattr(backend, "compiled", uncompiled)  # so tiny, that is ten times as quick
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(folder))
    monkeypatch.setenv("ZOO_DATA_DIR", str(folder))  # where no series are
    monkeypatch.setenv("ZOO_RUNTIME", "keras")  # of which nothing has to be converted


def uncompiled(model, function, **static):
    import keras

    return lambda *arrays: function(model, *map(keras.ops.convert_to_tensor, arrays), **static)


def opened(**params):
    at = app_runner.opened("compare", task=SHORT, **params)
    assert not at.exception
    return at


def specs(at):
    return app_runner.charts(at)


def test_every_model_is_drawn_beside_what_came():
    at = opened()
    assert not at.error
    text = said(at).replace("\\", "")
    for name in ("Season-naive", "Ridge (NLinear)", "Transformer, patches"):
        assert f"**{name}**" in text
    assert "**Season-naive** · floor" in text
    assert "**Transformer, series** · worse than the floor" in text
    assert "**Transformer, patches** ·" not in text
    assert "Floor: Ridge (NLinear), MSE 0.370. It learns nothing by gradient; its weights" in text
    assert "n-grams" not in text
    assert "Zhou et al. 2021 (Informer); licence: CC BY-ND 4.0" in text


def test_the_table_has_the_errors_of_the_cards_definitions():
    at = opened(series="OT", window="1")
    table = at.dataframe[0].value
    assert list(table.columns) == [
        "Model",
        "MSE here",
        "MAE here",
        "In the band, %",
        "MSE, test side",
    ]
    assert list(table["MSE here"]) == sorted(table["MSE here"])
    shown = dict(zip(table["Model"], table["MSE here"], strict=True))
    task = fake_forecasters.task()
    truth, history = (
        task.part("test")[LOOKBACK : LOOKBACK + HORIZON, 2],
        task.part("test")[:LOOKBACK, 2],
    )
    naive = history[np.arange(HORIZON) % 6 + LOOKBACK - 6]
    wanted = np.mean(((truth - naive) / task.scaler().std[2]) ** 2)
    assert shown["Season-naive, floor"] == pytest.approx(wanted, rel=1e-3)
