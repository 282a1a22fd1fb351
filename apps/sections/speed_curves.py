"""What curves against length and batch say: shared scales, who is least and most, how measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.markdown import plain
from apps.sections import speed_data


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
