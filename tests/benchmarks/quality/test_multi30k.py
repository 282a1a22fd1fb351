"""Quality of trained runs: how it is counted, kept, compared and written; nothing is decoded."""

from __future__ import annotations

import dataclasses
import math
import sys

import pytest
from typer.testing import CliRunner

from benchmarks.quality import markdown, multi30k, precision, scoring
from benchmarks.quality.tokenized_bleu import Tokeniser, TokenisingError
from benchmarks.speed import quality_per_minute, rows, run, table
from training import card_writer
from training.tasks import Example
from zoo.saving import read_json, write_json

CPU = "CPU: Made Up, 2 cores"


def letters(texts):
    """Tokens: every letter, lowercased; a full stop by itself."""
    return [" ".join(text.lower().replace(" ", "")) for text in texts], {"letters": "1"}


def make_run(folder, model="lstm", weights=b"weights", losses=(), **changes):
    """A folder as training leaves it, for what is read of it here."""
    settings = {"task": "multi30k/de-en", "model": model, "seed": 1, "precision": "float32"}
    settings |= changes
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.safetensors").write_bytes(weights)
    lines = ["step,loss,valid_bleu", *(f"{step},{loss}," for step, loss in losses), "999,,1.0"]
    (folder / "history.csv").write_text("\n".join(lines) + "\n")
    card = {
        "task": settings["task"],
        "model": model,
        "preset": "small",
        "parameters": 5_240_000,
        "seed": settings["seed"],
        "data": {"sha256": "d"},
        "date": "2026-01-02",
        "training": {
            "epochs": 12.0,
            "minutes": 30.5,
            "cpu_minutes": 55.0,
            "peak_memory_mb": 1_987,
            "device": CPU,
            "precision": settings["precision"],
            "threads": 1,
            "backend": "tensorflow",
            "steps": 1_200,
            "best_step": 1_000,
            "valid": {"bleu": 21.5},
            "settings": settings,
            "command": f"python -m training.train --model {model} --out {folder.resolve()}",
        },
        "commit": f"{'c' * 40}-dirty",
        "versions": {"python": "3.11.7", "numpy": "2"},
    }
    write_json(folder / "card.json", card)
    return folder


def scores(bleu, tokenised=None):
    found = {
        "examples": 1_000,
        "bleu": {"value": bleu, "low": bleu - 1.25, "high": bleu + 1.25, "signature": "b"},
        "chrf": {"value": 40.0, "low": 39.0, "high": 41.0, "signature": "c"},
        "scored": {"date": "2026-01-03", "commit": "abc", "versions": {"sacrebleu": "2.6.0"}},
    }
    if tokenised is not None:
        found["tokenised_bleu"] = {"value": tokenised, "signature": "t"}
    return found


@pytest.fixture
def decoded(monkeypatch):
    """What was decoded; the answer is 20 + width, on tokens 19 + width."""
    calls = []

    def decode(folder, name, beams, tokenise):
        calls.append((folder.name, list(beams)))
        return {str(w): scores(20.0 + w, None if tokenise is None else 19.0 + w) for w in beams}

    monkeypatch.setattr(scoring, "decode", decode)
    installed(monkeypatch, sys.executable)
    return calls


def installed(monkeypatch, python):
    made = {
        name: dataclasses.replace(one, python=type(multi30k.FOLDER)(python))
        for name, one in scoring.TOKENISERS.items()
    }
    monkeypatch.setattr(multi30k, "TOKENISERS", made)


def call(*arguments):
    return CliRunner().invoke(multi30k.app, [str(one) for one in arguments])


def test_tokenised_bleu_is_of_the_tokens_given_and_is_not_smoothed():
    # By hand: abcde against abcdf, and xy against xyz. Matches of 1 to 4 tokens: 6 of 7, 4 of 5,
    # 2 of 3, 1 of 2; 7 tokens written where 8 were wanted.
    examples = [Example("s", ("Ab Cdf", "Ab Cdf")), Example("s", ("XYZ",))]
    figure, made_by = scoring.tokenised(["aB cdE", "xy"], examples, letters)
    by_hand = 100 * math.exp(1 - 8 / 7) * (6 / 7 * 4 / 5 * 2 / 3 * 1 / 2) ** 0.25
    assert figure["value"] == round(by_hand, 3)
    assert "tok:none" in figure["signature"] and "smooth:none" in figure["signature"]
    assert made_by == {"letters": "1"}
    # The plain text is scored with its case, and words are its tokens: none of it is right.
    assert scoring.score(["aB cdE", "xy"], examples)["bleu"]["value"] == 0
    # Without four in a row that are right, there is nothing to take a root of.
    short = [Example("s", ("abc",))]
    assert scoring.tokenised(["abc"], short, letters)[0]["value"] == 0
    # Each prediction is held against the better of its references, wherever they lie.
    several = [Example("s", ("vwxyz", "abcde")), Example("s", ("fghij",))]
    assert scoring.tokenised(["abcde", "fghij"], several, letters)[0]["value"] == 100
    with pytest.raises(ValueError, match="1 predictions, 2 examples"):
        scoring.tokenised(["abcde"], several, letters)


