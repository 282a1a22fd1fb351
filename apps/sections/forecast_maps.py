"""Where a forecaster looked: its attention drawn over the series, and the map itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from apps import downloads, figures, quality, saved_models, state, widgets
from apps.charts import forecasts as charts
from apps.forecasting import Question
from apps.markdown import plain
from apps.sections import chosen_map
from apps.sections.chosen_map import Map
from apps.sections.forecast_records import records

if TYPE_CHECKING:
    from zoo.forecast import Forecast

EVERY = "All"


def section(question: Question, answers: Mapping[str, Forecast]) -> None:
    """The section of the page; says so where no model has attention."""
    st.header("Where it looked", anchor=False)
    names = [name for name, answer in answers.items() if answer.attention]
    if not names:
        st.caption("None of these models has attention.")
        return
    best = next(one for one in quality.best_first(question.task, names) if one in names)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = widgets.model(names, default=best)
        answer = answers[name]
        place = answer.columns.index(question.called)
        [(kind, maps)] = list(answer.maps(place).items())[:1]
        layer, head = chosen_map.ask(maps)
        row = _row(answer, maps.shape[2]) if answer.spans else None
    rows = labelled(answer.query_spans, answer, queries=True)
    chosen = chosen_map.of(maps, layer, head, rows, labelled(answer.spans, answer))
    if answer.spans:
        _over_series(question, name, answer, chosen, row, kind)
    else:
        st.caption(
            "A token of this network is a whole series, so its attention is between series: it "
            "says which of them it read, and not where in time."
        )
    chosen_map.draw(name, chosen, _direction(answer), key="forecast")


def _row(answer: Forecast, count: int) -> int | None:
    """Whose attention is shown: one query's, or the mean of all (None)."""
    labels = labelled(answer.query_spans, answer, queries=True)
    options = [EVERY, *map(str, range(1, count + 1))]
    chosen = st.selectbox(
        "Looks",
        options,
        format_func=lambda one: "All of them" if one == EVERY else labels[int(one) - 1],
        width=170,
        **state.choice("segment", options, EVERY),
    )
    return None if chosen == EVERY else int(chosen) - 1


def labelled(
    spans: Sequence[tuple[int, int]], answer: Forecast, *, queries: bool = False
) -> list[str]:
    """What tokens cover, in steps from the moment of the forecast: −1 was the last one read.

    Args:
        spans: first and last step of each; none: the tokens are whole series.
        answer: it is of.
        queries: the spans are those of queries, which in `cross` maps are steps ahead.
    """
    if not spans:
        return list(answer.columns)
    if queries and "cross" in answer.attention:
        pairs = [(first + 1, last + 1) for first, last in spans]
    else:
        length = len(answer.history)
        pairs = [(first - length, last - length) for first, last in spans]
    return [
        _signed(first) if first == last else f"{_signed(first)} to {_signed(last)}"
        for first, last in pairs
    ]


def _signed(step: int) -> str:
    return f"{step:+d}".replace("-", "−")


def _over_series(
    question: Question, name: str, answer: Forecast, chosen: Map, row: int | None, kind: str
) -> None:
    """The history, shaded by the attention that it got, and the forecast behind it."""
    steps, horizon = len(answer.history), len(answer.mean)
    weights = chosen.one.mean(axis=0) if row is None else chosen.one[row]
    drawn = records(question, answer, steps)
    x = [one["x"] for one in drawn]
    shades = charts.shade_rows(x, charts.over_steps(weights, answer.spans, steps))
    asked = None
    if row is not None:
        first, last = answer.query_spans[row]
        if kind == "cross":
            first, last = first + steps, last + steps
        asked = x[first], x[min(last + 1, steps + horizon - 1)]
    label = saved_models.label(name)
    whose = "the mean of all that look" if row is None else f"{chosen.rows[row]}, framed"
    most = max(shades, key=lambda one: one["times"])
    said = (
        f"{label}, {chosen.said}; what looks: {whose}. The darkest step, {most['x']}, got "
        f"{most['times']:.1f} times an even share."
    )
    figures.show(
        charts.looked(drawn, shades, asked=asked, title=question.called),
        alt_text=f"{said} {charts.described(drawn, label, question.called)}",
        rows=[
            {**one, "x": str(one["x"]), "attention": shade.get("share")}
            for one, shade in zip(drawn, [*shades, *({} for _ in range(horizon))], strict=True)
        ],
        file=f"{name}-looked",
        caption=downloads.caption(said, name),
    )
    st.caption(
        f"{plain(said)} A token's weight is spread evenly over the steps it covers. Attention "
        "shows what was looked at, not why the forecast is as it is."
    )


def _direction(answer: Forecast) -> str:
    """How to read the rows and columns of a map."""
    if not answer.spans:
        return "Each row is a series that looks, each column a series that is looked at."
    steps = "steps read, −1 the last of them"
    if "cross" in answer.attention:
        return f"Each row is a segment of the forecast, +1 its first step; each column {steps}."
    return f"Each row is a token that looks, each column one that is looked at: {steps}."
