"""Leaderboard: quality, speed and size of all models, from their cards and test answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from apps import figures, links, quality, saved_models, state, widgets
from apps.charts import quality as quality_charts
from apps.markdown import plain, quiet
from apps.sections import floor, latency, quality_by_length
from zoo.metric_info import MetricInfo

BEAM_NAMES = {"1": "Greedy"}
MAX_BROWSED = 500


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
    _not_graded(task)
    _definitions(found)
    _browse(task)


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


def _overall(task: str, chosen: MetricInfo, beams: str) -> None:
    """The table of all models; below it quality over speed, and quality by length."""
    names = saved_models.models(task)
    rows = [record(name, chosen, beams) for name in names]
    st.header("Quality, speed, size", anchor=False)
    lowest = floor.of(names, chosen, beams)
    marks = {saved_models.label(lowest): " (floor)"} if lowest else {}
    _table(rows, chosen, latency.per(task), marks)
    if lowest:
        st.markdown(floor.told(names, chosen, beams))
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
    per = latency.per(task)
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
        alt_text=f"{chosen.label} over milliseconds a {per}: {described}.",
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
        f"ms a {per}": [row["ms"] for row in rows],
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
            f"ms a {per}": number(format="%.2f" if per == "token" else "%.1f"),
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


def _conditions(task: str, rows: list[dict[str, Any]]) -> str:
    """On how many examples, or tokens, and on which device the table was measured."""
    counts = sorted({row["examples"] for row in rows if isinstance(row["examples"], int)})
    devices = {latency.speed(name).get("device") for name in saved_models.models(task)} - {None}
    what = "unseen test examples"
    if saved_models.kind(task) == "language_model":
        what = "tokens of the test text"
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
            "replacement, from this one (bootstrap); of a text, stretches of it are drawn."
        )


def _browse(task: str) -> None:
    """Test predictions of two models, those on which they differ most first."""
    names = [name for name in reversed(saved_models.models(task)) if saved_models.predictions(name)]
    if len(names) < 2:
        return
    st.header("Where two models differ most", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        one = _model("One model", "one", names)
        other = _model("Another", "other", [name for name in names if name != one])
        orders = ("widest", "one", "other")
        ahead = st.selectbox(
            "Show first",
            orders,
            format_func={
                "widest": "Where they differ most",
                "one": f"Where {saved_models.label(one)} is ahead",
                "other": f"Where {saved_models.label(other)} is ahead",
            }.get,
            width=280,
            **state.choice("ahead", orders, "widest"),
        )
    rows = side_by_side(saved_models.predictions(one), saved_models.predictions(other), ahead)
    if not rows:
        st.caption("These two models have no test input in common.")
        return
    labels = (saved_models.label(one), saved_models.label(other))
    shown = [
        {
            "Input": row["source"],
            labels[0]: row["one"],
            labels[1]: row["other"],
            "Accepted": row["references"],
            f"Score, {labels[0]}": row["one_score"],
            f"Score, {labels[1]}": row["other_score"],
        }
        for row in rows[:MAX_BROWSED]
    ]
    number = st.column_config.NumberColumn(format="%.0f", width="small")
    picked = st.dataframe(
        shown,
        hide_index=True,
        column_config={f"Score, {label}": number for label in labels},
        height=min(420, 38 + 35 * len(shown)),
        alt=f"Test inputs with the outputs of {labels[0]} and {labels[1]}",
        key=state.key(f"browse.{one}.{other}.{ahead}"),
        on_select="rerun",
        selection_mode="single-row",
    )
    what = "chrF of the one output" if task == "en-es" else "100 where right, 0 where wrong"
    st.caption(f"{len(rows):,} test inputs. Score: {what}. Select a row to look closer at it.")
    for place in picked.selection.rows[:1]:
        row = rows[place]
        for name, answer in ((one, row["one"]), (other, row["other"])):
            st.markdown(f"**{saved_models.label(name)}:** {plain(str(answer))}")
            links.look_closer(name, str(row["source"]), str(answer), elsewhere=True)


def _model(label: str, key: str, names: list[str]) -> str:
    return st.selectbox(
        label,
        names,
        format_func=saved_models.label,
        width=200,
        **state.choice(key, names, names[0], ids=saved_models.id_of),
    )


def side_by_side(
    one: list[dict[str, Any]], other: list[dict[str, Any]], ahead: str = "widest"
) -> list[dict[str, Any]]:
    """The inputs both models answered, sorted by how far their scores lie apart.

    Args:
        one, other: records of predictions.json.
        ahead: "widest" for the distance either way; "one" or "other" for a lead of that model.

    Ties (both right, both wrong) are broken by how differently sure the two were.
    """
    answered = {entry.get("source"): entry for entry in other}
    rows = []
    for entry in one:
        partner = answered.get(entry.get("source"))
        if partner is None:
            continue
        rows.append(
            {
                "source": entry.get("source"),
                "one": entry.get("prediction"),
                "other": partner.get("prediction"),
                "references": " / ".join(map(str, entry.get("references") or [])),
                "one_score": score(entry),
                "other_score": score(partner),
                "surer": (entry.get("log_prob") or 0.0) - (partner.get("log_prob") or 0.0),
            }
        )
    sign = {"one": 1.0, "other": -1.0}.get(ahead)

    def lead(row: dict[str, Any]) -> tuple[float, bool, float]:
        apart = row["one_score"] - row["other_score"]
        surer = row["surer"]
        if sign is None:
            return abs(apart), row["one"] != row["other"], abs(surer)
        return sign * apart, row["one"] != row["other"], sign * surer

    return sorted(rows, key=lead, reverse=True)


def score(entry: dict[str, Any]) -> float:
    """chrF where the record has it, else 100 for right and 0 for wrong."""
    if isinstance(entry.get("chrf"), int | float):
        return float(entry["chrf"])
    return 100.0 if entry.get("correct") else 0.0
