"""Speed of the shipped models: where a request's time goes, and quality over time of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from apps import figures, quality, saved_models, widgets
from apps.charts import speed as speed_charts
from apps.json_values import mapping, number
from apps.markdown import plain
from apps.sections import speed_data, speed_here
from apps.sections.speed_data import Results
from apps.sections.speed_layout import DRAW, anchor, as_table, curves_command, in_pairs
from zoo.metric_info import MetricInfo


def section(results: Results) -> None:
    """What is known of the models in saved_models, by task, and the button that measures them."""
    st.header("The shipped models", anchor="shipped")
    if (task := widgets.task(kinds=widgets.KINDS)) is None:
        return
    stored = speed_data.breakdown(results.curves, task)
    if saved_models.kind(task) != "seq2seq":  # the others answer in one loop or one pass
        _quality(task)
    else:
        in_pairs([lambda: _stages(task, stored, results), lambda: _quality(task)])
    for name, records in speed_data.quality_files().items():
        title = f"Quality of longer training: {plain(name)}"
        st.subheader(title, anchor=anchor("longer", name))
        as_table(records, file=f"quality-{name}", alt=f"Records of {name}")
    st.subheader("On this machine", anchor="here")
    speed_here.section(task, stored, results.curves)


def _stages(task: str, stored: list[dict[str, Any]], results: Results) -> None:
    """Where the time of a stored request went."""
    st.subheader("Where a request's time goes", anchor="stages")
    if not stored:
        st.info(
            f"Not yet measured for this task on this device. `{DRAW}` does it; the button below "
            "measures it here."
        )
        return
    st.markdown(
        f"One request, warm: “{plain(str(stored[0].get('text') or ''))}” is cut into tokens, read "
        "(encoded) and answered token by token; a pass over both then gives the maps."
    )
    records = [
        record
        for one in stored
        for record in speed_data.stage_records(saved_models.label(one["model"]), one["stages"])
    ]
    described = "; ".join(
        f"{saved_models.label(one['model'])}: "
        + ", ".join(f"{speed_data.STAGES.get(s, s)} {ms:.2f}" for s, ms in one["stages"].items())
        for one in stored
    )
    figures.show(
        speed_charts.stage_bars(records),
        alt_text=f"Milliseconds of one request by stage. {described}.",
        rows=records,
        file=f"speed-{task}-stages",
    )
    st.caption(speed_data.origin(results.curves, curves_command(results)))
    as_table(
        [
            {
                "Model": saved_models.label(one["model"]),
                **{speed_data.STAGES.get(s, s): ms for s, ms in one["stages"].items()},
                "Tokens written": one.get("pieces_written"),
            }
            for one in stored
        ],
        file=f"speed-{task}-stages",
        alt="Milliseconds of one request by stage",
    )


def _quality(task: str) -> None:
    """Quality over the processor's minutes of training, from the models' cards."""
    st.subheader("Quality for the time of training", anchor="training")
    found = quality.figures(task)
    rows = quality_records(task, found[0]) if found else []
    if not rows:
        st.info("The cards of these models do not say both how good they are and how long it took.")
        return
    figure = found[0]
    st.markdown(f"{quality.ahead(figure)} {figure.label}: {figure.meaning}")
    described = "; ".join(
        f"{row['model']} {quality.brief(figure, row['quality'])} after {row['cpu_minutes']:.1f}"
        for row in rows
    )
    file = f"speed-{task}-quality"
    figures.show(
        speed_charts.quality_minutes(
            rows,
            title=figure.label,
            higher_is_better=figure.higher_is_better is not False,
            digits=figure.digits,
        ),
        alt_text=f"{figure.label} over CPU-minutes of training: {described}.",
        rows=rows,
        file=file,
    )
    device = "; ".join(dict.fromkeys(str(row["device"]) for row in rows))
    dates = ", ".join(dict.fromkeys(str(row["date"]) for row in rows))
    st.caption(f"{plain(device)}; {dates}. The commands are in the table and on the models' cards.")
    as_table(_quality_table(rows, figure), file=file, alt=f"{figure.label} and CPU-minutes")


def _quality_table(rows: Sequence[Mapping[str, Any]], figure: MetricInfo) -> list[dict]:
    return [
        {
            "Model": row["model"],
            figure.label: row["quality"],
            "CPU-minutes": row["cpu_minutes"],
            # Errors per minute would be highest for a network that makes many in little time.
            **(
                {f"{figure.label} a CPU-minute": round(row["quality"] / row["cpu_minutes"], 3)}
                if figure.higher_is_better
                else {}
            ),
            "Device": row["device"],
            "Date": row["date"],
            "Command": row["command"],
        }
        for row in rows
    ]


def quality_records(task: str, figure: MetricInfo) -> list[dict[str, Any]]:
    """One record a model whose card tells both quality and CPU-minutes."""
    rows = []
    for name in saved_models.models(task):
        card = saved_models.card(name)
        training = mapping(card.get("training"))
        minutes = number(training.get("cpu_minutes"))
        values = next(
            (v for beams in quality.decodings(task) if (v := quality.measured(name, beams))), {}
        )
        score = quality.value(values, figure.key)
        if not minutes or score is None:
            continue
        low, high = (quality.value(values, figure.key, part) for part in ("low", "high"))
        rows.append(
            {
                "model": saved_models.label(name),
                "quality": score,
                "low": score if low is None else low,
                "high": score if high is None else high,
                "cpu_minutes": minutes,
                "device": training.get("device") or "unknown device",
                "date": card.get("date") or "unknown date",
                "command": training.get("command"),
            }
        )
    return rows
