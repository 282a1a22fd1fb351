"""Stretches of the test side of series: from the data where that is here, else stored examples.

Nothing is fetched. A stretch has a number, its place among the windows of the test side, which is
the same in both.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps import saved_models
from apps.json_values import mapping


@dataclass(frozen=True)
class Stretch:
    """What was, before and after the moment a forecast is made.

    Args:
        columns: names of the C series.
        history: (L, C) in the unit of the data.
        truth: (H, C), what came.
        times: (L + H,) datetime64 of both, None where time is not told.
    """

    columns: tuple[str, ...]
    history: np.ndarray
    truth: np.ndarray
    times: np.ndarray | None = None


@dataclass(frozen=True)
class Side:
    """The test side of a task, as far as it is here.

    Args:
        columns: names of the series.
        numbers: of the stretches that there are, in order.
        usual: the one that a page opens with.
        stored: the stretches themselves, where they are stored ones.
        values: (N, C) otherwise: the test side, which begins `lookback` steps before its border.
        times: (N,) of them.
        lookback, horizon: of the protocol.
    """

    columns: tuple[str, ...]
    numbers: tuple[int, ...]
    usual: int
    stored: Mapping[int, Stretch] | None = None
    values: np.ndarray | None = None
    times: np.ndarray | None = None
    lookback: int = 0
    horizon: int = 0

    def stretch(self, number: int) -> Stretch:
        """The stretch of that number."""
        if self.stored is not None:
            return self.stored[number]
        middle, end = number + self.lookback, number + self.lookback + self.horizon
        times = None if self.times is None else self.times[number:end]
        return Stretch(self.columns, self.values[number:middle], self.values[middle:end], times)


def side(task: str) -> Side | None:
    """The test side of a task; None where neither its data nor stored stretches are here."""
    return _of_data(task) or _of_examples(task)


def _of_data(task: str) -> Side | None:
    """From the data on this computer."""
    from training.data import download

    for name in saved_models.models(task):
        protocol = saved_models.config(name).get("protocol")
        if not isinstance(protocol, dict):
            continue
        try:
            with download.only_what_is_here():
                return _read(saved_models.task_name(name), json.dumps(protocol))
        except (ValueError, OSError, RuntimeError):
            return None
    return None


@functools.lru_cache(maxsize=4)
def _read(task: str, protocol: str) -> Side:
    """The test side of a task by the protocol of a model folder (JSON)."""
    from training import tasks
    from training.store_windows import spread

    found = tasks.of_model({"task": task, "protocol": json.loads(protocol)})
    values, one = found.part("test"), found.protocol
    count = len(found.begins("test"))
    return Side(
        found.series().columns,
        tuple(range(count)),
        middle(spread(count)),
        values=values,
        times=found.times("test"),
        lookback=one.lookback,
        horizon=one.horizon,
    )


def _of_examples(task: str) -> Side | None:
    """From the examples that a model of the task has stored; what is damaged is left out."""
    for name in saved_models.models(task):
        found: dict[int, Stretch] = {}
        for record in saved_models.examples(name):
            try:
                found[int(record["begin"])] = _stretch(record)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
        if found:
            numbers = tuple(sorted(found))
            columns = found[numbers[0]].columns
            return Side(columns, numbers, middle(numbers), stored=found)
    return None


def _stretch(record: Mapping[str, Any]) -> Stretch:
    """A record of examples.json, of `training.store_windows`; raises where it is damaged."""
    columns = tuple(record["history"])
    history, truth = (
        np.array([record[part][name] for name in columns], dtype="float64").T
        for part in ("history", "truth")
    )
    if history.ndim != 2 or truth.ndim != 2 or not np.isfinite(history).all():
        raise ValueError("a stored stretch is (steps, series)")
    times = None
    if record.get("start") and record.get("step"):
        steps = np.arange(len(history) + len(truth)) * round(record["step"])
        times = np.datetime64(record["start"], "s") + steps.astype("timedelta64[s]")
    return Stretch(columns, history, truth, times)


def middle(numbers: Sequence[int]) -> int:
    """The one of some stretches that a page opens with, chosen by its place alone."""
    return numbers[(len(numbers) - 1) // 2]


def source(task: str) -> dict[str, str]:
    """What the cards say of where the series are from: corpus, url, licence, attribution."""
    for name in saved_models.models(task):
        if data := mapping(saved_models.card(name).get("data")):
            return {key: value for key, value in data.items() if isinstance(value, str)}
    return {}
