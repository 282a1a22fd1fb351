"""Cards: what is written can be read, rendering survives gaps and hostile text."""

from __future__ import annotations

import json

import pytest

from training import card_writer, tasks
from training.tasks.base import Example, Provenance


@pytest.fixture
def card(tmp_path):
    path = tmp_path / "own.tsv"
    path.write_text("\n".join(f"line {n}\tZeile {n}" for n in range(50)))
    built = card_writer.build(
        name="en-de-transformer",
        task=tasks.get(f"tsv:{path}"),
        model="transformer",
        preset="small",
        parameters=4_321_000,
        seed=7,
        training={"minutes": 61.25, "device": "cpu", "steps": 9000, "command": "python -m t"},
        examples={"train": 114_325, "valid": 1_000, "test": 3_000},
        size=8_700_000,
    )
    built["task"] = "tsv:own.tsv"
    built["metrics"] = {
        "1": {
            "examples": 3_000,
            "bleu": {"value": 40.126, "low": 39.2, "high": 41.0, "signature": "nrefs:var|case:m"},
            "rouge1_best": {"value": 70.0, "low": 69.0, "high": 71.0},
            "by_length": [
                {
                    "label": "1-5",
                    "count": 1_200,
                    "bleu": 44.0,
                    "rouge1_best": 1.0,
                    "intervals": {"bleu": [43.0, 45.0], "rouge1_best": [0.5, 1.5]},
                }
            ],
            "command": "python -m training.evaluate en-de-transformer --beams 1",
        }
    }
    return built


def test_a_card_has_every_field_of_the_format(card):
    assert set(card) == {
        *("name", "task", "model", "preset", "parameters", "bytes", "data", "seed", "training"),
        *("versions", "commit", "date", "metrics", "speed", "main_metrics", "metric_info"),
    }
    assert card["main_metrics"][0] == "chrf"
    assert set(card["data"]) == set(Provenance.__dataclass_fields__) | {"examples"}
    assert {"python", "keras", "numpy"} <= set(card["versions"])


def test_write_and_read(tmp_path, card):
    card_writer.write(tmp_path, card)
    assert card_writer.read(tmp_path) == card
    assert sorted(p.name for p in tmp_path.iterdir()) == ["README.md", "card.json", "own.tsv"]


def test_the_readme_says_what_the_card_knows(card):
    text = card_writer.render(card)
    for part in (
        "# en-de-transformer",
        "A transformer small for the task `tsv:own.tsv`",
        "4,321,000",
        "8.7 MB",
        "| BLEU ↑ | 40.13 | 39.20 – 41.00 | `nrefs:var|case:m` |".replace("r|c", "r\\|c"),
        "3,000 examples",
        "| 1-5 | 1,200 | 44 |",
        "own.tsv",
        card["data"]["sha256"],
        "train 114,325, valid 1,000, test 3,000",
        "61.2",
        "```sh\npython -m t\npython -m training.evaluate en-de-transformer --beams 1\n```",
    ):
        assert part in text, part


@pytest.mark.parametrize("missing", ["data", "training", "metrics", "versions", "speed", "name"])
def test_any_part_may_be_missing_or_empty(card, missing):
    full = card_writer.render(card)
    for value in ({}, None, "?"):
        text = card_writer.render(card | {missing: value})
        assert text.startswith("# ") and "None" not in text
        assert len(text) <= len(full) + 20
    del card[missing]
    assert card_writer.render(card)


def test_an_empty_card_is_a_title():
    assert card_writer.render({}) == "# unnamed model\n"


def test_odd_metrics_are_left_out(card):
    card["metrics"]["5"] = "soon"
    card["metrics"]["1"] |= {"chrf": {"low": 1}, "by_length": None, "wer": {"value": 20.0}}
    text = card_writer.render(card)
    assert "chrF" not in text and "5 beams" not in text
    assert "| word error rate (WER) ↓ | 20.00 % |" in text


def test_a_metric_that_nobody_described_claims_nothing(card):
    card["metrics"]["1"]["smape"] = {"value": 0.8}
    assert "| smape | 0.80 |" in card_writer.render(card)
    card["metric_info"] = {"smape": {"label": "sMAPE", "higher_is_better": False, "digits": 3}}
    assert "| sMAPE ↓ | 0.800 |" in card_writer.render(card)


def test_text_of_a_card_cannot_break_out_of_its_place(card):
    card["name"] = "a<script>\n# b"
    card["data"]["corpus"] = "x | y\n\n```<img>"
    card["metrics"]["1"]["bleu"]["signature"] = "a` <b> | c"
    card["training"]["command"] = "one\n```\n# two"
    text = card_writer.render(card)
    assert "<script>" not in text and "<img>" not in text
    assert "x \\| y" in text and "\n# b" not in text and "\n# two" not in text


def test_a_failed_write_leaves_the_old_card(tmp_path, card):
    card_writer.write(tmp_path, card)
    before = (tmp_path / "card.json").read_bytes()
    with pytest.raises(TypeError):
        card_writer.write(tmp_path, card | {"seed": object()})
    with pytest.raises(ValueError, match="not JSON compliant"):
        card_writer.write_json(tmp_path / "card.json", {"loss": float("nan")})
    assert (tmp_path / "card.json").read_bytes() == before
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_reading_a_missing_or_foreign_card(tmp_path):
    assert card_writer.read(tmp_path) == {}
    for content in ("{", "[]", "\udcff"):
        (tmp_path / "card.json").write_bytes(content.encode("utf-8", "surrogateescape"))
        with pytest.raises(ValueError, match="Received"):
            card_writer.read(tmp_path)


def test_json_keeps_every_script_readable(tmp_path):
    card_writer.write_json(tmp_path / "a.json", {"s": "二〇〇八 é"})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "二〇〇八 é" in text and json.loads(text) == {"s": "二〇〇八 é"}


def test_the_commit_is_a_hash_or_nothing():
    found = card_writer.commit().removesuffix("-dirty")
    assert found == "" or len(found) == 40


def test_judging_a_translation(tmp_path):
    task = tasks.get(f"tsv:{tmp_path / 'gone.tsv'}")
    example = Example("a", ("der Hund schläft", "ein Hund"))
    assert task.judge("ein Hund", example) == {"chrf": 100.0}
    assert 0 < task.judge("ein Huhn", example)["chrf"] < 100


def test_notes_stand_below_the_facts(card):
    shown = card_writer.render(card | {"notes": ["Trained <b>not</b> for long."]})
    assert "\nTrained &lt;b>not&lt;/b> for long.\n" in shown
    for odd in ("text", None, {"a": 1}):
        assert card_writer.render(card | {"notes": odd}) == card_writer.render(card)
