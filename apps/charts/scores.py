"""The charts of the Scores page: pure functions from records to an Altair chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from apps import contrast
from apps.charts import base as charts

Records = Sequence[Mapping[str, Any]]

NO_MODEL = "No model"
ROW_HEIGHT = 15
CELL_HEIGHT = 34


def intervals(rows: Records, *, title: str, order: Sequence[str]) -> alt.LayerChart:
    """A point with its 95 % interval for each model, grouped by what is graded.

    Args:
        rows: records with `what`, `model` (a model's label or `NO_MODEL`), `value`, `low`, `high`.
        title: what the numbers are.
        order: of what is graded, from the top; it may name what no row has.
    """
    drawn = {row["model"] for row in rows}
    found = charts.marks(sorted(drawn - {NO_MODEL}))
    found |= {NO_MODEL: (charts.NEUTRAL, "cross")} if NO_MODEL in drawn else {}
    models = list(found)
    groups = [what for what in order if any(row["what"] == what for row in rows)]
    legend = alt.Legend(title=None, orient="bottom", columns=2, symbolOpacity=1)
    base = alt.Chart(pd.DataFrame(list(map(dict, rows)))).encode(
        y=alt.Y(
            "what:N",
            sort=groups,
            axis=alt.Axis(title=None, labelLimit=120, ticks=False, grid=False),
            scale=alt.Scale(paddingInner=0.25),
        ),
        yOffset=alt.YOffset("model:N", sort=models, scale=alt.Scale(paddingOuter=0.2)),
        color=alt.Color(
            "model:N",
            sort=models,
            scale=alt.Scale(domain=models, range=[colour for colour, _ in found.values()]),
            legend=legend,
        ),
    )
    scale = alt.Scale(zero=True, nice=True)
    lines = base.mark_rule(strokeWidth=2.5, opacity=0.7).encode(
        x=alt.X("low:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5)), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        x=alt.X("value:Q", scale=scale),
        shape=alt.Shape(
            "model:N",
            sort=models,
            scale=alt.Scale(domain=models, range=[shape for _, shape in found.values()]),
            legend=legend,
        ),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("what:N", title="What"),
            *charts.interval_tooltips("value", title, ".3f"),
        ],
    )
    height = max(ROW_HEIGHT * len(models), 24) * max(len(groups), 1)
    return alt.layer(lines, points).properties(
        height=height, autosize=charts.FIT, padding=charts.PADDING
    )


def heads(
    rows: Records, *, title: str, domain: tuple[float, float], higher_is_better: bool | None = True
) -> alt.LayerChart:
    """Layers by heads, the number in each cell; darker is better, or more where neither is.

    The ramp is the light one on every page, for the numbers are written on it.

    Args:
        rows: records with `layer`, `head` (from 1), `value`, `low`, `high`.
        title: what the numbers are.
        domain: the numbers that the ends of the ramp stand for.
        higher_is_better: False turns the ramp round.
    """
    ramp = list(charts.RAMP if higher_is_better is not False else reversed(charts.RAMP))
    span = (domain[1] - domain[0]) or 1.0
    data = pd.DataFrame(list(map(dict, rows)))
    share = ((data["value"] - domain[0]) / span).clip(0, 1)
    dark = share if higher_is_better is not False else 1 - share
    data["ink"] = [contrast.ink(contrast.along(charts.RAMP, one)) for one in dark]
    data["spoken"] = [
        f"layer {row['layer']}, head {row['head']}: {row['value']:.3f}" for row in rows
    ]
    axis = {"ticks": False, "domain": False, "labelPadding": 4}
    base = alt.Chart(data).encode(
        x=alt.X("head:O", title="Head", axis=alt.Axis(orient="top", labelAngle=0, **axis)),
        y=alt.Y("layer:O", title="Layer", axis=alt.Axis(titleAngle=-90, **axis)),
        tooltip=[
            alt.Tooltip("layer:O", title="Layer"),
            alt.Tooltip("head:O", title="Head"),
            *charts.interval_tooltips("value", title, ".3f"),
        ],
    )
    grounds = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color(
            "value:Q",
            scale=alt.Scale(domain=list(domain), range=ramp, clamp=True),
            legend=None,
        ),
        description="spoken:N",
    )
    numbers = base.mark_text(fontSize=11).encode(
        text=alt.Text("value:Q", format=".2f"), color=alt.Color("ink:N", scale=None)
    )
    layers = len(set(data["layer"]))
    return (
        alt.layer(grounds, numbers)
        .resolve_scale(color="independent")
        .properties(height=CELL_HEIGHT * layers, autosize=charts.FIT, padding=charts.PADDING)
    )
