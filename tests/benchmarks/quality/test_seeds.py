"""One recipe from several seeds: what is trained, what is taken as it is, what is told of it."""

from __future__ import annotations

import json

import pytest

from benchmarks.quality import seeds, training_runs

COMMAND = "python -m training.train --task digits --model cnn --epochs 2 --seed 7 --out runs/x"


@pytest.fixture
def model(tmp_path):
    """A model folder, as far as it is read here."""
    place = tmp_path / "digits-cnn"
    place.mkdir()
    (place / "config.json").write_text(
        json.dumps({"kind": "classifier", "model": "cnn", "task": "digits"})
    )
    card = {"main_metrics": ["accuracy"], "parameters": 9, "training": {"command": COMMAND}}
    (place / "card.json").write_text(json.dumps(card))
    return place


@pytest.fixture
def trained(monkeypatch):
    """The arguments of every training, which reaches as many percent as its seed, or fails."""
    calls = []

    def run(arguments, place):
        calls.append(arguments)
        seed = int(arguments[-1])
        told = {"command": f"python -m training.train {' '.join(arguments)} --out {place}"}
        if seed == 3:
            return {**told, "failed": "no room"}
        metrics = {"1": {"accuracy": {"value": 80.0 + seed}}}
        return {**told, "card": {"metrics": metrics, "training": {"minutes": 1.0}}}

    monkeypatch.setattr(training_runs, "trained", run)
    return calls


def test_each_seed_is_trained_by_the_command_of_the_card(model, trained, tmp_path):
    *_, (name, found) = seeds.measured([str(model)], 3, tmp_path)
    recipe = ["--task", "digits", "--model", "cnn", "--epochs", "2", "--seed"]
    assert trained == [[*recipe, str(seed)] for seed in (1, 2, 3)]
    assert (name, found["mean"], found["failed"]) == ("digits-cnn", 81.5, 1)
    assert "no room" in seeds.page({name: found}) and "81.50 ± 0.71" in seeds.page({name: found})


def test_further_seeds_are_added_to_those_of_the_same_command(model, trained, tmp_path):
    *_, before = seeds.measured([str(model)], 2, tmp_path)
    trained.clear()
    *_, (_, found) = seeds.measured([str(model)], 4, tmp_path, dict([before]))
    assert [arguments[-1] for arguments in trained] == ["3", "4"]
    assert [run["seed"] for run in found["runs"]] == [1, 2, 3, 4]
    trained.clear()
    # What failed is tried again.
    list(seeds.measured([str(model)], 3, tmp_path, {"digits-cnn": found}))
    assert [arguments[-1] for arguments in trained] == ["3"]


def test_runs_of_another_command_are_not_taken(model, trained, tmp_path):
    *_, before = seeds.measured([str(model)], 1, tmp_path)
    card = json.loads((model / "card.json").read_text())
    card["training"]["command"] = COMMAND.replace("--epochs 2", "--epochs 3")
    (model / "card.json").write_text(json.dumps(card))
    trained.clear()
    *_, (name, found) = seeds.measured([str(model)], 1, tmp_path, dict([before]))
    assert len(trained) == 1
    assert "| 81.00 | 81.00 | 81.00 | 1 |" in seeds.page({name: found})  # one run has no spread


def test_of_a_mean_every_member_is_trained_from_the_same_seed(
    model, trained, tmp_path, monkeypatch
):
    card = json.loads((model / "card.json").read_text())
    commands = [COMMAND, COMMAND.replace("--epochs 2", "--epochs 1")]
    card["training"] = {
        "averaged": [{"command": one} for one in commands],
        "command": "python -m training.average runs/x runs/y --out runs/xy",
    }
    (model / "card.json").write_text(json.dumps(card))
    made = []

    def make(command, place):
        made.append(command[2:])
        metrics = {"1": {"accuracy": {"value": 90.0}}}
        told = {"command": f"python {' '.join(command)}"}
        return {**told, "card": {"metrics": metrics, "training": {"minutes": 2.0}}}

    monkeypatch.setattr(training_runs, "_made", make)
    *_, (name, found) = seeds.measured([str(model)], 3, tmp_path)
    recipes = ["--task digits --model cnn --epochs 2", "--task digits --model cnn --epochs 1"]
    # The third seed fails in its first member, and its mean is not made.
    wanted = [
        f"{recipes[of]} --seed {seed}" for seed, of in [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]
    ]
    assert [" ".join(arguments) for arguments in trained] == wanted
    members = [str(tmp_path / f"digits-cnn-2-of-{number}") for number in (1, 2)]
    assert made[1] == [*members, "--out", str(tmp_path / "digits-cnn-2")] and len(made) == 2
    assert (found["mean"], found["failed"]) == (90.0, 1)
    assert found["runs"][1]["members"] == [{"accuracy": 82.0}] * 2
    assert found["runs"][1]["command"].count(" && ") == 2
    trained.clear()
    list(seeds.measured([str(model)], 3, tmp_path, {name: found}))
    assert len(trained) == 1  # the failed one again
