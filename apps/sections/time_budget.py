"""Which model fits into so many milliseconds: the cards' latencies and quality, best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from apps import quality, saved_models, state
from apps.markdown import plain
from apps.sections import speed_data
from zoo.metric_info import MetricInfo

DEFAULT = 5.0
LEAST, MOST = 0.1, 60_000.0


@dataclass(frozen=True)
class Candidate:
    """A model whose card tells how long an answer takes.

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
        card = saved_models.card(name)
        speed = speed_data.mapping(card.get("speed"))
        ms = speed_data.number(speed.get("ms_per_sentence"))
        if ms is None or ms <= 0:
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
            f"{_ms(fastest.milliseconds)}."
        )
    best, *others = fitting
    which = "fits" if judged_by(task).higher_is_better is None else "is the best that fits"
    text = f"**{name}: {best.label}** {which}, {_described(task, best)}."
    if others:
        text += f" Then {'; '.join(f'{one.label}, {_described(task, one)}' for one in others)}."
    slower = [one for one in found if one.milliseconds > budget]
    if slower:
        listed = ", ".join(f"{one.label} ({_ms(one.milliseconds)})" for one in slower)
        text += f" Too slow: {listed}."
    return text


def section() -> None:
    """The control, an answer a task, and the table behind them."""
    budget = st.number_input(
        "Milliseconds for one answer",
        min_value=LEAST,
        max_value=MOST,
        step=0.5,
        format="%.1f",
        width=240,
        **state.number("budget", DEFAULT, LEAST, MOST),
    )
    tasks = saved_models.tasks()
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
            "ms an answer": one.milliseconds,
            "Quality": one.value,
            "by": judged_by(task).label,
            "Measured on": one.device,
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
        dates = ", ".join(sorted({one.date for one in listed if one.date}))
        text = plain(f"{device}; {dates}" if dates else device)
        if len(machines) > 1:
            text += f" ({', '.join(f'{_task(one.name)} {one.label}' for one in listed)})"
        parts.append(text)
    where = "; ".join(parts)
    return (
        f"Measured on {where}: one input at a time, greedy, the median over the example inputs, "
        "without maps. Another machine takes another time: *On this machine*, at the end of the "
        "page, measures yours."
    )


def _task(name: str) -> str:
    task = saved_models.task_of(name)
    return saved_models.task_label(task)


def _described(task: str, one: Candidate) -> str:
    value = "" if one.value is None else f"{judged_by(task).label} {one.value:.1f}, "
    return f"{value}{_ms(one.milliseconds)}"


def _ms(value: float) -> str:
    return f"{value:,.3g} ms"
