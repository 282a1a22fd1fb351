"""Where a forecaster looked: its attention drawn over the series, and the map itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from apps import downloads, figures, quality, saved_models, state, widgets
from apps.charts import base
from apps.charts import forecasts as charts
from apps.components import attention_grid
from apps.forecasting import Question
from apps.markdown import plain
from apps.sections.forecast_records import records

if TYPE_CHECKING:
    from zoo.forecast import Forecast

MOST_WEIGHTS = 150_000
"""Weights that the view of all heads draws; of larger maps the one that is chosen is drawn."""
EVERY = "All"


@dataclass(frozen=True)
class Map:
    """One map that the reader chose.

    Args:
        every: (L, H, T, S) of all layers and heads.
        one: (T, S) of those chosen.
        rows, columns: T and S labels.
        said: which it is, in words.
    """

    every: np.ndarray
    one: np.ndarray
    rows: list[str]
    columns: list[str]
    said: str


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
        layer, head = (
            widgets.layer_or_head(part, maps.shape[axis], all_of_them="Mean of all", width=150)
            for axis, part in enumerate(("layer", "head"))
        )
        row = _row(answer, maps.shape[2]) if answer.spans else None
    chosen = _chosen(answer, maps, layer, head, kind)
    if answer.spans:
        _over_series(question, name, answer, chosen, row, kind)
    else:
        st.caption(
            "A token of this network is a whole series, so its attention is between series: it "
            "says which of them it read, and not where in time."
        )
    _map(question, name, chosen, answer)


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


def _chosen(
    answer: Forecast, maps: np.ndarray, layer: int | None, head: int | None, kind: str
) -> Map:
    """The map of a layer and head, None for the mean of all."""
    layer = None if layer is None or layer >= maps.shape[0] else layer
    head = None if head is None or head >= maps.shape[1] else head
    some = maps if layer is None else maps[layer : layer + 1]
    some = some if head is None else some[:, head : head + 1]
    parts = [
        f"mean of {count} {part}s" if at is None and count > 1 else f"{part} {(at or 0) + 1}"
        for part, at, count in (("layer", layer, maps.shape[0]), ("head", head, maps.shape[1]))
    ]
    return Map(
        np.asarray(maps, "float32"),
        np.asarray(some, "float32").mean(axis=(0, 1)),
        labelled(answer.query_spans, answer, queries=True),
        labelled(answer.spans, answer),
        ", ".join(parts),
    )


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


def _map(question: Question, name: str, chosen: Map, answer: Forecast) -> None:
    """The map itself: all heads where they are small enough, and the chosen one large."""
    rows, columns = len(chosen.rows), len(chosen.columns)
    what = _direction(answer)
    left, right = st.columns(2, gap="large")
    several = chosen.every.shape[0] * chosen.every.shape[1] > 1
    if several and chosen.every.size <= MOST_WEIGHTS:
        with left:
            st.markdown("**All layers and heads**")
            attention_grid.show(
                chosen.every,
                key="forecast.grid",
                rows=chosen.rows,
                columns=chosen.columns,
                on_select=_pick,
                caption=downloads.caption(f"Every layer and head. {what}", name),
                file=f"{name}-heads",
            )
    else:
        right = left
    with right:
        st.markdown(f"**{plain(chosen.said.capitalize())}: {rows:,} × {columns:,}**")
        if max(rows, columns) <= base.SPOKEN:
            figures.show(
                base.heat_map(chosen.one, chosen.rows, chosen.columns),
                alt_text=base.heat_map_alt(chosen.one, chosen.rows, chosen.columns, chosen.said),
                rows=base.heat_map_rows(chosen.one, chosen.rows, chosen.columns),
                file=f"{name}-map",
                caption=downloads.caption(f"{chosen.said}. {what}", name),
            )
        else:
            largest = max(float(chosen.one.max()), 1e-9)
            attention_grid.show(
                chosen.one[None, None] / largest,
                key="forecast.map",
                rows=chosen.rows,
                columns=chosen.columns,
                caption=downloads.caption(f"{chosen.said}, over its largest weight. {what}", name),
                file=f"{name}-map",
            )
            st.caption(f"Over its largest weight, {largest:.3f}, which is drawn as 1.")
    st.caption(what)


def _pick(layer: int, head: int) -> None:
    """A cell of the grid was picked: the lists say so, and the address."""
    state.put("layer", str(layer + 1))
    state.put("head", str(head + 1))


def _direction(answer: Forecast) -> str:
    """How to read the rows and columns of a map."""
    if not answer.spans:
        return "Each row is a series that looks, each column a series that is looked at."
    steps = "steps read, −1 the last of them"
    if "cross" in answer.attention:
        return f"Each row is a segment of the forecast, +1 its first step; each column {steps}."
    return f"Each row is a token that looks, each column one that is looked at: {steps}."
