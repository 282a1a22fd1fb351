"""Which validation is the best: never the first only because the metric is stuck at one value."""

from __future__ import annotations

import csv
import itertools
import json
import types
from pathlib import Path

import numpy as np
import pytest

import zoo
from tests import thorough
from tests.training import training_runs
from training import card_writer, checkpoint, evaluate_pairs, run, tasks
from training.checkpoint import Progress
from training.loop import Place, Schedule, Trainer
from training.metrics import text as metrics
from training.metrics.scoring import choose
from training.objectives.base import Validation

COMMON = {"--sampling": 0, "--batch-tokens": 200, "--warmup": 5, "--averaging": 0.9, "--seed": 3}
WHO = {"我": "I", "你": "you", "他们": "they", "老师": "the teacher", "孩子": "the child"}
WHEN = {"今天": "today", "明天": "tomorrow", "现在": "now", "晚上": "at night"}
WHAT = {"吃饭": "eat", "喝茶": "drink tea", "看书": "read", "睡觉": "sleep", "唱歌": "sing"}


def chinese(path: Path) -> Path:
    """A hundred made-up English sentences with their Chinese translations."""
    rows = [
        f"{WHEN[when]} {WHO[who]} {WHAT[what]}.\t{who}{when}{what}。\n"
        for who, when, what in itertools.product(WHO, WHEN, WHAT)
    ]
    path.write_text("".join(rows), encoding="utf-8")
    return path


def single(path: Path) -> Path:
    """Numbers, and for each a word of one to three parts that no other has: nothing to share."""
    letters = [chr(97 + n) * 5 for n in range(26)]
    rows = [
        f"number {n}\t{' '.join(f'{word}{n}{part}' for part in range(1 + n % 3))}\n"
        for n, word in enumerate(itertools.islice(itertools.cycle(letters), 60))
    ]
    path.write_text("".join(rows), encoding="utf-8")
    return path


def curve(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["valid_loss"]]


RUNS = {
    "chinese": {"--steps": 200, "--validate-every": 40, "--learning-rate": 1e-2},
    "single": {"--patience": 2, "--steps": 24, "--validate-every": 3},
}
SCRIPT = """
from training.train import app
for name, arguments in calls.items():
    found[name] = call(app, arguments)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder for each run, after both were made by one process, as a user starts them."""
    path = tmp_path_factory.mktemp("stopping")
    calls = {}
    for name, write in (("chinese", chinese), ("single", single)):
        (path / name).mkdir()
        write(path / name / "pairs.tsv")
        calls[name] = training_runs.words(path / name / "model", **COMMON, **RUNS[name])
    training_runs.make_calls(SCRIPT, path, calls)
    return path


def trained(place: Path, name: str) -> tuple[Path, list[dict[str, str]]]:
    """The model of a run that went well, and its curve."""
    status, said, error = json.loads((place / "found.json").read_text())[name]
    assert (status, error) == (0, None), said
    assert "decided_by" in said
    return place / name / "model", curve(place / name / "model")


@pytest.mark.slow
@thorough.mark
def test_a_chinese_corpus_does_not_keep_its_first_checkpoint(place):
    model, rows = trained(place, "chinese")
    card = card_writer.read(model)
    assert card["training"]["best_step"] > 40
    assert card["training"]["valid"]["bleu"] > 5
    assert card["scoring"] == {
        "language": "zh",
        "tokenizer": "zh",
        "effective_order": False,
        "rouge": False,
        "note": card["scoring"]["note"],
    }
    kept = [int(row["step"]) for row in rows if row["kept"] == "1"]
    assert kept[-1] == card["training"]["best_step"]
    assert {row["decided_by"] for row in rows} <= {"valid_bleu", "valid_loss"}
    loaded, task = zoo.load(model), tasks.get(f"tsv:{model.parent / 'pairs.tsv'}")
    task.score_as(loaded.card["scoring"])
    found, _ = evaluate_pairs.evaluate_examples(loaded, task, task.examples("test"))
    assert "tok:zh" in found["bleu"]["signature"]
    words = loaded.predict("today I read.", target=["我今天看书。"])[0].words()
    assert len(words.target) > 4 and words.attention == {}


