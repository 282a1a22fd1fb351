"""Leaderboard for classifiers: calibration, what is taken for what, and the wrong examples."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import streamlit as st

from apps import classifying, figures, presentation, quality, saved_models, state, widgets
from apps.charts import labels as charts
from apps.classifying import Example
from apps.json_values import mapping, number
from apps.markdown import plain

BEAMS = "1"
"""Classifiers do not search."""
MOST = 500
"""Wrong examples that are listed."""
MOST_CLASSES = 40
"""Classes whose confusion is drawn; of more, the most frequent mistakes are listed."""


def section(task: str) -> None:
    """All of it; what no card has is left out."""
    left, right = st.columns(2, gap="large")
    with left:
        _calibration(task)
    with right:
        name, cell = _confusion(task)
    _wrong(task, name, cell)


def _calibration(task: str) -> None:
    """How often each was right over how sure it was."""
    rows = []
    for name in saved_models.models(task):
        found = quality.measured(name, BEAMS).get("reliability")
        for one in found if isinstance(found, list) else ():
            values = [number(mapping(one).get(key)) for key in ("confidence", "accuracy", "count")]
            if None not in values:
                confidence, accuracy, count = values
                rows.append(
                    {
                        "model": saved_models.label(name),
                        "confidence": confidence,
                        "accuracy": accuracy,
                        "count": int(count),
                    }
                )
    if not rows:
        return
    st.subheader("How far certainty can be trusted", anchor=False)
    errors = {
        saved_models.label(name): value
        for name in saved_models.models(task)
        if (value := quality.value(quality.measured(name, BEAMS), "ece")) is not None
    }
    listed = ", ".join(f"{plain(label)} {value:.1f} %" for label, value in errors.items())
    figures.show(
        charts.reliability(rows),
        alt_text="How often each model was right over how sure it was. "
        f"Mean distance from the line: {', '.join(f'{k} {v:.1f} %' for k, v in errors.items())}.",
        rows=rows,
        file=f"{task}-reliability",
    )
    st.caption(
        "On the dashed line a model is right as often as it is sure; below it, it is too sure of "
        "itself. A point is a bin of the test side, larger with more examples. Mean distance "
        f"(expected calibration error): {listed}."
    )


def _confusion(task: str) -> tuple[str | None, tuple[str, str] | None]:
    """What one model takes for what; the model, and the cell that the reader picked."""
    names = [name for name in saved_models.models(task) if _counts(name)]
    if not names:
        return (next(iter(quality.best_first(task)), None)), None
    st.subheader("What is taken for what", anchor=False)
    name = widgets.model(names, default=quality.best_first(task, names)[0])
    classes, counts = _counts(name)
    rows = charts.confusion_rows(classes, counts)
    if len(classes) > MOST_CLASSES:
        mistakes = sorted(
            (row for row in rows if row["truth"] != row["said"] and row["count"]),
            key=lambda row: -row["count"],
        )
        st.dataframe(
            [
                {"True class": row["truth"], "Taken for": row["said"], "Examples": row["count"]}
                for row in mistakes[:50]
            ],
            hide_index=True,
            alt="The most frequent mistakes",
        )
        return name, None
    chart = charts.confusion(rows)
    picked = st.altair_chart(
        presentation.drawn(chart),
        width="stretch",
        key=state.key(f"confusion.{name}"),
        on_select="rerun",
        alt=f"What {saved_models.label(name)} takes for what. {_said(rows)}",
    )
    figures.save(chart, rows=rows, file=f"{name}-confusion", caption=saved_models.label(name))
    st.caption(
        "Blue: right, by its share of the class. Orange: wrong, by the most frequent mistake. "
        "Press a cell to list its examples below."
    )
    return name, _cell(picked, classes)


def _counts(name: str) -> tuple[list[str], list[list[int]]] | None:
    """Classes and counts of a card; None where it has none, or damaged ones."""
    found = mapping(quality.measured(name, BEAMS).get("confusion"))
    classes, counts = found.get("classes"), found.get("counts")
    if not isinstance(classes, list) or not classes or not isinstance(counts, list):
        return None
    try:
        table = np.array(counts, dtype="int64")
    except (TypeError, ValueError, OverflowError):
        return None
    if table.shape != (len(classes), len(classes)) or (table < 0).any():
        return None
    return [str(one) for one in classes], table.tolist()


def _said(rows: list[dict[str, Any]]) -> str:
    """The most frequent mistake, in words."""
    wrong = [row for row in rows if row["truth"] != row["said"] and row["count"]]
    if not wrong:
        return "Nothing was wrong."
    most = max(wrong, key=lambda row: row["count"])
    return f"Most often: {most['truth']} taken for {most['said']}, {most['count']} times."


def _cell(picked: Any, classes: list[str]) -> tuple[str, str] | None:
    """True class and class said of the cell that was pressed."""
    try:
        [one] = picked["selection"][charts.PICKED]
        cell = str(one["truth"]), str(one["said"])
    except (KeyError, TypeError, ValueError):
        return None
    return cell if set(cell) <= set(classes) else None


def _wrong(task: str, name: str | None, cell: tuple[str, str] | None) -> None:
    """Examples that a model got wrong, or those of one cell; each can be opened on Compare."""
    every = classifying.examples(task)
    if name is None or not every:
        return
    if cell is None:
        found = [one for one in every.values() if one.wrong(name)]
        title = f"What {saved_models.label(name)} got wrong"
    else:
        truth, said = cell
        found = [
            one
            for one in every.values()
            if one.truth == truth and one.said.get(name, ("", 0.0))[0] == said
        ]
        title = f"{truth} taken for {said} by {saved_models.label(name)}"
    st.subheader(plain(title), anchor=False)
    if not found:
        st.caption("No such example is stored: 250 are kept of a test side, and all wrong ones.")
        return
    what = classifying.reads(task)
    found.sort(key=lambda one: -one.said[name][1])
    shown = [_line(one, what, name) for one in found[:MOST]]
    column = {
        "image": st.column_config.ImageColumn(width="small"),
        "series": st.column_config.LineChartColumn(width="medium"),
    }.get(what, st.column_config.TextColumn(width="large"))
    picked = st.dataframe(
        shown,
        hide_index=True,
        column_config={
            "Input": column,
            "Sure, %": st.column_config.NumberColumn(format="%.0f", width="small"),
        },
        row_height=44 if what == "image" else None,
        height=min(430, 40 + (44 if what == "image" else 35) * len(shown)),
        alt=title,
        key=state.key(f"wrong.{name}.{cell}"),
        on_select="rerun",
        selection_mode="single-row",
    )
    st.caption("The surest first. Select a row to open it beside all other models.")
    for place in picked.selection.rows[:1]:
        _open(task, name, found[place])


def _line(one: Example, what: str, name: str) -> dict[str, Any]:
    said, chance = one.said[name]
    others = [
        saved_models.label(other)
        for other, (label, _) in one.said.items()
        if other != name and label == one.truth
    ]
    return {
        "Input": _shown(one.given, what),
        "True class": one.truth,
        "Taken for": said,
        "Sure, %": 100 * chance,
        "Right": ", ".join(others) or None,
    }


def _shown(given: Any, what: str) -> Any:
    """An input as a cell of a table."""
    if what == "text":
        return given
    if what == "series":
        return given[:, 0].tolist()
    from zoo import images

    large = np.repeat(np.repeat(given, 4, axis=0), 4, axis=1)
    return f"data:image/png;base64,{base64.b64encode(images.png(large)).decode()}"


def _open(task: str, name: str, one: Example) -> None:
    """A link to the example on Compare."""
    if "compare" not in state.pages():
        return
    st.page_link(
        state.pages()["compare"],
        label=f"Open example {one.number + 1} beside all models",
        icon=":material/open_in_new:",
        query_params=state.params(
            task=task,
            source="test",
            only=None,
            example=str(one.number + 1),
            model=saved_models.id_of(name),
        ),
    )
