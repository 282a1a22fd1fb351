"""Evaluation: order kept, card and predictions updated, the command line's errors."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from training import cards, evaluate, tasks


@dataclass
class Answer:
    """The two attributes of a Prediction that evaluation reads."""

    text: str
    log_probs: tuple[float, ...] = (-0.25, -0.5)


@dataclass
class Echo:
    """Stands in for a LoadedModel, so that what evaluation makes of answers is known exactly."""

    path: Path
    config: dict = field(default_factory=lambda: {"task": "pronounce"})
    batches: list = field(default_factory=list)

    def predict(self, texts, beams=1, attention=True):
        assert not attention
        self.batches.append([len(text) for text in texts])
        return [Answer(text.upper()) for text in texts]


class Upper(tasks.Task):
    """Upper-casing: what Echo does, right on all but the texts that hold a digit."""

    name, metric, unit = "upper", "exact_match", "character"
    max_source_length = max_target_length = 40
    length_edges = (2, 4)

    def examples(self, split):
        texts = [f"{'abcdefgh'[: n % 7 + 1]}" for n in range(700)]
        return [tasks.Example(t, (t.upper() if n % 10 else "?",)) for n, t in enumerate(texts)]

    def tokenizers(self):
        return {}

    def provenance(self):
        return tasks.Provenance("", "", "", "", "", "")

    def figures(self, predictions, examples):
        from training import metrics

        return {"exact_match": metrics.exact_match(predictions, [e.references for e in examples])}

    def showcase(self):
        return []


def test_predictions_come_back_in_order_from_sorted_batches(tmp_path):
    model = Echo(tmp_path)
    sources = ["ccc", "a", "bb", "dddd"] * 40
    found = evaluate.predict(model, sources)
    assert [answer.text for answer in found] == [source.upper() for source in sources]
    assert sum(map(len, model.batches)) == 160 and max(map(len, model.batches)) <= 64
    flat = [length for batch in model.batches for length in batch]
    assert flat == sorted(flat)


def test_metrics_of_a_task(tmp_path):
    found = evaluate.evaluate_task(Echo(tmp_path), Upper())
    assert found["examples"] == 700
    assert found["exact_match"]["value"] == 90.0
    assert found["exact_match"]["low"] < 90.0 < found["exact_match"]["high"]
    assert [row["label"] for row in found["by_length"]] == ["1-2", "3-4", "5+"]
    assert sum(row["count"] for row in found["by_length"]) == 700


def test_a_limit_draws_the_same_fair_sample(tmp_path):
    examples = Upper().examples("test")
    drawn = evaluate.sample(examples, 50)
    assert drawn == evaluate.sample(examples, 50) and len(drawn) == 50
    assert drawn != examples[:50]
    assert evaluate.sample(examples, None) == evaluate.sample(examples, 9999) == examples
    with pytest.raises(ValueError, match="limit=0"):
        evaluate.sample(examples, 0)
    assert evaluate.evaluate_task(Echo(tmp_path), Upper(), limit=20)["examples"] == 20


def test_nothing_to_evaluate_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 examples"):
        evaluate.evaluate_examples(Echo(tmp_path), Upper(), [])


def test_updating_a_card_keeps_other_beams_and_greedy_predictions(tmp_path):
    cards.write(tmp_path, {"name": "x", "metrics": {"5": {"examples": 3}}})
    metrics, records = evaluate.evaluate_examples(Echo(tmp_path), Upper(), Upper().examples("test"))
    evaluate.update_card(tmp_path, 1, metrics, records)
    card = cards.read(tmp_path)
    assert card["metrics"]["1"] == metrics and card["metrics"]["5"] == {"examples": 3}
    assert "exact match" in (tmp_path / "README.md").read_text()
    kept = json.loads((tmp_path / "predictions.json").read_text())
    assert len(kept) == 250
    assert kept[1] == {
        "source": kept[1]["source"],
        "references": kept[1]["references"],
        "prediction": kept[1]["source"].upper(),
        "log_prob": -0.75,
        "length": len(kept[1]["source"]),
        "correct": kept[1]["prediction"] in kept[1]["references"],
    }
    evaluate.update_card(tmp_path, 5, metrics, [])
    assert len(json.loads((tmp_path / "predictions.json").read_text())) == 250


def run(*arguments: object):
    return CliRunner().invoke(evaluate.app, [str(argument) for argument in arguments])


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """`zoo.load` gives Echo; its folder holds a card."""
    cards.write(tmp_path, {"name": "upper"})
    model = Echo(tmp_path)
    import zoo

    monkeypatch.setattr(zoo, "load", lambda name: model)
    monkeypatch.setattr("training.tasks.get", lambda name: Upper())
    return model


def test_the_command_writes_json_and_the_card(loaded, tmp_path):
    out = tmp_path / "deep" / "figures.json"
    result = run(tmp_path, "--out", out, "--update-card")
    assert result.exit_code == 0, result.output
    assert "exact match" in result.output and "90.00" in result.output
    written = json.loads(out.read_text())
    assert written["exact_match"]["value"] == 90.0 and written["beams"] == 1
    command = cards.read(tmp_path)["metrics"]["1"]["command"]
    assert command == f"python -m training.evaluate {tmp_path.name} --beams 1"


def test_own_files_with_two_references(loaded, tmp_path):
    for name, text in (("s", "ab\ncd\nef\n"), ("r1", "AB\nx\nx\n"), ("r2", "x\nCD\nx\n")):
        (tmp_path / name).write_text(text)
    out = tmp_path / "o.json"
    references = ["--reference", tmp_path / "r1", "--reference", tmp_path / "r2"]
    result = run("upper", "--source", tmp_path / "s", *references, "--out", out)
    assert result.exit_code == 0, result.output
    written = json.loads(out.read_text())
    assert written["examples"] == 3
    assert written["exact_match"]["value"] == pytest.approx(66.667)
    assert str(tmp_path) not in written["command"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "train"], "--split is test or valid"),
        (["--source", "a.txt"], "go together"),
        (["--update-card", "--limit", "5"], "whole test split"),
        (["--update-card", "--split", "valid"], "whole test split"),
        (["--source", "no.txt", "--reference", "no.txt"], "no such file"),
    ],
)
def test_wrong_use_is_one_line_without_a_traceback(loaded, options, message):
    result = run("upper", *options)
    assert result.exit_code == 2
    assert "error: " in result.output and message in result.output
    assert "Traceback" not in result.output and len(result.output.strip().splitlines()) == 1


def test_files_of_unequal_length_are_refused(loaded, tmp_path):
    (tmp_path / "s").write_text("a\nb\n")
    (tmp_path / "r").write_text("a\n")
    result = run("upper", "--source", tmp_path / "s", "--reference", tmp_path / "r")
    assert result.exit_code == 2
    assert "s with 2, r with 1" in result.output


def test_help_is_complete_and_loads_no_framework():
    script = (
        "import sys\nfrom training import evaluate\n"
        "try: evaluate.app(['--help'])\n"
        "except SystemExit as end: print('exit', end.code)\n"
        "print([m for m in ('tensorflow', 'keras', 'jax', 'numpy') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for option in ("--split", "--source", "--reference", "--beams", "--limit", "--out"):
        assert option in found
    assert "exit 0" in found and found.strip().endswith("[]")
