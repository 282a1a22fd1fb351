"""Your target: which of two outputs a model prefers, where it was surprised, and the page."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

from apps import interpretation, saved_models
from apps.labels import from_prediction, read
from apps.views import score_your_text
from tests.apps import app_runner
from tests.apps.test_pages import HOSTILE
from zoo.interpret import Candidates
from zoo.prediction import Prediction

SOURCE = ["▁my", "▁brother", "</s>"]


def prediction(text: str, pieces: list[str], log_probs: list[float]) -> Prediction:
    cross = np.full((1, 1, len(pieces), len(SOURCE)), 1 / len(SOURCE), "float32")
    return Prediction(text, SOURCE, pieces, np.array(log_probs, "float32"), {"cross": cross})


OWN = prediction("mi gato", ["▁mi", "▁gato", "</s>"], [-0.1, -0.2, -0.3])
YOURS = prediction(
    "mi hermana", ["▁mi", "▁herm", "ana", "</s>"], [math.log(0.5), math.log(0.1), -2.0, -0.3]
)
CANDIDATES = Candidates(
    pieces=[["▁mi", "▁el"], ["▁gato", "▁herm"], ["ano", "ana"], ["</s>", "▁y"]],
    probabilities=np.array([[0.5, 0.2], [0.8, 0.1], [0.7, 0.13], [0.75, 0.1]], "float32"),
    rank=np.array([1, 2, 7, 1]),
    entropy=np.ones(4, "float32"),
)


def plain_words(text: str) -> str:
    return text.replace("\u2068", "").replace("\u2069", "")


def test_the_verdict_compares_the_whole_and_a_piece():
    assert score_your_text.verdict("LSTM", OWN, OWN) == (
        "LSTM would have written exactly that: log-probability -0.60."
    )
    said = score_your_text.verdict("LSTM", OWN, YOURS)
    # -5.2957 against -0.6: e^4.6957 = 109.5; -1.3239 against -0.2 a token: e^1.1239 = 3.08
    assert said == (
        "LSTM prefers its own answer, 109 times likelier as a whole, and 3.08 times per token."
    )
    # found by no search: the target is likelier, though not a token at a time
    short = prediction("no", ["▁no"], [-0.5])
    assert plain_words(score_your_text.verdict("LSTM", OWN, short)) == (
        "LSTM prefers your target, 1.11 times likelier as a whole; but per token, which "
        "ignores the length, its own answer is likelier. Its search did not find it: it wrote "
        "“mi gato”."
    )
    assert score_your_text.times(20) == "more than a million times (e^20.0)"
    assert score_your_text.perplexity(OWN) == pytest.approx(math.exp(0.2))
    assert score_your_text.perplexity(prediction("", [], [])) == 1.0


def test_surprise_is_the_worst_piece_of_a_word():
    reading = read(from_prediction("", YOURS), "word")
    rows = score_your_text.records(reading, YOURS, CANDIDATES, "word")
    assert [row["unit"] for row in rows] == ["mi", "hermana", "(end)"]
    assert [row["rank"] for row in rows] == [1, 7, 1]
    assert [row["rather"] for row in rows] == ["", "hermano (70 %)", ""]
    assert rows[1]["log_prob"] == pytest.approx(math.log(0.1) - 2, abs=1e-4)
    assert plain_words(score_your_text.surprises(rows)) == (
        "At one step of 3 it would have continued differently, most clearly at “hermana” "
        "(choice number 7); it would have preferred hermano (70 %)."
    )
    pieces = read(from_prediction("", YOURS), "character")
    single = score_your_text.records(pieces, YOURS, CANDIDATES, "character")
    assert [row["rather"] for row in single] == ["", "gato (80 %)", "ano (70 %)", ""]
    assert (
        score_your_text.surprises(rows[:1]) == "Nowhere: every step was the model's first choice."
    )


def test_the_end_of_the_text_goes_by_its_name():
    assert score_your_text._joined(["▁a", "</s>"]) == "a(end)"
    assert score_your_text._joined(["▁"]) == "␣"


@pytest.fixture
def open_page(networks, monkeypatch):
    """The page for some query parameters."""
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(networks))
    return functools.partial(app_runner.opened, "score_your_text")


def test_without_a_target_the_page_asks_for_one(open_page, monkeypatch):
    monkeypatch.setattr(interpretation, "run", lambda *args: pytest.fail("a model was asked"))
    for word, target in (("dates", ""), ("pronounce", " \n\t")):
        at = open_page(task=word, target=target)
        assert not at.exception
        assert "Type an output above" in app_runner.said(at)
        assert (
            at.text_area(key="your-target/target").placeholder
            == saved_models.info(word).target_hint
        )


def test_a_link_shows_a_target(open_page):
    at = open_page(model="LSTM + attention", target="el gato duerme ж")
    assert not at.exception
    assert not at.error
    table = at.dataframe[0].value
    assert list(table["Written"][:3]) == ["el", "gato", "duerme"]
    assert (table["Rank"] >= 1).all()
    assert np.exp(table["Log-probability"]).to_numpy() == pytest.approx(
        table["Probability"].to_numpy(), abs=1e-3
    )
    assert r"that the model cannot write\, scored as \<unk\>" in app_runner.said(at)
    assert "prefers" in app_runner.said(at)


@pytest.mark.parametrize("kind", ["long", "arabic", "script"])
def test_hostile_targets_keep_the_page_up(open_page, kind):
    at = open_page(model="LSTM + attention", target=HOSTILE[kind])
    assert not at.exception
    assert not at.error
    assert "Where it was surprised" in [one.value for one in at.header]
    if kind == "long":
        assert "only the first 2,000 were read" in app_runner.said(at)
        assert r"Cut at the longest length\." in app_runner.said(at)


def test_all_models_stand_beside_each_other(open_page, monkeypatch):
    """One that cannot answer leaves the others."""
    monkeypatch.setattr(interpretation, "predict", lambda name, *rest: OWN)
    monkeypatch.setattr(
        score_your_text,
        "_forced",
        lambda name, *rest: None if name == "en-es-lstm" else (YOURS, CANDIDATES, None),
    )
    at = open_page(model="Transformer", all="yes", target="mi hermana")
    assert not at.exception
    table = at.dataframe[-1].value
    names = [name for name in saved_models.models("en-es") if name != "en-es-lstm"]
    assert list(table["Model"]) == [saved_models.label(name) for name in names]
    assert list(table["Own: a token"]) == pytest.approx([-0.2] * 3)
    assert app_runner.said(at).count("109 times likelier as a whole") == 4
