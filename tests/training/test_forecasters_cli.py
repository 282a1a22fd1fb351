"""`python -m training.train` and `evaluate` on series: from a CSV file to a model and its figures.

All calls are made by one process of their own: a run fixes threads and determinism for good.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests import thorough
from tests.training import training_runs
from training import card_writer, tasks
from zoo import registry

pytestmark = pytest.mark.slow

MODELS = list(registry.of_kind("forecaster"))
ALWAYS = ["season-naive", "n-linear", "lstm", "transformer-patch"]
RUN = [
    *("--task=csv:own.csv", "--time=hour", "--preset=nano", "--steps=24", "--validate-every=12"),
    *("--lookback=24", "--horizon=6", "--season=12", "--batch-tokens=96", "--warmup=4"),
    *("--learning-rate=0.01", "--checkpoint-every=5", "--seed=1", "--threads=1"),
    *("--precision=float32", "--averaging=0.5"),
]
PATCH = [*RUN, "--model=transformer-patch"]
WRONG: dict[str, tuple[list[str], list[str]]] = {
    "a translator": ([*RUN, "--model=transformer"], ["transformer is a seq2seq", "forecaster"]),
    "no such file": (["--task=csv:no.csv", *RUN[1:], "--model=lstm"], ["no such file", "no.csv"]),
    "no path": (["--task=csv:", *RUN[1:], "--model=lstm"], ["csv:FILE"]),
    "no such column": ([*PATCH, "--target=rain"], ["no column 'rain'", "hour, load, wind"]),
    "no such time": ([*PATCH, "--time=when"], ["no column 'when'"]),
    "times of known series": (
        ["--task=ett/h1", "--time=date", "--model=lstm"],
        ["--time is for csv:FILE", "ett/h1"],
    ),
    "too long a window": ([*PATCH, "--lookback=400"], ["training part", "--lookback"]),
    "too long a horizon": ([*PATCH, "--horizon=60"], ["validation part", "--horizon"]),
    "a season beyond": (
        [*RUN, "--model=season-naive", "--season=25"],
        ["a season must be within what is read", "season=25"],
    ),
    "heads": ([*PATCH, "--set=heads=3"], ["hidden_size must be a multiple of heads"]),
    "a vocabulary": ([*PATCH, "--vocabulary=9"], ["--vocabulary is for texts"]),
    "a state": ([*PATCH, "--carry-state"], ["--carry-state is for texts"]),
    "gaps": (["--task=csv:gaps.csv", *RUN[1:], "--model=lstm"], ["line 9", "--missing previous"]),
    "a floor to start from": (
        [*RUN, "--start-from=./n-linear"],
        ["n-linear was computed and not trained"],
    ),
    "another horizon": ([*RUN, "--start-from=./lstm", "--horizon=5"], ["has --horizon 6"]),
    "other settings": ([*PATCH, "--out=transformer-patch", "--seed=2"], ["other settings", "seed"]),
}
ASKED_WRONG = {
    "another protocol": (["lstm", "--protocol=loose"], ["exact or literature"]),
    "beams": (["lstm", "--beams=5"], ["for models of pairs of texts"]),
    "a protocol and the card": (
        ["lstm", "--protocol=literature", "--update-card"],
        ["--update-card wants the whole test split"],
    ),
}
SCRIPT = """
from training.evaluate import app as evaluate
from training.train import app
for name, arguments in calls["right"].items():
    found[name] = call(app, arguments)
for name, arguments in calls["asked"].items():
    found["asked " + name] = call(evaluate, arguments)
for name, arguments in calls["wrong"].items():
    found[name] = call(app, arguments)
