"""The charts of the Speed page: pure functions from records to an Altair chart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from apps.charts import base as charts
from apps.charts import quality as quality_charts
from apps.sections.speed_data import STAGES
from benchmarks.speed.table import figure

Records = Sequence[Mapping[str, Any]]

KIND_COLOURS = {"zoo": "#2f6fd0", "zoo, otherwise": "#6690d6", "other": "#8a8a8a"}
STAGE_COLOURS = ("#8a8a8a", "#2f6fd0", "#12857a", "#b3630b", "#a253b0")
"""Of the stages in their order; at least 3:1 against a white and a black page."""
BAR_HEIGHT = 34
WIDE = 20
"""Times the least that the most must be before a logarithmic scale is used."""


def differs_widely(rows: Records) -> bool:
    """Whether some values would be too short to see beside others."""
    values = [row["value"] for row in rows if row["value"] > 0]
    return len(values) == len(rows) > 1 and max(values) / min(values) > WIDE


def peer_domain(rows: Records, limits: Records, *, log: bool) -> tuple[float, float]:
    """The ends of an axis that holds all these bars and limits, of one chart or of several."""
    ends = [end for row in rows for end in (row["low"], row["high"], row["value"])]
    ends += [one["value"] for one in limits]
    least = min((end for end in ends if end > 0), default=1)
    return (least * 0.8, max(ends) * 1.15) if log else (0, max(ends) * 1.04)


def peer_bars(
    rows: Records,
    limits: Records,
    *,
    unit: str,
    log: bool,
    domain: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """Medians by system with a whisker from the least to the most, ours in colour.

    On a logarithmic scale the length of a bar means nothing, so there it is a point.

    Args:
        rows: of `speeds.bars`; the value and the ratio are written under the system's name.
        limits: of `speeds.ceilings`, drawn as lines from top to bottom.
        domain: the ends of the axis, of `peer_domain`, where other charts have the same unit.
    """
    domain = list(domain or peer_domain(rows, limits, log=log))
    scale = alt.Scale(type="log" if log else "linear", domain=domain, nice=False, clamp=True)
    ticks = log_ticks(*domain) if log else alt.Undefined
    axis = alt.Axis(format=",~r", tickCount=4, values=ticks, labelOverlap=True)
    data = pd.DataFrame(
        [{**row, "begin": domain[0], "place": f"{row['system']}\n{written(row)}"} for row in rows]
    )
    base = alt.Chart(data).encode(
        y=alt.Y("place:N", sort=list(data["place"]), axis=_system_axis()),
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=list(KIND_COLOURS), range=list(KIND_COLOURS.values())),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("system:N", title="System"),
            *charts.interval_tooltips("value", f"Median, {unit}", ",.4~g", "Least", "Most"),
            alt.Tooltip("ratio:Q", title="zoo is ahead, times", format=".2f"),
        ],
    )
    x = alt.X("value:Q", title=unit, scale=scale, axis=axis)
    if log:
        marks = [
            base.mark_rule(strokeDash=[1, 4], opacity=0.6).encode(
                x=alt.X("begin:Q", scale=scale), x2="value:Q"
            ),
            base.mark_point(filled=True, size=60, opacity=1).encode(x=x),
        ]
    else:
        marks = [base.mark_bar(height=14).encode(x=x)]
    whiskers = base.mark_rule(strokeWidth=3).encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    layers = [*marks, whiskers]
    if limits:
        layers.append(_limits(limits, scale))
    return alt.layer(*layers).properties(
        height=BAR_HEIGHT * max(len(rows), 1), autosize=charts.FIT, padding=charts.PADDING
    )


def _system_axis() -> alt.Axis:
    """Labels of two lines: a system, and below it what was measured."""
    return alt.Axis(
        title=None,
        labelExpr="split(datum.label, '\\n')",
        labelLimit=190,
        labelLineHeight=13,
        labelBaseline="line-bottom",
        labelOffset=0,
        ticks=False,
        domain=False,
        labelPadding=6,
    )


def log_ticks(low: float, high: float) -> list[float]:
    """Where a logarithmic axis is labelled: powers of ten, with more between where it is short.

    Vega's own are nine a decade, each with a line across the chart.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1,), (1, 2, 5), range(1, 10)):
        places = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        inside = [place for place in places if low <= place <= high]
        if len(inside) > 2:
            return inside
    return [low, high]


