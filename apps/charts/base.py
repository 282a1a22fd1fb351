"""Colours, marks and maps that all charts share, and a chart as a picture.

Quality, attention scores, speed and runs have files of their own.

Text that people or models wrote is data in these charts, never part of an expression or of HTML.
Colours of heat-maps come from the page's theme (`chartSequentialColors`), so that they fit a light
and a dark page; an exported picture is always light.
"""

from __future__ import annotations

import textwrap
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from altair.utils import schemapi

# Altair would validate every part of a chart as it is made; tests validate the whole.
schemapi.disable_debug_mode()

FAMILY_COLOURS = {
    "Simple RNN": "#767676",
    "LSTM": "#b3630b",
    "LSTM + attention": "#12857a",
    "Transformer": "#2f6fd0",
}
"""Distinct for the colour-blind, and at least 4:1 against a white and a black page."""
SHAPES = ("square", "triangle-up", "diamond", "circle")
MORE_COLOURS = ("#a253b0", "#b8405e", "#5b7f1d", "#7a6ad8", "#b5532a", "#1f7f9c", "#8a6d1f")
"""Of models that go by another name than a family's; at least 3:1 against both pages."""
MORE_SHAPES = ("cross", "triangle-down", "arrow", "triangle-left", "triangle-right")
RAMP = (
    *("#f4f7fb", "#dce7f3", "#c2d6ea", "#a6c3e0", "#88afd5"),
    *("#6999c8", "#4c82b8", "#336aa3", "#1f5189", "#0e3a6b"),
)
"""The light theme's heat-map colours, for exported pictures."""
FIT = alt.AutoSizeParams(type="fit-x", contains="padding")
"""Heights count the marks alone, widths all of it: a page gives the width."""
CELL = ("row", "column", "written", "read", "weight", "x", "y", "spoken")
SPOKEN = 15
"""Rows of a heat-map that its description goes through: more would not be listened to."""
PADDING = {"left": 2, "top": 4, "right": 6, "bottom": 2}
NEUTRAL = "#767676"
"""Of text and lines on a chart: legible on a white and on a black page."""
INK = "#141414"
"""Of text on a coloured mark; on a dark page it becomes the page's own colour (`apps.style`)."""
CATEGORY_DIGITS = 4
ROW_HEIGHT = 22
TIGHT_ROW_HEIGHT = 15


