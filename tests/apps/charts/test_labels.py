"""Probabilities are told as they are."""

from __future__ import annotations

from apps.charts import labels


def test_what_is_hardly_likely_is_not_called_impossible():
    rows = labels.probability_rows({"a": {"no": 2e-5, "yes": 1 - 2e-5}, "b": {"no": 0, "yes": 1}})
    assert [labels.percent(row["probability"]) for row in rows] == ["<1 %", ">99 %", "0 %", "100 %"]