def _limits(limits: Records, scale: alt.Scale) -> alt.Chart:
    return (
        alt.Chart(pd.DataFrame(list(map(dict, limits))))
        .mark_rule(strokeWidth=2, color=charts.NEUTRAL)
        .encode(
            x=alt.X("value:Q", scale=scale),
            strokeDash=alt.StrokeDash(
                "limit:N",
                scale=alt.Scale(range=[[2, 3], [8, 4]]),
                legend=alt.Legend(title=None, orient="bottom", columns=1, labelLimit=150),
            ),
            tooltip=[
                alt.Tooltip("limit:N", title="Machine"),
                alt.Tooltip("value:Q", title="At best", format=",.4~g"),
            ],
        )
    )


def written(row: Mapping[str, Any]) -> str:
    """A bar's value and how many times better ours is: "46.3 (3.39×)"."""
    ratio = row.get("ratio")
    return figure(row["value"]) + (f" ({figure(ratio)}×)" if ratio else "")


DASHES = ((1, 0), (6, 4), (2, 3), (8, 2, 2, 2))
"""Strokes and gaps of the variants of a model."""


def curve_lines(
    points: Records,
    *,
    x_title: str,
    unit: str,
    ends: tuple[float, float] | None = None,
    mark: float | None = None,
) -> alt.LayerChart:
    """Lines over logarithmic axes, a colour and a mark a model, a dash a variant.

    Args:
        points: of `speeds.curve_points`.
        x_title, unit: of the axes.
        ends: the least and the most of every chart that this one is compared with.
        mark: a place on the x-axis to draw a line at.
    """
    data = pd.DataFrame(list(map(dict, points)))
    models = list(dict.fromkeys(data["model"]))
    variants = sorted(set(data["variant"]))
    places = sorted(set(data["x"]))
    colours, shapes = _family_scales(models)
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolOpacity=1)
    x = alt.X(
        "x:Q",
        title=x_title,
        scale=alt.Scale(type="log", base=2, domain=[places[0] * 0.92, places[-1] * 1.09]),
        axis=alt.Axis(values=places, format=",~g", labelOverlap=True, grid=False),
    )
    base = alt.Chart(data).encode(
        x=x,
        color=alt.Color("model:N", scale=colours, sort=models, legend=legend),
        detail="line:N",
    )
    least, most = ends or (data["low"].min(), data["high"].max())
    ends = [least * 0.9, most * 1.1]
    y = alt.Y(
        "value:Q",
        title=unit,
        scale=alt.Scale(type="log", domain=ends, nice=False),
        axis=alt.Axis(format=",~r", values=log_ticks(*ends), labelOverlap=True),
    )
    lines = base.mark_line(strokeWidth=2).encode(y=y)
    if len(variants) > 1:
        patterns = dict(zip(variants, itertools.cycle(DASHES), strict=False))
        lines = lines.encode(strokeDash=charts.dashes("variant", patterns))
    spread = base.mark_rule(strokeWidth=4, opacity=0.35).encode(
        y=alt.Y("low:Q", title=unit), y2="high:Q"
    )
    marks = base.mark_point(filled=True, size=50, opacity=1).encode(
        y=y,
        shape=alt.Shape("model:N", scale=shapes, sort=models, legend=legend),
        tooltip=[
            alt.Tooltip("line:N", title="Model"),
            alt.Tooltip("x:Q", title=x_title, format=",~g"),
            *charts.interval_tooltips("value", unit, ",.4~g", "Least", "Most"),
        ],
    )
    layers = [lines, spread, marks]
    if mark is not None:
        here = alt.Chart(pd.DataFrame([{"x": mark}])).mark_rule(color=charts.NEUTRAL)
        layers.insert(0, here.encode(x=x))
    return alt.layer(*layers).properties(height=260, autosize=charts.FIT, padding=charts.PADDING)


