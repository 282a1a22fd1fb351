"""Metrics as cards describe them: nothing is claimed of one that nobody described."""

from __future__ import annotations

import pytest

from zoo import metric_info
from zoo.metric_info import METRICS, MetricInfo, of_card


def test_an_unknown_metric_has_no_direction_and_no_unit():
    info = of_card({"metrics": {"1": {"smape": {"value": 0.8}}}}, "smape")
    assert info == MetricInfo("smape", "smape")
    assert (info.higher_is_better, info.arrow, info.direction, info.meaning) == (None, "", "", "")
    assert info.text(0.82) == "0.82"


def test_a_card_describes_its_own_metrics():
    told = {"label": "sMAPE", "higher_is_better": False, "digits": 3, "unit": "", "odd": 1}
    card = {"metric_info": {"smape": told, "bleu": {"label": "our BLEU", "higher_is_better": True}}}
    assert of_card(card, "smape").text(0.8164) == "0.816"
    assert of_card(card, "smape").arrow == "↓"
    assert of_card(card, "bleu").label == "our BLEU"
    assert of_card(card, "wer") == METRICS["wer"]


@pytest.mark.parametrize(
    "told",
    [
        None,
        3,
        [],
        {"label": 3, "digits": -1},
        {"digits": True, "higher_is_better": 1},
        {"digits": 99, "unit": None, "key": "other"},
    ],
)
def test_a_card_that_says_nonsense_of_a_metric_says_nothing(told):
    info = of_card({"metric_info": {"smape": told}}, "smape")
    assert info == MetricInfo("smape", "smape")
    assert of_card({"metric_info": told}, "smape") == MetricInfo("smape", "smape")


@pytest.mark.parametrize("key", METRICS)
def test_what_is_written_is_what_is_read(key):
    card = {"metric_info": metric_info.records([key, "examples", "by_length"])}
    assert list(card["metric_info"]) == [key]
    assert of_card(card, key) == METRICS[key]
    assert METRICS[key].description
    # Of a coverage the right value is in between: neither way is better.
    assert (METRICS[key].higher_is_better is None) == (key == "coverage")
