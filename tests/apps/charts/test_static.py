"""Attention drawn as SVG, grid and page by itself: sound whatever the words are."""

from __future__ import annotations

import base64
import datetime
import json
import re
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest

from apps import downloads
from apps.charts import base as charts
from apps.charts import static as drawing
from apps.components import attention_grid, attention_lines
from tests.apps import fake_saved_models
from tests.apps.views.test_attention import HOSTILE, maps

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_lines_are_sound_xml_whatever_the_words_are():
    svg = drawing.lines_svg(
        np.eye(5), HOSTILE, HOSTILE, heads=("from", "to"), caption="<b>\x07 what & why"
    )
    tree = ET.fromstring(svg)
    assert not list(tree.iter(f"{SVG}script"))
    assert {element.tag for element in tree.iter()} == {
        f"{SVG}{tag}" for tag in ("svg", "title", "rect", "text", "line")
    }
    assert "مرحبا" in texts(svg)
    assert "<b>\ufffd what & why" in texts(svg)
    assert drawing.png(svg).startswith(b"\x89PNG")


def test_weak_lines_are_left_out_and_strong_ones_drawn_last():
    weights = np.array([[0.97, 0.019, 0.011], [0.3, 0.3, 0.4]])
    assert drawing.links(weights) == [(1, 0, 0.3), (1, 1, 0.3), (1, 2, 0.4), (0, 0, 0.97)]
    data = attention_lines.layout(weights, ["a", "b"], ["x", "y", "z"])
    assert "below 0.02 are not drawn" in data["hint"]
    assert "not drawn" not in attention_lines.layout(np.eye(2), ["a", "b"], ["x", "y"])["hint"]


def test_links_are_put_into_words_from_both_ends():
    rows, columns = drawing.spoken(np.array([[0.1, 0.9], [0.0, 0.0]]), ["a", "b"], ["x", "y"])
    assert rows == ["“a” looks most at “y” 0.90, “x” 0.10", "“b” looks most at nothing"]
    assert columns[1] == "“y” is looked at most by “a” 0.90"


def test_right_to_left_words_sit_right():
    assert drawing.right_to_left(["مرحبا", "بك", "</s>"])
    assert not drawing.right_to_left(["hello", "مرحبا", "there", "(end)"])
    assert attention_lines.layout(np.eye(2), ["a", "b"], ["مرحبا", "بك"])["rtl"]
    svg = drawing.lines_svg(np.eye(2), ["a", "b"], ["مرحبا", "بك"], heads=("from", "to"))
    anchors = {t.text: t.get("text-anchor") for t in ET.fromstring(svg).iter(f"{SVG}text")}
    assert anchors["مرحبا"] == "end"
    assert anchors["to"] == "start"


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 1), (0,)])
def test_weights_must_fit_the_words(shape):
    with pytest.raises(ValueError, match=r"weights\.shape"):
        attention_lines.layout(np.zeros(shape), ["a", "b", "c"], ["x", "y"])
    with pytest.raises(ValueError, match=r"maps\.shape"):
        attention_grid.layout(np.zeros((1, *shape)), ["a", "b", "c"], ["x", "y"])


def test_a_grid_has_a_cell_for_every_head():
    svg = drawing.grid_svg(maps(3, 4, 5, 6), caption="All heads", selected=(1, 2))
    tree = ET.fromstring(svg)
    pictures = list(tree.iter(f"{SVG}image"))
    assert len(pictures) == 12
    assert all(one.get("href").startswith("data:image/png;base64,") for one in pictures)
    assert [one.get("stroke-width") for one in tree.iter(f"{SVG}rect")].count("3") == 1
    assert {"Layer 3", "Head 4", "All heads"} <= set(texts(svg))
    assert drawing.png(svg).startswith(b"\x89PNG")


