"""Two maps of the same words and their difference: two models, or two heads of one.

The part of the Attention page called "Two side by side".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from apps import downloads, figures
from apps.charts import attention as attention_charts
from apps.charts import base as charts
from apps.components import attention_grid
from apps.sections.attention_view import Look

DRAWN = 2500
"""Cells that a chart draws one by one; a larger map is painted, and painted alone."""


@dataclass(frozen=True)
class Side:
    """One of the two: whose map, which one, and the map (1, 1, T, S) as it is shown."""

    model: str
    label: str
    which: str
    look: Look


def show(first: Side, second: Side, text: str, direction: str, *, upright: bool) -> None:
    """Both maps and, where they are of the same words, first minus second.

    Args:
        text: what both read.
        direction: how to read rows, columns and colours, in a sentence.
        upright: column labels are single characters.
    """
    st.caption(direction)
    same = first.look.rows == second.look.rows and first.look.columns == second.look.columns
    places = st.columns(3 if same else 2, gap="medium", border=True)
    for number, (side, place) in enumerate(zip((first, second), places, strict=False), 1):
        with place:
            st.markdown(f"**{side.label}**")
            st.caption(side.which)
            one_map(
                side.look,
                file=f"{side.model}-compared-{number}",
                title=f"{side.label}. {side.which}",
                caption=downloads.caption(f"{side.which} {direction}", side.model, text=text),
                upright=upright,
            )
    if not same:
        st.info(
            "The two do not read or write the same tokens, so there is no difference to draw. "
            "Choose words instead of tokens: there may be one.",
            icon=":material/info:",
        )
        return
    with places[2]:
        _difference(first, second, text, upright=upright)


def one_map(look: Look, *, file: str, title: str, caption: str, upright: bool) -> None:
    """One map (1, 1, T, S) as a heat-map, with what belongs to it."""
    weights = look.maps[0, 0]
    if weights.size > DRAWN:
        attention_grid.show(
            look.maps,
            key=f"painted.{file}",
            rows=look.rows,
            columns=look.columns,
            caption=caption,
            file=file,
        )
    else:
        figures.show(
            charts.heat_map(
                weights, look.rows, look.columns, measure=look.measure, upright=upright
            ),
            alt_text=charts.heat_map_alt(weights, look.rows, look.columns, title),
            rows=charts.heat_map_rows(weights, look.rows, look.columns),
            file=file,
            caption=caption,
        )
    figures.matrix(weights, look.rows, look.columns)


def _difference(first: Side, second: Side, text: str, *, upright: bool) -> None:
    maps = first.look.maps[0, 0], second.look.maps[0, 0]
    difference = maps[0] - maps[1]
    rows, columns = first.look.rows, first.look.columns
    st.markdown("**Difference**")
    moved = apart(*maps)
    what = f"{summary(difference, rows, columns)} {spoken_distance(moved)}"
    file = f"{first.model}-minus-{second.model}"
    if difference.size > DRAWN:
        attention_grid.show(
            np.abs(difference)[None, None], key="painted.difference", rows=rows, columns=columns
        )
        st.caption(
            "There are many cells, so the colour shows only the size of the difference; the signs "
            "are in the table."
        )
    else:
        ahead, behind = first.label, second.label
        if ahead == behind:
            ahead, behind = "the first", "the second"
        st.caption(
            f"Blue, marked +: {ahead} looked there more. Orange, marked −: {behind} looked there "
            "more. The stronger the colour, the larger the difference, up to 1; differences from "
            f"{attention_charts.MARKED_FROM} are marked."
        )
        figures.show(
            attention_charts.difference_map(difference, rows, columns, upright=upright),
            alt_text=f"First minus second. {what}",
            rows=attention_charts.difference_rows(difference, rows, columns, maps),
            file=file,
            caption=downloads.caption(
                f"{first.label} ({first.which}) minus {second.label} ({second.which}). {what}",
                first.model,
                second.model,
                text=text,
            ),
        )
    st.caption(spoken_distance(moved))
    figures.matrix(difference, rows, columns)


def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(T,) the share of each row's weight that lies elsewhere: half the sum of differences."""
    return 0.5 * np.abs(first - second).sum(axis=-1)


def spoken_distance(moved: np.ndarray) -> str:
    """How far two maps lie apart, in a sentence."""
    if not moved.size:
        return "Nothing to compare."
    return (
        f"On average {100 * moved.mean():.0f} % of a row's weight lies elsewhere "
        f"(from {100 * moved.min():.0f} to {100 * moved.max():.0f} %)."
    )


def summary(difference: np.ndarray, rows: list[str], columns: list[str]) -> str:
    """Where the first looks most of all more than the second, and less."""
    if not difference.size:
        return "Nothing to compare."
    said = []
    for place, what in ((difference.argmax(), "more"), (difference.argmin(), "less")):
        row, column = np.unravel_index(int(place), difference.shape)
        said.append(f"{what} at {rows[row]}, {columns[column]} ({difference[row, column]:+.2f})")
    return f"Largest differences: {'; '.join(said)}."