@thorough.mark
@pytest.mark.slow
def test_with_a_metric_stuck_at_0_the_loss_decides_and_the_log_says_so(place):
    model, rows = trained(place, "single")
    assert {row["valid_bleu"] for row in rows} == {"0.0"}
    # Patience was not spent on the metric: the loss goes on falling, and so does the run.
    assert [int(row["step"]) for row in rows] == [*range(3, 25, 3)]
    assert [row["decided_by"] for row in rows] == ["valid_bleu", *["valid_loss"] * 7]
    losses = [float(row["valid_loss"]) for row in rows]
    best = card_writer.read(model)["training"]["best_step"]
    assert best == 3 * (1 + int(np.argmin(losses))) > 3
    progress = checkpoint.read_progress(model / run.STATE)
    assert progress.best == 0.0
    assert progress.best_loss == pytest.approx(min(losses), abs=1e-4)
    assert progress.scoring["effective_order"]


def trainer(folder: Path, figures: list[tuple[float, float]], higher: bool = True, patience=0):
    """A trainer whose validations find these values of metric and loss, one after the other."""
    values = iter(figures)

    class Found(Trainer):
        def averaged(self):
            return {"w": np.array([self.progress.step], "float32")}

        def validate(self):
            self.progress.step += 10
            return self._validate()

    def validate(probe):
        value, loss = next(values)
        return Validation({"bleu": metrics.mean([value / 100])}, loss)

    task = types.SimpleNamespace(metric="bleu", higher_is_better=higher)
    objective = types.SimpleNamespace(task=task, validate=validate)
    probe = types.SimpleNamespace(model=None)
    schedule = Schedule(steps=1_000, patience=patience)
    place = Place(folder / "training", Progress())
    made = Found(None, probe, None, objective, schedule, place)
    return made


CASES = {
    "stuck at 0": ([(0, 5.0), (0, 4.0), (0, 4.5), (0, 3.0)], 40, [1, 1, 0, 1]),
    "stuck at 100": ([(100, 0.2), (100, 0.1), (100, 0.15), (100, 0.1)], 20, [1, 1, 0, 0]),
    "the metric goes first": ([(5, 1.0), (6, 9.0), (5, 0.1), (6, 8.0)], 40, [1, 1, 0, 1]),
    "worse and worse": ([(7, 1.0), (6, 0.9), (5, 0.8), (4, 0.7)], 10, [1, 0, 0, 0]),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("higher", [True, False])
def test_the_lower_loss_is_better_among_equal_metrics(tmp_path, monkeypatch, name, higher):
    monkeypatch.setattr("zoo.saving.set_weight_arrays", lambda model, arrays: None)
    figures, best, kept = CASES[name]
    if not higher:
        figures = [(-value, loss) for value, loss in figures]
    made = trainer(tmp_path, figures, higher)
    rows = [made.validate() for _ in figures]
    assert [row["kept"] for row in rows] == kept
    assert made.progress.best_step == best
    assert made.progress.since_best == len(kept) - best // 10
    assert checkpoint.read_best(tmp_path / "training")["w"] == [best]
    marks = [(0.0, 0.0), *figures]
    best_so_far = [max(m[0] * (1 if higher else -1) for m in marks[1 : i + 1]) for i in range(1, 4)]
    for row, (value, _), top in zip(rows[1:], figures[1:], best_so_far, strict=True):
        by = "valid_loss" if value * (1 if higher else -1) == top else "valid_bleu"
        assert row["decided_by"] == by
    assert rows[0]["decided_by"] == "valid_bleu"


def test_what_only_smoothing_gives_does_not_decide():
    """Two answers without one run of four right: BLEU differs, and says nothing."""
    references = [["老师今天看书。"], ["我们晚上唱歌。"]]
    how = choose("zh", [text for (text,) in references])
    one = metrics.bleu(["我吃。茶看", "我"], references, how)
    other = metrics.bleu(["老师今吃饭", "我们晚看"], references, how)
    assert 0 < one.value != other.value > 0 and one.certain == other.certain == 0
    better = metrics.bleu(["老师今天", "我们晚"], references, how)
    assert better.certain == pytest.approx(better.value) and better.value > 0
    assert metrics.mean([1, 0]).certain == 50 and metrics.bleu([], []).certain == 0


def test_a_run_that_knew_no_losses_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.saving.set_weight_arrays", lambda model, arrays: None)
    old = json.dumps({"step": 10, "best": 0.0, "best_step": 10, "since_best": 3, "settings": {}})
    made = trainer(tmp_path, [(0.0, 2.0), (0.0, 3.0)])
    made.progress = Progress(**json.loads(old))
    assert made.progress.best_loss is None and made.progress.scoring is None
    assert made.validate()["kept"] == 1 and made.progress.best_loss == 2.0
    assert made.validate()["kept"] == 0 and made.progress.best_step == 20
