"""Leaderboard: quality, speed and size of all models, from their cards and test answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from apps import figures, quality, saved_models, state, widgets
from apps.charts import quality as quality_charts
from apps.markdown import plain, quiet
from apps.sections import (
    against,
    answers_side_by_side,
    floor,
    label_quality,
    latency,
    quality_by_length,
)
from zoo.metric_info import MetricInfo

BEAM_NAMES = {"1": "Greedy"}
OF = {"language_model": "tokens of the test text", "forecaster": "windows of the test side"}
"""What figures are measured on, by the kind of model; of all others, examples."""
SEVERAL = ("forecaster", "classifier")
"""The kinds of models that are measured in several ways, each of which sees another side."""


def render() -> None:
    """The page."""
    st.title("Leaderboard", anchor=False)
    st.caption("Quality, speed and size of every model, as its card reports them.")
    state.begin("leaderboard")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if (task := widgets.task(kinds=widgets.KINDS)) is None:
            return
        found = quality.figures(task)
        chosen = _choose_figure(found)
        beams = _choose_beams(quality.decodings(task))
    if chosen is None or beams is None:
        st.info("The cards of these models hold no figures of quality yet.")
    else:
        st.caption(f"**{chosen.label}.** {chosen.meaning}")
        _overall(task, chosen, beams)
    if chosen is not None and beams is not None and saved_models.kind(task) in SEVERAL:
        _every_figure(task, found, beams)
    _not_graded(task)
    _definitions(found)
    if saved_models.kind(task) == "classifier":
        label_quality.section(task)
    else:
        answers_side_by_side.section(task)


def _not_graded(task: str) -> None:
    """Which of the user's own models have no figures yet, and where they get them."""
    absent = [
        name
        for name in saved_models.models(task)
        if saved_models.is_own(name) and not quality.is_graded(name)
    ]
    if not absent:
        return
    listed = plain(", ".join(map(saved_models.label, absent)))
    st.caption(f":material/info: Not evaluated yet: {listed}. The page Runs does it.")
    if "runs" in state.pages():
        st.page_link(
            state.pages()["runs"],
            label="Evaluate on Runs",
            icon=None,
            query_params=state.params(runs=",".join(absent[:8]), folder=absent[0]),
        )


def _choose_figure(found: list[MetricInfo]) -> MetricInfo | None:
    if not found:
        return None
    keys = [figure.key for figure in found]
    key = st.selectbox(
        "Measure of quality",
        keys,
        format_func={info.key: info.label for info in found}.get,
        width=190,
        **state.choice("measure", keys, keys[0]),
    )
    return next(info for info in found if info.key == key)


def _choose_beams(found: list[str]) -> str | None:
    if len(found) < 2:
        return found[0] if found else None
    return st.segmented_control(
        "Decoding",
        found,
        required=True,
        format_func=lambda key: BEAM_NAMES.get(key, f"Beam {key}"),
        **state.choice("decoding", found, found[0]),
    )


def record(name: str, chosen: MetricInfo, beams: str) -> dict[str, Any]:
    """One model's line of the table; None wherever its card says nothing."""
    values = quality.measured(name, beams)
    return {
        "model": saved_models.label(name),
        "quality": quality.value(values, chosen.key),
        "low": quality.value(values, chosen.key, "low"),
        "high": quality.value(values, chosen.key, "high"),
        "ms": latency.milliseconds(name),
        "tokens_per_second": latency.tokens_per_second(name),
        "parameters": saved_models.parameters(name),
        "megabytes": saved_models.megabytes(name),
        "examples": values.get("examples"),
    }


def _method(found: floor.Floor, chosen: MetricInfo) -> dict[str, Any]:
    """The line of a floor that is no model: it has figures, no time and no size."""
    ends = {part: quality.value(found.values, chosen.key, part) for part in ("low", "high")}
    nothing = dict.fromkeys(("ms", "tokens_per_second", "parameters", "megabytes", "examples"))
    return {"model": found.label, "quality": found.value, **ends, **nothing}


def _overall(task: str, chosen: MetricInfo, beams: str) -> None:
    """The table of all models; below it quality over speed, and quality by length."""
    names = saved_models.models(task)
    rows = [record(name, chosen, beams) for name in names]
    st.header("Quality, speed, size", anchor=False)
    lowest = floor.of(names, chosen, beams)
    floors = filter(saved_models.is_floor, names) if lowest else ()
    marks = {saved_models.label(name): " (floor)" for name in floors}
    if lowest and lowest.name is None:
        marks[lowest.label] = " (floor)"
        rows.append(_method(lowest, chosen))
    _table(rows, chosen, latency.each(task), marks)
    if lowest:
        st.markdown(floor.told(names, chosen, beams))
    if apart := against.told(names, chosen, beams):
        st.markdown(apart)
    st.caption(_conditions(task, rows))
    by_length = quality_by_length.records(task, chosen, beams)
    left, right = st.columns(2, gap="large") if by_length else (st.container(), None)
    with left:
        _over_speed(task, chosen, rows)
    if right is not None:
        with right:
            _by_length(task, chosen, by_length)


