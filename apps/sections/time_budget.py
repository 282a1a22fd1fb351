"""Which model fits into so many milliseconds: the cards' latencies and quality, best first.

A language model must write a token in that time, any other model its whole answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from apps import quality, saved_models, state, widgets
from apps.markdown import plain
from apps.sections import latency
from zoo.metric_info import MetricInfo

DEFAULT = 5.0
LEAST, MOST = 0.1, 60_000.0
TOKENS = "; of language models, the mean over 200 tokens drawn at temperature 0.8"
"""How a card's speed of a language model was measured (`training.store_examples`)."""


FEW = 5
"""Up to so many models of one machine are named; of more, the number is given."""


@dataclass(frozen=True)
class Candidate:
    """A model whose card tells how long an answer takes, or a token of it.

    `value`: its figure of quality, None where the card has none; `low`, `high`: its interval.
    """

    name: str
    milliseconds: float
    value: float | None
    low: float | None
    high: float | None
    device: str
    date: str

    @property
    def label(self) -> str:
        """What the page calls it."""
        return saved_models.label(self.name)


def candidates(task: str) -> list[Candidate]:
    """The models of a task with a measured latency, the best by its first figure first.

    Latencies are of greedy answers, and so is the quality where the card has it.
    """
    figure = judged_by(task)
    found = []
    for name in saved_models.models(task):
        ms, speed = latency.milliseconds(name), latency.speed(name)
        if ms is None:
            continue
        values = quality.measured(name, "1")
        numbers = (quality.value(values, figure.key, part) for part in ("value", "low", "high"))
        device = str(speed.get("device") or "an unknown machine")
        found.append(Candidate(name, ms, *numbers, device, str(speed.get("date") or "")))
    sign = {True: -1, False: 1, None: 0}[figure.higher_is_better]
    return sorted(
        found,
        key=lambda one: (one.value is None, sign * (one.value or 0.0), one.milliseconds),
    )


def judged_by(task: str) -> MetricInfo:
    """The figure of quality that a task is judged by first."""
    return quality.first(task)


def answer(task: str, found: Sequence[Candidate], budget: float) -> str:
    """Which models of a task fit, the best first, in one or two sentences of Markdown."""
    name = saved_models.task_label(task)
    fitting = [one for one in found if one.milliseconds <= budget]
    if not found:
        return f"**{name}:** the cards of these models hold no latencies."
    if not fitting:
        fastest = min(found, key=lambda one: one.milliseconds)
        return (
            f"**{name}: no model** fits in {budget:g} ms. The fastest is {fastest.label}, "
            f"{_ms(task, fastest.milliseconds)}."
        )
    best, *others = fitting
    which = "fits" if judged_by(task).higher_is_better is None else "is the best that fits"
    text = f"**{name}: {best.label}** {which}, {_described(task, best)}."
    if others:
        text += f" Then {'; '.join(f'{one.label}, {_described(task, one)}' for one in others)}."
    slower = [one for one in found if one.milliseconds > budget]
    if slower:
        listed = ", ".join(f"{one.label} ({_ms(task, one.milliseconds)})" for one in slower)
        text += f" Too slow: {listed}."
    return text


def section() -> None:
    """The control, an answer a task, and the table behind them."""
    tasks = saved_models.tasks(widgets.KINDS)
    texts = any(latency.per(task) == "token" for task in tasks)
    budget = st.number_input(
        f"Milliseconds for one answer{', or one token of a text' if texts else ''}",
        min_value=LEAST,
        max_value=MOST,
        step=0.5,
        format="%.1f",
        width=360 if texts else 240,
        **state.number("budget", DEFAULT, LEAST, MOST),
    )
    if not tasks:
        st.info("There are no trained models in `saved_models/` yet.")
        return
    found = {task: candidates(task) for task in tasks}
    st.markdown("\n".join(f"- {answer(task, found[task], budget)}" for task in tasks))
    everyone = [one for listed in found.values() for one in listed]
    if not everyone:
        return
    st.caption(_measured_on(everyone))
    rows = [
        {
            "Task": saved_models.task_label(task),
            "Model": one.label,
            "Fits": one.milliseconds <= budget,
            "ms": one.milliseconds,
            "for": "a token" if latency.per(task) == "token" else "an answer",
            "Quality": one.value,
            "by": judged_by(task).label,
            "Measured on": one.device,
            "Date": one.date or None,
        }
        for task in tasks
        for one in sorted(found[task], key=lambda one: one.milliseconds > budget)
    ]
    with st.expander("As a table", key=state.key("table.budget")):
        st.dataframe(
            rows,
            hide_index=True,
            placeholder="–",
            alt="Every model, whether it fits, and how good it is",
        )


def _measured_on(found: Sequence[Candidate]) -> str:
    """The machines, and what a latency is of."""
    machines: dict[str, list[Candidate]] = {}
    for one in found:
        machines.setdefault(one.device, []).append(one)
    parts = []
    for device, listed in machines.items():
        dates = sorted({one.date for one in listed if one.date})
        dates = dates if len(dates) < 3 else [f"{dates[0]} to {dates[-1]}"]
        text = plain("; ".join([device, ", ".join(dates)] if dates else [device]))
        if len(machines) > 1:
            names = [
                f"{saved_models.task_label(saved_models.task_of(one.name))} {one.label}"
                for one in listed
            ]
            text += f" ({', '.join(names) if len(names) <= FEW else f'{len(names)} models'})"
        parts.append(text)
    where = " and ".join(parts) + (", as the table says" if len(machines) > 1 else "")
    texts = any(latency.per(saved_models.task_of(one.name)) == "token" for one in found)
    return (
        f"Measured on {where}: one input at a time, greedy, the median over the example inputs, "
        f"without maps{TOKENS if texts else ''}. Another machine takes another time: *On this "
        "machine*, at the end of the page, measures yours."
    )


def _described(task: str, one: Candidate) -> str:
    figure = judged_by(task)
    value = "" if one.value is None else f"{figure.label} {quality.brief(figure, one.value)}, "
    return f"{value}{_ms(task, one.milliseconds)}"


def _ms(task: str, value: float) -> str:
    return f"{value:,.3g} ms{' a token' if latency.per(task) == 'token' else ''}"
