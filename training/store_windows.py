"""Windows of a test side, stored beside a floor, so that pages show real series without the data.

`training.store_examples` is the command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from training.evaluate_forecasts import FLOOR

if TYPE_CHECKING:
    from training.tasks.forecasting import Forecasting
    from zoo.inference.forecaster_base import ForecasterBase

COUNT = 8
"""Windows of a task that are stored."""
DIGITS = 4
"""After the point of a stored value."""
MAY_NOT = ("not stated", "the owner's")
"""Licences under which a series is not passed on."""


def is_kept_beside(model: ForecasterBase, task: Forecasting) -> bool:
    """Whether the windows of a task lie in this model's folder: the floor's, if they may."""
    return model.config["model"] == FLOOR and task.source.licence not in MAY_NOT


def spread(count: int, some: int = COUNT) -> list[int]:
    """At most `some` of `count` windows, evenly spaced, the first and the last among them.

    Example:
        >>> spread(11, 3), spread(2)
        ([0, 5, 10], [0, 1])
    """
    return sorted({round(i) for i in np.linspace(0, count - 1, min(some, count)).tolist()})


def windows(task: Forecasting, count: int = COUNT) -> list[dict[str, Any]]:
    """Windows of the test side, evenly spaced, as examples.json holds them.

    Each has `begin`, its place among the windows of the test side; `start`, the time of its first
    step, and `step`, seconds, both null where time is not told; `history` and `truth`, values by
    column in the unit of the data.
    """
    values, times, one = task.part("test"), task.times("test"), task.protocol
    columns, step = task.series().columns, task.series().step
    found = []
    for begin in spread(len(task.begins("test")), count):
        middle, end = begin + one.lookback, begin + one.lookback + one.horizon
        told = times is not None and step is not None
        found.append(
            {
                "begin": begin,
                "start": str(times[begin]) if told else None,
                "step": step if told else None,
                "history": _by_column(columns, values[begin:middle]),
                "truth": _by_column(columns, values[middle:end]),
            }
        )
    return found


def _by_column(columns: tuple[str, ...], values: np.ndarray) -> dict[str, list[float]]:
    return {
        name: [round(float(one), DIGITS) for one in values[:, place]]
        for place, name in enumerate(columns)
    }