def test_a_cells_pixels_are_its_weights():
    png = drawing.bitmap(np.array([[0.0, 1.0], [0.5, 0.2]]))
    width, height = int.from_bytes(png[16:20]), int.from_bytes(png[20:24])
    start = png.index(b"IDAT")
    data = zlib.decompress(png[start + 4 : start + 4 + int.from_bytes(png[start - 4 : start])])
    pixels = np.frombuffer(data, "uint8").reshape(height, width + 1)[:, 1:]  # a filter byte a line
    corners = pixels[0, 0], pixels[0, -1], pixels[-1, 0], pixels[-1, -1]
    assert [int(one) for one in corners] == [0, 255, 128, 51]


def test_a_byte_a_weight_is_sent_in_order():
    values = maps(2, 3, 4, 5)
    data = attention_grid.layout(values, selected=(1, 2))
    sent = np.frombuffer(base64.b64decode(data["weights"]), "uint8").reshape(data["shape"])
    assert np.abs(sent / 255 - values).max() <= 0.5 / 255 + 1e-6
    assert data["selected"] == [1, 2]
    assert attention_grid.layout(maps(1, 1, 4, 5), selected=(0, 0))["selected"] is None
    assert drawing.quantised(np.array([-1.0, np.nan, 2.0])).tolist() == [0, 0, 255]


@pytest.mark.parametrize(
    ("sent", "cell"),
    [
        ({"picked": [1, 2]}, (1, 2)),
        ({"picked": [2, 0]}, None),
        ({"picked": [-1, 0]}, None),
        ({"picked": ["1", "2"]}, None),
        ({"picked": [1]}, None),
        ({}, None),
        (None, None),
    ],
)
def test_only_a_head_that_exists_can_be_picked(sent, cell):
    assert attention_grid._cell(sent, (2, 3, 4, 5)) == cell


def parts(page: str) -> tuple[str, dict]:
    """A page's text without its script and data, and the data."""
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    bare = re.sub(r"<script\b.*?</script>", "", page, flags=re.S)
    return bare, json.loads(held[1])


def test_a_page_by_itself_holds_words_as_data_and_loads_nothing():
    data = attention_lines.layout(np.eye(5), HOSTILE, HOSTILE)
    page = attention_lines.page(data, "<i>title</i>", f"Of {HOSTILE[0]}")
    bare, held = parts(page)
    assert held["rows"] == HOSTILE
    assert page.count("<script") == page.count("</script>") == 2
    assert "&lt;/script&gt;" in bare
    assert "<i>" not in bare
    assert "default-src 'none'" in bare
    assert not re.search(r"""(src|href)=|url\(|@import|https?://""", bare)
    assert "export default" not in page
    page.encode("utf-8")


def test_a_chart_by_itself_brings_its_libraries():
    rows = HOSTILE[:1] + HOSTILE[2:]
    spec = charts.exportable(charts.heat_map(np.eye(4), rows, rows))
    page = downloads.chart_page(spec, title="map", caption="What it shows")
    bare, held = parts(page)
    (cells,) = held["datasets"].values()
    assert cells[0]["written"] == HOSTILE[0]
    assert page.count("<script") == page.count("</script>") == 3
    assert "window.vegaEmbed=" in page
    assert not re.search(r"<script[^>]*src|<link|<img", bare)
    assert "What it shows" in bare


def test_captions_name_the_model_its_training_and_the_day(shelf):
    card = fake_saved_models.card("dates", "lstm") | {"commit": "0123456789abcdef-dirty"}
    fake_saved_models.write(shelf / "dates-lstm" / "card.json", card)
    text = downloads.caption(
        "A map.", "dates-lstm", "dates-transformer", text="x" * 500, day=datetime.date(2026, 3, 4)
    )
    assert "dates-lstm, trained 2026-01-02, commit 0123456789-dirty" in text
    assert "dates-transformer, trained 2026-01-02. Drawn 2026-03-04." in text
    assert len(text) < 400
    svg = charts.picture(charts.heat_map(np.eye(1), ["a"], ["b"]), "svg", text)
    assert "Drawn 2026-03-04." in svg