def heat_map(
    weights: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    measure: str = "Attention",
    upright: bool = False,
) -> alt.Chart:
    """A matrix as cells on one fixed scale from 0 to 1.

    Args:
        weights: (T, S), each row summing to at most 1.
        rows: T words, what was written (or what looks), top to bottom.
        columns: S words, what was read (or is looked at), left to right.
        measure: what a weight is called in the legend and the tooltip.
        upright: column labels are single characters and need no slant.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(rows), len(columns)):
        raise ValueError(
            "weights must have one row a written and one column a read word. "
            f"Received: weights.shape={weights.shape}, {len(rows)} rows, {len(columns)} columns"
        )
    cells = heat_map_rows(weights, rows, columns)
    for cell in cells:
        cell |= cell_place(cell)
        cell["spoken"] = f"{cell['written']} at {cell['read']}: {cell['weight']:.2f}"
    return (
        alt.Chart(pd.DataFrame(cells, columns=CELL))
        .mark_rect()
        .encode(
            **cell_axes(len(columns), upright=upright),
            color=alt.Color(
                "weight:Q",
                scale=alt.Scale(domain=[0, 1], clamp=True),
                legend=alt.Legend(
                    title=None,
                    orient="bottom",
                    direction="horizontal",
                    gradientLength=90,
                    gradientThickness=8,
                    offset=6,
                    values=[0, 0.5, 1],
                ),
            ),
            description="spoken:N",
            tooltip=[
                alt.Tooltip("written:N", title="Written"),
                alt.Tooltip("read:N", title="Read"),
                alt.Tooltip("weight:Q", title=measure, format=".3f"),
            ],
        )
        .properties(height=cells_height(len(rows)), autosize=FIT, padding=PADDING)
    )


def cell_place(cell: Mapping[str, Any]) -> dict[str, str]:
    """The axis values `x` and `y` of a cell, "0007word": sorted, and repeated words kept apart."""
    return {
        "x": f"{cell['column']:0{CATEGORY_DIGITS}d}{cell['read']}",
        "y": f"{cell['row']:0{CATEGORY_DIGITS}d}{cell['written']}",
    }


def cell_axes(columns: int, *, upright: bool) -> dict[str, alt.X | alt.Y]:
    """Both axes of a map of cells that have a `cell_place`.

    Args:
        columns: how many there are.
        upright: their labels are single characters and need no slant.
    """
    # The label is cut out of the axis value by an expression that holds no text of the reader's.
    name = f"slice(datum.label, {CATEGORY_DIGITS})"
    common = {"labelExpr": name, "labelPadding": 4, "domain": False, "ticks": False, "title": None}
    x_axis = alt.Axis(
        orient="top",
        labelAngle=0 if upright else (-50 if columns <= 8 else -90),
        labelLimit=110,
        labelOverlap="greedy" if columns > 30 else False,
        **common,
    )
    y_axis = alt.Axis(labelLimit=84, labelOverlap=False, **common)
    return {
        "x": alt.X("x:N", sort=None, axis=x_axis, scale=alt.Scale(paddingInner=0.06)),
        "y": alt.Y("y:N", sort=None, axis=y_axis, scale=alt.Scale(paddingInner=0.08)),
    }


def cells_height(rows: int) -> int:
    """Of a map of so many rows, in pixels."""
    return (ROW_HEIGHT if rows <= 20 else TIGHT_ROW_HEIGHT) * max(rows, 1)


def heat_map_rows(
    weights: np.ndarray, rows: Sequence[str], columns: Sequence[str]
) -> list[dict[str, Any]]:
    """The cells of a heat-map as records: what its CSV holds."""
    return [
        {
            "row": i,
            "column": j,
            "written": written,
            "read": read,
            "weight": round(float(weights[i, j]), 4),
        }
        for i, written in enumerate(rows)
        for j, read in enumerate(columns)
    ]


def heat_map_alt(
    weights: np.ndarray, rows: Sequence[str], columns: Sequence[str], title: str
) -> str:
    """What the map shows, in words, for those who cannot see it: each row's strongest cell."""
    if not len(rows) or not len(columns):
        return f"{title}: empty."
    strongest = [
        f"{written} at {columns[int(np.argmax(row))]} ({float(np.max(row)):.2f})"
        for written, row in zip(rows[:SPOKEN], weights, strict=False)
    ]
    if len(rows) > SPOKEN:
        strongest.append(f"and {len(rows) - SPOKEN} more")
    return f"{title}. Each written item and what it looks at most: {'; '.join(strongest)}."


def shaded_words(words: Sequence[Mapping[str, Any]]) -> alt.Chart:
    """Words in one row, each on a ground shaded by its probability: the picture to export.

    `words`: records with `text` and `probability` (0 to 1); `differs` underlines.
    """
    place, values = 0.0, []
    for word in words:
        width = max(len(str(word["text"])), 1) + 1.0
        values.append(
            {
                "text": word["text"],
                "probability": word["probability"],
                "from": place,
                "to": place + width - 0.2,
                "middle": place + (width - 0.2) / 2,
                "differs": bool(word.get("differs")),
            }
        )
        place += width
    base = alt.Chart(pd.DataFrame(values)).encode(
        x=alt.X("from:Q", axis=None, scale=alt.Scale(domain=[0, max(place, 1)], nice=False)),
        tooltip=[
            alt.Tooltip("text:N", title="Written"),
            alt.Tooltip("probability:Q", title="Probability", format=".3f"),
        ],
    )
    ground = base.mark_rect(cornerRadius=3, opacity=0.55).encode(
        x2="to:Q",
        color=alt.Color(
            "probability:Q",
            scale=alt.Scale(domain=[0, 1]),
            legend=alt.Legend(title="Probability", orient="bottom", gradientThickness=8),
        ),
    )
    text = base.mark_text(font="monospace", fontSize=13).encode(x="middle:Q", text="text:N")
    underline = (
        base.transform_filter("datum.differs")
        .mark_rule(yOffset=11, strokeWidth=2)
        .encode(x2="to:Q")
    )
    return alt.layer(ground, underline, text).properties(height=30, width=max(int(place * 9), 60))


