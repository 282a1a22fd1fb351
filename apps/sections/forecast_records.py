"""What the charts of a forecast draw, as records: the history, what came, what was expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apps.charts import forecasts as charts
from apps.forecasting import Question

if TYPE_CHECKING:
    from zoo.forecast import Forecast


def records(question: Question, answer: Forecast, before: int) -> list[dict[str, Any]]:
    """What a chart draws of an answer: `before` steps of the history, and the forecast."""
    place, horizon = answer.columns.index(question.called), len(answer.mean)
    history = question.history[-before:, question.column]
    times = question.times
    if times is not None:
        first = len(question.history) - len(history)
        times = times[first : len(question.history) + horizon]
        # Steps beyond those whose times are known have none; then all go by numbers.
        times = times if len(times) == len(history) + horizon else None
    truth = None if question.truth is None else question.truth[:horizon]
    low, high = (one[:, place] for one in answer.band(charts.SHARE))
    x = charts.places(len(history), horizon, times)
    return charts.rows(x, history, truth, answer.mean[:, place], (low, high))
