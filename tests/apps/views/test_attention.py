"""The Attention page: what maps become, and every view of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from apps import saved_models
from apps.charts import attention as attention_charts
from apps.charts import base as charts
from apps.sections import attention_comparison, attention_view, decoding_steps, score_breakdown
from zoo.interpret import Candidates
from zoo.prediction import Prediction

HOSTILE = ["</script><script>alert(1)</script>", "a\x00\x1b&<\udc80", "مرحبا", "]]>", "{{x}}"]


def maps(*shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(shape[-1], 0.3), shape[:-1]).astype("float32")


def prediction(**attention) -> Prediction:
    """Two words and the end, the first of two tokens, read and written alike."""
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
    elements = [*at.caption, *at.markdown, *at.info, *at.error, *at.header]
    return "\n".join(str(element.value) for element in elements)


@pytest.mark.parametrize("kind", ["cross", "encoder"])
def test_every_way_of_combining_leaves_rows_that_sum_to_one(kind):
    values, encoder = maps(3, 2, 4, 4), maps(2, 2, 4, 4, seed=1)
    attention = {kind: values, "encoder": encoder}
    for way in attention_view.ways(kind, attention):
        one = attention_view.combined(values, way, 1, 1, encoder=encoder, square=kind == "encoder")
        assert one.shape == (1, 1, 4, 4)
        np.testing.assert_allclose(one.sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(attention_view.combined(values, "one", 2, 1)[0, 0], values[2, 1])
    np.testing.assert_allclose(
        attention_view.combined(values, "layers", 0, 1)[0, 0], values[:, 1].mean(0), atol=1e-6
    )


def test_rollout_is_offered_where_it_means_something():
    both = {"cross": maps(2, 2, 4, 4), "encoder": maps(2, 2, 4, 4)}
    assert "rollout" in attention_view.ways("cross", both)
    assert "rollout" not in attention_view.ways("cross", {"cross": both["cross"]})
    assert attention_view.ways("cross", {"cross": maps(1, 1, 4, 4)}) == ["one"]
    with pytest.raises(ValueError, match="rollout"):
        attention_view.combined(both["cross"], "rollout")


def test_words_are_merged_and_hidden_words_accounted_for():
    answer = prediction(cross=np.full((1, 1, 4, 4), 0.25, "float32"))
    values = attention_view.maps_of(answer, "cross")
    whole = attention_view.look(answer, values, "cross", "word")
    assert whole.rows == whole.columns == ["zoo", ".", "(end)"]
    assert whole.note == ""
    np.testing.assert_allclose(whole.maps[0, 0, 0], [0.5, 0.25, 0.25])
    some = attention_view.look(
        answer, values, "cross", "word", hide_end=True, hide_punctuation=True
    )
    assert some.rows == ["zoo"]
    np.testing.assert_allclose(some.maps, 1)
    assert "held 50 % of the weight" in some.note
    assert attention_view.look(answer, values, "cross", "piece").rows == ["▁zo", "o", "▁.", "(end)"]
    with pytest.raises(ValueError, match="'decoder'"):
        attention_view.maps_of(answer, "decoder")


def test_the_bytes_of_a_character_are_one_piece_but_steps_of_their_own():
    pieces = ["▁我", "<0xE4>", "<0xBA>", "<0x86>", "</s>"]
    answer = Prediction("我了", pieces, pieces, np.zeros(5, "float32"))
    answer.attention = {"cross": np.full((1, 1, 5, 5), 0.2, "float32")}
    values = attention_view.maps_of(answer, "cross")
    whole = attention_view.look(answer, values, "cross", "piece")
    assert whole.rows == whole.columns == ["▁我", "了", "(end)"]
    np.testing.assert_allclose(whole.maps[0, 0], [[0.2, 0.6, 0.2]] * 3, atol=1e-6)
    assert attention_view.look(answer, values, "cross", "word").rows == ["我", "了", "↵"]
    steps = attention_view.look(answer, values, "cross", "step")
    assert steps.rows == ["▁我", "了 1/3", "了 2/3", "了 3/3", "(end)"]
    assert steps.maps.shape == values.shape
    assert attention_view.steps(["<0xE4>", "<0x41>"]) == ["\ufffd", "A"]


def test_labels_keep_word_starts_only_where_they_tell_something():
    assert attention_view.labels(["▁the", "▁cat", "</s>"]) == ["the", "cat", "(end)"]
    assert attention_view.labels(["▁AH", "T", "</s>"]) == ["▁AH", "T", "(end)"]
    assert attention_view.labels(["3", "▁", "M", "</s>"]) == ["3", "␣", "M", "↵"]


def test_two_maps_lie_apart_by_the_weight_that_moved():
    first, second = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.5]])
    np.testing.assert_allclose(attention_comparison.apart(first, second), [1, 0])
    words = attention_comparison.summary(first - second, ["a", "b"], ["x", "y"])
    assert "more at a, x (+1.00)" in words
    assert "less at a, y (-1.00)" in words
    assert "50 % of a row's weight lies elsewhere" in attention_comparison.spoken_distance(
        attention_comparison.apart(first, second)
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
    rows = decoding_steps.records(found, 0, "a")
    assert [row["piece"] for row in rows] == ["a", "b", "a"]
    assert [row["written"] for row in rows] == [False, False, True]
    assert not any(row["written"] for row in decoding_steps.records(found, 0, "c"))
    words = decoding_steps.sentence(found, 0, "*a*")
    assert "number 3 of all tokens" in words
    assert "about 4.0 equally likely" in words
    assert "\\*a\\*" in words
    bars = attention_charts.candidate_bars(rows)
    assert charts.picture(bars, "png").startswith(b"\x89PNG")


def test_an_energy_is_told_with_its_place_in_the_row():
    words = score_breakdown.sentence("[a]", "b", np.array([1.0, 3.0, 2.0]), 2, 0.25)
    assert "\\[a\\]" in words
    assert "number 2 of 3 in its row (from 1.00 to 3.00)" in words
    assert "0.250" in words
    assert "a weight of **0**" in score_breakdown.sentence("a", "b", np.ones(2), 2, 0.0)


def test_bars_of_units_are_saved_as_one_picture():
    values = {"query": np.array([1.0, -2.0]), "key": np.ones(2), "part": np.array([1.0, -2.0])}
    assert score_breakdown.records(values, [1, 0])[0] == {
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
    assert "Each row is one word of the output, each column one word of the input." in text
    assert "layer 1 of 2, head 1 of 2" in text
    assert "All layers and heads" in text
    at.selectbox(key="attention/way").set_value("rollout").run()
    assert not at.exception
    assert "Abnar and Zuidema 2020" in said(at)
    again = open_page(way=attention_view.WAYS["rollout"])
    assert again.selectbox(key="attention/way").value == "rollout"


def test_choices_of_the_address_are_followed(open_page):
    at = open_page(map="Input on itself", layer="2", head="2", end="true")
    assert not at.exception
    assert "Input on itself, layer 2 of 2, head 2 of 2" in said(at)
    assert "Each row is one word of the input" in said(at)
    assert "what is left was scaled to sum to 1" in said(at)
    at = open_page(layer="99", view="nonsense", weigh="true")
    assert not at.exception
    assert "layer 1 of 2" in said(at)
    assert "Kobayashi et al. 2020" in said(at)


def test_one_cell_alone_needs_no_grid(open_page):
    at = open_page(model=saved_models.labels()["lstm-bahdanau"])
    assert not at.exception
    assert "its only layer and head" in said(at)
    assert "All layers and heads" not in said(at)


def test_a_model_without_attention_shows_saliency_and_says_so(open_page):
    at = open_page(model=saved_models.labels()["lstm"])
    assert not at.exception
    assert "This network has no attention." in said(at)
    assert "Inside a cell" not in at.button_group(key="attention/view").options


def test_two_models_and_two_heads_side_by_side(open_page):
    at = open_page(view="Two side by side")
    assert not at.exception
    assert "LSTM + attention was made to write the same output" in said(at)
    assert "of a row's weight lies elsewhere" in said(at)
    at.button_group(key="attention/against").set_value("head").run()
    assert not at.exception
    assert "On average 0 % of a row's weight lies elsewhere" in said(at)
    at.selectbox(key="attention/layer2").set_value(2).run()
    assert "On average 0 %" not in said(at)


def test_steps_and_cells(open_page):
    at = open_page(**{"view": "Step by step", "output.en-es": "el gato"})
    assert not at.exception
    assert not at.error
    assert "Your output" in said(at)
    assert "entropy" in said(at)
    at.slider(key="attention/step").set_value(2).run()
    assert "Most: " in said(at)
    at = open_page(view="Inside a cell", model=saved_models.labels()["lstm-bahdanau"])
    assert not at.exception
    assert not at.error
    assert "after softmax a weight of" in said(at)
    assert "units that add or take most" in said(at)


@pytest.mark.parametrize("text", ["word " * 10_000, "<b>😀 مرحبا", " "])
def test_hostile_text_is_answered(open_page, text):
    at = open_page(text=text)
    assert not at.exception
    assert not at.error


def test_no_models_at_all(open_page, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    monkeypatch.setattr(saved_models.folders, "saved_models_path", lambda: tmp_path)
    at = open_page()
    assert not at.exception
    assert "no trained models" in at.info[0].value
