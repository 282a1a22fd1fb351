"""The Attention page and its parts: drawing, exports, what maps become, every view of the page."""

from __future__ import annotations

import base64
import datetime
import json
import re
import xml.etree.ElementTree as ET
import zlib

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps import charts, exports, shipped
from apps.lab import charts as attention_charts
from apps.lab import decomposition, drawing, grid, lines, looking, side_by_side, stepping
from tests.apps import shelf
from zoo.inside import Candidates
from zoo.prediction import Prediction

HOSTILE = ["</script><script>alert(1)</script>", "a\x00\x1b&<\udc80", "مرحبا", "]]>", "{{x}}"]
SVG = "{http://www.w3.org/2000/svg}"


def maps(*shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(shape[-1], 0.3), shape[:-1]).astype("float32")


def prediction(**attention) -> Prediction:
    """Two words and the end, the first of two pieces, read and written alike."""
    pieces = ["▁zo", "o", "▁.", "</s>"]
    return Prediction("zoo .", pieces, list(pieces), np.log([0.5, 0.9, 0.8, 1.0]), attention)


@pytest.fixture
def open_page(networks, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(networks))

    def script():
        from apps.views import attention

        attention.render()

    def opened(**params) -> AppTest:
        at = AppTest.from_function(script, default_timeout=120)
        at.query_params.update(params)
        return at.run()

    return opened


def said(at: AppTest) -> str:
    elements = [*at.caption, *at.markdown, *at.info, *at.error, *at.subheader]
    return "\n".join(str(element.value) for element in elements)


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
    data = lines.layout(weights, ["a", "b"], ["x", "y", "z"])
    assert "below 0.02 are not drawn" in data["hint"]
    assert "not drawn" not in lines.layout(np.eye(2), ["a", "b"], ["x", "y"])["hint"]


def test_links_are_put_into_words_from_both_ends():
    rows, columns = drawing.spoken(np.array([[0.1, 0.9], [0.0, 0.0]]), ["a", "b"], ["x", "y"])
    assert rows == ["“a” looks most at “y” 0.90, “x” 0.10", "“b” looks most at nothing"]
    assert columns[1] == "“y” is looked at most by “a” 0.90"


def test_right_to_left_words_sit_right():
    assert drawing.right_to_left(["مرحبا", "بك", "</s>"])
    assert not drawing.right_to_left(["hello", "مرحبا", "there", "(end)"])
    assert lines.layout(np.eye(2), ["a", "b"], ["مرحبا", "بك"])["rtl"]
    svg = drawing.lines_svg(np.eye(2), ["a", "b"], ["مرحبا", "بك"], heads=("from", "to"))
    anchors = {t.text: t.get("text-anchor") for t in ET.fromstring(svg).iter(f"{SVG}text")}
    assert anchors["مرحبا"] == "end"
    assert anchors["to"] == "start"


@pytest.mark.parametrize("shape", [(2, 3), (3, 2, 1), (0,)])
def test_weights_must_fit_the_words(shape):
    with pytest.raises(ValueError, match=r"weights\.shape"):
        lines.layout(np.zeros(shape), ["a", "b", "c"], ["x", "y"])
    with pytest.raises(ValueError, match=r"maps\.shape"):
        grid.layout(np.zeros((1, *shape)), ["a", "b", "c"], ["x", "y"])


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
    data = grid.layout(values, selected=(1, 2))
    sent = np.frombuffer(base64.b64decode(data["weights"]), "uint8").reshape(data["shape"])
    assert np.abs(sent / 255 - values).max() <= 0.5 / 255 + 1e-6
    assert data["selected"] == [1, 2]
    assert grid.layout(maps(1, 1, 4, 5), selected=(0, 0))["selected"] is None
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
    assert grid._cell(sent, (2, 3, 4, 5)) == cell


def parts(page: str) -> tuple[str, dict]:
    """A page's text without its script and data, and the data."""
    held = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    bare = re.sub(r"<script\b.*?</script>", "", page, flags=re.S)
    return bare, json.loads(held[1])


def test_a_page_by_itself_holds_words_as_data_and_loads_nothing():
    data = lines.layout(np.eye(5), HOSTILE, HOSTILE)
    page = lines.page(data, "<i>title</i>", f"Of {HOSTILE[0]}")
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
    page = exports.chart_page(spec, title="map", caption="What it shows")
    bare, held = parts(page)
    (cells,) = held["datasets"].values()
    assert cells[0]["written"] == HOSTILE[0]
    assert page.count("<script") == page.count("</script>") == 3
    assert "window.vegaEmbed=" in page
    assert not re.search(r"<script[^>]*src|<link|<img", bare)
    assert "What it shows" in bare


