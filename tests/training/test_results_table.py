"""The README's table of results is what the cards of the shipped models say."""

from pathlib import Path

import pytest

from training import not_shipped, results_table
from zoo.saving import write_json

ROOT = Path(__file__).resolve().parents[2]


def test_readme_says_what_the_cards_say():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert results_table.replace(text, results_table.render(ROOT / "saved_models")) == text


def test_a_row_is_made_from_the_card_alone(tmp_path):
    figure = {"value": 20.04, "low": 19.5, "high": 20.7}
    (tmp_path / "pronounce-transformer").mkdir()
    config = {"task": "pronounce", "model": "transformer"}
    write_json(tmp_path / "pronounce-transformer" / "config.json", config)
    write_json(
        tmp_path / "pronounce-transformer" / "card.json",
        {
            "task": "pronounce",
            "main_metrics": ["wer", "per"],
            "parameters": 1_398_528,
            "metrics": {"1": {"wer": figure}},
            "training": {"cpu_minutes": 17.4},
            "speed": {"ms_per_sentence": 4.26, "tokens_per_second": 1900.2},
        },
    )
    rows = results_table.render(tmp_path).splitlines()
    assert (
        "| [transformer](saved_models/pronounce-transformer/README.md) "
        "| 20.0 ± 0.6 |  | 1.4 M | 17 min | 4.3 | 1,900 |"
    ) in rows


def test_floors_are_marked_and_so_is_who_is_worse(tmp_path):
    for name, model, value in (
        ("sst2-naive-bayes", "naive-bayes", 82.0),
        ("sst2-bert", "bert", 80.0),
        ("sst2-lstm", "lstm", 83.0),
    ):
        (tmp_path / name).mkdir()
        config = {"task": "sst2", "model": model, "kind": "classifier"}
        write_json(tmp_path / name / "config.json", config)
        figure = {"value": value, "low": value - 1, "high": value + 1}
        card = {"task": "sst2", "main_metrics": ["accuracy"], "parameters": 1_000}
        card |= {"metric_info": {}, "metrics": {"1": {"accuracy": figure}}}
        write_json(tmp_path / name / "card.json", {**card, "speed": {"ms_per_input": 0.214}})
    text = results_table.render(tmp_path)
    assert "sst2-naive-bayes/README.md) (floor) |" in text
    assert "sst2-bert/README.md) (worse than the floor) |" in text
    assert "sst2-lstm/README.md) | 83.0" in text and "| 0.21 |" in text
    assert "Published: BERT-Small" in text and "same protocol: no" in text


def test_a_file_without_a_place_for_results_is_refused():
    with pytest.raises(ValueError, match="no place for results"):
        results_table.replace("# A page", "tables")


def test_a_summary_is_worse_than_the_floor_where_one_score_is(tmp_path, monkeypatch):
    floor = {"rouge1": 32.3, "rouge2": 10.3, "rouge_lsum": 30.3, "names": 78.0, "deeds": 16.0}
    rows = {
        "exchanged": {"what": "names exchanged", "figures": floor},
        "longest-3": {"what": "three lines (floor)", "figures": floor},
        "own-1": {"what": "own", "figures": {**floor, "names": 1.0}, "parameters": 2_200_000},
        "own-4": {"what": "beam", "figures": {**floor, "rouge2": 9.9}, "parameters": 2_200_000},
    }
    write_json(tmp_path / "summaries.json", rows)
    write_json(tmp_path / "eight_bits.json", {})
    monkeypatch.setattr(not_shipped, "RESULTS", tmp_path)
    text = "\n".join(not_shipped.lines())
    assert "| own | 32.3 | 10.3 | 30.3 | 1.0 | 16.0 | 2.2 M |" in text
    assert "| beam (worse than the floor) | 32.3 | 9.9" in text and "exchanged" not in text
