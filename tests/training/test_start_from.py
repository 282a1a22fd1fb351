"""Runs from the first to the last: begun from a model, on other data, in a folder far away.

All calls are made by one process of their own: a run fixes threads and determinism for good.
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest
from safetensors.numpy import load

import zoo
from tests.training import training_runs
from training import card_writer, checkpoint

pytestmark = pytest.mark.slow

SECRET = "home-of-anna"
"""A folder on the way to all files: nothing that is left may name it."""

NANO = ("--model=simple-rnn", "--preset=nano")
USUAL = (
    *("--validate-on=4", "--batch-tokens=100", "--seed=1", "--threads=1", "--warmup=20"),
    "--validate-with=keras",
    *("--learning-rate=0.01", "--patience=0", "--precision=float32", "--smoothing=0"),
)
SCRIPT = """
import os, shutil
from pathlib import Path
from training import evaluate, export, folder_lock, score_attention, store_examples, train
from training.loop import Trainer

class Killed(BaseException):
    pass

step = Trainer._step
def dies(self, batch):
    if self.progress.step == 57:
        raise Killed
    step(self, batch)

apps = {"train": train, "evaluate": evaluate, "examples": store_examples, "export": export}
apps["attention_scores"] = score_attention
left = found["left base as it was"] = []
for name, command, arguments in calls:
    if command == "write":
        Path(arguments[0]).write_text(arguments[1], encoding="utf-8")
        continue
    if command == "copy cut short":
        shutil.copytree(*arguments)
        weights = Path(arguments[1], "weights.safetensors")
        weights.write_bytes(weights.read_bytes()[:-9])
        continue
    if command == "train and die":
        Trainer._step = dies
        try:
            call(train.app, arguments)
        except Killed:
            found["killed"] = sorted(path.name for path in Path(name).iterdir())
        Trainer._step = step
        continue
    if command == "train beside another":
        with folder_lock.owned(Path(name, "training")):
            found["beside"], found["pid"] = call(train.app, arguments), os.getpid()
        continue
    before = {path: path.stat().st_mtime_ns for path in Path("../base").glob("*")}
    found[name] = call(apps[command].app, arguments)
    after = {path: path.stat().st_mtime_ns for path in Path("../base").glob("*")}
    if before and before == after:
        left.append(name)
