"""Folders of the machine that trained are in nothing that is published."""

from __future__ import annotations

import pytest

from training import card_writer, paths


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("/home/anna/y.tsv", "y.tsv"),
        ("/home/anna/runs/a/", "a"),
        ("~/y.tsv", "y.tsv"),
        ("~anna/y.tsv", "y.tsv"),
        ("tsv:/home/anna/y.tsv", "tsv:y.tsv"),
        ("tsv: ~/y.tsv", "tsv:y.tsv"),
        ("files:/a/b/s.en,~/c/t.es", "files:s.en,t.es"),
        ("--out=/home/anna/runs/a", "--out=a"),
        ("--task=files:/a/b/s.en,/c/t.es", "--task=files:s.en,t.es"),
        ("sst2-minilm,/home/anna/runs/a, ~/b", "sst2-minilm,a,b"),
        ("--teacher=/home/anna/a,mine", "--teacher=a,mine"),
        # Nothing of the machine is in these.
        ("runs/a", "runs/a"),
        ("tsv:data/y.tsv", "tsv:data/y.tsv"),
        ("tatoeba/en-es", "tatoeba/en-es"),
        ("tfds:ted_hrlr_translate/pt_to_en", "tfds:ted_hrlr_translate/pt_to_en"),
        ("text:tfds:wiki40b/en#text", "text:tfds:wiki40b/en#text"),
        ("https://www.manythings.org/anki", "https://www.manythings.org/anki"),
        ("CC BY 2.0 FR / GPL", "CC BY 2.0 FR / GPL"),
        ("--set=width=16", "--set=width=16"),
        ("", ""),
    ],
)
def test_a_path_of_this_machine_is_cut_to_its_name(word, expected):
    assert paths.shown(word) == expected


def test_a_command_is_cut_word_by_word(monkeypatch):
    words = ["--task", "tsv:/home/my name/y.tsv", "--out", "/home/my name/a b", "--seed", "1"]
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    said = paths.command("training.train", words)
    assert said == "python -m training.train --task tsv:y.tsv --out 'a b' --seed 1"
    assert paths.rejoined(said) == said
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert paths.command("a.b", []).startswith("KERAS_BACKEND=jax python -m a.b")


def test_a_card_is_cut_as_it_is_written(tmp_path):
    """Also what another program, or an earlier version, put there."""
    card_writer.write(
        tmp_path,
        {
            "name": "mine",
            "task": "tsv:/home/anna/y.tsv",
            "training": {
                "settings": {"task": "tsv:/home/anna/y.tsv", "epochs": 3, "limit": None},
                "command": "python -m training.train --task tsv:/home/anna/y.tsv --out /x/anna/m",
                "steps": 4,
            },
            "metrics": {"1": {"bleu": {"value": 1.5}, "command": "python -m x ~/runs/m"}},
        },
    )
    for file in ("card.json", "README.md"):
        text = (tmp_path / file).read_text()
        assert "anna" not in text and "~" not in text and "tsv:y.tsv" in text
    card = card_writer.read(tmp_path)
    assert card["training"]["settings"] == {"task": "tsv:y.tsv", "epochs": 3, "limit": None}
    assert card["metrics"]["1"]["command"] == "python -m x m"
