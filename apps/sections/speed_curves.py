"""Speed against length and batch: a chart a measure, and what its curves say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from apps import figures
from apps.charts import speed as speed_charts
from apps.markdown import plain
from apps.sections import speed_data
from apps.sections.speed_data import Results
from apps.sections.speed_layout import DRAW, anchor, as_table, curves_command, in_pairs, titled


def section(results: Results, groups: Mapping[str, list[dict[str, Any]]]) -> None:
    """A chart a measure: lines by model against length or batch. One unit has one scale."""
    st.header("Against length and batch", anchor="curves")
    if not groups:
        st.info(
            f"No curves have been measured on this device yet. `{DRAW}` does it and writes "
            "`benchmarks/results/`."
        )
        return
    st.caption(
        "Both axes are logarithmic: a straight line is a power of the length, and its slope the "
        "exponent. At 1, twice the length takes twice as much; at 2, four times. Pale bars reach "
        "from the least to the most. Charts in one unit have one scale."
    )
    ends = shared_ends(groups)
    in_pairs(
        [
            lambda name=name, group=group: _curve_chart(name, group, results, ends[axes_of(group)])
            for name, group in groups.items()
        ]
    )


def _curve_chart(
    name: str, group: list[dict[str, Any]], results: Results, ends: tuple[float, float]
) -> None:
    first = group[0]
    title = titled(group)
    unit, x_title = axes_of(group)
    points = speed_data.curve_points(group)
    st.subheader(plain(title), anchor=anchor("curves", name))
    better = "Higher is better." if first.get("higher_is_better") else "Lower is better."
    st.markdown(f"{better} {reading(group)}")
    file = f"speed-curves-{name}"
    fitted = speed_data.exponents(group)
    described = "; ".join(
        f"{one['line']} {point['value']:,.4g} {unit} at {point['x']:,g}"
        for one in group
        for point in (one["points"][0], one["points"][-1])
    )
    figures.show(
        speed_charts.curve_lines(points, x_title=x_title, unit=unit, ends=ends),
        alt_text=f"{title}, against {x_title}: {described}.",
        rows=[{"measure": first["measure"], "unit": unit, **point} for point in points],
        file=file,
    )
    if fitted:
        st.markdown(
            "Fitted exponents: "
            + "; ".join(
                f"{plain(one['line'])} **{one['exponent']:.2f}**"
                + (f" ({one['range']})" if one["range"] else "")
                for one in fitted
            )
            + "."
        )
    for note in notes(group):
        st.caption(note)
    st.caption(speed_data.origin(results.curves, curves_command(results)))
    as_table(speed_data.by_place(points, x_title), file=file, alt=title)


def shared_ends(
    groups: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[tuple[str, str], tuple[float, float]]:
    """By unit and x-axis, the least and the most of all curves: so charts share their scale."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for group in groups.values():
        points = speed_data.curve_points(group)
        low, high = (min(p["low"] for p in points), max(p["high"] for p in points))
        key = axes_of(group)
        before = found.get(key, (low, high))
        found[key] = (min(low, before[0]), max(high, before[1]))
    return found


def axes_of(group: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The unit and the x-axis of a measure's curves."""
    return str(group[0].get("unit") or ""), str(group[0].get("x") or "x")


def reading(group: Sequence[Mapping[str, Any]], x: float | None = None) -> str:
    """Which curve is lowest and which highest at `x` (the last place, by default), in Markdown."""
    points = speed_data.curve_points(group)
    x = max((point["x"] for point in points), default=0) if x is None else x
    here = sorted((p for p in points if p["x"] == x), key=lambda point: point["value"])
    if not here:
        return ""
    unit, x_title = axes_of(group)
    least, most = (
        f"{plain(p['line'])}, {p['value']:,.3g} {plain(unit)}" for p in (here[0], here[-1])
    )
    at = f"At {x:,.0f} {plain(x_title)}"
    if len(here) == 1:
        return f"{at}: {least}."
    return f"{at}: the least is {least}; the most {most}."


def notes(group: Sequence[Mapping[str, Any]]) -> list[str]:
    """How the curves were measured, each way once and with the names that it holds for."""
    lines: dict[str, list[str]] = {}
    for one in group:
        # What twice the length takes is said by the exponents, where every curve has its name.
        if note := str(one.get("note") or "").partition(" Twice")[0].strip():
            lines.setdefault(note, []).append(one["line"])
    if [len(names) for names in lines.values()] == [len(group)]:
        return [plain(note) for note in lines]
    return [f"{plain(', '.join(names))}: {plain(note)}" for note, names in lines.items()]


def steepest(groups: Sequence[Sequence[Mapping[str, Any]]]) -> int:
    """Place of the measure whose curves grow most differently: it has the most to say."""

    def spread(group: Sequence[Mapping[str, Any]]) -> float:
        found = [one["exponent"] for one in speed_data.exponents(group)]
        return max(found) - min(found) if found else 0.0

    return max(range(len(groups)), key=lambda place: spread(groups[place]), default=0)