"""


def corpus(path: Path) -> None:
    """Three series over 500 hours: two waves, and one with noise."""
    hours = np.arange(500)
    drawn = np.random.default_rng(0)
    columns = {
        "load": 50 + 10 * np.sin(2 * np.pi * hours / 12),
        "wind": 5 + np.cos(2 * np.pi * hours / 12) + 0.1 * drawn.normal(size=500),
    }
    times = np.datetime64("2024-01-01") + hours.astype("timedelta64[h]")
    rows = [
        ",".join([str(time), *(f"{values[n]:.3f}" for values in columns.values())])
        for n, time in enumerate(times)
    ]
    head = "hour,load,wind"
    (path / "own.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    gaps = [*rows[:8], *rows[10:]]
    (path / "gaps.csv").write_text("\n".join([head, *gaps]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def models(pytestconfig) -> list[str]:
    """What is trained."""
    return MODELS if pytestconfig.option.thorough else ALWAYS


@pytest.fixture(scope="module")
def place(tmp_path_factory, models) -> Path:
    """A folder with series, after all calls were made in it."""
    path = tmp_path_factory.mktemp("series")
    corpus(path)
    right = {model: [*RUN, f"--model={model}", f"--out={model}"] for model in models}
    right["again"] = right["lstm"]
    right["filled"] = ["--task=csv:gaps.csv", *RUN[1:], "--model=season-naive", "--out=filled"]
    right["filled"] += ["--missing=previous", "--target=wind"]
    right["begun"] = [*RUN, "--start-from=./lstm", "--steps=2", "--out=begun"]
    asked = {model: [f"./{model}", "--update-card"] for model in ("n-linear", *models)}
    asked["literature"] = ["./n-linear", "--protocol=literature", "--out=literature.json"]
    asked |= {name: [f"./{given[0]}", *given[1:]] for name, (given, _) in ASKED_WRONG.items()}
    wrong = {
        name: [*given, *([] if any("--out" in one for one in given) else ["--out=wrong"])]
        for name, (given, _) in WRONG.items()
    }
    training_runs.make_calls(SCRIPT, path, {"right": right, "asked": asked, "wrong": wrong})
    return path


@pytest.fixture(scope="module")
def found(place) -> dict[str, tuple[int, str, str | None]]:
    return json.loads((place / "found.json").read_text())


@pytest.mark.parametrize("model", thorough.params(MODELS, ALWAYS))
def test_every_architecture_is_trained_scored_and_loaded(place, found, model):
    for name in (model, f"asked {model}"):
        status, said, error = found[name]
        assert (status, error) == (0, None), said
    card = card_writer.read(place / model)
    assert set(card["metrics"]["1"]) >= {"mse", "mae", "mase", "crps", "coverage", "protocol"}
    assert card["metric_info"]["coverage"]["unit"] == "%"
    assert card["data"]["examples"] == {"train": 321, "valid": 45, "test": 95}
    loaded = zoo.load(place / model)
    assert loaded.columns == ("load", "wind") and loaded.parameters == card["parameters"]
    assert loaded.config["protocol"]["season"] == 12
    blocks = json.loads((place / model / "blocks.json").read_text())
    assert sum(row["values"] for row in blocks["blocks"]) == 95 * 6 * 2
    assert "csv:own.csv" in (place / model / "README.md").read_text()


def test_figures_against_the_floor_are_those_of_both(place, models):
    cards = {model: card_writer.read(place / model)["metrics"]["1"] for model in models}
    assert "against" not in cards["n-linear"]
    for model in models:
        if model != "n-linear":
            found_one = cards[model]["against"]
            assert found_one["model"] == "n-linear"
            difference = cards[model]["mse"]["value"] - cards["n-linear"]["mse"]["value"]
            assert found_one["mse"]["value"] == pytest.approx(difference, abs=2e-3)
    # A wave is what ridge regression, and a copy of the last one, know how to go on with.
    assert cards["n-linear"]["mse"]["value"] < 0.05 and cards["season-naive"]["mse"]["value"] < 0.05


def test_a_finished_run_says_so(found):
    assert found["again"][0] == 0 and "is finished" in found["again"][1]


def test_gaps_are_filled_where_that_is_asked_for(place, found):
    assert found["filled"][0] == 0, found["filled"][1]
    loaded = zoo.load(place / "filled")
    assert loaded.columns == ("wind",) and loaded.config["protocol"]["missing"] == "previous"
    assert "2 missing values repeat" in card_writer.read(place / "filled")["data"]["split_rule"]


def test_a_model_goes_on_from_another(place, found):
    assert found["begun"][0] == 0, found["begun"][1]
    assert card_writer.read(place / "begun")["training"]["settings"]["start_from"]["name"] == "lstm"


def test_the_protocol_of_the_literature_is_told(place, found):
    assert found["asked literature"][0] == 0, found["asked literature"][1]
    figures = json.loads((place / "literature.json").read_text())
    assert figures["protocol"]["drop_last"] == 128
    assert figures["protocol"]["missing"] == "as published"


def test_a_task_is_found_again_by_its_model(place, monkeypatch):
    monkeypatch.chdir(place)
    config = json.loads((place / "lstm" / "config.json").read_text())
    task = tasks.of_model(config)
    assert task.protocol.time == "hour" and task.split_hash() == config["protocol"]["split_sha256"]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence(place, found, name):
    status, said, error = found[name]
    assert (status, error) == (2, None), said
    for part in WRONG[name][1]:
        assert part in " ".join(said.split()), said
    assert not (place / "wrong" / "config.json").exists()


@pytest.mark.parametrize("name", ASKED_WRONG)
def test_what_cannot_be_asked_is_one_sentence(found, name):
    status, said, error = found[f"asked {name}"]
    assert (status, error) == (2, None), said
    for part in ASKED_WRONG[name][1]:
        assert part in " ".join(said.split()), said
