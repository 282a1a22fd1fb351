"""The floor of a task of pairs: a method that learns nothing, in cards, tables and pages."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from training import card_writer, results_table, store_floors, tasks
from training.evaluate_pairs import floor_figures
from training.tasks.base import Example
from zoo import shipped


def test_the_input_as_it_stands_is_scored_like_any_answer():
    task = tasks.get("dates")
    examples = [Example("1998-03-17", ("1998-03-17",)), Example("17.3.1998", ("1998-03-17",))]
    found = floor_figures(task, examples)
    assert found["name"] == "copy of the input" and found["examples"] == 2
    assert found["exact_match"]["value"] == 50.0


@pytest.mark.parametrize(
    ("task", "source", "answer"),
    [
        ("pronounce", "tax's", "T AH K S S"),
        ("contacts", "Orla Ek, Ur: 12", "Orla Ek, Ur: 12"),
        ("samsum", "A: a <br> B: longer <br> A: longest <br> B: bbbb", None),
    ],
)
def test_tasks_have_floors_of_their_own(task, source, answer):
    from training.data.dialogues import BREAK

    found = tasks.get(task).floor(source.replace("<br>", BREAK))
    assert found == (answer or f"B: longer {BREAK} A: longest {BREAK} B: bbbb")


@pytest.mark.parametrize(
    "name", [n for n, c in shipped.configs().items() if c["kind"] == "seq2seq"]
)
def test_every_shipped_model_of_pairs_has_a_floor_and_is_above_it(name):
    card = card_writer.read(shipped.saved_models_path() / name)
    floor, own = card["floor"], card["metrics"]["1"]
    assert floor["examples"] == own["examples"]
    key = card["main_metrics"][0]
    better = card["metric_info"][key]["higher_is_better"]
    assert (own[key]["value"] > floor[key]["value"]) == better
    assert f"Floor, {floor['name']}, which learns nothing" in card_writer.render(card)


def test_a_table_shows_the_floor_and_who_is_worse(tmp_path):
    for name, value in (("dates-lstm", 60.0), ("dates-transformer", 30.0)):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("card.json", "config.json"):
            content = json.loads((shipped.saved_models_path() / name / file).read_text())
            if file == "card.json":
                content["metrics"]["1"]["exact_match"]["value"] = value
                content["floor"]["exact_match"]["value"] = 40.0
            (folder / file).write_text(json.dumps(content))
    lines = [*results_table.table(["dates-lstm", "dates-transformer"], tmp_path)]
    assert lines[2].startswith("| copy of the input (floor) | 40.0")
    assert "worse than the floor" not in lines[3] and "(worse than the floor)" in lines[4]


def test_a_name_that_is_no_model_of_pairs_is_refused():
    found = CliRunner().invoke(store_floors.app, ["ptb-lstm"])
    assert found.exit_code == 2
    assert "no shipped model of pairs called 'ptb-lstm'" in found.stderr
