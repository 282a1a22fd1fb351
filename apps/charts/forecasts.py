"""Charts of forecasts: what was, what was expected with its band, and where a model looked.

As in `apps.charts.base`, text is data, and colours hold on a light and on a dark page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from apps.charts import base as charts

NETWORK, FLOOR = "#2f6fd0", "#b3630b"
"""Of the forecast of a network, and of a floor."""
MEASURED, EXPECTED, BAND = "Measured", "Expected", "80 % band"
SMALL, LARGE = 96, 230
"""Heights of the marks, in pixels."""
DARKEST = 0.4
"""How opaque the shade of the most attention is: a line on it is still legible."""
SHARE = 0.8
"""Of the central interval that is drawn."""


def places(history: int, horizon: int, times: np.ndarray | None) -> list[Any]:
    """Where each step is on the axis: its time, or its number, 1 for the first forecast.

    Args:
        history, horizon: how many steps there are of each.
        times: (history + horizon,) datetime64, None for numbers.
    """
    if times is not None:
        return pd.to_datetime(times).to_pydatetime().tolist()
    return [step for step in range(-history, horizon + 1) if step]


def rows(
    x: Sequence[Any],
    history: np.ndarray,
    truth: np.ndarray | None,
    mean: np.ndarray,
    band: tuple[np.ndarray, np.ndarray],
) -> list[dict[str, Any]]:
    """One record a step: `x`, `measured`, `expected`, `low`, `high`; None where there is none.

    Args:
        x: of `places`.
        history: (L,) of one series, what was read.
        truth: (H,) what came, None where that is not known.
        mean, band: (H,) each, of the forecast.
    """
    measured = [*history, *([] if truth is None else truth)]
    low, high = band
    found = []
    for place, one in enumerate(x):
        step = place - len(history)
        ahead = 0 <= step < len(mean)
        found.append(
            {
                "x": one,
                "measured": _short(measured[place]) if place < len(measured) else None,
                "expected": _short(mean[step]) if ahead else None,
                "low": _short(low[step]) if ahead else None,
                "high": _short(high[step]) if ahead else None,
            }
        )
    return found


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def forecast(
    records: Sequence[Mapping[str, Any]],
    *,
    height: int = LARGE,
    floor: bool = False,
    domain: tuple[float, float] | None = None,
    title: str = "",
    legend: bool = True,
) -> alt.LayerChart:
    """What was measured, and the forecast with its band.

    Args:
        records: of `rows`.
        height: of the marks.
        floor: whether it is a floor's forecast, which has another colour.
        domain: of the values, so that charts compare; None: as these records need.
        title: of the axis of values.
        legend: whether to list what is drawn.
    """
    return alt.layer(*_marks(records, floor, domain, title, legend)).properties(
        height=height, autosize=charts.FIT, padding=charts.PADDING
    )


def _marks(
    records: Sequence[Mapping[str, Any]],
    floor: bool,
    domain: tuple[float, float] | None,
    title: str,
    legend: bool,
) -> list[alt.Chart]:
    colour = FLOOR if floor else NETWORK
    frame = pd.DataFrame(list(records), columns=["x", "measured", "expected", "low", "high"])
    timed = len(frame) > 0 and not isinstance(records[0]["x"], int)
    kind = "T" if timed else "Q"
    axis = alt.Axis(
        title=None, grid=False, tickCount=4 if legend else 2, labelOverlap="greedy", labelFlush=True
    )
    if timed and not legend:
        axis.format = "%-d %b"
    x = alt.X(f"x:{kind}", axis=axis, scale=alt.Scale(nice=False))
    scale = alt.Scale(zero=False, nice=False, domain=list(domain)) if domain else None
    y = {
        "axis": alt.Axis(title=title or None, tickCount=4 if legend else 3, grid=False),
        "scale": scale or alt.Scale(zero=False),
    }
    names = [MEASURED, EXPECTED, BAND]
    key = alt.Color(
        "what:N",
        scale=alt.Scale(domain=names, range=[charts.NEUTRAL, colour, colour]),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=300)
        if legend
        else None,
    )
    form = alt.Tooltip("x:T", title="Time", format="%Y-%m-%d %H:%M")
    when = form if timed else alt.Tooltip("x:Q", title="Step")
    base = alt.Chart(frame)
    band = (
        base.transform_filter("isValid(datum.low)")
        .transform_calculate(what=f"'{BAND}'")
        .mark_area(opacity=0.3)
        .encode(x=x, y=alt.Y("low:Q", **y), y2="high:Q", color=key)
    )
    measured = (
        base.transform_filter("isValid(datum.measured)")
        .transform_calculate(what=f"'{MEASURED}'")
        .mark_line(strokeWidth=1.4)
        .encode(
            x=x,
            y=alt.Y("measured:Q", **y),
            color=key,
            tooltip=[when, alt.Tooltip("measured:Q", title=MEASURED, format=".4~g")],
        )
    )
    expected = (
        base.transform_filter("isValid(datum.expected)")
        .transform_calculate(what=f"'{EXPECTED}'")
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("expected:Q", **y),
            color=key,
            tooltip=[
                when,
                alt.Tooltip("expected:Q", title=EXPECTED, format=".4~g"),
                alt.Tooltip("low:Q", title="Quantile 0.1", format=".4~g"),
                alt.Tooltip("high:Q", title="Quantile 0.9", format=".4~g"),
            ],
        )
    )
    return [band, measured, expected]


def looked(
    records: Sequence[Mapping[str, Any]],
    shades: Sequence[Mapping[str, Any]],
    *,
    asked: tuple[Any, Any] | None = None,
    title: str = "",
) -> alt.LayerChart:
    """A forecast over a history that is shaded by the attention it got.

    Args:
        records: of `rows`.
        shades: one a step of the history, of `shade_rows`.
        asked: first and last place of the steps ahead whose attention it is; None: of all.
        title: of the axis of values.
    """
    timed = len(records) > 0 and not isinstance(records[0]["x"], int)
    kind = "T" if timed else "Q"
    most = max((row["times"] for row in shades), default=1.0)
    ground = (
        alt.Chart(pd.DataFrame(list(shades), columns=["x", "until", "times", "share"]))
        .mark_rect(color=NETWORK)
        .encode(
            x=alt.X(f"x:{kind}"),
            x2="until",
            opacity=alt.Opacity(
                "times:Q",
                scale=alt.Scale(domain=[0, max(most, 1.0)], range=[0, DARKEST]),
                legend=alt.Legend(
                    title="Attention, times an even share",
                    orient="bottom",
                    direction="horizontal",
                    symbolType="square",
                    symbolFillColor=NETWORK,
                    symbolStrokeWidth=0,
                    symbolSize=200,
                    tickCount=4,
                    titleLimit=300,
                ),
            ),
            tooltip=[
                alt.Tooltip("times:Q", title="Times an even share", format=".2f"),
                alt.Tooltip("share:Q", title="Share of the attention", format=".2%"),
            ],
        )
    )
    layers: list[Any] = [ground]
    if asked is not None:
        frame = pd.DataFrame([{"x": asked[0], "until": asked[1]}])
        layers.append(
            alt.Chart(frame)
            .mark_rect(fillOpacity=0, stroke=FLOOR, strokeWidth=2)
            .encode(x=alt.X(f"x:{kind}"), x2="until")
        )
    lines = alt.layer(*_marks(records, False, None, title, legend=True))
    return (
        alt.layer(*layers, lines)
        .resolve_scale(color="independent")
        .properties(height=LARGE, autosize=charts.FIT, padding=charts.PADDING)
    )


def shade_rows(x: Sequence[Any], shares: np.ndarray) -> list[dict[str, Any]]:
    """The shade of each step of a history: from `x` until the next, and how much it got.

    Args:
        x: of `places`: the steps of the history, and at least one more.
        shares: (L,) of the attention; their sum is what it all is compared with.
    """
    even = float(shares.sum()) / max(len(shares), 1) or 1.0
    return [
        {
            "x": x[place],
            "until": x[place + 1],
            "times": round(float(share) / even, 4),
            "share": round(float(share), 6),
        }
        for place, share in enumerate(shares)
    ]


def over_steps(weights: np.ndarray, spans: Sequence[tuple[int, int]], steps: int) -> np.ndarray:
    """Weights (S,) of tokens -> (L,) of steps: each token's is spread evenly over what it covers.

    Example:
        >>> over_steps(np.array([0.5, 0.5]), ((0, 1), (1, 2)), 4).tolist()
        [0.25, 0.5, 0.25, 0.0]
    """
    found = np.zeros(steps)
    for weight, (first, last) in zip(weights, spans, strict=True):
        found[first : last + 1] += weight / (last - first + 1)
    return found


def described(records: Sequence[Mapping[str, Any]], label: str, column: str) -> str:
    """The chart in words, for those who cannot see it."""
    ahead = [row for row in records if row["expected"] is not None]
    if not ahead:
        return f"{label}, {column}: no forecast."
    inside = [
        row["low"] <= row["measured"] <= row["high"] for row in ahead if row["measured"] is not None
    ]
    text = (
        f"{label}, {column}: {len(ahead)} steps expected, from {ahead[0]['expected']:.4g} to "
        f"{ahead[-1]['expected']:.4g}"
    )
    if inside:
        text += f"; {100 * sum(inside) / len(inside):.0f} % of what came is in the 80 % band"
    return f"{text}."