def test_captions_name_the_model_its_training_and_the_day(saved_models):
    card = shelf.card("dates", "lstm") | {"commit": "0123456789abcdef-dirty"}
    shelf.write(saved_models / "dates-lstm" / "card.json", card)
    text = exports.caption(
        "A map.", "dates-lstm", "dates-transformer", text="x" * 500, day=datetime.date(2026, 3, 4)
    )
    assert "dates-lstm, trained 2026-01-02, commit 0123456789-dirty" in text
    assert "dates-transformer, trained 2026-01-02. Drawn 2026-03-04." in text
    assert len(text) < 400
    svg = charts.picture(charts.heat_map(np.eye(1), ["a"], ["b"]), "svg", text)
    assert "Drawn 2026-03-04." in svg


@pytest.mark.parametrize("kind", ["cross", "encoder"])
def test_every_way_of_combining_leaves_rows_that_sum_to_one(kind):
    values, encoder = maps(3, 2, 4, 4), maps(2, 2, 4, 4, seed=1)
    attention = {kind: values, "encoder": encoder}
    for way in looking.ways(kind, attention):
        one = looking.combined(values, way, 1, 1, encoder=encoder, square=kind == "encoder")
        assert one.shape == (1, 1, 4, 4)
        np.testing.assert_allclose(one.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(looking.combined(values, "one", 2, 1)[0, 0], values[2, 1])
    np.testing.assert_allclose(
        looking.combined(values, "layers", 0, 1)[0, 0], values[:, 1].mean(0), atol=1e-6
    )


def test_rollout_is_offered_where_it_means_something():
    both = {"cross": maps(2, 2, 4, 4), "encoder": maps(2, 2, 4, 4)}
    assert "rollout" in looking.ways("cross", both)
    assert "rollout" not in looking.ways("cross", {"cross": both["cross"]})
    assert looking.ways("cross", {"cross": maps(1, 1, 4, 4)}) == ["one"]
    with pytest.raises(ValueError, match="rollout"):
        looking.combined(both["cross"], "rollout")


def test_words_are_merged_and_hidden_words_accounted_for():
    answer = prediction(cross=np.full((1, 1, 4, 4), 0.25, "float32"))
    values = looking.maps_of(answer, "cross")
    whole = looking.look(answer, values, "cross", "word")
    assert whole.rows == whole.columns == ["zoo", ".", "(end)"]
    assert whole.note == ""
    np.testing.assert_allclose(whole.maps[0, 0, 0], [0.5, 0.25, 0.25])
    some = looking.look(answer, values, "cross", "word", hide_end=True, hide_punctuation=True)
    assert some.rows == ["zoo"]
    np.testing.assert_allclose(some.maps, 1)
    assert "held 50 % of the weight" in some.note
    assert looking.look(answer, values, "cross", "piece").rows == ["▁zo", "o", "▁.", "(end)"]
    with pytest.raises(ValueError, match="'decoder'"):
        looking.maps_of(answer, "decoder")


def test_labels_keep_word_starts_only_where_they_tell_something():
    assert looking.labels(["▁the", "▁cat", "</s>"]) == ["the", "cat", "(end)"]
    assert looking.labels(["▁AH", "T", "</s>"]) == ["▁AH", "T", "(end)"]
    assert looking.labels(["3", "▁", "M", "</s>"]) == ["3", "␣", "M", "↵"]


def test_two_maps_lie_apart_by_the_weight_that_moved():
    first, second = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    np.testing.assert_allclose(side_by_side.apart(first, second), [1, 0])
    words = side_by_side.summary(first - second, ["a", "b"], ["x", "y"])
    assert "more at a, x (+1.00)" in words
    assert "less at a, y (-1.00)" in words
    assert "50 % of a row's weight lies elsewhere" in side_by_side.spoken_distance(
        side_by_side.apart(first, second)
    )


def test_a_difference_is_told_by_marks_as_well_as_by_hue():
    difference = np.array([[0.8, -0.3, 0.01]])
    spec = attention_charts.difference_map(difference, ["a"], ["x", "y", "x"]).to_dict()
    (cells,) = spec["datasets"].values()
    assert [cell["mark"] for cell in cells] == ["+", "−", ""]
    assert [cell["sign"] for cell in cells] == ["more", "less", "more"]
    assert spec["layer"][0]["encoding"]["opacity"]["scale"]["domain"] == [0, 1]
    rows = attention_charts.difference_rows(
        difference, ["a"], ["x", "y", "x"], (np.ones((1, 3)), np.zeros((1, 3)))
    )
    assert (rows[1]["first"], rows[1]["second"], rows[1]["difference"]) == (1, 0, -0.3)


def test_candidates_mark_the_written_piece_by_what_it_is():
    found = Candidates(
        [["▁a", "▁b", "a"]], np.array([[0.5, 0.3, 0.1]]), np.array([3]), np.array([2.0])
    )
    rows = stepping.records(found, 0, "a")
    assert [row["piece"] for row in rows] == ["a", "b", "a"]
    assert [row["written"] for row in rows] == [False, False, True]
    assert not any(row["written"] for row in stepping.records(found, 0, "c"))
    words = stepping.sentence(found, 0, "*a*")
    assert "number 3 of all pieces" in words
    assert "about 4.0 equally likely" in words
    assert "\\*a\\*" in words
    bars = attention_charts.candidate_bars(rows)
    assert charts.picture(bars, "png").startswith(b"\x89PNG")


def test_an_energy_is_told_with_its_place_in_the_row():
    words = decomposition.sentence("[a]", "b", np.array([1.0, 3.0, 2.0]), 2, 0.25)
    assert "\\[a\\]" in words
    assert "number 2 of 3 in its row (from 1.00 to 3.00)" in words
    assert "0.250" in words
    assert "a weight of **0**" in decomposition.sentence("a", "b", np.ones(2), 2, 0.0)


def test_bars_of_units_are_saved_as_one_picture():
    values = {"query": np.array([1.0, -2.0]), "key": np.ones(2), "part": np.array([1.0, -2.0])}
    assert decomposition.records(values, [1, 0])[0] == {
        "unit": 2,
        "query": -2.0,
        "key": 1.0,
        "part": -2.0,
    }
    panel = attention_charts.unit_bars(values["part"], [1, 2], "part")
    svg = charts.picture(attention_charts.stacked([panel] * 3), "svg", "What it shows")
    ET.fromstring(svg)
    assert "What it shows" in svg


def test_all_heads_and_one_large(open_page):
    at = open_page()
    assert not at.exception
    assert not at.error
    text = said(at)
    assert "Each row: one word written; each column: one word read." in text
    assert "layer 1 of 2, head 1 of 2" in text
    assert "All layers and heads" in text
    at.selectbox(key="way").set_value("rollout").run()
    assert not at.exception
    assert "Abnar and Zuidema 2020" in said(at)
    again = open_page(way=looking.WAYS["rollout"])
    assert again.selectbox(key="way").value == "rollout"


def test_choices_of_the_address_are_followed(open_page):
    at = open_page(map="Input on itself", layer="2", head="2", end="true")
    assert not at.exception
    assert "Input on itself, layer 2 of 2, head 2 of 2" in said(at)
    assert "Each row: one word as it is read" in said(at)
    assert "what is left was scaled to sum to 1" in said(at)
    at = open_page(layer="99", view="nonsense", weigh="true")
    assert not at.exception
    assert "layer 1 of 2" in said(at)
    assert "Kobayashi et al. 2020" in said(at)


def test_one_cell_alone_needs_no_grid(open_page):
    at = open_page(model=shipped.FAMILY_LABELS["lstm-bahdanau"])
    assert not at.exception
    assert "its only layer and head" in said(at)
    assert "All layers and heads" not in said(at)


def test_a_model_without_attention_shows_saliency_and_says_so(open_page):
    at = open_page(model=shipped.FAMILY_LABELS["lstm"])
    assert not at.exception
    assert "This network has no attention." in said(at)
    assert "Inside a cell" not in at.button_group(key="view").options


def test_two_models_and_two_heads_side_by_side(open_page):
    at = open_page(view="Two side by side")
    assert not at.exception
    assert "LSTM + attention was made to write the same output" in said(at)
    assert "of a row's weight lies elsewhere" in said(at)
    at.button_group(key="against").set_value("head").run()
    assert not at.exception
    assert "On average 0 % of a row's weight lies elsewhere" in said(at)
    at.selectbox(key="layer2").set_value(2).run()
    assert "On average 0 %" not in said(at)


def test_steps_and_cells(open_page):
    at = open_page(**{"view": "Step by step", "output.en-es": "el gato"})
    assert not at.exception
    assert not at.error
    assert "Your output" in said(at)
    assert "entropy" in said(at)
    at.slider(key="step").set_value(2).run()
    assert "Most: " in said(at)
    at = open_page(view="Inside a cell", model=shipped.FAMILY_LABELS["lstm-bahdanau"])
    assert not at.exception
    assert not at.error
    assert "after softmax a weight of" in said(at)
    assert "units that add or take most" in said(at)


@pytest.mark.parametrize("text", ["word " * 10_000, "<b>😀 مرحبا", " "])
def test_hostile_text_is_answered(open_page, text):
    at = open_page(**{"text.en-es": text})
    assert not at.exception
    assert not at.error


def test_no_models_at_all(open_page, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    monkeypatch.setattr(shipped.catalog, "saved_models_path", lambda: tmp_path)
    at = open_page()
    assert not at.exception
    assert "no trained models" in at.info[0].value
