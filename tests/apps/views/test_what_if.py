"""What if: outcomes in words and numbers, what is pressed, and the page on tiny networks."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from apps import interpretation
from apps.components import pressable_words
from apps.labels import from_prediction, read
from apps.sections import intervention_steps, intervention_words
from apps.views import what_if
from tests.apps import app_runner
from tests.apps.test_pages import HOSTILE
from zoo.interpret import Force, Intervention, Off, Outcome
from zoo.prediction import Prediction

SOURCE = ["▁my", "▁bro", "ther", "▁sleeps", "</s>"]


def prediction(text: str, pieces: list[str], log_probs: list[float], source=SOURCE) -> Prediction:
    rng = np.random.default_rng(0)
    cross = rng.dirichlet(np.ones(len(source)), (2, 2, len(pieces))).astype("float32")
    return Prediction(text, source, pieces, np.array(log_probs, "float32"), {"cross": cross})


@pytest.fixture
def outcome() -> Outcome:
    before = prediction("mi hermano", ["▁mi", "▁herm", "ano", "</s>"], [-0.1, -0.2, -0.3, -0.4])
    after = prediction("mi gato", ["▁mi", "▁gato", "</s>"], [-0.1, -1.0, -0.4])
    forced = prediction("mi hermano", before.target_pieces, [-0.1, -3.2, -0.5, -0.4])
    return Outcome(before, after, forced, np.array([0.0, 2.0, 0.5, 0.0], "float32"))


def said(outcome: Outcome, **what) -> str:
    before = read(from_prediction("", outcome.before), "word")
    text = intervention_words.sentence(outcome, Intervention(**what), before)
    return text.replace("\u2068", "").replace("\u2069", "")


def test_a_sentence_says_what_was_done_and_what_came_of_it(outcome):
    assert said(outcome, mask=(1,), how="removed") == (
        "Without “brother”, the text changed from “mi hermano” to “mi gato”. "
        "The old text now has log-probability -4.20 instead of -1.00. "
        "The prediction changed most at “hermano” (KL 2.50 nats)."
    )
    outcome.after = outcome.forced
    assert said(outcome, mask=(0, 1, 2)).startswith(
        "With “my”, “brother” and “sleeps” unknown, the text stayed the same; "
        "its log-probability fell from -1.00 to -4.20."
    )
    outcome.forced, outcome.kl = outcome.before, 0 * outcome.kl
    assert said(outcome, prefix="mi") == (
        "Made to begin with “mi”, the text stayed the same, and so did its log-probability (-1.00)."
    )


def test_every_tool_has_its_words(outcome):
    def lead(**what):
        return said(outcome, **what).partition(", the text")[0]

    assert lead(swap=((0, 2),)) == "With “my” and “sleeps” swapped"
    assert lead(force=(Force(1, 0, layer=1, head=0),)) == (
        "With “hermano” made to look at “my” (layer 2, head 1)"
    )
    assert lead(force=tuple(Force(i, 0) for i in range(3))) == "With 3 rows of attention forced"
    assert lead(off=(Off("cross", 1, 0),)) == (
        "With head 1 of layer 2 (output on input) switched off"
    )
    assert lead(off=(Off("cross", 0), Off("cross", 1, 0), Off("cross", 1, 1))) == (
        "With 2 heads and 1 layer switched off"
    )
    assert lead(mask=(0,), how="hidden", off=(Off("cross", 0),)) == (
        "With “my” hidden and with layer 1 (output on input) switched off"
    )


def test_steps_add_up_the_pieces_of_a_word(outcome):
    rows = intervention_steps.records(outcome, "word")
    assert [row["unit"] for row in rows] == ["mi", "hermano", "(end)"]
    assert rows[1] | {"step": 2, "unit": "hermano"} == pytest.approx(
        {"step": 2, "unit": "hermano", "before": -0.5, "under": -3.7, "difference": -3.2, "kl": 2.5}
    )
    assert len(intervention_steps.records(outcome, "character")) == 4
    spec = intervention_steps.kl_bars(rows).to_dict()
    assert spec["encoding"]["y"]["scale"]["domain"] == [0, 2.5]
    assert intervention_steps.kl_alt(rows).endswith(
        "most first: hermano 2.50; mi 0.00; (end) 0.00."
    )


def test_small_words():
    assert intervention_words.nats(-0.001) == "0.00"
    assert intervention_words.quoted("") == "nothing"
    assert len(intervention_words.quoted("word " * 100)) < 180
    assert intervention_words.as_written("pronounce", " z uw\n1 ") == "Z UW 1"
    assert intervention_words.as_written("dates", "1 May") == "1 May"
    assert intervention_words.which((3, 4, 1, 1), None, 1) == "Mean over 3 layers, head 2 of 4"
    assert (
        intervention_words.which((3, 4, 1, 1), 9, None) == "Mean over 3 layers, mean over 4 heads"
    )
    assert intervention_words.which((1, 1, 1, 1), None, None) == "The only layer and head"


def test_what_a_browser_says_is_pressed_is_checked(monkeypatch):
    """Places that are not there, or are no places, are left out."""
    mounted, told = {}, []
    monkeypatch.setattr(pressable_words, "_words", lambda **options: mounted.update(options))
    monkeypatch.setattr(pressable_words, "_grid", lambda **options: mounted.update(options))
    state = {"k": {}}
    monkeypatch.setattr(pressable_words.st, "session_state", state)
    monkeypatch.setattr(pressable_words.state, "key", str)
    pressable_words.words(["a", "b"], [1], key="k", label="", on_press=told.append)
    assert mounted["data"]["pressed"] == [1]
    for sent in ([1, 0, 1], [2, -1, "x", None, [0]], "nonsense", None):
        state["k"] = {"pressed": sent}
        mounted["on_pressed_change"]()
    pressable_words.grid(["a"], ["b", "c"], [], key="k", label="", on_press=told.append)
    for sent in ([[0, 1], [0, 2], [1, 0], [0], 7, ["0", 0]], {}):
        state["k"] = {"pressed": sent}
        mounted["on_pressed_change"]()
    assert told == [[0, 1], [], [], [], [(0, 1)], []]


def test_weights_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="Received: \\(2, 2\\)"):
        pressable_words.grid(
            ["a"], ["b"], [], key="k", label="", on_press=print, weights=np.zeros((2, 2))
        )


def test_forced_rows_are_read_from_the_list():
    typed = ["2:1", " 1 : 3 ", "0:1", "4:1", "1:4", "x", "1:2:3", ""]
    assert what_if._pairs(typed, rows=3, columns=3) == [(1, 0), (0, 2)]


@pytest.fixture
def open_page(networks, monkeypatch):
    """The page for some query parameters."""
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(networks))
    return functools.partial(app_runner.opened, "what_if")


def test_a_link_hides_swaps_and_forces(open_page):
    at = open_page(model="lstm-bahdanau", mask="2", swap="1,3", force="1:2")
    assert not at.exception
    assert not at.error
    bold = next(one.value for one in at.markdown if one.value.startswith("**With "))
    assert "cat" in bold
    assert "swapped" in bold
    assert "made to look at" in bold
    table = at.dataframe[0].value
    assert (table["KL (nats)"] >= 0).all()
    assert table["KL (nats)"].max() > 0
    reset = next(button for button in at.button if button.label == "Reset")
    at = reset.click().run()
    assert not at.exception
    assert "Nothing is changed yet" in app_runner.said(at)
    assert dict(at.query_params) == {"model": "lstm-bahdanau"}


def test_what_cannot_be_done_is_said_and_the_page_stays(open_page):
    at = open_page(model="lstm-bahdanau", mask="1,2,3", how="hidden", force="9:9,x")
    assert not at.exception
    assert "the others were left out" in app_runner.said(at)
    assert "Something must be left to read" in app_runner.said(at)
    at = open_page(model="lstm-bahdanau", prefix="مرحبا 😀")
    assert not at.exception
    assert "cannot write all of the beginning" in app_runner.said(at)


def test_without_attention_the_other_tools_work(open_page, outcome, monkeypatch):
    asked = []
    for one in (outcome.before, outcome.after, outcome.forced):
        one.attention = {}
    monkeypatch.setattr(interpretation, "predict", lambda *rest: outcome.before)
    monkeypatch.setattr(
        interpretation, "run", lambda _, question, __: asked.append(question) or outcome
    )
    at = open_page(model="lstm", mask="2", off="cross 1.1", force="1:1")
    assert not at.exception
    assert "no attention in this network: all it read went through its state" in app_runner.said(at)
    assert "no attention in this network, so there is no map" in app_runner.said(at)
    assert asked[-1][-1] == Intervention(mask=(1,))
    bold = next(one.value for one in at.markdown if one.value.startswith("**With "))
    assert "the text changed" in bold


@pytest.mark.parametrize("kind", ["long", "script"])
def test_hostile_text_keeps_the_page_up(open_page, kind):
    at = open_page(model="lstm-bahdanau", text=HOSTILE[kind])
    assert not at.exception
    assert not at.error
    assert "Nothing is changed yet" in app_runner.said(at) or "wrote nothing" in app_runner.said(at)


def test_other_words_are_not_hidden_for_those_before(open_page):
    at = open_page(model="lstm-bahdanau", mask="2")
    at.text_area(key="what-if/text").set_value("good morning").run()
    assert not at.exception
    assert at.multiselect(key="what-if/mask").value == []
    assert "Nothing is changed yet" in app_runner.said(at)


def test_no_models_at_all(monkeypatch, tmp_path, open_page):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    at = open_page()
    assert not at.exception
    assert "no trained models" in at.info[0].value