"""
WRONG = {
    "no model at all": ((), ["--model", "--start-from"]),
    "another architecture": (("--start-from=BASE", "--model=lstm"), ["simple-rnn", "--model lstm"]),
    "another size": (("--start-from=BASE", "--preset=tiny"), ["nano", "--preset tiny"]),
    "another vocabulary": (("--start-from=BASE", "--vocabulary=999"), ["--vocabulary 999"]),
    "another hidden size": (
        ("--start-from=BASE", "--set=hidden_size=32"),
        ["has hidden_size=24", "--set hidden_size=32"],
    ),
    "by its former name": (("--start-from=BASE", "--set=units=32"), ["has hidden_size=24"]),
    "no such hyper-parameter": (("--start-from=BASE", "--set=wdith=3"), ["knows no wdith"]),
    "dropout of all": (("--start-from=BASE", "--dropout=1"), ["dropout=1.0"]),
    "an unknown choice": (("--start-from=BASE", "--keep=worst"), ["--keep", "'worst'"]),
    "no such model": (("--start-from=nobody",), ["Unknown model", "'nobody'"]),
    "no such folder": (("--start-from=./nowhere",), ["no model folder", "nowhere"]),
    "a folder of something else": (("--start-from=.",), ["--start-from", "config.json"]),
    "damaged weights": (("--start-from=CUT",), ["--start-from", "is damaged"]),
    "into its own folder": (("--start-from=BASE", "--out=BASE"), ["--out", "overwritten"]),
}


def corpora(where: Path) -> tuple[str, str, str]:
    """Pairs to train on, the same without their first, and a person's own, of the file `where`."""
    rows = where.read_text(encoding="utf-8").splitlines(keepends=True)
    pairs = [row for number, row in enumerate(rows) if number % 4]
    return "".join(pairs), "".join(pairs[1:]), "".join(rows[::4])


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """The folder with corpora and models, after all calls were made."""
    path = tmp_path_factory.mktemp("starting") / SECRET / "deep"
    for folder in ("data", "work"):
        (path / folder).mkdir(parents=True)
    before, changed, mine = corpora(training_runs.corpus(path / "all.tsv"))
    pairs, own, base = path / "pairs.tsv", path / "own.tsv", path / "base"
    pairs.write_text(before, encoding="utf-8")
    own.write_text(mine, encoding="utf-8")
    many = (f"Tom sees {n} dogs.\tdogs. {n} sees Tom\tCC-BY\n" for n in range(4_200))
    (path / "data" / "spa.txt").write_text("".join(many), encoding="utf-8")
    train = [f"--task=tsv:{pairs}", f"--out={base}", *USUAL, *NANO, "--validate-every=200"]
    began = [f"--start-from={base}", f"--task=tsv:{own}", *USUAL]
    first = [f"--task=tsv:{own}", *USUAL, "--steps=1"]
    told = f"--task=tsv:{pairs}"
    calls = [
        ("base", "train", [*train, "--steps=400"]),
        ("again", "train", [*train, "--steps=400"]),
        ("longer", "train", [*train, "--steps=500"]),
        ("", "write", [str(pairs), changed]),
        ("other data", "train", [*train, "--steps=400"]),
        ("", "write", [str(pairs), before]),
        ("restored", "train", [*train, "--steps=400"]),
        ("new", "train", [*first, *NANO, f"--out={path / 'new'}"]),
        ("begun", "train", [*began, "--steps=1", "--set=units=24", f"--out={path / 'begun'}"]),
        (
            "further",
            "train",
            [
                *USUAL,
                told,
                "--start-from=../base",
                "--epochs=1",
                "--dropout=0.3",
                "--out=../further",
            ],
        ),
        (
            "tatoeba",
            "train",
            [*USUAL, "--task=tatoeba/en-es", "--start-from=../base", "--steps=2", "--limit=50"],
        ),
        ("lost", "evaluate", [str(base)]),
        ("evaluate", "evaluate", [str(base), told, "--update-card", f"--out={path}/base/e.json"]),
        ("examples", "examples", [str(base), told, "--runs=1"]),
        ("export", "export", [str(base), f"--out={path / 'served'}"]),
        (
            "spoilt",
            "train",
            [
                *(f"--start-from={base}", told, *USUAL, "--steps=5", "--validate-every=1"),
                *("--learning-rate=30", "--warmup=1", "--averaging=0", f"--out={path / 'spoilt'}"),
            ],
        ),
        (
            "last",
            "train",
            [
                *(f"--start-from={base}", told, *USUAL, "--steps=5", "--validate-every=2"),
                *("--learning-rate=30", "--warmup=1", "--keep=last", f"--out={path / 'last'}"),
            ],
        ),
        ("", "copy cut short", [str(base), str(path / "cut")]),
    ]
    began = [f"--start-from={base}", told, *USUAL, "--steps=200", "--validate-every=100"]
    began += ["--checkpoint-every=10", "--subword-regularization=0.5"]
    calls.append(("whole", "train", [*began, "--out=whole"]))
    for command in ("train and die", "train beside another", "train"):
        calls.append(("broken", command, [*began, "--out=broken"]))
    for name, (options, _) in WRONG.items():
        out = [] if any("--out" in option for option in options) else ["--out=wrong"]
        given = [o.replace("BASE", str(base)).replace("CUT", str(path / "cut")) for o in options]
        calls.append((name, "train", [f"--task=tsv:{own}", *USUAL, *given, *out]))
    training_runs.make_calls(SCRIPT, path / "work", calls, ZOO_DATA_DIR=str(path / "data"))
    return path


@pytest.fixture(scope="module")
def found(place) -> dict[str, tuple[int, str, str | None]]:
    return json.loads((place / "work" / "found.json").read_text())


def start_of(folder: Path) -> float:
    """The first loss of a run's curve."""
    return next(float(row["loss"]) for row in curve(folder) if row.get("loss"))


def curve(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "name",
    [
        "base",
        "new",
        "begun",
        "further",
        "tatoeba",
        "spoilt",
        "last",
        "whole",
        "evaluate",
        "examples",
        "export",
    ],
)
def test_what_is_right_works(found, name):
    status, said, error = found[name]
    assert (status, error) == (0, None), said


def test_a_run_that_begins_from_a_model_begins_where_it_ended(place, found):
    """The same data and one step: fresh weights know nothing, those of a model very much."""
    assert "Starting from the weights and tokenizers of base" in found["begun"][1]
    fresh, begun = start_of(place / "new"), start_of(place / "begun")
    assert begun < 0.7 * fresh
    assert start_of(place / "further") < 0.7 * start_of(place / "base")
    for folder in ("begun", "further", "work/runs/tatoeba-en-es-from-base"):
        there = (place / folder / "tokenizer.model").read_bytes()
        assert there == (place / "base" / "tokenizer.model").read_bytes()
    assert zoo.load(place / "begun").predict("Tom sees a book.")[0].source_pieces[-1] == "</s>"


