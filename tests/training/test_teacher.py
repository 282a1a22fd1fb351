"""Distillation: what is learned of a teacher, of labels, and of both; and who cannot teach.

All runs are made by one process of their own: a run fixes threads and determinism for good.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.training import training_runs
from tests.training.test_classifiers_cli import RUN, TEXTS, examples
from training import run_progress, teacher
from training.config import TrainConfig
from training.data.rows import TextRows
from zoo import saving

SWAPPED = ["--task=labels:swapped.tsv", "--vocabulary=280", "--keep=last"]
TEACHERS = {
    "teacher": [*RUN, *TEXTS, "--model=feed-forward"],
    "vit": [*RUN, "--task=images:signs", "--model=vit", "--seed=2"],
}
STUDENTS = {
    "of the teacher": [
        *(*RUN, *SWAPPED, "--model=feed-forward", "--teacher-weight=1"),
        "--teacher=./teacher",
    ],
    "of labels": [
        *(*RUN, *SWAPPED, "--model=feed-forward", "--teacher-weight=0"),
        "--teacher=./teacher,./teacher",
    ],
    "of images": [*RUN, "--task=images:signs", "--model=vit", "--teacher=./vit"],
}
WRONG: dict[str, tuple[list[str], list[str]]] = {
    "no such teacher": (
        [*RUN, *TEXTS, "--model=bert", "--teacher=nobody"],
        ["--teacher: there is no trained model nobody"],
    ),
    "a comma too many": (
        [*RUN, *TEXTS, "--model=bert", "--teacher=,"],
        ["--teacher takes names with commas between them. Received: ','"],
    ),
    "a translator": (
        [*RUN, *TEXTS, "--model=bert", "--teacher=dates-lstm"],
        ["--teacher dates-lstm: it is no classifier of text inputs"],
    ),
    "other classes": (
        [*RUN, *TEXTS, "--model=bert", "--teacher=sst2-feed-forward"],
        ["--teacher sst2-feed-forward: the model tells apart negative, positive", "calm, fierce"],
    ),
    "a floor": (
        [*RUN, *TEXTS, "--model=naive-bayes", "--teacher=./teacher"],
        ["--teacher is for networks, and naive-bayes is computed from the labels"],
    ),
    "a task of pairs": (
        [*RUN, "--task=dates", "--model=lstm", "--teacher=./teacher"],
        ["--teacher is for classifiers, and dates is a task for a seq2seq"],
    ),
    "another teacher half-way": (
        [*RUN, *SWAPPED, "--model=feed-forward", "--teacher=./vit", "--out=of the teacher"],
        ["other settings", "teacher"],
    ),
}
SCRIPT = """
from training.train import app
for name, arguments in calls.items():
    found[name] = call(app, arguments)
"""


def test_targets_are_of_both_and_sum_up_to_one():
    labels, chances = np.array([0, 2]), np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    found = teacher.targets(labels, chances, weight=0.25, smoothing=0.3)
    assert found == pytest.approx(
        np.array(
            [
                [0.75 * 0.8 + 0.125, 0.75 * 0.1 + 0.075, 0.75 * 0.1 + 0.05],
                [0.75 * 0.1 + 0.025, 0.75 * 0.1 + 0.025, 0.75 * 0.8 + 0.2],
            ]
        )
    )
    assert found.sum(axis=1) == pytest.approx(1.0) and found.dtype == "float32"


def test_a_batch_has_the_targets_of_its_rows():
    texts = [np.arange(1, 2 + length) for length in range(9)]
    targets = np.random.default_rng(0).dirichlet(np.ones(3), 9)
    for few_shapes in (True, False):
        for batch in TextRows(texts, targets, tokens=24, few_shapes=few_shapes).epoch(0):
            assert batch.target_out.shape == (len(batch.inputs), 1, 3)
            for ids, target, weight in zip(
                batch.inputs, batch.target_out, batch.weights, strict=True
            ):
                if weight:
                    assert target[0] == pytest.approx(targets[np.count_nonzero(ids) - 1])


def test_a_run_knows_its_teachers_by_their_weights(tmp_path):
    """A folder of the same name with another model in it is another teacher."""
    config = TrainConfig(task="sst2", model="bert", teacher=f"{tmp_path}/mine,{tmp_path}/mine")
    known = []
    for content in (b"one", b"another"):
        (tmp_path / "mine").mkdir(exist_ok=True)
        (tmp_path / "mine" / saving.WEIGHTS).write_bytes(content)
        known.append(run_progress.settings(config)["teacher"])
    assert known[0] != known[1]
    assert [set(one) for one in known[0]] == [{"name", "weights"}] * 2
    assert str(tmp_path) not in str(known)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with examples, after all runs were made in it."""
    path = tmp_path_factory.mktemp("teacher")
    examples(path)
    rows = (path / "moods.tsv").read_text(encoding="utf-8")
    rows = rows.replace("\tcalm", "\t!").replace("\tfierce", "\tcalm").replace("\t!", "\tfierce")
    (path / "swapped.tsv").write_text(rows, encoding="utf-8")
    right = TEACHERS | STUDENTS
    calls = {name: [*given, f"--out={name}"] for name, given in right.items()}
    for name, (given, _) in WRONG.items():
        out = [] if any(one.startswith("--out") for one in given) else ["--out=wrong"]
        calls[name] = [*given, *out]
    training_runs.make_calls(SCRIPT, path, calls)
    return path


@pytest.fixture(scope="module")
def found(place) -> dict[str, tuple[int, str, str | None]]:
    return json.loads((place / "found.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "right"), [("of the teacher", True), ("of labels", False)])
def test_the_weight_says_whom_to_believe(place, found, name, right):
    """The labels of all texts are swapped; the teacher has learned the right ones."""
    status, said, error = found[name]
    assert (status, error) == (0, None), said
    answers = zoo.load(place / name).predict(["the lake is mild and new", "the wind is loud"])
    assert [answer.name for answer in answers] == sorted(["calm", "fierce"], reverse=not right)


@pytest.mark.slow
def test_images_have_teachers_too(place, found):
    status, said, error = found["of images"]
    assert (status, error) == (0, None), said
    card = json.loads((place / "of images" / "card.json").read_text())
    assert card["training"]["valid"]["accuracy"] == 100
    [taught] = card["training"]["settings"]["teacher"]
    assert taught["name"] == "vit"


@pytest.mark.slow
def test_what_teachers_said_is_kept_for_a_run_that_goes_on(place):
    [kept] = (place / "of the teacher" / "training").glob("teacher-*.npy")
    chances = np.load(kept, allow_pickle=False)
    assert chances.shape[1] == 2 and chances.sum(axis=1) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("case", WRONG)
def test_who_cannot_teach_is_refused_in_one_sentence(found, case):
    status, said, error = found[case]
    assert (status, error) == (2, None), said
    assert "Traceback" not in said and len(said.strip().splitlines()) == 1, said
    for word in WRONG[case][1]:
        assert word in said
