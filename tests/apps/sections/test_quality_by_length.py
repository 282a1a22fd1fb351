"""Quality by length: small classes are left out, intervals are drawn, and the words follow."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from apps import quality, saved_models
from apps.charts import quality as quality_charts
from apps.sections import quality_by_length
from tests.apps import app_runner, fake_saved_models

CHRF = quality.figure("chrf")


def put(root, name: str, *classes: dict) -> None:
    card = json.loads((root / name / "card.json").read_text(encoding="utf-8"))
    card["metrics"]["1"]["by_length"] = list(classes)
    fake_saved_models.write(root / name / "card.json", card)


def entry(label: str, count: int, value: float, width: float | None = 2.0) -> dict:
    found = {"label": label, "count": count, "chrf": value}
    return found | ({"intervals": {"chrf": [value - width, value + width]}} if width else {})


def said(at: AppTest) -> str:
    return app_runner.said(at).replace("\\", "")


@pytest.fixture
def uneven(shelf):
    """Two sentences of 31 words, on which the order of all models is turned round."""
    for place, name in enumerate(saved_models.models("en-es")):
        few = entry("31+", 2, 40.0 - 10 * place)
        put(
            shelf,
            name,
            entry("1-5", 1238, 20.0 + 10 * place),
            entry("6-10", 30, 18.0 + 9 * place),
            entry("11-15", 29, 17.0),
            few,
        )
    return shelf


def test_classes_of_few_examples_are_not_drawn_and_named(uneven):
    rows = quality_by_length.enough(quality_by_length.records("en-es", CHRF, "1"))
    assert {row["label"] for row in rows} == {"1-5", "6-10"}
    at = app_runner.opened("leaderboard")
    assert not at.exception
    text = said(at)
    assert "fewer than 30 examples: 11-15 (29), 31+ (2)." in text
    assert "Bars: 95 % interval." in text
    drawn = json.dumps(app_runner.charts(at))
    assert "1-5\\n1,238" in drawn  # the number of examples stands below the class
    assert "31+" not in drawn


def test_the_change_with_length_is_read_from_the_cards(uneven):
    text = said(app_runner.opened("leaderboard"))
    assert (
        "Change of chrF from 1-5 to 6-10 words, in points: Simple RNN −2.0, LSTM −3.0, "
        "LSTM + attention −4.0, Transformer −5.0." in text
    )
    put(uneven, "en-es-transformer", entry("1-5", 100, 50.0), entry("6-10", 100, 55.5))
    assert "Transformer +5.5." in said(app_runner.opened("leaderboard"))


def test_where_no_class_has_enough_examples_the_page_says_so(shelf):
    for name in saved_models.models("en-es"):
        put(shelf, name, entry("1-5", 29, 50.0), {"label": "6-10", "chrf": 40.0})
    at = app_runner.opened("leaderboard")
    assert not at.exception
    assert "fewer than 30 examples: 1-5 (29), 6-10." in said(at)
    assert len(app_runner.charts(at)) == 1


@pytest.mark.parametrize("intervals", [None, 3, {"chrf": 3}, {"chrf": [1]}, {"chrf": [None, 2]}])
def test_a_card_without_intervals_by_length_is_drawn_without(shelf, intervals):
    for name in saved_models.models("en-es"):
        put(
            shelf,
            name,
            *({**entry(label, 50, 40.0, None), "intervals": intervals} for label in ("1-5", "6-9")),
        )
    at = app_runner.opened("leaderboard")
    assert not at.exception
    assert "The cards hold no intervals by length yet." in said(at)


def chart(rows, **more):
    return quality_charts.quality_by_length(
        rows, title="chrF", higher_is_better=True, **more
    ).to_dict()


def test_the_chart_shows_intervals_and_lists_what_it_draws(uneven):
    names = ["en-es-lstm", "en-es-lstm-bahdanau"]
    rows = quality_by_length.enough(quality_by_length.records("en-es", CHRF, "1", names))
    spec = chart(rows, domain=(0, 70))
    bars, _, points = spec["layer"]
    assert bars["mark"]["type"] == "rule"
    assert bars["encoding"]["y2"]["field"] == "high"
    for channel in ("color", "shape"):
        assert points["encoding"][channel]["scale"]["domain"] == ["LSTM", "LSTM + attention"]
    assert {layer["encoding"]["y"]["scale"]["domain"][1] for layer in spec["layer"]} == {70}
    (data,) = spec["datasets"].values()
    assert {row["place"] for row in data} == {"1-5\n1,238", "6-10\n30"}
    without = chart([{**row, "low": None, "high": None} for row in rows])
    assert [layer["mark"]["type"] for layer in without["layer"]] == ["line", "point"]


def test_charts_side_by_side_have_one_scale_whatever_the_decoding(uneven):
    domain = quality_by_length.domain("en-es", CHRF)
    card = json.loads((uneven / "en-es-lstm" / "card.json").read_text(encoding="utf-8"))
    card["metrics"]["5"] = {"chrf": {"value": 90.0, "low": 89.0, "high": 91.0}}
    fake_saved_models.write(uneven / "en-es-lstm" / "card.json", card)
    wider = quality_by_length.domain("en-es", CHRF)
    assert domain[1] < 91 < wider[1] <= 100
    at = app_runner.opened("leaderboard")
    ends = app_runner.charts(at)
    scales = [
        layer["encoding"]["y"]["scale"]["domain"]
        for spec in ends
        for layer in spec["layer"]
        if "scale" in layer["encoding"].get("y", {})
    ]
    assert len(ends) == 2
    assert scales and all(scale == list(wider) for scale in scales)
    assert len({spec["height"] for spec in ends}) == 1


def test_a_model_of_a_task_without_figures_has_no_scale(shelf):
    for name in saved_models.models("dates"):
        fake_saved_models.write(shelf / name / "card.json", {"metrics": {}})
    assert quality_by_length.domain("dates", quality.figure("exact_match")) is None
