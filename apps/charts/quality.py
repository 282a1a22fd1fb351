"""Charts of quality and latency: one point or line a model, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from apps.charts import base as charts


def latency_bars(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """Median milliseconds a model, with a whisker over all runs.

    `rows`: records with `model`, `median`, `low`, `high` (milliseconds).
    """
    order = [row["model"] for row in rows]
    base = alt.Chart(pd.DataFrame(list(map(dict, rows)))).encode(
        y=alt.Y("model:N", sort=order, axis=alt.Axis(title=None, labelLimit=190, ticks=False)),
    )
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        *charts.interval_tooltips("median", "Median ms", ".1f", "Fastest ms", "Slowest ms"),
    ]
    x = alt.X("median:Q", title="Milliseconds to answer", scale=alt.Scale(zero=True))
    colour = charts.family_colour("model", legend=False, drawn=order)
    outline = alt.Stroke("model:N", scale=colour["scale"], legend=None)
    bars = base.mark_bar(height=18, fillOpacity=0.55).encode(
        x=x, color=colour, stroke=outline, tooltip=tooltip
    )
    whiskers = base.mark_rule(strokeWidth=4).encode(
        x=alt.X("low:Q"),
        x2="high:Q",
        color=colour,
        tooltip=tooltip,
    )
    highest = max((float(row["high"]) for row in rows), default=1.0)
    text = base.mark_text(align="left", dx=6, color=charts.NEUTRAL).encode(
        x=alt.X("high:Q", scale=alt.Scale(domain=[0, highest * 1.18])),
        text=alt.Text("median:Q", format=".1f"),
    )
    return alt.layer(bars, whiskers, text).properties(
        height=36 * max(len(rows), 1), autosize=charts.FIT, padding=charts.PADDING
    )


def quality_scatter(
    rows: Sequence[Mapping[str, Any]],
    *,
    title: str,
    higher_is_better: bool,
    per: str = "a sentence",
    digits: int = 2,
    domain: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """Quality over speed, the area of a point its number of parameters, error bars of 95 %.

    Args:
        rows: records with `model`, `quality`, `low`, `high`, `ms`, `parameters`.
        title: what the numbers of quality are.
        higher_is_better: better is up.
        per: what the milliseconds are counted for, with its article.
        digits: of a figure of quality.
        domain: the ends of the axis of quality, where another chart is compared with this one.
    """
    drawn = [row["model"] for row in rows]
    times = [row["ms"] for row in rows]
    # A model that is ten times slower would push all others into a corner.
    apart = bool(times) and min(times) > 0 and max(times) > 10 * min(times)
    ends = [0.7 * min(times), 2 * max(times)] if apart else None  # with room for names
    scale = alt.Scale(type="log", domain=ends) if apart else alt.Scale(zero=True, nice=True)
    base = alt.Chart(pd.DataFrame(list(map(dict, rows)))).encode(
        x=alt.X("ms:Q", title=f"Milliseconds {per}", scale=scale),
    )
    return quality_points(
        base,
        title=title,
        higher_is_better=higher_is_better,
        colour=charts.family_colour("model", legend=False, drawn=drawn),
        shape=charts.family_shape("model", legend=False, drawn=drawn),
        size=alt.Size("parameters:Q", scale=alt.Scale(zero=True, range=[40, 500]), legend=None),
        more=[
            alt.Tooltip("ms:Q", title=f"ms {per}", format=".2f"),
            alt.Tooltip("parameters:Q", title="Parameters", format=",d"),
        ],
        digits=digits,
        domain=domain,
    ).properties(height=QUALITY_HEIGHT, autosize=charts.FIT, padding=charts.PADDING)


def quality_points(
    base: alt.Chart,
    *,
    title: str,
    higher_is_better: bool,
    colour: alt.Color,
    shape: alt.Shape,
    size: alt.Size | alt.SizeValue,
    more: Sequence[alt.Tooltip],
    digits: int = 2,
    domain: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """Named points over their error bars of 95 %, better up; `base` holds the rows and their x.

    `more`: what a point's tooltip says after model, quality and interval, of `digits` digits.
    """
    scale = _quality_scale(domain, higher_is_better, padding=14)
    bars = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q", color=colour
    )
    points = base.mark_point(filled=True, opacity=0.9).encode(
        y=alt.Y("quality:Q", scale=scale),
        color=colour,
        shape=shape,
        size=size,
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            *charts.interval_tooltips("quality", title, f".{digits}f"),
            *more,
        ],
    )
    names = base.mark_text(align="left", dx=13, dy=-9, color=charts.NEUTRAL).encode(
        y=alt.Y("quality:Q", scale=scale), text="model:N"
    )
    return alt.layer(bars, points, names)


def quality_by_length(
    rows: Sequence[Mapping[str, Any]],
    *,
    title: str,
    higher_is_better: bool,
    unit: str = "",
    domain: tuple[float, float] | None = None,
) -> alt.LayerChart:
    """One line a model over classes of source length, with a 95 % interval at each point.

    Args:
        rows: records with `model`, `label` (the class), `quality`, `low`, `high` (None where they
            are not known) and `count`, classes in order.
        title: what the numbers are.
        higher_is_better: better is up.
        unit: what lengths are counted in ("words").
        domain: the ends of the axis of quality.
    """
    counts: dict[str, list[int]] = {}
    for row in rows:
        counts.setdefault(row["label"], []).append(row["count"])
    places = {label: f"{label}\n{_spanned(found)}" for label, found in counts.items()}
    data = pd.DataFrame([{**row, "place": places[row["label"]]} for row in rows])
    scale = _quality_scale(domain, higher_is_better)
    drawn = set(data["model"])
    base = alt.Chart(data).encode(
        x=alt.X(
            "place:O",
            sort=list(places.values()),
            title=f"Length of the input{f' in {unit}' if unit else ''}; below it, examples",
            axis=alt.Axis(labelAngle=0, labelExpr="split(datum.label, '\\n')"),
        ),
        y=alt.Y("quality:Q", title=title, scale=scale),
        color=charts.family_colour("model", legend=True, drawn=drawn),
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        shape=charts.family_shape("model", legend=True, drawn=drawn),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("label:O", title="Length"),
            *charts.interval_tooltips("quality", title, ".2f"),
            alt.Tooltip("count:Q", title="Examples", format=",d"),
        ],
    )
    layers = [base.mark_line(strokeWidth=2), points]
    if any(row.get("low") is not None for row in rows):
        bars = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        layers.insert(
            0,
            bars.mark_rule(strokeWidth=2, opacity=0.7).encode(
                y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
            ),
        )
    return alt.layer(*layers).properties(
        height=QUALITY_HEIGHT, autosize=charts.FIT, padding=charts.PADDING
    )


QUALITY_HEIGHT = 320
"""Of charts of quality that stand side by side: equal, as their axes are."""


def _spanned(counts: Sequence[int]) -> str:
    """A number of examples; the least and the most where models were tested on different ones."""
    ends = sorted({min(counts), max(counts)})
    return " to ".join(f"{end:,}" for end in ends)


def _quality_scale(
    domain: tuple[float, float] | None, higher_is_better: bool, padding: int | None = None
) -> alt.Scale:
    """Better is up; a given domain is kept as it is, for it is another chart's too."""
    ends = {"domain": list(domain), "nice": False} if domain else {"nice": True}
    if padding and not domain:
        ends["padding"] = padding
    return alt.Scale(zero=False, reverse=not higher_is_better, **ends)