def marks(labels: Iterable[str]) -> dict[str, tuple[str, str]]:
    """The colour and the shape of every label: those of its family, or others for any other model.

    A label has the same ones on most charts, whichever else are drawn there.
    """
    found = {
        name: (colour, shape)
        for (name, colour), shape in zip(FAMILY_COLOURS.items(), SHAPES, strict=True)
    }
    every = [
        (MORE_COLOURS[i % len(MORE_COLOURS)], MORE_SHAPES[i % len(MORE_SHAPES)])
        for i in range(len(MORE_COLOURS) * len(MORE_SHAPES))
    ]
    labels = list(dict.fromkeys(labels))
    taken: set[int] = set()
    for label in sorted(set(labels) - set(found)):
        place = first = zlib.crc32(label.encode("utf-8", "replace")) % len(every)
        colours = {one % len(MORE_COLOURS) for one in taken}
        # Another colour as long as there are some, and never both the same.
        all_used = len(colours) == len(MORE_COLOURS)
        while place in taken or (not all_used and place % len(MORE_COLOURS) in colours):
            place = (place + 1) % len(every)
            if place == first:
                break
        taken.add(place)
        found[label] = every[place]
    return {label: found[label] for label in (*FAMILY_COLOURS, *labels) if label in labels}


def interval_tooltips(
    value: str,
    title: str,
    form: str,
    low: str = "95 % from",
    high: str = "95 % to",
) -> list[alt.Tooltip]:
    """The field `value` of a mark, called `title`, and the fields `low` and `high` around it."""
    names = {f"{value}:Q": title, "low:Q": low, "high:Q": high}
    return [alt.Tooltip(field, title=name, format=form) for field, name in names.items()]


def family_colour(field: str, *, legend: bool, drawn: Iterable[str] | None = None) -> alt.Color:
    """The same colour for the same kind of network on every chart.

    `drawn`: the labels that are drawn, and that a legend is to list; all families, where it is
    None.
    """
    found = marks(FAMILY_COLOURS if drawn is None else drawn)
    return alt.Color(
        f"{field}:N",
        scale=alt.Scale(domain=list(found), range=[colour for colour, _ in found.values()]),
        legend=_family_legend() if legend else None,
    )


def family_shape(field: str, *, legend: bool, drawn: Iterable[str] | None = None) -> alt.Shape:
    """The same mark for the same kind of network: a chart must be readable without colour."""
    found = marks(FAMILY_COLOURS if drawn is None else drawn)
    return alt.Shape(
        f"{field}:N",
        scale=alt.Scale(domain=list(found), range=[shape for _, shape in found.values()]),
        legend=_family_legend() if legend else None,
    )


def _family_legend() -> alt.Legend:
    return alt.Legend(title=None, orient="bottom", columns=2, symbolOpacity=1)


def dashes(field: str, patterns: Mapping[str, Sequence[int]]) -> alt.StrokeDash:
    """A dash a value of `field`, by the lengths of its strokes and gaps; "" has no legend.

    The legend is above the chart: below, beside that of the colours, a narrow page would cut it.
    """
    return alt.StrokeDash(
        f"{field}:N",
        scale=alt.Scale(domain=list(patterns), range=list(map(list, patterns.values()))),
        legend=alt.Legend(
            title=None,
            orient="top",
            values=[name for name in patterns if name],
            symbolType="stroke",
            symbolSize=500,
            symbolStrokeColor=NEUTRAL,
        ),
    )


def picture(chart: alt.Chart | alt.LayerChart, kind: str, caption: str = "") -> bytes | str:
    """The chart as a "png" (bytes) or "svg" (text) file, drawn here, without a network.

    `caption` stands under it.

    Raises:
        ValueError: another `kind`.
    """
    import vl_convert

    spec = exportable(chart)
    if lines := [line for part in caption.split("\n") for line in textwrap.wrap(part, 90)]:
        spec["title"] = {
            "text": lines,
            "orient": "bottom",
            "anchor": "start",
            "fontSize": 11,
            "fontWeight": "normal",
            "offset": 14,
        }
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec)
    if kind == "png":
        return vl_convert.vegalite_to_png(spec, scale=2.0)
    raise ValueError(f"kind must be png or svg. Received: kind={kind!r}")


def exportable(chart: alt.Chart | alt.LayerChart) -> dict[str, Any]:
    """The chart's specification with the size and colours that a page would have given it."""
    with alt.data_transformers.enable("default", max_rows=None):
        spec = chart.to_dict()
    if "vconcat" not in spec:  # whose panels have widths of their own
        spec.setdefault("width", 420)
    spec.pop("autosize", None)
    spec["background"] = "#ffffff"
    spec["padding"] = 12
    spec["config"] = {
        **spec.get("config", {}),
        "range": {"heatmap": list(RAMP), "ramp": list(RAMP)},
        "view": {"stroke": None},
        "axis": {"grid": False, "labelFontSize": 11},
    }
    return spec
