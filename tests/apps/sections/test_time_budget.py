"""Which model fits: the answer follows the cards, whatever they say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from apps import saved_models
from apps.sections import time_budget
from tests.apps import app_runner, fake_benchmarks, fake_language_models, fake_saved_models


@pytest.fixture(autouse=True)
def benchmarks(tmp_path, monkeypatch, shelf):
    monkeypatch.setenv("ZOO_BENCHMARKS", str(fake_benchmarks.make(tmp_path / "benchmarks")))


def put(root, name: str, **speed: Any) -> None:
    card = json.loads((root / name / "card.json").read_text(encoding="utf-8"))
    fake_saved_models.write(root / name / "card.json", card | {"speed": speed})


def time(root, task: str, *milliseconds: float) -> None:
    for name, ms in zip(saved_models.models(task), milliseconds, strict=True):
        put(root, name, ms_per_sentence=ms, device="a fast machine", date="2026-03-04")


def answered(at: AppTest, task: str) -> str:
    """The line of one task."""
    lines = "\n".join(one.value for one in at.markdown).splitlines()
    return next(line for line in lines if line.startswith(f"- **{task}"))


def test_the_best_model_that_fits_comes_first(shelf):
    time(shelf, "en-es", 1.0, 5.0, 5.01, 8.0)  # chrF 40, 55, 70, 75
    at = app_runner.opened("speed")
    assert not at.exception
    assert answered(at, "Translation") == (
        "- **Translation: LSTM** is the best that fits, chrF 55.0, 5 ms. "
        "Then Simple RNN, chrF 40.0, 1 ms. "
        "Too slow: Transformer (8 ms), LSTM + attention (5.01 ms)."
    )
    at = at.number_input(key="speed/budget").set_value(8.0).run()
    assert answered(at, "Translation").startswith("- **Translation: Transformer** is the best")
    at = app_runner.opened("speed", budget="0.5")
    assert at.number_input(key="speed/budget").value == 0.5
    assert answered(at, "Translation") == (
        "- **Translation: no model** fits in 0.5 ms. The fastest is Simple RNN, 1 ms."
    )


def test_where_the_cards_turn_the_order_round_the_answer_follows(shelf):
    time(shelf, "en-es", 3.0, 3.0, 3.0, 3.0)
    before = [one.label for one in time_budget.candidates("en-es")]
    assert before == ["Transformer", "LSTM + attention", "LSTM", "Simple RNN"]
    card = json.loads((shelf / "en-es-simple-rnn" / "card.json").read_text("utf-8"))
    card["metrics"]["1"]["chrf"]["value"] = 99.0
    fake_saved_models.write(shelf / "en-es-simple-rnn" / "card.json", card)
    assert "Translation: Simple RNN** is the best" in answered(
        app_runner.opened("speed"), "Translation"
    )


def test_an_error_rate_is_better_the_lower_it_is(shelf):
    time(shelf, "pronounce", 1.0, 2.0, 3.0, 4.0)  # WER 60, 45, 30, 25
    text = answered(app_runner.opened("speed"), "Pronunciation")
    assert text.startswith("- **Pronunciation: Transformer** is the best that fits, WER 25.0, 4 ms")


def test_the_machine_is_named_and_so_are_several(shelf):
    for task in saved_models.tasks():
        time(shelf, task, 1.0, 2.0, 3.0, 4.0)
    text = app_runner.said(app_runner.opened("speed")).replace("\\", "")
    assert "Measured on a fast machine; 2026-03-04: one input at a time, greedy" in text
    put(shelf, "dates-lstm", ms_per_sentence=2.0, device="a *slow* one")
    text = app_runner.said(app_runner.opened("speed"))
    assert r"a \*slow\* one (Dates LSTM), as the table says" in text
    assert "(11 models) and" in text


@pytest.mark.parametrize("speed", [{}, {"ms_per_sentence": "fast"}, {"ms_per_sentence": 0}])
def test_models_without_latencies_are_left_out(shelf, speed):
    for name in saved_models.models("dates"):
        put(shelf, name, **speed)
    fake_saved_models.write(shelf / "en-es-lstm" / "card.json", {"speed": {"ms_per_sentence": 1.0}})
    at = app_runner.opened("speed", budget="100")
    assert not at.exception
    assert answered(at, "Dates") == ("- **Dates:** the cards of these models hold no latencies.")
    # without a figure of quality it comes last
    assert "Simple RNN, chrF 40.0, 12 ms; LSTM, 1 ms." in answered(at, "Translation")


def test_every_section_and_finding_is_in_the_contents():
    at = app_runner.opened("speed")
    contents = next(one.value for one in at.markdown if "](#fits)" in one.value)
    headings = [*at.header, *at.subheader]
    anchors = [one.proto.anchor for one in headings]
    assert len(set(anchors)) == len(anchors)
    linked = {part.partition(")")[0] for part in contents.split("](#")[1:]}
    assert linked == set(anchors)


def test_a_language_model_has_so_long_for_a_token(shelf):
    fake_language_models.make(shelf)
    at = app_runner.opened("speed", budget="0.5")
    assert not at.exception
    assert answered(at, "Shakespeare") == (
        "- **Shakespeare: n-gram** is the best that fits, Nats a token 1.50, 0.2 ms a token. "
        "Then LSTM, Nats a token 1.60, 0.5 ms a token. Too slow: GPT (2 ms a token)."
    )
    assert answered(at, "Dates").startswith("- **Dates: no model** fits in 0.5 ms.")
    assert at.number_input(key="speed/budget").label.endswith("or one token of a text")
    assert "the mean over 200 tokens drawn" in app_runner.said(at)
    table = at.dataframe[0].value
    assert set(table["for"]) == {"an answer", "a token"}
    fake_saved_models.write(shelf / "shakespeare-gpt" / "card.json", {})
    put(shelf, "shakespeare-lstm", tokens_per_second="fast")
    at = app_runner.opened("speed", budget="0.5")
    assert answered(at, "Shakespeare").endswith("Nats a token 1.50, 0.2 ms a token.")


def test_every_section_is_in_the_contents_of_language_models_too(shelf):
    fake_language_models.make(shelf)
    at = app_runner.opened("speed", task="ptb")
    contents = next(one.value for one in at.markdown if "](#fits)" in one.value)
    linked = {part.partition(")")[0] for part in contents.split("](#")[1:]}
    assert linked == {one.proto.anchor for one in [*at.header, *at.subheader]}
