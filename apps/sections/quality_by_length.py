"""Quality by length of the input: which classes have enough examples to be drawn, and how sure.

Everything comes from the models' cards. A class of few examples is left out of every chart: two
sentences can put any model ahead of any other.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps import quality, saved_models
from apps.json_values import number
from apps.markdown import plain
from zoo.metric_info import MetricInfo

FEWEST = 30
"""Examples of a class of length that is drawn: fewer say next to nothing."""
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
"""Of an axis' labels; the first that makes few of them."""


def records(
    task: str, figure: MetricInfo, beams: str, names: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """One record a model and class: `model`, `label`, `quality`, `low`, `high`, `count`.

    `low` and `high` are None where the card has no interval; `count` where it does not say.
    `names`: of these models only.
    """
    rows = []
    for name in saved_models.models(task) if names is None else names:
        classes = quality.measured(name, beams).get("by_length")
        for entry in classes if isinstance(classes, list) else ():
            value = number(entry.get(figure.key)) if isinstance(entry, dict) else None
            if value is None or "label" not in entry:
                continue
            low, high = _interval(entry.get("intervals"), figure.key)
            count = entry.get("count")
            rows.append(
                {
                    "model": saved_models.label(name),
                    "label": str(entry["label"]),
                    "quality": value,
                    "low": low,
                    "high": high,
                    "count": count if isinstance(count, int) else None,
                }
            )
    return rows


def enough(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records of at least `FEWEST` examples."""
    return [dict(row) for row in rows if (row["count"] or 0) >= FEWEST]


def told(rows: Sequence[Mapping[str, Any]]) -> str:
    """What is drawn and what is not, for below the chart."""
    drawn = enough(rows)
    left: dict[str, list[int]] = {}
    for row in rows:
        if (row["count"] or 0) < FEWEST:
            left.setdefault(row["label"], []).append(row["count"] or 0)
    parts = []
    if any(row["low"] is not None for row in drawn):
        parts.append("Bars: 95 % interval.")
    elif drawn:
        parts.append("The cards hold no intervals by length yet.")
    if left:
        listed = ", ".join(
            f"{plain(label)} ({max(counts):,})" if max(counts) else plain(label)
            for label, counts in left.items()
        )
        parts.append(f"Not drawn, for they have fewer than {FEWEST} examples: {listed}.")
    return " ".join(parts)


def change(rows: Sequence[Mapping[str, Any]], figure: MetricInfo, unit: str) -> str:
    """How each model's figure changes from the first class to the last that is drawn, in words."""
    labels = list(dict.fromkeys(row["label"] for row in rows))
    if len(labels) < 2:
        return ""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["model"], {})[row["label"]] = row["quality"]
    first, last = labels[0], labels[-1]
    listed = ", ".join(
        f"{model} {_signed(values[last] - values[first])}"
        for model, values in found.items()
        if first in values and last in values
    )
    if not listed:
        return ""
    classes = f"from {plain(first)} to {plain(last)} {unit}"
    return f"Change of {figure.label} {classes}, in points: {listed}."


def domain(task: str, figure: MetricInfo) -> tuple[float, float] | None:
    """The ends of an axis that holds every figure of the task, whatever the decoding.

    So the charts of one page are drawn to one scale, and a change of decoding moves the points
    and not the axis. None where there are no figures.
    """
    ends: list[float] = []
    for beams in quality.decodings(task):
        for name in saved_models.models(task):
            values = quality.measured(name, beams)
            ends += [
                end
                for part in ("value", "low", "high")
                if (end := quality.value(values, figure.key, part)) is not None
            ]
        for row in enough(records(task, figure, beams)):
            ends += [row[part] for part in ("quality", "low", "high") if row[part] is not None]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    space = 0.04 * (high - low) or 1.0
    step = next((one for one in STEPS if (high - low + 2 * space) / one <= 8), STEPS[-1])
    floor = max(math.floor((low - space) / step) * step, 0 if low >= 0 else -math.inf)
    ceiling = math.ceil((high + space) / step) * step
    ceiling = min(ceiling, 100) if high <= 100 else ceiling
    return round(float(floor), 6), round(float(ceiling), 6)  # of many steps of 0.1


def _signed(number: float) -> str:
    text = f"{number:+.1f}".replace("-", "−")
    return "0.0" if text in ("+0.0", "−0.0") else text


def _interval(found: Any, key: str) -> tuple[float | None, float | None]:
    ends = found.get(key) if isinstance(found, dict) else None
    if not isinstance(ends, list) or len(ends) != 2:
        return None, None
    low, high = map(number, ends)
    return (None, None) if low is None or high is None else (low, high)
