"""The plain verdicts of the Scores page: one a section, turned round by other files."""

from __future__ import annotations

import re

import pytest

from apps import saved_models
from apps.sections import attention_score_verdicts
from apps.sections.attention_score_data import MEASURES
from tests.apps import app_runner
from tests.apps.views.test_attention_scores import apart, attention, graded, open_scores, put

__all__ = ["graded"]  # a fixture
INTERVAL = re.compile(r"\d \(−?\d+\.\d+ to ")


def test_a_section_says_one_plain_thing_and_keeps_its_intervals_behind(graded):
    at = open_scores()
    assert not at.exception
    behind = [
        one.value
        for expander in at.expander
        if "intervals" in expander.label
        for one in expander.markdown
    ]
    assert len(behind) == 3
    assert all(INTERVAL.search(text) for text in behind)
    plainly = [one.value for one in [*at.markdown, *at.caption] if one.value not in behind]
    assert not any(INTERVAL.search(text) for text in plainly)
    for verdict in (
        attention_score_verdicts.aligner(saved_models.models("en-es")),
        attention_score_verdicts.heads(saved_models.models("en-es")),
        attention_score_verdicts.explanation(saved_models.models("en-es")),
    ):
        assert verdict in plainly
        assert len(verdict.split()) <= 60


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (-0.3, "Yes, better than the diagonal, which looks at no model: **Transformer**"),
        (0.3, "No, none is better than the diagonal, which looks at no model; worse: **Trans"),
        (0.01, "No, none is better than the diagonal, which looks at no model; not told apart"),
    ],
)
def test_an_aligner_is_judged_by_the_files(shelf, difference, words):
    aer = attention("transformer")["aer"]
    put(
        shelf,
        "en-es-transformer",
        aer=aer | {"differences": apart("best_head", diagonal=difference)},
    )
    assert attention_score_verdicts.aligner(["en-es-transformer"]).startswith(words)


def test_the_better_of_two_aligners_changes_with_the_files(shelf):
    names = ["en-es-lstm-bahdanau", "en-es-transformer"]
    put(shelf, names[1])
    for error, words in (
        (0.1, "**LSTM + attention** is the better aligner."),
        (0.6, "The best head of **Transformer** is the better aligner."),
        (0.3, "Which of the two is the better aligner cannot be told."),
    ):
        put(shelf, names[0], aer=attention("lstm-bahdanau", error)["aer"])
        assert attention_score_verdicts.aligner(names).endswith(words)


def test_an_explanation_is_judged_by_both_tests(shelf):
    name = "en-es-transformer"
    found = attention("transformer")

    def told(needed: float, enough: float) -> str:
        changes = {
            key: found[key] | {"differences": apart("attention", random=one, gradient=-one)}
            for key, one in (("comprehensiveness", needed), ("sufficiency", enough))
        }
        put(shelf, name, **changes)
        return attention_score_verdicts.explanation([name])

    assert told(0.2, -0.2) == (
        "Yes, better than chance by both tests: **Transformer**. "
        "No, none is better than gradient × input by both tests; worse by both: **Transformer**."
    )
    assert told(-0.2, 0.2).startswith("No, none is better than chance by both tests; worse by")
    assert "no clear answer: **Transformer**" in told(0.2, 0.2)
    assert attention_score_verdicts.explanation(["en-es-lstm"]) == ""


def test_looks_are_told_apart_only_where_intervals_are():
    def row(model, value, width=0.01):
        return {"what": "Output on input", "model": model, "value": value} | {
            "low": value - width,
            "high": value + width,
        }

    measure = MEASURES["entropy"]
    assert attention_score_verdicts.looks([row("LSTM", 0.2), row("Transformer", 0.6)], measure) == (
        "“Output on input”: the greatest entropy is that of **Transformer**."
    )
    text = attention_score_verdicts.looks([row("LSTM", 0.7), row("Transformer", 0.6)], measure)
    assert "**LSTM**" in text
    text = attention_score_verdicts.looks([row("LSTM", 0.7, 0.2), row("Transformer", 0.6)], measure)
    assert "cannot be told between LSTM and Transformer" in text
    assert attention_score_verdicts.looks([row("LSTM", 0.7)], measure) == ""


def test_without_figures_there_is_no_verdict(shelf):
    for name in saved_models.models("en-es"):
        put(shelf, name, aer=None, importance=None, comprehensiveness=None)
    at = open_scores()
    assert not at.exception
    names = saved_models.models("en-es")
    assert (
        attention_score_verdicts.aligner(names)
        == attention_score_verdicts.heads(names)
        == attention_score_verdicts.explanation(names)
        == ""
    )
    assert app_runner.said(at)