def test_tokens_come_from_another_process(tmp_path, monkeypatch):
    (tmp_path / "sacremoses.py").write_text(
        "print('a package greets everyone')\n"
        "class MosesPunctNormalizer:\n"
        "    def __init__(self, lang): self.lang = lang\n"
        "    def normalize(self, text): return text.replace('„', '\"')\n"
        "class MosesTokenizer(MosesPunctNormalizer):\n"
        "    def tokenize(self, text, escape): return list(text) + [self.lang, str(escape)]\n"
    )
    (tmp_path / "sacremoses-9.dist-info").mkdir()
    (tmp_path / "sacremoses-9.dist-info" / "METADATA").write_text("Name: sacremoses\nVersion: 9\n")
    (tmp_path / "spacy.py").write_text("raise ImportError('no language data')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    here = type(tmp_path)(sys.executable)
    lines, made_by = Tokeniser("moses", "de", here)(["ÄB", "„"])
    assert lines == ["ä b de False", '" de False']
    assert made_by == {"sacremoses": "9"}
    with pytest.raises(TokenisingError, match=r"spaCy tokens: ImportError: no language data; mend"):
        Tokeniser("spacy", "en", here)(["a"])


def test_runs_are_added_one_by_one_and_decoded_once(tmp_path, decoded):
    out = tmp_path / "written" / "multi30k"
    a, b = make_run(tmp_path / "a", "transformer"), make_run(tmp_path / "b", "lstm")
    assert call(a, "--out", out, "--beams", "1").exit_code == 0
    assert call(b, "--out", out).exit_code == 0
    assert decoded == [("a", [1]), ("b", [1, 5])]
    # Only the width that is missing; of new weights all.
    make_run(tmp_path / "b", "lstm", weights=b"others")
    done = call(a, b, "--out", out, "--beams", "5, 1")
    assert done.exit_code == 0, done.output
    assert decoded[2:] == [("a", [5]), ("b", [1, 5])]
    found = read_json(tmp_path / "written" / "multi30k.json")
    # In the order of the registry, not of arrival.
    assert [(row["run"], list(row["scores"])) for row in found] == [
        ("b", ["1", "5"]),
        ("a", ["1", "5"]),
    ]
    assert found[0]["bar"] == {
        "tokenised_bleu": 20,
        "tokens": "lowercased spaCy tokens",
        "met": {"1": True, "5": True},
    }
    assert found[1]["bar"]["met"] == {"1": False, "5": False}
    # No place of this machine is told.
    text = (tmp_path / "written" / "multi30k.md").read_text()
    assert str(tmp_path) not in text + (tmp_path / "written" / "multi30k.json").read_text()
    assert "python -m training.train --model lstm --out runs/b\n" in text
    assert call(a, "--out", out, "--fresh", "--beams", "1").exit_code == 0
    assert decoded[4:] == [("a", [1])]
    assert [len(row["scores"]) for row in read_json(tmp_path / "written" / "multi30k.json")] == [
        2,
        1,
    ]


def test_what_cannot_be_tokenised_is_left_out_until_it_can(tmp_path, decoded, monkeypatch):
    installed(monkeypatch, tmp_path / "nowhere")
    out, folder = tmp_path / "q", make_run(tmp_path / "a")
    done = call(folder, "--out", out, "--beams", "1")
    assert done.exit_code == 0, done.output
    assert "lowercased spaCy tokens is left out: not installed: python -m" in done.output
    assert "benchmarks.speed.install quality" in done.output
    assert "| ≥ 20 | not counted |" in (tmp_path / "q.md").read_text()
    assert call(folder, "--out", out, "--beams", "1").exit_code == 0
    installed(monkeypatch, sys.executable)
    assert call(folder, "--out", out, "--beams", "1").exit_code == 0
    # Not again for what still could not be counted, but once it could.
    assert decoded == [("a", [1]), ("a", [1])]
    assert "| 20.00 | ≥ 20 | yes |" in (tmp_path / "q.md").read_text()


def test_the_page_says_what_was_reached_by_which_command(tmp_path):
    row = multi30k.describe(
        tmp_path / "a", card_writer.read(make_run(tmp_path / "a", "lstm-bahdanau"))
    )
    row["scores"] = {"1": scores(31.006, 32.9), "5": scores(32.5, 33.0)}
    rows_ = [row | {"bar": multi30k.bar(row)}]
    other = row | {"task": "multi30k/en-de", "model": "lstm", "scores": {"1": scores(18.0)}}
    rows_.append(other | {"bar": multi30k.bar(other), "run": "other"})
    lines = markdown.page(rows_).splitlines()
    start = lines.index("## multi30k/de-en")
    assert lines[start + 2] == (
        "| model | parameters | epochs | minutes | CPU-minutes | seed | precision "
        "| sacreBLEU, greedy | sacreBLEU, beam 5 | chrF, beam 5 "
        "| lowercased spaCy tokens, greedy | lowercased spaCy tokens, beam 5 | bar | met |"
    )
    assert lines[start + 4] == (
        "| [lstm-bahdanau small](#a) | 5.2 M | 12.0 | 30.5 | 55.0 | 1 | float32 "
        "| 31.01 ± 1.2 | 32.50 ± 1.2 | 40.00 ± 1.0 | 32.90 | 33.00 | ≥ 33 | beam 5 only |"
    )
    # No bar is set for this one.
    assert lines[lines.index("## multi30k/en-de") + 4].endswith(
        "| 18.00 ± 1.2 | 40.00 ± 1.0 |  |  |  |"
    )
    text = "\n".join(lines)
    assert f"Trained 2026-01-02, commit {'c' * 10}-dirty, on {CPU} (threads: 1)" in text
    assert "best validation BLEU 21.50 at step 1,000 of 1,200; at most 1,987 MB." in text
    assert "Scored (beam 5) 2026-01-03, commit abc, sacrebleu 2.6.0: `b`, `c`, `t`." in text
    command = "KERAS_BACKEND=jax python -m training.train --out=/home/me/a --set x=1"
    assert multi30k.portable(command) == command.replace("/home/me/a", "runs/a")


def test_what_cannot_be_scored_is_refused_before_anything_is_decoded(tmp_path, decoded):
    good = make_run(tmp_path / "good")
    (tmp_path / "empty").mkdir()
    other = make_run(tmp_path / "dates", task="dates")
    twin = make_run(tmp_path / "elsewhere" / "good")
    for arguments, said in (
        ([good, tmp_path / "empty"], "a finished run"),
        ([good, other], "dates of dates"),
        ([good, twin], "two good"),
        ([good, "--beams", "1,0"], "whole numbers"),
        ([good, "--budget", "--precision-study"], "both"),
        ([good, "--peer", "x.json"], "--budget"),
        (["--budget"], "wants runs"),
        ([good, "--precision-study"], "no other run is like"),
        ([good, make_run(tmp_path / "same"), "--precision-study"], "seed 1 in float32"),
    ):
        done = call(*arguments, "--out", tmp_path / "q")
        assert done.exit_code == 2 and said in done.output, (arguments, done.output)
    assert decoded == []


def test_precisions_are_compared_in_mean_range_and_by_seed(tmp_path, monkeypatch):
    bleu = {("e1", 30.0), ("e2", 30.6), ("e3", 30.3), ("f1", 30.2), ("f2", 30.2), ("f3", 30.8)}
    found = {name: {"1": scores(value)} for name, value in bleu}
    monkeypatch.setattr(scoring, "decode", lambda folder, *_: found[folder.name])
    installed(monkeypatch, tmp_path / "nowhere")
    curves = {
        "e1": [(50, 5.0), (100, 3.0)],
        "e2": [(50, 5.5), (100, 3.125)],
        "e3": [(50, 5.25), (100, 3.0)],
        "f1": [(50, 5.0625), (100, 3.25), (150, 2.0)],
        "f2": [(50, 5.5), (100, 3.125)],
        "f3": [(50, 5.25), (100, 3.125)],
    }
    folders = [
        make_run(
            tmp_path / name,
            losses=curve,
            seed=int(name[1]),
            precision="float32" if name[0] == "e" else "mixed_bfloat16",
        )
        for name, curve in curves.items()
    ]
    out = tmp_path / "q" / "precision"
    done = call(*folders, "--precision-study", "--beams", "1", "--out", out)
    assert done.exit_code == 0, done.output
    written = read_json(tmp_path / "q" / "precision.json")
    assert [row["run"] for row in written["rows"]] == sorted(curves)
    [study] = written["studies"]
    assert study["scores"] == {
        "bleu": {
            "1": {
                "float32": {"mean": 30.3, "low": 30.0, "high": 30.6, "runs": 3},
                "mixed_bfloat16": {"mean": 30.4, "low": 30.2, "high": 30.8, "runs": 3},
                "difference": 0.1,
                "by_seed": {"1": 0.2, "2": -0.4, "3": 0.5},
            }
        }
    }
    # Of common steps alone; the seeds' own gap is between two float32 runs.
    assert study["loss"] == {
        "precisions": {"runs": ["e1", "f1"], "largest": 0.25, "step": 100, "mean": 0.1562},
        "seeds": {"runs": ["e1", "e2"], "largest": 0.5, "step": 50, "mean": 0.3125},
    }
    text = (tmp_path / "q" / "precision.md").read_text()
    assert (
        "| sacreBLEU, greedy | bfloat16 | 3 | 30.40 | 30.20 – 30.80 "
        "| +0.10 (1: +0.20, 2: -0.40, 3: +0.50) |"
    ) in text
    assert "- sacreBLEU, greedy: the means are within 0.3.\n" in text
    assert "two seeds in float32: 0.500 at step 50, 0.312 in mean (e1 and e2)" in text
    # Fewer seeds say less, and another setting is another group.
    few = precision.compare({(1, "float32"): 30.0, (1, "mixed_bfloat16"): 30.5})
    assert (
        precision.said(few)
        == "the means are not within 0.3, but of only 1 of each (wanted: 3 seeds)"
    )
    assert precision.compare({(1, "float32"): 30.0, (2, "float32"): None}) == {}
    runs = {folder: card_writer.read(folder) for folder in folders}
    runs[folders[0]]["training"]["settings"]["warmup"] = runs[folders[3]]["training"]["settings"][
        "warmup"
    ] = 7
    assert [set(one) for one in precision.group(runs)] == [{"e1", "f1"}, {"e2", "e3", "f2", "f3"}]


def test_a_budget_is_a_row_of_the_devices_results(tmp_path, decoded, monkeypatch):
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    task = type("Task", (), {"examples": lambda self, split: [Example("s", ("a b c d e",))]})
    monkeypatch.setattr("training.tasks.get", lambda name: task())
    peer = {
        "system": "joeynmt",
        "task": "multi30k/de-en",
        "device": CPU,
        "minutes": 20.0,
        "command": "joeynmt train",
        "versions": {"joeynmt": "2.3.0"},
        "predictions": {"5": ["a b c d e"]},
    }
    write_json(tmp_path / "peer.json", peer)
    folders = [make_run(tmp_path / "t", "transformer"), make_run(tmp_path / "b", "lstm-bahdanau")]
    folders.append(make_run(tmp_path / "t2", "transformer", seed=2, weights=b"other"))
    done = call(*folders, "--budget", "--peer", tmp_path / "peer.json")
    assert done.exit_code == 0, done.output
    [row] = rows.read(tmp_path / "cpu-made-up-2-cores.json")
    assert row["measure"] == "quality-per-minute"
    assert (row["unit"], row["higher_is_better"]) == ("sacreBLEU, beam 5", True)
    # The peer's texts were scored here.
    assert row["values"] == {"zoo": 25, "zoo-lstm-bahdanau": 25, "joeynmt": 100}
    assert row["config"]["minutes"] == {"zoo": 30.5, "zoo-lstm-bahdanau": 30.5, "joeynmt": 20}
    assert [one["run"] for one in row["details"]["zoo"]] == ["t", "t2"]
    assert row["details"]["zoo"][0]["scores"]["1"]["bleu"]["value"] == 21
    assert str(tmp_path) not in str(row)
    assert "| **zoo** (default) | 25.0 |" in table.page([row], "made-up")
    # Without a peer's file there is no figure of a peer.
    assert set(quality_per_minute.row([scored(folders[0])], [], 5)["values"]) == {"zoo"}
    for changed, said in (
        ({"device": "another"}, "one device"),
        ({"task": "multi30k/en-de"}, "one task"),
        ({"predictions": {"1": []}}, "without it"),
        ({"predictions": {"5": ["a", "b"]}}, "2 predictions, 1 examples"),
    ):
        write_json(tmp_path / "peer.json", peer | changed)
        done = call(folders[0], "--budget", "--peer", tmp_path / "peer.json")
        assert done.exit_code == 2 and said in done.output, done.output
    write_json(tmp_path / "peer.json", {"system": "joeynmt", "bleu": 28.9})
    done = call(folders[0], "--budget", "--peer", tmp_path / "peer.json")
    assert done.exit_code == 2 and "wants task, device, minutes" in done.output


def scored(folder):
    return multi30k.score_run(folder, card_writer.read(folder), [5], {})
