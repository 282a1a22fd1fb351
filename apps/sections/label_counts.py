"""How often each way to train an encoder is right, by the number of labels it was given.

Of the figures that `benchmarks.quality.fine_tuning` keeps; what cannot be read of them is left out.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from apps import downloads
from apps.charts import base as charts
from apps.json_values import mapping, number
from apps.lessons import shared_views
from apps.sections import speed_data

FILE = "results/quality/fine_tuning.json"
ARMS = {
    "full": ("Pre-trained, all of it tuned", "#2f6fd0"),
    "lora": ("Pre-trained, LoRA", "#12857a"),
    "head": ("Pre-trained, frozen, a head", "#a253b0"),
    "scratch": ("Same encoder, random weights", "#b3630b"),
    "random-head": ("Random weights, frozen, a head", "#c2426b"),
    "naive-bayes": ("Naive Bayes", "#8a8a8a"),
    "tf-idf": ("TF-IDF", "#5a5a5a"),
}
"""Label and colour of each way to train, the pre-trained ones first."""


@dataclass(frozen=True)
class Point:
    """Mean accuracy of one way to train, in percent, over so many draws of its labels."""

    arm: str
    labels: int
    accuracy: float
    draws: int


def read() -> list[Point]:
    """All points, by way to train and number of labels; [] where there are no figures."""
    try:
        found = json.loads((speed_data.folder() / FILE).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    values: dict[tuple[str, int], list[float]] = {}
    for one in mapping(found).values():
        run = mapping(one)
        arm, labels, accuracy = run.get("arm"), run.get("labels"), number(run.get("accuracy"))
        if arm in ARMS and type(labels) is int and accuracy is not None:
            values.setdefault((arm, labels), []).append(accuracy)
    order = list(ARMS)
    return [
        Point(arm, labels, statistics.mean(each), len(each))
        for (arm, labels), each in sorted(
            values.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    ]


def show() -> None:
    """The chart, and the figures as a table for those who save it."""
    points = read()
    if not points:
        st.info("There are no figures of this in `benchmarks/results`.", icon=":material/info:")
        return
    rows = [
        {
            "way": ARMS[one.arm][0],
            "labels": one.labels,
            "accuracy": round(one.accuracy, 1),
            "draws": one.draws,
        }
        for one in points
    ]
    shared_views.draw(
        chart(rows),
        alt_text=f"Accuracy on SST-2 by number of labels. {spoken(points)}",
        rows=rows,
        file="learn-pretraining-labels",
        caption=downloads.caption("Accuracy on SST-2 by number of labels, in percent."),
    )
    draws = sorted({one.draws for one in points})
    many = f"{draws[0]} to {draws[-1]}" if len(draws) > 1 else str(draws[0])
    st.caption(f"{saved(points)} Each point is the mean of {many} draws of the labels.")


def chart(rows: Sequence[dict[str, Any]]) -> alt.Chart:
    """A line for each way to train; labels on a logarithmic axis."""
    colours = dict(ARMS.values())
    drawn = [label for label in colours if any(row["way"] == label for row in rows)]
    counts = sorted({row["labels"] for row in rows})
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=alt.OverlayMarkDef(size=55), strokeWidth=2)
        .encode(
            x=alt.X(
                "labels:Q",
                title="labelled texts",
                scale=alt.Scale(type="log", nice=False, padding=12),
                axis=alt.Axis(values=counts, format=",d", grid=False),
            ),
            y=alt.Y("accuracy:Q", title="right, %", scale=alt.Scale(zero=False)),
            color=alt.Color(
                "way:N",
                title=None,
                scale=alt.Scale(domain=drawn, range=[colours[label] for label in drawn]),
                legend=alt.Legend(orient="bottom", columns=2, labelLimit=300),
            ),
            tooltip=[
                alt.Tooltip("way:N", title="Way"),
                alt.Tooltip("labels:Q", title="Labels", format=",d"),
                alt.Tooltip("accuracy:Q", title="Right, %", format=".1f"),
                alt.Tooltip("draws:Q", title="Draws of the labels"),
            ],
        )
        .properties(height=320, autosize=charts.FIT, padding=charts.PADDING)
    )


def spoken(points: Sequence[Point]) -> str:
    """The figures in words, for those who cannot see the chart."""
    return "; ".join(
        f"{ARMS[one.arm][0]}, {one.labels:,} labels: {one.accuracy:.1f} %" for one in points
    )


def saved(points: Sequence[Point]) -> str:
    """How many labels pre-training saves, in a sentence."""
    tuned = [one for one in points if one.arm == "full"]
    others = [one for one in points if one.arm in ("scratch", "naive-bayes", "tf-idf")]
    if not tuned or not others:
        return ""
    first, best = tuned[0], max(others, key=lambda one: one.accuracy)
    enough = next((one for one in tuned if one.accuracy >= best.accuracy), None)
    if enough is None or enough.labels >= best.labels:
        return (
            f"With {first.labels:,} labels the pre-trained encoder is right {first.accuracy:.1f} % "
            "of the time."
        )
    return (
        f"With {enough.labels:,} labels the pre-trained encoder ({enough.accuracy:.1f} %) does "
        f"better than anything that was not pre-trained does with {best.labels:,} "
        f"({ARMS[best.arm][0]}, {best.accuracy:.1f} %): {best.labels // enough.labels} times fewer."
    )