def _over_speed(task: str, chosen: MetricInfo, rows: list[dict[str, Any]]) -> None:
    points = [row for row in rows if None not in (row["quality"], row["ms"], row["parameters"])]
    for point in points:  # a card without an interval has a point without a bar
        point["low"] = point["quality"] if point["low"] is None else point["low"]
        point["high"] = point["quality"] if point["high"] is None else point["high"]
    st.subheader("Quality over speed", anchor=False)
    if not points:
        st.caption("No card has quality, speed and size together yet.")
        return
    st.caption(f"{quality.ahead(chosen)} Size of a point: parameters. Bars: 95 % interval.")
    per = latency.each(task)
    described = "; ".join(
        f"{row['model']} {quality.brief(chosen, row['quality'])} at {row['ms']:.3g} ms"
        for row in points
    )
    figures.show(
        quality_charts.quality_scatter(
            points,
            title=chosen.label,
            higher_is_better=chosen.higher_is_better is not False,
            per=per,
            digits=chosen.digits,
            domain=quality_by_length.domain(task, chosen),
        ),
        alt_text=f"{chosen.label} over milliseconds {per}: {described}.",
        rows=points,
        file=f"{task}-{chosen.key}-over-speed",
    )


def _table(
    rows: list[dict[str, Any]], chosen: MetricInfo, per: str, marks: Mapping[str, str]
) -> None:
    """A line a model; `marks`: what is added to some models' labels. No column is empty."""
    figure = f"{chosen.label} {chosen.arrow}".strip()
    columns = {
        "Model": [row["model"] + marks.get(row["model"], "") for row in rows],
        figure: [row["quality"] for row in rows],
        "95 % interval": [interval(row["low"], row["high"], chosen.digits) for row in rows],
        f"ms {per}": [row["ms"] for row in rows],
        "Tokens/s": [row["tokens_per_second"] for row in rows],
        "Parameters": [row["parameters"] for row in rows],
        "MB": [row["megabytes"] for row in rows],
    }
    known = {
        title: values
        for title, values in columns.items()
        if title == figure or any(value is not None for value in values)
    }
    number = st.column_config.NumberColumn
    st.dataframe(
        [dict(zip(known, line, strict=True)) for line in zip(*known.values(), strict=True)],
        hide_index=True,
        column_config={
            figure: number(format=f"%.{chosen.digits}f"),
            f"ms {per}": number(format="%.2f" if per == "a token" else "%.1f"),
            "Tokens/s": number(format="localized"),
            "Parameters": number(format="localized"),
            "MB": number(format="%.1f"),
        },
        placeholder="–",
        alt=f"{chosen.label}, speed and size of each model",
    )


def interval(low: float | None, high: float | None, digits: int = 2) -> str | None:
    """Both ends in one cell, or None where either is not known."""
    return None if low is None or high is None else f"{low:,.{digits}f} to {high:,.{digits}f}"


def _every_figure(task: str, found: list[MetricInfo], beams: str) -> None:
    """All figures in one table, with their intervals: each sees another side of an answer."""
    st.subheader("Every measure", anchor=False)
    rows = []
    for name in saved_models.models(task):
        values, line = quality.measured(name, beams), {"Model": saved_models.label(name)}
        for info in found:
            value = quality.value(values, info.key)
            low, high = (quality.value(values, info.key, part) for part in ("low", "high"))
            ends = interval(low, high, info.digits)
            title = f"{info.label} {info.arrow}".strip()
            line[title] = None if value is None else info.text(value)
            line[title] = f"{line[title]} ({ends})" if value is not None and ends else line[title]
        rows.append(line)
    st.dataframe(rows, hide_index=True, placeholder="–", alt="Every measure of each model")


def _conditions(task: str, rows: list[dict[str, Any]]) -> str:
    """On how many examples, or tokens, and on which device the table was measured."""
    counts = sorted({row["examples"] for row in rows if isinstance(row["examples"], int)})
    devices = {latency.speed(name).get("device") for name in saved_models.models(task)} - {None}
    what = OF.get(saved_models.kind(task), "unseen test examples")
    parts = []
    if counts:
        parts.append(f"{' or '.join(f'{count:,}' for count in counts)} {what}")
    if devices:
        parts.append(f"speed measured on {quiet(' and '.join(sorted(map(str, devices))))}")
    text = "; ".join(parts)
    return (
        f"{text[0].upper()}{text[1:]}." if text else "The cards say nothing about the conditions."
    )


def _by_length(task: str, chosen: MetricInfo, found: list[dict[str, Any]]) -> None:
    """Quality by class of source length, one line a model; the axis is that of the other chart."""
    unit = f"{saved_models.info(task).input_unit}s"
    rows = quality_by_length.enough(found)
    st.subheader("Quality by length of the input", anchor=False)
    if not rows:
        st.info(quality_by_length.told(found))
        return
    st.caption(
        "Without attention, one vector has to carry a long input: do those lines fall faster?"
    )
    described = "; ".join(
        f"{row['model']} {row['quality']:.1f} at {row['label']} ({row['count']:,} examples)"
        for row in rows
    )
    figures.show(
        quality_charts.quality_by_length(
            rows,
            title=chosen.label,
            higher_is_better=chosen.higher_is_better is not False,
            unit=unit,
            domain=quality_by_length.domain(task, chosen),
        ),
        alt_text=f"{chosen.label} by length of the input: {described}.",
        rows=rows,
        file=f"{task}-{chosen.key}-by-length",
    )
    st.markdown(quality_by_length.change(rows, chosen, unit))
    st.caption(quality_by_length.told(found))


def _definitions(found: list[MetricInfo]) -> None:
    if not found:
        return
    with st.expander("What the measures mean"):
        for figure in found:
            st.markdown(f"**{figure.label}.** {figure.meaning}")
        st.markdown(
            "**95 % interval.** Where the figure falls in 95 of 100 test sets drawn anew, with "
            "replacement, from this one (bootstrap); of a text or of series, stretches are drawn."
        )
