"""Speed: a chart a measure, this package beside the other toolkits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from apps import figures, state
from apps.charts import speed as speed_charts
from apps.markdown import plain
from apps.sections import speed_data
from apps.sections.speed_data import Results
from apps.sections.speed_layout import MEASURE, anchor, as_table, in_pairs


def section(results: Results, rows: Sequence[Mapping[str, Any]]) -> None:
    """A chart a measure: ours beside the other toolkits. The same unit has the same scale."""
    st.header("Beside other toolkits", anchor="peers")
    if not rows:
        st.info(
            f"Nothing has been measured beside other toolkits yet. `{MEASURE}` does it and writes "
            "`benchmarks/results/`."
        )
        return
    st.caption(
        "Medians over rounds in which every system was measured in turn; lines from the least to "
        "the most. In brackets: how many times better zoo was (above 1: zoo is ahead). Blue is "
        "zoo, pale blue its other networks and settings; dashed and dotted lines are what the "
        "machine's matrix products alone would allow. Charts in one unit have one scale."
    )
    bars: dict[str, list[dict[str, Any]]] = {}
    limits: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        bars.setdefault(row["unit"], []).extend(speed_data.bars(row))
        limits.setdefault(row["unit"], []).extend(speed_data.ceilings(row, results.rows))
    wide = {unit for unit, found in bars.items() if speed_charts.differs_widely(found)}
    log = bool(wide) and st.toggle(
        "Logarithmic scale where values lie far apart",
        **state.flag("log", True),
        help="Each step of the scale is then a multiple, and a system is a point, not a bar.",
    )
    domains = {
        unit: speed_charts.peer_domain(found, limits[unit], log=log and unit in wide)
        for unit, found in bars.items()
    }
    in_pairs(
        [
            lambda row=row: _peer_chart(
                row, results.rows, log=log and row["unit"] in wide, domain=domains[row["unit"]]
            )
            for row in rows
        ]
    )


def _peer_chart(
    row: Mapping[str, Any], rows: list[dict[str, Any]], *, log: bool, domain: tuple[float, float]
) -> None:
    found = speed_data.bars(row)
    limits = speed_data.ceilings(row, rows)
    measure, unit = row["measure"], row["unit"]
    title = speed_data.TITLES.get(measure, measure)
    st.subheader(plain(title), anchor=anchor("peers", measure))
    st.markdown(f"{speed_data.verdict(row, found)} {speed_data.reach(row, limits)}")
    file = f"speed-{speed_data.file_name(measure)}"
    described = ", ".join(f"{bar['system']} {speed_charts.written(bar)}" for bar in found)
    figures.show(
        speed_charts.peer_bars(found, limits, unit=unit, log=log, domain=domain),
        alt_text=f"{title}, {unit}: {described}.",
        rows=[{"measure": measure, "unit": unit, **bar} for bar in found],
        file=file,
    )
    st.caption(speed_data.origin(row, speed_data.command(row)))
    as_table(
        [
            {
                "System": bar["system"],
                f"Median, {unit}": bar["value"],
                "Least": bar["low"],
                "Most": bar["high"],
                "zoo is ahead, ×": bar["ratio"],
                "at least": bar["ratio_low"],
                "at most": bar["ratio_high"],
            }
            for bar in found
        ],
        file=file,
        alt=title,
    )
