"""Charts of the attention page: a difference of two maps, candidates of a step, units of a cell.

As in `apps.charts.base`, text is data, and colours hold on a light and on a dark page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from apps.charts import base as charts

MORE, LESS = "#2f6fd0", "#b3630b"
"""Of a difference above and below zero; in grey the marks + and − tell them apart."""
STRONGEST = 0.6
"""How opaque a difference of 1 is: the mark on it is still legible."""
MARKED_FROM = 0.1
"""Smaller differences have no mark."""
PANEL = 92
"""Height of one row of bars, in pixels."""


def difference_map(
    difference: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, upright: bool = False
) -> alt.LayerChart:
    """The difference of two maps, -1 to 1: hue and mark by its sign, strength by its size.

    Args:
        difference: (T, S).
        rows, columns: T and S words.
        upright: column labels are single characters and need no slant.
    """
    records = difference_rows(difference, rows, columns)
    for cell in records:
        cell |= charts.cell_place(cell)
        cell["size"] = abs(cell["difference"])
        cell["sign"] = "more" if cell["difference"] >= 0 else "less"
        marked = cell["size"] >= MARKED_FROM
        cell["mark"] = ("+" if cell["difference"] > 0 else "−") if marked else ""
        cell["spoken"] = f"{cell['written']} at {cell['read']}: {cell['difference']:+.2f}"
    base = alt.Chart(pd.DataFrame(records)).encode(
        **charts.cell_axes(len(columns), upright=upright),
        description="spoken:N",
        tooltip=[
            alt.Tooltip("written:N", title="Row"),
            alt.Tooltip("read:N", title="Column"),
            alt.Tooltip("difference:Q", title="Difference", format="+.3f"),
        ],
    )
    colour = alt.Color(
        "sign:N",
        scale=alt.Scale(domain=["more", "less"], range=[MORE, LESS]),
        legend=None,
    )
    strength = alt.Opacity(
        "size:Q", scale=alt.Scale(domain=[0, 1], range=[0.02, STRONGEST]), legend=None
    )
    cells = base.mark_rect().encode(color=colour, opacity=strength)
    marks = base.mark_text(fontSize=12, fontWeight="bold", color=charts.INK).encode(text="mark:N")
    return alt.layer(cells, marks).properties(
        height=charts.cells_height(len(rows)), autosize=charts.FIT, padding=charts.PADDING
    )


def difference_rows(
    difference: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    both: tuple[np.ndarray, np.ndarray] | None = None,
) -> list[dict[str, Any]]:
    """The cells as records; with `both` maps, their weights too."""
    records = [
        {
            "row": i,
            "column": j,
            "written": written,
            "read": read,
            "difference": round(float(difference[i, j]), 4),
        }
        for i, written in enumerate(rows)
        for j, read in enumerate(columns)
    ]
    if both is not None:
        for record in records:
            cell = record["row"], record["column"]
            record["first"], record["second"] = (round(float(map_[cell]), 4) for map_ in both)
    return records


def candidate_bars(rows: Sequence[dict[str, Any]]) -> alt.LayerChart:
    """What might have been written at one step, each with its probability from 0 to 1.

    `rows`: records with `place` (from 1), `piece`, `probability` and `written` (bool).
    """
    records = [
        {
            **row,
            "label": f"{row['place']:0{charts.CATEGORY_DIGITS}d}{row['piece']}",
            "said": f"{100 * row['probability']:.1f} %" + (", written" if row["written"] else ""),
        }
        for row in rows
    ]
    axis = alt.Axis(
        title=None,
        labelExpr=f"slice(datum.label, {charts.CATEGORY_DIGITS})",
        labelLimit=140,
        ticks=False,
        domain=False,
    )
    base = alt.Chart(pd.DataFrame(records)).encode(
        y=alt.Y("label:N", sort=None, axis=axis),
        x=alt.X(
            "probability:Q",
            title="Probability",
            scale=alt.Scale(domain=[0, 1.25]),
            axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2~f", grid=False),
        ),
        description="said:N",
    )
    bars = base.mark_bar(height=16).encode(
        color=alt.condition("datum.written", alt.value(MORE), alt.value(charts.NEUTRAL))
    )
    text = base.mark_text(align="left", dx=5, color=charts.NEUTRAL).encode(text="said:N")
    return alt.layer(bars, text).properties(
        height=30 * max(len(rows), 1), autosize=charts.FIT, padding=charts.PADDING
    )


def unit_bars(values: Sequence[float], units: Sequence[int], title: str) -> alt.Chart:
    """One signed bar a unit, `units` (numbers from 1) from left to right in the order given."""
    records = [
        {"place": place, "unit": unit, "value": round(float(value), 5)}
        for place, (unit, value) in enumerate(zip(units, values, strict=True))
    ]
    return (
        alt.Chart(pd.DataFrame(records))
        .mark_bar(color=MORE)
        .encode(
            x=alt.X(
                "place:O",
                axis=None,
                scale=alt.Scale(paddingInner=0.15, paddingOuter=0.1),
            ),
            y=alt.Y(
                "value:Q",
                title=title,
                # Every panel's marks begin at the same place, whatever its numbers are.
                axis=alt.Axis(tickCount=3, minExtent=44, maxExtent=44, grid=False),
            ),
            tooltip=[
                alt.Tooltip("unit:O", title="Unit"),
                alt.Tooltip("value:Q", title=title, format="+.4f"),
            ],
        )
        .properties(height=PANEL, autosize=charts.FIT, padding=charts.PADDING)
    )


def stacked(panels: Sequence[alt.Chart]) -> alt.VConcatChart:
    """Panels over one another: the picture to save."""
    single = []
    for panel in panels:
        panel = panel.properties(width=420)
        panel.autosize = panel.padding = alt.Undefined  # only a whole chart may have them
        single.append(panel)
    return alt.vconcat(*single)
