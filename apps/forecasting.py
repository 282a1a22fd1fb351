"""Forecasts by models in memory, remembered for all readers; and the errors of one."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from apps import inference, memory, saved_models
from apps.stretches import Stretch

if TYPE_CHECKING:
    from zoo.forecast import Forecast

FIGURES = ("mse", "mae", "crps", "coverage")
"""Of one stretch; the scale of MASE is known of the whole training part only."""


@dataclasses.dataclass(frozen=True)
class Question:
    """What every model is asked.

    Args:
        task: of the models.
        names: of the models.
        columns: of the C series.
        history: (L, C) in the unit of the data.
        column: which of them is looked at.
        stretch: of the test side, where it is one: what came is known.
        times: (L + H,) datetime64 of the history and of all that is forecast; None: not told.
        single: a series that the models were not trained on, and that is read alone.
    """

    task: str
    names: tuple[str, ...]
    columns: tuple[str, ...]
    history: np.ndarray
    column: int = 0
    stretch: Stretch | None = None
    times: np.ndarray | None = None
    single: bool = False

    @property
    def truth(self) -> np.ndarray | None:
        """(H,) what came of the series that is looked at; None where that is not known."""
        return None if self.stretch is None else self.stretch.truth[:, self.column]

    @property
    def called(self) -> str:
        """The series that is looked at."""
        return self.columns[self.column]

    def ask(self, name: str, say: Callable[[str], None]) -> Forecast:
        """The answer of a model. Raises whatever went wrong."""
        if self.single:
            return of_one(name, self.history[:, 0], self.called, say)
        return answered(name, self.history, self.columns, say)


def answered(
    name: str, history: np.ndarray, columns: tuple[str, ...], say: Callable[[str], None]
) -> Forecast:
    """What a model expects to follow (L, C) `history` of `columns`, with its maps.

    Raises:
        Exception: whatever went wrong; nothing of it stays in memory.
    """

    def compute(model: Any) -> Forecast:
        by_name = {column: history[:, place] for place, column in enumerate(columns)}
        return model.predict(by_name)[0]

    return _remembered(name, ("forecast", columns, digest(history)), compute, say)


def of_one(name: str, series: np.ndarray, column: str, say: Callable[[str], None]) -> Forecast:
    """What a network that reads each series by itself expects to follow any (L,) series.

    Raises:
        Exception: as `answered`.
    """
    question = ("forecast of one", column, digest(series))
    return _remembered(name, question, lambda model: model.predict_other(series, column), say)


def _remembered(
    name: str,
    question: tuple[Any, ...],
    compute: Callable[[Any], Forecast],
    say: Callable[[str], None],
) -> Forecast:
    key = memory.key(name, *question)
    if (found := memory.get(key)) is not None:
        return found
    with inference.answering(name, say) as model:
        if (found := memory.get(key)) is not None:  # another session has asked the same meanwhile
            return found
        say("computing")
        return memory.put(key, compute(model))


def digest(values: np.ndarray) -> str:
    """Stands for an array in the memory of answers."""
    return hashlib.sha256(np.ascontiguousarray(values, "float64").tobytes()).hexdigest()


def errors(name: str, answer: Forecast, stretch: Stretch, column: int) -> dict[str, float]:
    """The figures of one series of one stretch, computed as those of the cards are, in z-scores.

    Args:
        name: of the model, whose scaler says what a standard deviation is.
        answer: its forecast.
        stretch: what was.
        column: which series.
    """
    from training.metrics import forecasting
    from zoo.inference.forecaster_base import read_scaler

    scaler = read_scaler(saved_models.folder(name), saved_models.config(name))
    steps = min(len(answer.mean), len(stretch.truth))
    place = scaler.columns.index(stretch.columns[column])
    mean, deviation = scaler.mean[place], scaler.std[place]
    own = answer.columns.index(stretch.columns[column])
    both = np.concatenate([answer.mean[..., None], answer.quantiles], axis=-1)  # (H, C, 1 + Q)
    values = (both[None, :steps, own : own + 1] - mean) / deviation  # (1, H, 1, 1 + Q)
    future = (stretch.truth[None, :steps, column : column + 1] - mean) / deviation  # (1, H, 1)
    figures = forecasting.figures(forecasting.sums(values, future, np.ones(1)))
    return {key: float(figures[key].value) for key in FIGURES}


def each_alone(name: str) -> bool:
    """Whether a model reads each series by itself, and so can read any other one."""
    entry = saved_models.architecture(name)
    return entry is not None and bool(getattr(entry.config, "each_alone", False))
