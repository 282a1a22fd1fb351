"""Tasks of series: splits, scaling and protocols have been made wrong in published figures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from training import tasks
from training.data import download
from training.tasks.forecasting import Protocol


@pytest.fixture
def own(tmp_path):
    """A file of 200 hours, of which the last fifth is far above the rest."""
    path = tmp_path / "own.csv"
    hours = np.arange(200)
    values = np.sin(hours / 4) + np.where(hours >= 160, 100, 0)
    times = np.datetime64("2024-01-01") + hours.astype("timedelta64[h]")
    lines = [f"{time},{value:.4f}" for time, value in zip(times, values, strict=True)]
    path.write_text("\n".join(["time,load", *lines]) + "\n", encoding="utf-8")
    task = tasks.get(f"csv:{path}")
    return task.configured(time="time", lookback=12, horizon=6, season=25)


def test_the_scaler_knows_the_training_part_alone(own):
    scaler = own.scaler()
    part = own.part("train")
    assert len(part) == 140 and scaler.columns == ("load",) and scaler.step == 3600
    assert abs(scaler.mean[0]) < 1 and scaler.std[0] < 1  # not of the part that is far above
    assert scaler.scaled(own.part("test")).max() > 100
    np.testing.assert_allclose(scaler.restored(scaler.scaled(part)), part, atol=1e-4)


def test_parts_reach_back_by_a_lookback_and_no_window_crosses_a_border(own):
    values = own.series().values
    np.testing.assert_array_equal(own.part("valid"), values[140 - 12 : 160])
    np.testing.assert_array_equal(own.part("test"), values[160 - 12 :])
    assert len(own.begins("test")) == 40 - 6 + 1
    assert str(own.times("test")[12]) == "2024-01-07T16:00:00"
    # The first thing that is forecast of a part is its first step.
    assert own.part("test")[12, 0] == values[160, 0]


def test_a_last_batch_is_left_out_by_the_literature_alone(own):
    other = own.configured(drop_last=8)
    assert len(other.begins("test")) == 32 and len(own.begins("test")) == 35
    assert len(other.begins("valid")) == len(own.begins("valid"))
    assert own.by_literature().protocol.drop_last == 128
    assert own.by_literature().exactly().protocol == dataclasses.replace(
        own.protocol, missing="refuse"
    )


def test_the_hash_tells_other_data_and_other_protocols(own):
    assert own.split_hash() == own.configured().split_hash()
    assert own.split_hash() != own.configured(horizon=7).split_hash()
    assert own.split_hash() != own.configured(drop_last=8).split_hash()


def test_a_model_folder_gives_its_protocol_back(own):
    record = dataclasses.asdict(own.protocol) | {"split_sha256": "x"}
    again = tasks.of_model({"task": own.name, "protocol": record}, own.name)
    assert again.protocol == own.protocol and again.split_hash() == own.split_hash()


def test_a_part_without_a_window_is_named(own):
    with pytest.raises(ValueError, match=r"the training part of csv:own.csv has 140 steps, and a"):
        own.configured(lookback=150).part("train")
    with pytest.raises(ValueError, match=r"the validation part .* has 32 steps, and a .* needs 34"):
        own.configured(horizon=22).part("valid")


def test_values_that_a_protocol_cannot_have_are_refused():
    with pytest.raises(ValueError, match="horizon must be at least 1"):
        Protocol(4, 0)
    with pytest.raises(ValueError, match="missing is one of refuse, previous, as published"):
        Protocol(4, 1, missing="drop")
    with pytest.raises(ValueError, match="the protocol is damaged"):
        Protocol.of({"horizon": 3})
    with pytest.raises(ValueError, match=r"unknown task; there are .*csv:FILE"):
        tasks.get("series:x")
    with pytest.raises(ValueError, match="series to forecast are ett/h1"):
        tasks.get("ett/h9")


def test_the_published_splits_of_ett():
    if download.locate(["ett/ETTh1.csv"]) is None:
        pytest.skip("ETTh1 is not on disk")
    task = tasks.get("ett/h1")
    assert {split: len(task.begins(split)) for split in ("train", "valid", "test")} == {
        "train": 8209,
        "valid": 2785,
        "test": 2785,
    }
    assert task.series().columns == ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")


def test_sentinels_of_the_weather_are_filled_in_but_by_the_literature():
    if download.locate(["ltsf_weather/weather.csv"]) is None:
        pytest.skip("weather.csv is not on disk")
    task = tasks.get("weather")
    assert task.series().values.min() > -1000 and task.series().filled > 0
    published = task.by_literature().series()
    assert (published.values == -9999).sum() == task.series().filled
    assert published.values.shape == (52_696, 21)
