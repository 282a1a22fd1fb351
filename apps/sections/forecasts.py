"""Compare for forecasters: one stretch of some series, every model's forecast beside what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import streamlit as st

from apps import (
    figures,
    forecasting,
    inference,
    presentation,
    quality,
    saved_models,
    state,
    stretches,
    widgets,
)
from apps.charts import forecasts as charts
from apps.forecasting import Question
from apps.markdown import plain
from apps.sections import floor, forecast_maps, notes, own_forecasts
from apps.sections.forecast_records import records

if TYPE_CHECKING:
    from zoo.forecast import Forecast

SOURCES = {"test": "Test side", "file": "Your own file"}
WORSE = " ↓"
"""Behind the name of a model that is worse than the floor, in the table."""
ABREAST = 3
"""Small charts in a row, beside the table."""
COLUMNS = {
    "mse": "{} here",
    "mae": "{} here",
    "coverage": "In the band, %",
}
"""Figures of the stretch, and what the table calls them by their labels."""


def render(task: str) -> None:
    """The page for a task whose models forecast series."""
    with presentation.controls():
        names = tuple(widgets.several_models(task))
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            source = st.segmented_control(
                "Series from",
                list(SOURCES),
                required=True,
                format_func=SOURCES.get,
                **state.choice("source", list(SOURCES), "test", labels=SOURCES.get),
            )
            question = _of_test_side(task, names) if source == "test" else None
        if source == "file":
            question = own_forecasts.choose(task, names)
    if question is None:
        return
    st.header("What each expects", anchor=False)
    answers = _ask(question)
    if not answers:
        return
    if question.stretch is None:
        own_forecasts.download(question, answers)
    _told(question, answers)
    forecast_maps.section(question, answers)


def _of_test_side(task: str, names: tuple[str, ...]) -> Question | None:
    """A stretch of the test side and one of its series."""
    side = stretches.side(task)
    if side is None:
        _no_series(task)
        return None
    numbers = list(side.numbers)
    number = st.select_slider(
        f"Stretch of the test side, of {len(numbers):,}",
        numbers,
        format_func=_counted,
        width=360,
        **state.choice("window", numbers, side.usual, ids=_counted, labels=_counted),
    )
    stretch = side.stretch(number)
    column = series_of(list(stretch.columns))
    return Question(
        task,
        names,
        stretch.columns,
        stretch.history,
        column,
        stretch,
        stretch.times,
    )


def _counted(number: int) -> str:
    """The number of a stretch, from 1, as the page and the address have it."""
    return str(number + 1)


def series_of(columns: Sequence[str]) -> int:
    """The place of one of some series; asked only where there are several."""
    last = columns[-1]  # of the usual sets, the one that the others are read for
    if len(columns) == 1:
        return columns.index(state.value("series", columns, last))
    chosen = st.selectbox("Series", columns, width=220, **state.choice("series", columns, last))
    return columns.index(chosen)


def _no_series(task: str) -> None:
    """What to do where no series are here."""
    about = stretches.source(task)
    where = f": {plain(about['url'])}" if about.get("url") else ""
    name = next(iter(saved_models.models(task)), "NAME")
    licence = about.get("licence", "")
    why = f" (licence: {plain(licence)})" if licence else ""
    st.info(
        f"The series of this task are not on this computer, and are not passed on with the models"
        f"{why}{where}. `python -m training.evaluate {name}` says where it looks for the file. "
        "Your own file works without.",
        icon=":material/info:",
    )


def _ask(question: Question) -> dict[str, Forecast]:
    """Every model's forecast, each in a small chart, and a table of their errors beside them."""
    left, right = st.columns([13, 10], gap="medium")
    asked = [name for name in question.names if not question.single or forecasting.each_alone(name)]
    with left:
        slots = {}
        for begin in range(0, len(asked), ABREAST):
            part = asked[begin : begin + ABREAST]
            columns = st.columns(ABREAST, gap="small")
            slots.update({name: one.empty() for name, one in zip(part, columns, strict=False)})
    answers: dict[str, Forecast] = {}
    for name in asked:
        try:
            answers[name] = question.ask(
                name, lambda step, name=name: _wait(slots[name], name, step)
            )
        except Exception as error:  # one broken model must not take the page down
            with slots[name].container():
                _heading(name, question.task)
                st.error(
                    f"This model could not answer. {plain(inference.explain(error))}",
                    icon=":material/error:",
                )
    domain = _domain(question, answers)
    drawn = {}
    for name, answer in answers.items():
        with slots[name].container():
            _heading(name, question.task)
            drawn[name] = _small(question, name, answer, domain)
    with right:
        _table(question, answers)
    if answers:
        with left:
            _save(question, answers, drawn)
    return answers


def _wait(slot: Any, name: str, step: str) -> None:
    slot.caption(f":material/hourglass_top: {plain(saved_models.label(name))}: {step} ...")


def _heading(name: str, task: str) -> None:
    """The name of a model, and whether it is a floor or below it."""
    st.markdown(
        f"**{plain(saved_models.label(name))}**{mark(name, task)}",
        help=saved_models.summary(name) or None,
    )


def mark(name: str, task: str) -> str:
    """What stands behind a model's name: that it is a floor, or worse than the best of them."""
    if saved_models.is_floor(name):
        return " · floor"
    names = saved_models.models(task)
    return " · worse than the floor" if name in floor.below(names, quality.first(task), "1") else ""


