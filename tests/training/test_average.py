"""The mean of several models: its weights, card and answers, and what cannot be averaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from tests.training import training_runs
from tests.training.test_classifiers_cli import RUN, TEXTS, examples
from training import average, card_writer, start_from
from zoo import saving, shipped

SHORT = [*RUN, "--task=labels:moods.tsv", "--steps=20", "--keep=last"]
RUNS = {
    "first": [*SHORT, "--model=feed-forward", "--vocabulary=280"],
    "second": [*SHORT, "--start-from=./first", "--seed=2", "--learning-rate=0.01"],
    "other words": [*SHORT, "--model=feed-forward", "--vocabulary=290", "--seed=3"],
    "narrow": [*SHORT, *TEXTS, "--model=feed-forward", "--set=hidden_size=8"],
    "adapter": [*SHORT[1:], "--start-from=sst2-bert", "--adapt=lora"],
}
MEANS = {
    "mean": ["./first", "./second", "--out=mean", "--validate-on=8"],
    "mean again": ["./first", "./second", "--out=mean", "--validate-on=8"],
    "of adapters": ["adapter", "adapter", "--out=of adapters", "--validate-on=0"],
}
WRONG: dict[str, tuple[list[str], list[str]]] = {
    "one": (["./first", "--out=x"], ["two models or more"]),
    "over a member": (["./first", "./second", "--out=first"], ["one of the models"]),
    "over another": (["./first", "./second", "--out=narrow"], ["another model"]),
    "no such": (["./first", "./nobody", "--out=x"], ["There is no model folder nobody"]),
    "another kind": (["./first", "dates-lstm", "--out=x"], ["must have the same kind"]),
    "another task": (["./first", "sst2-bert", "--out=x"], ["the same task", "sst2"]),
    "another size": (["./first", "./narrow", "--out=x"], ["the same hidden_size", "and 8"]),
    "other words": (["./first", "./other words", "--out=x"], ["first and other words"]),
    "a floor": (["digits-knn", "digits-knn", "--out=x"], ["computed and not trained"]),
}
SCRIPT = """
from training.average import app as mean
from training.evaluate import app as evaluate
from training.train import app
for name, arguments in calls["runs"].items():
    found[name] = call(app, [*arguments, f"--out={name}"])
for name, arguments in calls["means"].items():
    found[name] = call(mean, arguments)
found["evaluated"] = call(evaluate, ["./mean", "--update-card"])
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with examples, after all runs were made in it."""
    path = tmp_path_factory.mktemp("average")
    examples(path)
    rows = (path / "moods.tsv").read_text(encoding="utf-8")
    # The classes of sst2-bert, so that its head fits.
    rows = rows.replace("\tcalm", "\tnegative").replace("\tfierce", "\tpositive")
    (path / "moods.tsv").write_text(rows, encoding="utf-8")
    training_runs.make_calls(SCRIPT, path, {"runs": RUNS, "means": MEANS})
    return path


@pytest.fixture(scope="module")
def found(place) -> dict[str, tuple[int, str, str | None]]:
    return json.loads((place / "found.json").read_text())


@pytest.mark.slow
def test_weights_are_the_mean_and_the_model_answers(place, found):
    for name in (*RUNS, "mean", "mean again", "evaluated"):
        assert (found[name][0], found[name][2]) == (0, None), found[name][1]
    first, second, mean = (
        saving.read_weights(place / name) for name in ("first", "second", "mean")
    )
    assert max(np.abs(first[name] - second[name]).max() for name in first) > 0.01
    for name in first:
        wanted = (first[name].astype("float32") + second[name].astype("float32")) / 2
        np.testing.assert_allclose(mean[name].astype("float32"), wanted, rtol=1e-3, atol=1e-6)
    [answer] = zoo.load(place / "mean").predict(["the lake is mild and new"])
    assert answer.name in ("negative", "positive")


@pytest.mark.slow
def test_the_card_tells_its_members_and_how_to_make_it_again(place, found):
    card = card_writer.read(place / "mean")
    members = [card_writer.read(place / name) for name in ("first", "second")]
    training = card["training"]
    assert [one["name"] for one in training["averaged"]] == ["first", "second"]
    assert [one["command"] for one in training["averaged"]] == [
        one["training"]["command"] for one in members
    ]
    assert training["steps"] == sum(one["training"]["steps"] for one in members) == 40
    assert card["seed"] is None and training["settings"]["batch_tokens"] == 160
    assert card["metrics"]["1"]["examples"] == 8 and card["parameters"] == members[0]["parameters"]
    for one in (training, *training["averaged"]):
        assert set(one["valid"]) == {"accuracy"}
    assert "accuracy on validation examples, higher is better: first " in found["mean"][1]
    readme = (place / "mean" / "README.md").read_text(encoding="utf-8")
    commands = readme.partition("```sh")[2].splitlines()
    said = ["training.train", "training.train", "training.average ./first", "training.evaluate"]
    for command, part in zip(commands[1:], said, strict=False):
        assert part in command
    assert "| Mean of the weights of | first, weights SHA-256" in readme


@pytest.mark.slow
def test_adapters_are_merged_with_their_base(place, found):
    assert found["of adapters"][0] == 0, found["of adapters"][1]
    assert "not validated" in found["of adapters"][1]
    merged = start_from.whole(zoo.load(place / "adapter"))
    mean = zoo.load(place / "of adapters")
    assert "adapter" not in mean.config
    for name, array in saving.weight_arrays(mean.model).items():
        np.testing.assert_allclose(array, merged[name], rtol=1e-3, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_averaged_is_one_sentence(place, name, monkeypatch):
    monkeypatch.chdir(place)
    arguments, parts = WRONG[name]
    said = CliRunner().invoke(average.app, arguments)
    assert said.exit_code == 2, said.output
    for part in parts:
        assert part in " ".join(said.output.split())
    assert not Path("x").exists()
    assert "averaged" not in card_writer.read(Path("first"))["training"]


@pytest.mark.slow
def test_nothing_is_written_where_the_corpus_is_missing(place, tmp_path, monkeypatch):
    shutil.copytree(place / "first", tmp_path / "alone")
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(average.app, ["./alone", "./alone", "--out=x"])
    assert said.exit_code == 2 and "moods.tsv" in said.output
    assert not Path("x").exists()


def test_the_mean_of_a_model_and_itself_is_that_model(tmp_path):
    """Of a model that writes, too."""
    out = tmp_path / "same"
    arguments = ["dates-lstm", "dates-lstm", "--out", str(out), "--validate-on", "0"]
    said = CliRunner().invoke(average.app, arguments)
    assert said.exit_code == 0, said.output
    own = saving.read_weights(shipped.saved_models_path() / "dates-lstm")
    for name, array in saving.read_weights(out).items():
        np.testing.assert_array_equal(array, own[name])
    training = card_writer.read(out)["training"]
    assert [one["name"] for one in training["averaged"]] == ["dates-lstm"] * 2
    assert str(tmp_path) not in (out / "card.json").read_text() + (out / "README.md").read_text()
