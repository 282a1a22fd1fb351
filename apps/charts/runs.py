"""The charts of the Runs page: pure functions from records to an Altair chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from apps.charts import base as charts

Records = Sequence[Mapping[str, Any]]

HEIGHT = 340
DASHES = {"training": [1, 0], "validation": [6, 4]}
"""How the two sides are told apart, besides the marks of the validations."""
MARKED = 40
"""Points of a line that are still marks and no band."""


def curves(records: Records, *, title: str, x_title: str, log: bool = False) -> alt.LayerChart:
    """A line a run and side: colour and mark tell the run, a dash the validation side.

    Args:
        records: of `run_data.points`.
        title, x_title: of the axes.
        log: whether the axis of values is logarithmic; then what is not above 0 is left out.
    """
    data = _frame([row for row in records if not log or row["y"] > 0])
    runs = list(dict.fromkeys(data["run"]))
    base = alt.Chart(data).encode(
        **_axes(title, x_title, log),
        color=charts.family_colour("run", legend=True, drawn=runs),
        detail="line:N",
    )
    lines = base.mark_line(strokeWidth=2)
    patterns = {side: dash for side, dash in DASHES.items() if side in set(data["side"])}
    if len(patterns) > 1:
        lines = lines.encode(strokeDash=charts.dashes("side", patterns))
    marks = (
        base.transform_filter("datum.marked")
        .mark_point(filled=True, size=45, opacity=1)
        .encode(
            shape=charts.family_shape("run", legend=True, drawn=runs),
            tooltip=[
                alt.Tooltip("run:N", title="Run"),
                alt.Tooltip("side:N", title="Side"),
                alt.Tooltip("step:Q", title="Step", format=",d"),
                alt.Tooltip("y:Q", title=title, format=",.4~g"),
            ],
        )
    )
    return alt.layer(lines, marks).properties(
        height=HEIGHT, autosize=charts.FIT, padding=charts.PADDING
    )


def _frame(records: Records) -> pd.DataFrame:
    """The points with the line that each is of, and whether it has a mark."""
    data = pd.DataFrame(records, columns=["run", "side", "x", "y", "step"])
    data["line"] = data["run"] + ", " + data["side"]
    # Every value is a point of the line; of a long line only some have a mark.
    rank = data.groupby("line", sort=False).cumcount()
    count = data.groupby("line", sort=False)["x"].transform("size")
    data["marked"] = rank % (count // MARKED + 1) == 0
    return data


def _axes(title: str, x_title: str, log: bool) -> dict[str, Any]:
    return {
        "x": alt.X(
            "x:Q",
            title=x_title,
            scale=alt.Scale(zero=True, nice=False),
            axis=alt.Axis(tickCount=10, labelOverlap=True),
        ),
        "y": alt.Y(
            "y:Q",
            title=title,
            scale=alt.Scale(type="log" if log else "linear", zero=False, nice=True),
            axis=alt.Axis(format=",.4~g", labelOverlap=True),
        ),
    }


def described(records: Records, title: str) -> str:
    """The curves in words: where each line begins and ends."""
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for row in records:
        lines.setdefault(f"{row['run']}, {row['side']}", []).append(row)
    said = [
        f"{name}: {line[0]['y']:.4g} at step {line[0]['step']:,}, "
        f"{line[-1]['y']:.4g} at step {line[-1]['step']:,}"
        for name, line in lines.items()
    ]
    return f"{title}. {'; '.join(said)}." if said else f"{title}: no values."
