"""Evaluation: order kept, card and predictions updated, the command line's errors."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.training import training_runs
from training import card_writer, evaluate, evaluate_pairs, tasks, test_sets
from training.tasks import reading


@dataclass
class Answer:
    """The two attributes of a Prediction that evaluation reads."""

    text: str
    log_probs: tuple[float, ...] = (-0.25, -0.5)


@dataclass
class Echo:
    """In place of a predictor, so that what evaluation makes of answers is known exactly."""

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
        from training.metrics import text as metrics

        return {"exact_match": metrics.exact_match(predictions, [e.references for e in examples])}

    def showcase(self):
        return []


def test_predictions_come_back_in_order_from_sorted_batches(tmp_path):
    model = Echo(tmp_path)
    sources = ["ccc", "a", "bb", "dddd"] * 40
    found = evaluate_pairs.predict(model, sources)
    assert [answer.text for answer in found] == [source.upper() for source in sources]
    assert sum(map(len, model.batches)) == 160 and max(map(len, model.batches)) <= 64
    flat = [length for batch in model.batches for length in batch]
    assert flat == sorted(flat)


def test_metrics_of_a_task(tmp_path):
    found = evaluate_pairs.evaluate_task(Echo(tmp_path), Upper())
    assert found["examples"] == 700
    assert found["exact_match"]["value"] == 90.0
    assert found["exact_match"]["low"] < 90.0 < found["exact_match"]["high"]
    assert [row["label"] for row in found["by_length"]] == ["1-2", "3-4", "5+"]
    assert sum(row["count"] for row in found["by_length"]) == 700


def test_a_limit_draws_the_same_fair_sample(tmp_path):
    examples = Upper().examples("test")
    drawn = evaluate_pairs.sample(examples, 50)
    assert drawn == evaluate_pairs.sample(examples, 50) and len(drawn) == 50
    assert drawn != examples[:50]
    assert (
        evaluate_pairs.sample(examples, None) == evaluate_pairs.sample(examples, 9999) == examples
    )
    with pytest.raises(ValueError, match="limit=0"):
        evaluate_pairs.sample(examples, 0)
    assert evaluate_pairs.evaluate_task(Echo(tmp_path), Upper(), limit=20)["examples"] == 20


def test_nothing_to_evaluate_is_refused(tmp_path):
    with pytest.raises(ValueError, match="0 examples"):
        evaluate_pairs.evaluate_examples(Echo(tmp_path), Upper(), [])


def test_updating_a_card_keeps_other_beams_and_greedy_predictions(tmp_path):
    card_writer.write(tmp_path, {"name": "x", "metrics": {"5": {"examples": 3}}})
    metrics, records = evaluate_pairs.evaluate_examples(
        Echo(tmp_path), Upper(), Upper().examples("test")
    )
    evaluate.update_card(tmp_path, 1, metrics, records)
    card = card_writer.read(tmp_path)
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
    card_writer.write(tmp_path, {"name": "upper"})
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
    command = card_writer.read(tmp_path)["metrics"]["1"]["command"]
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
    assert "s with 2 and r with 1" in result.output


@pytest.mark.parametrize("blank", ["", "\n\n", " \r\n\u00a0\n", "\ufeff\n"])
@pytest.mark.parametrize("which", ["s", "r"])
def test_a_file_without_text_is_refused(loaded, tmp_path, blank, which):
    for name in ("s", "r"):
        content = blank if name == which else "ab\ncd\n"
        (tmp_path / name).write_text(content, encoding="utf-8")
    result = run("upper", "--source", tmp_path / "s", "--reference", tmp_path / "r")
    assert result.exit_code == 2
    assert f"{which} has no text" in result.output and "%" not in result.output
    assert not loaded.batches
    for name in ("s", "r"):
        (tmp_path / name).write_text(blank, encoding="utf-8")
    assert run("upper", "--source", tmp_path / "s", "--reference", tmp_path / "r").exit_code == 2


def test_lines_without_a_source_or_a_reference_are_left_out_and_told(loaded, tmp_path, caplog):
    texts = {"s": "ab\n\ncd\nef\ngh\n", "r1": "AB\nX\n\n \nGH\n", "r2": "\n\nCD\n\n\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in texts]
    found = test_sets.read_examples(paths[0], paths[1:])
    assert [(e.source, e.references) for e in found] == [
        ("ab", ("AB",)),
        ("cd", ("CD",)),
        ("gh", ("GH",)),
    ]
    assert "2 lines are left out" in caplog.text and "line 2" in caplog.text
    (tmp_path / "t").write_text("\n\nx\n\n")
    (tmp_path / "u").write_text("x\ny\n\nz\n")
    with pytest.raises(ValueError, match="both a source and a reference"):
        test_sets.read_examples(tmp_path / "t", [tmp_path / "u"])


def test_own_files_are_cleaned_as_training_texts_are(loaded, tmp_path):
    odd = "A\u00a0B\r\n\ufeffC\u2028D\u200b\rE\r\n\ue000e\u0301\x00\r\n\r\n"
    (tmp_path / "s").write_bytes(("\ufeff" + odd.lower()).encode())
    (tmp_path / "r").write_bytes(odd.encode())
    found = test_sets.read_examples(tmp_path / "s", [tmp_path / "r"])
    assert [e.references for e in found] == [("A B",), ("C D E",), ("\ue000é",)]
    pairs = [(e.source, e.references[0]) for e in found]
    assert pairs == reading.read_pairs([tmp_path / "s", tmp_path / "r"])


def test_references_are_normalised_as_the_targets_of_the_task(tmp_path, monkeypatch):
    spec = tasks.TokenizerSpec("char", normalizer=({"lower": True},))
    monkeypatch.setattr(Upper, "tokenizers", lambda self: {"target": spec})
    [found] = test_sets.normalised([tasks.Example("A B", ("A  B",))], Upper())
    assert found == tasks.Example("A B", ("a b",))


def test_figures_are_printed_although_they_cannot_be_saved(loaded, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(card_writer, "write", full)
    out = tmp_path / "figures.json"
    result = run(tmp_path, "--update-card", "--out", out)
    assert result.exit_code == 2 and "Traceback" not in result.output
    assert "90.00" in result.output and "could not be saved" in result.output
    assert json.loads(out.read_text())["exact_match"]["value"] == 90.0  # the other was tried
    monkeypatch.setattr(card_writer, "write_json", full)
    result = run(tmp_path, "--out", out)
    assert result.exit_code == 2 and "90.00" in result.output
    result = run(tmp_path, "--out", tmp_path)
    assert "--out is a file to write" in result.output and "90.00" not in result.output


def provenance(sha256: str):
    return lambda self: tasks.Provenance("", "", sha256, "", "", "")


def test_another_corpus_than_the_cards_is_told_and_changes_no_card(loaded, tmp_path, monkeypatch):
    old = {"exact_match": {"value": 50.0, "low": 40.0, "high": 60.0}}
    data = {"sha256": "a" * 64, "examples": {"test": 700}}
    card_writer.write(tmp_path, {"name": "upper", "data": data, "metrics": {"1": old}})
    monkeypatch.setattr(Upper, "provenance", provenance("a" * 64))
    assert "card" not in run(tmp_path).output
    monkeypatch.setattr(Upper, "provenance", provenance("b" * 64))
    result = run(tmp_path)
    assert result.exit_code == 0 and "90.00" in result.output
    assert "another test set" in result.output and "bbbbbbbb" in result.output
    decoded = len(loaded.batches)
    result = run(tmp_path, "--update-card")
    assert result.exit_code == 2 and "--other-data" in result.output
    assert card_writer.read(tmp_path)["metrics"] == {"1": old} and len(loaded.batches) == decoded
    result = run(tmp_path, "--update-card", "--other-data")
    assert result.exit_code == 0
    new = card_writer.read(tmp_path)["metrics"]["1"]
    assert new["exact_match"]["value"] == 90.0 and new["other_data"] == "b" * 64
    assert f"another test set than the data below have (a corpus with the SHA-256 `{'b' * 64}`" in (
        (tmp_path / "README.md").read_text()
    )


def test_another_split_of_the_same_corpus_is_told(loaded, tmp_path, monkeypatch):
    data = {"sha256": "a" * 64, "examples": {"test": 699}}
    card_writer.write(tmp_path, {"name": "upper", "data": data})
    monkeypatch.setattr(Upper, "provenance", provenance("a" * 64))
    result = run(tmp_path)
    assert "700 examples, 699 in the card" in result.output
    assert run(tmp_path, "--update-card").exit_code == 2


@pytest.fixture
def translator(loaded, tmp_path, monkeypatch):
    """A model of a corpus of its own, its card, and sentences of which it knows two of four."""
    from training.tasks import translation

    corpus = tmp_path / "pairs.tsv"
    corpus.write_text("".join(f"Line {n} here.\tZeile {n}.\n" for n in range(200)))
    monkeypatch.setattr("training.tasks.get", lambda name: translation.make(f"tsv:{corpus}"))
    task = translation.make(f"tsv:{corpus}")
    known = [example.source for example in task.examples("train")]
    held = [example.source for example in task.examples("test")]
    sha256 = task.provenance().sha256
    card_writer.write(tmp_path, {"name": "x", "data": {"sha256": sha256}})
    own = [known[-1], f"{known[7].upper()[:-1]}!", held[0], "Something else."]
    (tmp_path / "s").write_text("\n".join(own))
    (tmp_path / "r").write_text("\n".join("abcd"))
    return ["x", "--source", tmp_path / "s", "--reference", tmp_path / "r"], corpus


def test_sentences_that_were_trained_on_are_counted(translator, tmp_path, monkeypatch):
    command, _ = translator
    result = run(*command, "--out", tmp_path / "o.json")
    assert result.exit_code == 0, result.output
    assert "2 of the 4 sentences are in the model's training data" in result.output
    assert json.loads((tmp_path / "o.json").read_text())["seen_in_training"] == 2
    from training.tasks import streaming

    monkeypatch.setattr(streaming, "LARGE", 1)  # by another split: whatever is held out now
    assert "in the model's training data" in run(*command).output
    card = card_writer.read(tmp_path)
    card_writer.write(tmp_path, card | {"training": {"settings": {"limit": 5}}})
    monkeypatch.setattr(streaming, "LARGE", 1 << 30)
    assert "None of the 4 sentences is in" in run(*command).output
    settings = {"limit": 5, "start_from": {"name": "en-es-lstm"}}
    card_writer.write(tmp_path, card | {"training": {"settings": settings}})
    assert "en-es-lstm, from which it started, was trained on is not" in run(*command).output


def test_what_was_trained_on_is_not_known_without_its_corpus(translator, tmp_path):
    command, corpus = translator
    corpus.write_text(corpus.read_text().replace("Line", "A line"))
    result = run(*command, "--out", tmp_path / "o.json")
    assert result.exit_code == 0
    assert "not known: the corpus here is not the one" in result.output
    assert "seen_in_training" not in json.loads((tmp_path / "o.json").read_text())
    corpus.unlink()
    result = run(*command)
    assert result.exit_code == 0 and "corpus is not at hand" in result.output


def test_no_corpus_is_fetched_to_look_for_sentences(tmp_path, monkeypatch):
    from training.data import download

    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(download, "_fetch_one", lambda *arguments: pytest.fail("it was fetched"))
    task = tasks.get("tatoeba/en-it")
    count, said = test_sets.seen([tasks.Example("Hi.", ("Ciao.",))], {}, task)
    assert count is None and "corpus is not at hand" in said
    monkeypatch.setattr(download, "_fetch_one", lambda *arguments: tmp_path / "fetched")
    assert download.fetch(["http://x/y"], "y") == tmp_path / "fetched"  # again after it


def test_help_is_complete_and_loads_no_framework():
    found = training_runs.help_without_frameworks("evaluate")
    for option in ("--split", "--source", "--reference", "--beams", "--limit", "--out"):
        assert option in found