def _family_scales(models: Sequence[str]) -> tuple[alt.Scale, alt.Scale]:
    """Colours and marks: the family's own, and others for what is none of the zoo's families."""
    found = charts.marks(models)
    return (
        alt.Scale(domain=list(found), range=[colour for colour, _ in found.values()]),
        alt.Scale(domain=list(found), range=[shape for _, shape in found.values()]),
    )


def stage_bars(records: Records) -> alt.LayerChart:
    """Milliseconds of each request, one piece of its bar a stage, the sum at the end.

    `records`: of `speeds.stage_records`.
    """
    data = pd.DataFrame(list(map(dict, records)))
    requests = list(dict.fromkeys(data["request"]))
    named = list(STAGES.values())
    stages = [s for s in named if s in set(data["stage"])]
    stages += [s for s in dict.fromkeys(data["stage"]) if s not in named]
    data["place"] = data["stage"].map(stages.index)
    colours = [STAGE_COLOURS[i % len(STAGE_COLOURS)] for i in range(len(stages))]
    totals = data.groupby("request", sort=False)["ms"].sum()
    y = alt.Y("request:N", sort=requests, axis=alt.Axis(title=None, labelLimit=150, ticks=False))
    scale = alt.Scale(domain=[0, float(totals.max()) * 1.2 or 1.0], nice=False)
    bars = (
        alt.Chart(data)
        .mark_bar(height=20)
        .encode(
            y=y,
            x=alt.X("sum(ms):Q", title="Milliseconds", scale=scale, stack="zero"),
            color=alt.Color(
                "stage:N",
                scale=alt.Scale(domain=stages, range=colours),
                legend=alt.Legend(title=None, orient="bottom", columns=2, labelLimit=150),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("request:N", title="Request"),
                alt.Tooltip("stage:N", title="Stage"),
                alt.Tooltip("ms:Q", title="ms", format=",.3~g"),
            ],
        )
    )
    sums = pd.DataFrame(
        [{"request": name, "ms": ms, "text": f"{ms:.2f}"} for name, ms in totals.items()]
    )
    text = (
        alt.Chart(sums)
        .mark_text(align="left", dx=5, color=charts.NEUTRAL)
        .encode(y=y, x=alt.X("ms:Q", scale=scale), text="text:N")
    )
    return alt.layer(bars, text).properties(
        height=32 * max(len(requests), 1), autosize=charts.FIT, padding=charts.PADDING
    )


def quality_minutes(
    rows: Records, *, title: str, higher_is_better: bool, digits: int = 2
) -> alt.LayerChart:
    """Quality over the processor's minutes of training, error bars of 95 %; better is up.

    `rows`: records with `model`, `quality`, `low`, `high`, `cpu_minutes`; `digits`: of a quality.
    """
    models = list(dict.fromkeys(row["model"] for row in rows))
    colours, shapes = _family_scales(models)
    most = max(row["cpu_minutes"] for row in rows)
    base = alt.Chart(pd.DataFrame(list(map(dict, rows)))).encode(
        x=alt.X(
            "cpu_minutes:Q",
            title="CPU-minutes of training",
            # Names stand to the right of their points, the last one within the chart.
            scale=alt.Scale(domain=[0, most * 1.25], nice=False),
            axis=alt.Axis(tickCount=6),
        ),
    )
    return quality_charts.quality_points(
        base,
        title=title,
        higher_is_better=higher_is_better,
        colour=alt.Color("model:N", scale=colours, legend=None),
        shape=alt.Shape("model:N", scale=shapes, legend=None),
        size=alt.value(110),
        more=[alt.Tooltip("cpu_minutes:Q", title="CPU-minutes", format=".1f")],
        digits=digits,
    ).properties(height=280, autosize=charts.FIT, padding=charts.PADDING)
