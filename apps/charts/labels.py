"""Charts of classifiers: how likely each class is, pictures with what was looked at, calibration.

As in `apps.charts.base`, text is data, and colours hold on a light and on a dark page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from apps.charts import base as charts

FOR, AGAINST = "#d9541e", "#2f6fd0"
"""Of what speaks for a class, or was looked at, and of what speaks against it."""
DARKEST = 0.72
"""How opaque the strongest shade on a picture is: what is under it can still be seen."""
ROW = 30
"""Pixels of a model's row."""
PICKED = "cell"
"""The selection of a cell of a confusion."""
MOST_CLASSES = 12
"""Classes that are drawn; of more, those that some model thinks likeliest."""


def shown_classes(probabilities: Sequence[Mapping[str, float]]) -> list[str]:
    """The classes that are drawn, in the order of the models.

    Args:
        probabilities: of each model, by class.
    """
    every = list(probabilities[0]) if probabilities else []
    most = {name: max(one.get(name, 0.0) for one in probabilities) for name in every}
    kept = set(sorted(every, key=lambda name: -most[name])[:MOST_CLASSES])
    return [name for name in every if name in kept]


def probability_rows(answers: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """One record a model and class: `model`, `class`, `probability`.

    Args:
        answers: by label of a model, the probability of each class.
    """
    return [
        {"model": model, "class": name, "probability": float(found.get(name, 0.0))}
        for model, found in answers.items()
        for name in shown_classes(list(answers.values()))
    ]


def probabilities(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """A row a model, a column a class, each cell shaded and told in percent.

    Args:
        rows: of `probability_rows`.
    """
    frame = pd.DataFrame(list(map(dict, rows)), columns=["model", "class", "probability"])
    frame["percent"] = [percent(one) for one in frame["probability"]]
    models, classes = list(dict.fromkeys(frame["model"])), list(dict.fromkeys(frame["class"]))
    base = alt.Chart(frame).encode(
        x=alt.X(
            "class:N",
            sort=classes,
            axis=alt.Axis(
                orient="top",
                title=None,
                labelAngle=0 if len(classes) <= MOST_CLASSES else -50,
                labelLimit=130,
                domain=False,
                ticks=False,
            ),
            scale=alt.Scale(paddingInner=0.06),
        ),
        y=alt.Y(
            "model:N",
            sort=models,
            axis=alt.Axis(title=None, labelLimit=260, domain=False, ticks=False),
            scale=alt.Scale(paddingInner=0.12),
        ),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("class:N", title="Class"),
            alt.Tooltip("probability:Q", title="Probability", format=".1%"),
        ],
    )
    cells = base.mark_rect(cornerRadius=3, color=charts.FAMILY_COLOURS["Transformer"]).encode(
        opacity=alt.Opacity(
            "probability:Q", scale=alt.Scale(domain=[0, 1], range=[0.06, 0.6]), legend=None
        )
    )
    text = base.mark_text(fontSize=12).encode(text="percent:N")
    return alt.layer(cells, text).properties(
        height=ROW * max(len(models), 1), autosize=charts.FIT, padding=charts.PADDING
    )


def percent(share: float) -> str:
    """A probability as a cell has it: 0 and 1 are said of what is so near that it reads alike."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{100 * share:.0f} %"


def picture(image: np.ndarray, shades: np.ndarray | None = None) -> alt.LayerChart:
    """An image, pixel by pixel, and over it what was looked at or what spoke for a class.

    Args:
        image: (H, W, 1 or 3) from 0 to 1.
        shades: (H, W) or of fewer, larger cells (rows, columns): from 0 to 1, or with a sign,
            below 0 what spoke against it; None: none.
    """
    height, width = image.shape[:2]
    cells = []
    for y in range(height):
        for x in range(width):
            levels = np.clip(np.rint(255 * image[y, x]), 0, 255).astype(int).tolist()
            red, green, blue = levels * 3 if len(levels) == 1 else levels[:3]
            # A little wider than a pixel, or the page would shine through between them.
            cells.append((x, x + 1.04, y, y + 1.04, f"#{red:02x}{green:02x}{blue:02x}"))
    frame = pd.DataFrame(cells, columns=["x", "x2", "y", "y2", "colour"])
    pixels = (
        alt.Chart(frame)
        .mark_rect(strokeWidth=0, clip=True)
        .encode(**_square(height, width), color=alt.Color("colour:N", scale=None))
    )
    layers = [pixels]
    if shades is not None:
        layers.append(_shaded(shade_rows(shades, height, width), height, width))
    return alt.layer(*layers).properties(autosize=charts.FIT, padding=charts.PADDING)


def shade_rows(shades: np.ndarray, height: int, width: int) -> list[dict[str, Any]]:
    """The cells of a picture that are shaded at all, with their weight, as records."""
    rows, columns = shades.shape
    down, beside = height / rows, width / columns
    largest = float(np.abs(shades).max()) or 1.0
    found = []
    for row in range(rows):
        for column in range(columns):
            weight = float(shades[row, column])
            if abs(weight) / largest < 0.02:
                continue
            found.append(
                {
                    "x": column * beside,
                    "x2": (column + 1) * beside,
                    "y": row * down,
                    "y2": (row + 1) * down,
                    "weight": round(weight, 5),
                    "strength": round(abs(weight) / largest, 4),
                    "colour": FOR if weight > 0 else AGAINST,
                }
            )
    return found


def _square(height: int, width: int) -> dict[str, Any]:
    """Both axes of a picture, without labels, the first row on top."""
    return {
        "x": alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, width], nice=False)),
        "x2": "x2:Q",
        "y": alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height, 0], nice=False)),
        "y2": "y2:Q",
    }


def _shaded(rows: Sequence[Mapping[str, Any]], height: int, width: int) -> alt.Chart:
    columns = ["x", "x2", "y", "y2", "weight", "strength", "colour"]
    return (
        alt.Chart(pd.DataFrame(list(map(dict, rows)), columns=columns))
        .mark_rect(strokeWidth=0)
        .encode(
            **_square(height, width),
            color=alt.Color("colour:N", scale=None),
            opacity=alt.Opacity(
                "strength:Q", scale=alt.Scale(domain=[0, 1], range=[0, DARKEST]), legend=None
            ),
            tooltip=[alt.Tooltip("weight:Q", title="Weight", format=".3f")],
        )
    )


def curve(series: np.ndarray, shades: np.ndarray | None = None) -> alt.LayerChart:
    """A series, and behind it what was looked at or what spoke for a class.

    Args:
        series: (T, C).
        shades: (T,) as `picture` has them.
    """
    steps, channels = series.shape
    frame = pd.DataFrame(
        [
            {"step": step + 1, "value": float(series[step, channel]), "channel": channel + 1}
            for channel in range(channels)
            for step in range(steps)
        ]
    )
    x = {"scale": alt.Scale(domain=[0.5, steps + 0.5], nice=False)}
    lines = (
        alt.Chart(frame)
        .mark_line(color=charts.NEUTRAL, strokeWidth=2)
        .encode(
            x=alt.X("step:Q", axis=alt.Axis(title="Step", grid=False, tickMinStep=1), **x),
            y=alt.Y("value:Q", axis=alt.Axis(title=None, grid=False), scale=alt.Scale(zero=False)),
            detail="channel:N",
            tooltip=["step:Q", alt.Tooltip("value:Q", format=".4g")],
        )
    )
    layers = [lines]
    if shades is not None:
        rows = [
            {**one, "x": one["x"] + 0.5, "x2": one["x2"] + 0.5}
            for one in shade_rows(shades[None], 1, steps)
        ]
        columns = ["x", "x2", "weight", "strength", "colour"]
        behind = (
            alt.Chart(pd.DataFrame(rows, columns=columns))
            .mark_rect(strokeWidth=0)
            .encode(
                x=alt.X("x:Q", **x),
                x2="x2:Q",
                color=alt.Color("colour:N", scale=None),
                opacity=alt.Opacity(
                    "strength:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.5]), legend=None
                ),
                tooltip=[alt.Tooltip("weight:Q", title="Weight", format=".3f")],
            )
        )
        layers.insert(0, behind)
    return alt.layer(*layers).properties(height=150, autosize=charts.FIT, padding=charts.PADDING)


def reliability(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """How often models were right over how sure they were; on the line both are the same.

    Args:
        rows: records with `model`, `confidence` and `accuracy` in percent, and `count`.
    """
    frame = pd.DataFrame(list(map(dict, rows)))
    drawn = list(dict.fromkeys(frame["model"]))
    low = 10 * (min(float(frame["confidence"].min()), float(frame["accuracy"].min())) // 10)
    scale = alt.Scale(domain=[low, 100], nice=False)
    ideal = (
        alt.Chart(pd.DataFrame({"x": [low, 100], "y": [low, 100]}))
        .mark_line(strokeDash=[5, 4], color=charts.NEUTRAL)
        .encode(x=alt.X("x:Q", scale=scale), y=alt.Y("y:Q", scale=scale))
    )
    base = alt.Chart(frame).encode(
        x=alt.X("confidence:Q", title="How sure, %", scale=scale, axis=alt.Axis(grid=False)),
        y=alt.Y("accuracy:Q", title="How often right, %", scale=scale),
        color=charts.family_colour("model", legend=True, drawn=drawn),
        tooltip=[
            alt.Tooltip("model:N", title="Model"),
            alt.Tooltip("confidence:Q", title="How sure, %", format=".1f"),
            alt.Tooltip("accuracy:Q", title="How often right, %", format=".1f"),
            alt.Tooltip("count:Q", title="Examples", format=",d"),
        ],
    )
    points = base.mark_point(filled=True, opacity=0.9).encode(
        shape=charts.family_shape("model", legend=True, drawn=drawn),
        size=alt.Size("count:Q", scale=alt.Scale(range=[20, 260]), legend=None),
    )
    return alt.layer(ideal, base.mark_line(strokeWidth=1.5), points).properties(
        height=280, autosize=charts.FIT, padding=charts.PADDING
    )


def confusion(rows: Sequence[Mapping[str, Any]]) -> alt.LayerChart:
    """What was taken for what: a row a true class, a column a class that was said.

    Args:
        rows: records with `truth`, `said`, `count`, and `share` of the true class, 0 to 1.
    """
    frame = pd.DataFrame(list(map(dict, rows)))
    classes = list(dict.fromkeys(frame["truth"]))
    axis = {"domain": False, "ticks": False, "labelLimit": 110}
    base = alt.Chart(frame).encode(
        x=alt.X(
            "said:N",
            sort=classes,
            axis=alt.Axis(
                orient="top", title="Taken for", labelAngle=0 if len(classes) <= 12 else -60, **axis
            ),
        ),
        y=alt.Y("truth:N", sort=classes, axis=alt.Axis(title="True class", **axis)),
        tooltip=[
            alt.Tooltip("truth:N", title="True class"),
            alt.Tooltip("said:N", title="Taken for"),
            alt.Tooltip("count:Q", title="Examples", format=",d"),
        ],
    )
    right = alt.datum["truth"] == alt.datum["said"]
    cells = (
        base.mark_rect(cursor="pointer")
        .encode(
            color=alt.condition(right, alt.value(AGAINST), alt.value(FOR)),
            opacity=alt.Opacity(
                "strength:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.6]), legend=None
            ),
        )
        .add_params(alt.selection_point(name=PICKED, fields=["truth", "said"], toggle=False))
    )
    text = (
        base.transform_filter(alt.datum["count"] > 0)
        .mark_text(fontSize=11)
        .encode(text=alt.Text("count:Q", format=",d"))
    )
    return alt.layer(cells, text).properties(
        height=24 * max(len(classes), 2) + 10, autosize=charts.FIT, padding=charts.PADDING
    )


def confusion_rows(names: Sequence[str], counts: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """The cells of a table of counts as records.

    What is wrong is shaded by the most frequent mistake, what is right by the share of its class:
    on one scale no mistake of a good model could be seen.
    """
    wrong = max(
        (count for i, line in enumerate(counts) for j, count in enumerate(line) if i != j),
        default=0,
    )
    found = []
    for i, truth in enumerate(names):
        total = sum(counts[i]) or 1
        for j, said in enumerate(names):
            count = int(counts[i][j])
            share = count / total
            strength = share if i == j else count / (wrong or 1)
            found.append(
                {
                    "truth": truth,
                    "said": said,
                    "count": count,
                    "share": round(share, 4),
                    "strength": round(strength, 4),
                }
            )
    return found
