"""Compare for classifiers: one text, image or series, and what every model takes it for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from apps import (
    classifying,
    figures,
    inference,
    presentation,
    quality,
    saved_models,
    state,
    widgets,
)
from apps.charts import labels as charts
from apps.classifying import Question
from apps.markdown import plain
from apps.sections import floor, label_inputs, label_maps, notes
from apps.sections.forecasts import mark

if TYPE_CHECKING:
    from zoo.label import Label


def render(task: str) -> None:
    """The page for a task whose models say what something is."""
    with presentation.controls():
        names = tuple(widgets.several_models(task))
        question = label_inputs.choose(task, names)
    if question is None:
        return
    st.header("What each takes it for", anchor=False)
    answers = _ask(question)
    if answers:
        if said := floor.told(saved_models.models(task), quality.first(task), "1"):
            st.markdown(said)
        notes.show(answers)
        label_maps.section(question, answers)


def _ask(question: Question) -> dict[str, Label]:
    """Every model's answer, the input beside them, and how likely each class is."""
    shown, table = st.columns([2, 7], gap="large") if question.reads != "text" else (None, None)
    waiting = st.empty()
    answers: dict[str, Label] = {}
    failed: dict[str, str] = {}
    for name in question.names:
        label = plain(saved_models.label(name))

        def say(step: str, label: str = label) -> None:
            waiting.caption(f":material/hourglass_top: {label}: {step} ...")

        try:
            answers[name] = classifying.answered(name, question, say)
        except Exception as error:  # one broken model must not take the page down
            failed[name] = inference.explain(error)
    waiting.empty()
    if shown is not None and answers:
        with shown:
            _input(question, next(iter(answers.values())))
    with table or st.container():
        _probabilities(question, answers)
        for name, why in failed.items():
            st.error(
                f"{plain(saved_models.label(name))} could not answer. {plain(why)}",
                icon=":material/error:",
            )
    return answers


def _input(question: Question, answer: Label) -> None:
    """The image or series as the models read it."""
    chart = (charts.picture if question.reads == "image" else charts.curve)(answer.input)
    if question.reads == "image":
        height, width = answer.input.shape[:2]
        chart = chart.properties(height=round(190 * height / width))
    truth = f"Truly {question.truth}" if question.truth else "As the models read it"
    st.altair_chart(
        presentation.drawn(chart),
        width="stretch",
        key=state.key("label.input"),
        alt=f"The {question.reads} that is classified. {truth}.",
    )
    if question.truth:
        st.caption(f"Truly **{plain(question.truth)}**")


def _probabilities(question: Question, answers: Mapping[str, Label]) -> None:
    """The table of all classes, and in words who is right."""
    if not answers:
        return
    called = {name: _called(name, question, answer) for name, answer in answers.items()}
    rows = charts.probability_rows(
        {called[name]: answer.probabilities for name, answer in answers.items()}
    )
    said = "; ".join(
        f"{called[name]}: {answer.name}, {charts.percent(answer.probability)}"
        for name, answer in answers.items()
    )
    figures.show(
        charts.probabilities(rows),
        alt_text=f"How likely each class is. {said}.",
        rows=rows,
        file=f"labels-{state.slug(question.task)}",
    )
    parts = ["How likely each model takes each class to be."]
    if len(next(iter(answers.values())).probabilities) > charts.MOST_CLASSES:
        parts.append(f"The {charts.MOST_CLASSES} classes that some model thinks most likely.")
    if question.truth:
        parts.append(f"✓: takes it for {plain(question.truth)}, which it is; ✗: does not.")
    times = [f"{1000 * answer.seconds:.2g}" for answer in answers.values()]
    if all(answer.seconds for answer in answers.values()):
        parts.append(f"From input to answer: {', '.join(times)} ms, in this order.")
    st.caption(" ".join(parts))


def _called(name: str, question: Question, answer: Label) -> str:
    """A model's name on the chart: whether it is right, and whether it is a floor."""
    label = saved_models.label(name) + mark(name, question.task).replace(" · ", ", ")
    if question.truth is None:
        return label
    return f"{'✓' if answer.name == question.truth else '✗'} {label}"