def test_it_is_validated_before_the_first_step_and_kept_where_no_step_is_better(place, found):
    assert curve(place / "base")[0]["step"] != "0"
    first = curve(place / "spoilt")[0]
    assert first["step"] == "0" and first["kept"] == "1" and not first["loss"]
    assert all(row["kept"] != "1" for row in curve(place / "spoilt")[1:])
    weights = [digest(place / n / "weights.safetensors") for n in ("base", "spoilt")]
    assert weights[0] == weights[1]
    assert card_writer.read(place / "spoilt")["training"]["best_step"] == 0
    last = curve(place / "last")
    assert [row["decided_by"] for row in last if row["kept"]] == ["last"] * 4
    assert card_writer.read(place / "last")["training"]["best_step"] == 5
    assert digest(place / "last" / "weights.safetensors") not in weights
    assert "has the weights of base" in " ".join(found["spoilt"][1].split())


def test_the_model_decides_all_but_the_dropout(place):
    base, further = (
        json.loads((place / n / "config.json").read_text()) for n in ("base", "further")
    )
    assert base["hyperparameters"].pop("dropout") != 0.3
    assert further["hyperparameters"].pop("dropout") == 0.3
    for config, name in ((base, "base"), (further, "further")):
        assert config.pop("name") == name
    assert base == further


@pytest.mark.parametrize("folder", ["begun", "further", "work/runs/tatoeba-en-es-from-base"])
def test_the_card_says_what_it_began_from(place, folder):
    weights = digest(place / "base" / "weights.safetensors")
    origin = card_writer.read(place / folder)["training"]["settings"]["start_from"]
    assert origin == {"name": "base", "weights": weights}
    assert f"base, weights SHA-256 `{weights}`" in (place / folder / "README.md").read_text()


def test_the_card_counts_the_minutes_of_what_it_began_from(place):
    base, further = (card_writer.read(place / name)["training"] for name in ("base", "further"))
    assert "total_cpu_minutes" not in base
    assert further["total_cpu_minutes"] == pytest.approx(
        base["cpu_minutes"] + further["cpu_minutes"], abs=0.11
    )


def test_a_finished_run_says_so_only_of_the_same_data(place, found):
    for name in ("again", "restored"):
        status, said, _ = found[name]
        assert status == 0 and "is finished (step 400)" in " ".join(said.split()), said
        assert name in found["left base as it was"]
    status, said, error = found["other data"]
    assert (status, error) == (2, None) and "is finished" not in said
    before = card_writer.read(place / "base")["data"]["sha256"]
    changed = hashlib.sha256(corpora(place / "all.tsv")[1].encode()).hexdigest()
    assert before == digest(place / "pairs.tsv") and before in said and changed in said
    for way in ("--out", "--fresh", "--start-from"):
        assert way in said


def test_a_finished_run_that_is_to_go_further_is_told_how(found):
    status, said, error = found["longer"]
    assert (status, error) == (2, None)
    assert "is finished (step 400)" in said and "--start-from" in said and "--out" in said


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_go_together_is_one_sentence(found, case):
    status, said, error = found[case]
    assert (status, error) == (2, None), said
    assert len(said.strip().splitlines()) == 1, said
    for word in WRONG[case][1]:
        assert word in said


def test_a_model_that_names_no_folders_is_told_where_its_files_are(found):
    status, said, error = found["lost"]
    assert (status, error) == (2, None)
    assert "pairs.tsv" in said and "--task tsv:PATH" in said


def test_nothing_that_is_left_names_a_folder_of_this_machine(place, found):
    written = [
        path
        for folder in ("base", "begun", "served", "further", "work/runs")
        for path in (place / folder).rglob("*")
        if path.is_file()
    ]
    names = {path.name for path in written}
    expected = {"card.json", "README.md", "config.json", "history.csv", "examples.json"}
    assert expected | {"e.json", "saved_model.pb", checkpoint.FILE} <= names
    for path in written:
        content = path.read_bytes()
        for part in (SECRET, str(place), str(Path.home()), str(training_runs.ROOT)):
            assert part.encode() not in content, f"{path} names {part}"


def test_two_in_one_folder_and_a_run_from_a_model_that_is_killed(place, found):
    """Which dies at step 57; by the signal, as a user's does: see test_resume.py."""
    assert "training" in found["killed"] and "weights.safetensors" not in found["killed"]
    status, said, error = found["beside"]
    assert (status, error) == (2, None), said
    assert f"process {found['pid']} on" in " ".join(said.split())
    status, said, error = found["broken"]
    assert (status, error) == (0, None) and "Going on at step 50 of 200" in said, said
    whole, broken = place / "work" / "whole", place / "work" / "broken"
    for file in ("weights.safetensors", "tokenizer.model"):
        assert (broken / file).read_bytes() == (whole / file).read_bytes()
    states = [load((run / "training" / checkpoint.FILE).read_bytes()) for run in (whole, broken)]
    for name, array in states[0].items():
        assert (states[1][name] == array).all(), name
