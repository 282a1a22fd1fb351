"""Summaries measured: a model's figures are those of its card."""

from __future__ import annotations

import json

import pytest

from benchmarks.quality import summaries


def test_each_number_of_beams_is_a_line(tmp_path):
    values = {key: {"value": 40.123} for key in summaries.KEYS} | {"examples": 9, "command": "e"}
    card = {"model": "lstm-bahdanau", "parameters": 5, "training": {"command": "t"}}
    config = {"hyperparameters": {"copying": True, "coverage": False}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=r"training\.evaluate"):
        list(summaries.trained(tmp_path))
    (tmp_path / "card.json").write_text(json.dumps(card | {"metrics": {"1": values, "4": values}}))
    found = dict(summaries.trained(tmp_path))
    assert [one["what"] for one in found.values()] == [
        "lstm-bahdanau, copying: greedy",
        "lstm-bahdanau, copying: beam 4",
    ]
    assert "| lstm-bahdanau, copying: greedy | 9 | 40.1 | 40.1 |" in summaries.page(found)
