from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from apps import figures
from apps.charts import base as charts
from apps.charts import quality as quality_charts

ROWS = ["el", "gato", "el", "(end)"]
COLUMNS = ["the", "<script>alert(1)</script>", "the"]
WEIGHTS = np.linspace(0, 1, 12).reshape(4, 3)


def strings(node) -> list[str]:
    """Every string of a chart outside its data."""
    if isinstance(node, dict):
        return [s for key, value in node.items() if key != "datasets" for s in strings(value)]
    if isinstance(node, list):
        return [s for value in node for s in strings(value)]
    return [node] if isinstance(node, str) else []


def test_heat_map_scale_is_fixed_whatever_the_weights():
    spec = charts.heat_map(WEIGHTS * 0.01, ROWS, COLUMNS).to_dict()
    assert spec["encoding"]["color"]["scale"] == {"domain": [0, 1], "clamp": True}


def test_heat_map_keeps_repeated_words_apart_and_in_order():
    (cells,) = charts.heat_map(WEIGHTS, ROWS, COLUMNS).to_dict()["datasets"].values()
    assert len({cell["y"] for cell in cells}) == 4
    assert len({cell["x"] for cell in cells}) == 3
    assert [cell["x"] for cell in cells[:3]] == sorted({cell["x"] for cell in cells})
    digits = charts.CATEGORY_DIGITS
    assert [cell["y"][digits:] for cell in cells[::3]] == ROWS


def test_text_of_readers_is_data_and_nothing_else():
    spec = charts.heat_map(WEIGHTS, ROWS, COLUMNS).to_dict()
    assert not [text for text in strings(spec) if "script" in text]
    (cells,) = spec["datasets"].values()
    assert cells[1]["read"] == COLUMNS[1]


def test_heat_map_hover_shows_both_words_and_the_weight():
    spec = charts.heat_map(WEIGHTS, ROWS, COLUMNS, measure="Saliency").to_dict()
    hover = {one["field"]: one["title"] for one in spec["encoding"]["tooltip"]}
    assert hover == {"written": "Written", "read": "Read", "weight": "Saliency"}


def test_heat_map_refuses_labels_that_do_not_fit():
    with pytest.raises(ValueError, match=r"weights\.shape=\(4, 3\), 4 rows, 4 columns"):
        charts.heat_map(WEIGHTS, ROWS, ROWS)


def test_alt_text_names_what_each_row_looks_at_most():
    text = charts.heat_map_alt(np.array([[0.1, 0.9], [0.8, 0.2]]), ["a", "b"], ["x", "y"], "Map")
    assert "a at y (0.90)" in text
    assert "b at x (0.80)" in text


def test_saved_pictures_and_numbers():
    chart = charts.heat_map(WEIGHTS, ROWS, COLUMNS)
    assert charts.picture(chart, "png").startswith(b"\x89PNG")
    svg = charts.picture(chart, "svg")
    assert "gato" in svg
    assert "<script>" not in svg
    assert "http://" not in svg.replace("http://www.w3.org/", "")
    with pytest.raises(ValueError, match="'pdf'"):
        charts.picture(chart, "pdf")
    text = figures.as_csv(charts.heat_map_rows(WEIGHTS, ROWS, COLUMNS)).decode("utf-8-sig")
    read = list(csv.DictReader(io.StringIO(text)))
    assert len(read) == 12
    assert read[1]["read"] == COLUMNS[1]
    assert float(read[-1]["weight"]) == 1


def test_a_long_input_is_drawn_too():
    words = [f"w{i}" for i in range(100)]
    spec = charts.exportable(charts.heat_map(np.full((100, 100), 0.01), words, words))
    assert len(next(iter(spec["datasets"].values()))) == 10_000


def test_every_chart_can_be_drawn():
    words = [{"text": "hola", "probability": 0.4, "differs": True}]
    timed = [{"model": "LSTM", "median": 2.0, "low": 1.0, "high": 4.0}]
    point = {"model": "LSTM", "quality": 9.0, "low": 8.0, "high": 9.5, "ms": 3.0, "parameters": 9}
    length = {"model": "LSTM", "label": "1-5", "quality": 9.0, "count": 3}
    for chart in (
        charts.shaded_words(words),
        quality_charts.latency_bars(timed),
        quality_charts.quality_scatter([point], title="WER", higher_is_better=False),
        quality_charts.quality_by_length([length], title="BLEU", higher_is_better=True),
    ):
        assert charts.picture(chart, "png").startswith(b"\x89PNG")


def test_better_is_always_up():
    point = {"model": "LSTM", "quality": 9.0, "low": 8.0, "high": 9.5, "ms": 3.0, "parameters": 9}
    for higher in (True, False):
        chart = quality_charts.quality_scatter([point], title="x", higher_is_better=higher)
        scales = [layer["encoding"]["y"]["scale"]["reverse"] for layer in chart.to_dict()["layer"]]
        assert set(scales) == {not higher}


@pytest.mark.parametrize(("slowest", "scale"), [(9.0, None), (15.0, "log")])
def test_a_far_slower_model_does_not_push_the_others_into_a_corner(slowest, scale):
    rows = [
        {"model": name, "quality": 1.0, "low": 0.5, "high": 2.0, "ms": ms, "parameters": 9}
        for name, ms in (("GPT", 1.0), ("LSTM", 2.0), ("BERT", slowest))
    ]
    chart = quality_charts.quality_scatter(rows, title="x", higher_is_better=True).to_dict()
    found = chart["layer"][0]["encoding"]["x"]["scale"]
    assert found.get("type") == scale
    if scale:
        low, high = found["domain"]
        assert 0 < low < 1.0 and high > slowest


def test_figures_are_told_apart_without_colour():
    chart = quality_charts.quality_by_length(
        [{"model": "LSTM", "label": "1", "quality": 1.0, "count": 1}],
        title="x",
        higher_is_better=True,
    )
    assert '"shape"' in json.dumps(chart.to_dict())
    assert len(set(charts.SHAPES)) == len(charts.FAMILY_COLOURS)