def _domain(question: Question, answers: Mapping[str, Forecast]) -> tuple[float, float] | None:
    """The ends of an axis that holds all that the small charts draw."""
    ends = []
    for answer in answers.values():
        place = answer.columns.index(question.called)
        low, high = (one[:, place] for one in answer.band(charts.SHARE))
        ends += [*low, *high, *answer.mean[:, place], *_before(question, answer)]
        ends += list(question.truth) if question.truth is not None else []
    if not ends:
        return None
    low, high = float(min(ends)), float(max(ends))
    space = 0.05 * (high - low) or 1.0
    return low - space, high + space


def _before(question: Question, answer: Forecast) -> np.ndarray:
    """The part of the history that a small chart shows: as long as the forecast."""
    return question.history[-len(answer.mean) :, question.column]


def _small(
    question: Question, name: str, answer: Forecast, domain: tuple[float, float] | None
) -> alt.LayerChart:
    """A model's forecast, small; all of them on one scale."""
    found = records(question, answer, len(answer.mean))
    label = saved_models.label(name)
    chart = charts.forecast(
        found,
        height=charts.SMALL,
        floor=saved_models.is_floor(name),
        domain=domain,
        legend=False,
    )
    st.altair_chart(
        presentation.drawn(chart),
        width="stretch",
        key=state.key(f"forecast.{name}"),
        alt=charts.described(found, label, question.called),
    )
    return chart.properties(title=label)


def _save(
    question: Question, answers: Mapping[str, Forecast], drawn: Mapping[str, alt.LayerChart]
) -> None:
    """What the small charts show, and their files."""
    truth = "" if question.truth is None else ", also after the moment of the forecast"
    both = {saved_models.is_floor(name) for name in drawn}
    colours = [
        *(["blue: what a network expects"] if False in both else []),
        *(["brown: what a floor expects"] if True in both else []),
    ]
    st.caption(
        f"{plain(question.called)}. Grey: measured{truth}; {'; '.join(colours)}; shaded: its 80 % "
        "band, between the quantiles 0.1 and 0.9."
    )
    rows = [
        {"model": saved_models.label(name), **row, "x": str(row["x"])}
        for name, answer in answers.items()
        for row in records(question, answer, len(answer.mean))
    ]

    def together() -> alt.VConcatChart:
        panels = []
        for one in drawn.values():
            one = one.copy(deep=True).properties(width=420)
            one.autosize = one.padding = alt.Undefined  # only a whole chart may have them
            panels.append(one)
        return alt.vconcat(*panels)

    figures.save(
        together,
        rows=rows,
        file=f"forecasts-{state.slug(question.task)}-{state.slug(question.called)}",
        caption=f"{question.called}: forecasts of {', '.join(map(saved_models.label, drawn))}.",
    )


def _table(question: Question, answers: Mapping[str, Forecast]) -> None:
    """The models with their errors of this stretch, the best first, and of the whole test side."""
    first, stretch = quality.first(question.task), question.stretch
    whole = f"{first.label}, test side"
    lines = []
    for name, answer in answers.items():
        line: dict[str, Any] = {"Model": saved_models.label(name) + _short(name, question.task)}
        if stretch is not None:
            try:
                found = forecasting.errors(name, answer, stretch, question.column)
            except (OSError, ValueError):
                found = {}
            for key, title in COLUMNS.items():
                info = quality.figure(key, question.task)
                line[title.format(info.label)] = found.get(key)
        line[whole] = quality.value(quality.measured(name, "1"), first.key)
        lines.append(line)
    if not lines:
        return
    sort = COLUMNS["mse"].format(quality.figure("mse", question.task).label)
    lines.sort(key=lambda line: _rank(line.get(sort), line[whole]))
    kept = [title for title in lines[0] if any(line[title] is not None for line in lines)]
    decimals = st.column_config.NumberColumn(format="%.3f")
    whole_number = st.column_config.NumberColumn(format="%.0f")
    st.dataframe(
        [{title: line[title] for title in kept} for line in lines],
        hide_index=True,
        column_config={
            title: whole_number if title == COLUMNS["coverage"] else decimals
            for title in kept
            if title != "Model"
        }
        | {"Model": st.column_config.TextColumn(width=158)},
        placeholder="–",
        alt="Each model with its errors",
    )
    if stretch is None:
        st.caption(
            "What comes is not known, so there are no errors: those of the test side tell how far "
            "a model can be trusted there."
        )
        return
    said = "in standard deviations; of the whole test side over all series."
    if any(line["Model"].endswith(WORSE) for line in lines):
        said += f"{WORSE}: worse there than the floor."
    st.caption(f"{plain(question.called)}, {said}")


def _short(name: str, task: str) -> str:
    """`mark` for a narrow column."""
    if saved_models.is_floor(name):
        return ", floor"
    return WORSE if mark(name, task) else ""


def _rank(here: float | None, whole: float | None) -> tuple[float, float]:
    return tuple(np.inf if one is None else one for one in (here, whole))


def _told(question: Question, answers: Mapping[str, Forecast]) -> None:
    """The floor in words, what is to be said of the answers, and where the series are from."""
    figure = quality.first(question.task)
    if said := floor.told(saved_models.models(question.task), figure, "1"):
        st.markdown(said)
    notes.show(answers)
    about = stretches.source(question.task)
    if question.stretch is not None and about:
        parts = [about[key] for key in ("corpus", "attribution") if about.get(key)]
        parts += [f"licence: {about['licence']}"] if about.get("licence") else []
        link = (
            f" [Source]({about['url']})"
            if about.get("url", "").startswith("https://") and (" " not in about["url"])
            else ""
        )
        st.caption(f"Series: {plain('; '.join(parts))}.{link}")
