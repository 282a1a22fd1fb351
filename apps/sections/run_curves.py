"""The curves of trainings: what can be drawn, the points of a chart, and the best of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from apps import model_places
from apps.sections.run_data import Run
from zoo import metric_info

POINTS = 4000
"""Points of one chart, over all its lines."""
LOSS = "loss"
VALID = "valid_"
"""How the columns of the validation side begin."""
ALONG = {"step": "Step", "epoch": "Epoch", "minutes": "Minutes of training"}
"""What a curve may be drawn against."""
OTHERS = {"learning_rate": "Learning rate", "tokens_per_second": "Tokens a second"}
"""Columns of `history.csv` that are neither a loss nor a metric."""
SIDES = ("training", "validation")


def measures(runs: Iterable[Run]) -> dict[str, metric_info.MetricInfo]:
    """What can be drawn of these runs, by its name: the loss first, then metrics, then the rest."""
    keys = dict.fromkeys(key for run in runs for row in run.rows for key in row)
    found = {}
    if LOSS in keys or f"{VALID}{LOSS}" in keys:
        found[LOSS] = metric_info.MetricInfo(LOSS, "Loss", higher_is_better=False)
    for key in keys:
        metric = key.removeprefix(VALID)
        if key.startswith(VALID) and metric != LOSS:
            found[metric] = metric_info.METRICS.get(
                metric, metric_info.MetricInfo(metric, model_places.shown(metric))
            )
    found |= {key: metric_info.MetricInfo(key, OTHERS[key]) for key in OTHERS if key in keys}
    return found


def points(runs: Sequence[Run], measure: str, along: str) -> list[dict[str, Any]]:
    """The curves of some runs as records: `run`, `side`, `x`, `y`, `step`; thinned where too many.

    Args:
        runs: the runs.
        measure: a key of `measures`.
        along: a key of `ALONG`.
    """
    columns = {LOSS: {LOSS: SIDES[0], f"{VALID}{LOSS}": SIDES[1]}}.get(
        measure, {measure: SIDES[0]} if measure in OTHERS else {f"{VALID}{measure}": SIDES[1]}
    )
    lines = []
    for run in runs:
        for column, side in columns.items():
            line = []
            for row in run.rows:
                x = row.get(along, 0.0 if row["step"] == 0 else None)
                if x is not None and column in row:
                    one = {"run": run.label, "side": side, "x": x, "y": row[column]}
                    line.append({**one, "step": int(row["step"])})
            lines.append(line)
    most = max(POINTS // max(len(lines), 1), 2)
    return [one for line in lines for one in thinned(line, most)]


def thinned(line: Sequence[Any], most: int) -> list[Any]:
    """At most `most` of the points of a line, evenly chosen, its ends among them."""
    if len(line) <= most:
        return list(line)
    last = len(line) - 1
    return [line[round(place * last / (most - 1))] for place in range(most)]


def best(run: Run, info: metric_info.MetricInfo) -> tuple[float, int] | None:
    """The best value on the validation side and its step; None where there is none."""
    column = f"{VALID}{info.key}"
    found = [(row[column], int(row["step"])) for row in run.rows if column in row]
    if not found or info.higher_is_better is None:
        return None
    sign = 1 if info.higher_is_better else -1
    return max(found, key=lambda one: sign * one[0])
