"""What is counted as a number that was kept, and from what it is counted."""

from __future__ import annotations

import re

import pytest

from benchmarks.quality import numbers_kept
from tests.zoo import tiny_models
from training import tasks


@pytest.mark.parametrize(
    "source, written, expected",
    [
        ("I have 4 cats.", "Tengo 4 gatos.", (1, 1)),
        ("I have 4 cats.", "Tengo los gatos.", (0, 1)),
        ("I have 4 cats.", "Tengo 44 gatos.", (0, 1)),
        ("It costs 40,000.", "Cuesta 40.000.", (2, 2)),
        ("3 and 3", "3", (1, 2)),
        ("From 9 to 17", "de 17 a 9 y 5", (2, 2)),
    ],
)
def test_a_number_is_kept_when_it_stands_in_the_translation(source, written, expected):
    assert numbers_kept.kept(source, written) == expected


def test_shares_are_of_numbers_and_of_whole_sentences():
    found = numbers_kept.score([(2, 2), (1, 2), (0, 1), (3, 3)])
    assert found["numbers"]["value"] == 75.0
    assert found["whole_sentences"]["value"] == 50.0
    assert found["numbers"]["low"] <= 75.0 <= found["numbers"]["high"]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "pairs.tsv"
    rows = [f"Room {n} has {n + 3} beds.\tHay {n + 3} camas en {n}." for n in range(10, 400)]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_sentences_are_held_out_ones_with_other_numbers(corpus):
    task = tasks.get(f"tsv:{corpus}")
    made = numbers_kept.sentences(task)
    assert len(made) == numbers_kept.COUNT and made == numbers_kept.sentences(
        tasks.get(f"tsv:{corpus}")
    )
    for source, target in made:
        assert numbers_kept.kept(source, target) == (2, 2)
        assert re.fullmatch(r"Room \d{1,4} has \d{1,4} beds\.", source)
    with pytest.raises(ValueError, match="too few test sentences"):
        numbers_kept.sentences(task, count=10_000)


def test_a_model_is_measured_and_the_page_written(corpus, tmp_path):
    from typer.testing import CliRunner

    from zoo.saving import read_json, write_json

    folder = tiny_models.folder(tmp_path / "m", "lstm")
    config = read_json(folder / "config.json")
    write_json(folder / "config.json", {**config, "task": f"tsv:{corpus}"})
    out = tmp_path / "page"
    done = CliRunner().invoke(numbers_kept.app, [str(folder), "--out", str(out)])
    assert done.exit_code == 0, done.output
    found = read_json(out.with_suffix(".json"))["m beam 1"]
    assert found["sentences"] == numbers_kept.COUNT and found["numbers"]["value"] < 50
    assert 0 < len(found["lost"]) <= 20
    assert "| m | greedy |" in out.with_suffix(".md").read_text()
    missing = CliRunner().invoke(numbers_kept.app, ["no-such-model", "--out", str(out)])
    assert missing.exit_code == 2 and "Unknown model" in missing.output
