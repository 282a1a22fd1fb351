"""The floor under the models of a task: what is reached without training, and who is below it."""

from __future__ import annotations

from collections.abc import Sequence

from apps import quality, saved_models
from apps.markdown import plain
from zoo.metric_info import MetricInfo

COUNTED = "its parameters are the n-grams that it has counted"
COMPUTED = "its weights are computed from the training part"


def of(names: Sequence[str], figure: MetricInfo, beams: str) -> str | None:
    """The best of the models that are not trained; None where none of them has the figure."""
    floors = [name for name in names if saved_models.is_floor(name)]
    known = {name: value for name in floors if (value := _value(name, figure, beams)) is not None}
    best = max if figure.higher_is_better else min
    return best(known, key=known.__getitem__) if known else None


def below(names: Sequence[str], figure: MetricInfo, beams: str) -> list[str]:
    """The networks that are worse than the floor, the worst first.

    None are where there is no floor, or it is not known which way of the figure is better.
    """
    found = of(names, figure, beams)
    if found is None or figure.higher_is_better is None:
        return []
    sign = 1 if figure.higher_is_better else -1
    least = sign * (_value(found, figure, beams) or 0.0)
    values = {
        name: sign * value
        for name in names
        if not saved_models.is_floor(name)
        and (value := _value(name, figure, beams)) is not None
        and sign * value < least
    }
    return sorted(values, key=values.__getitem__)


def told(names: Sequence[str], figure: MetricInfo, beams: str) -> str:
    """Both in a sentence or two of Markdown; "" where every model is trained."""
    found = of(names, figure, beams)
    if found is None:
        return ""
    label = plain(saved_models.label(found))
    what = COUNTED if saved_models.counted(found) else COMPUTED
    text = (
        f"Floor: {label}, {plain(figure.label)} {_written(found, figure, beams)}. It learns "
        f"nothing by gradient; {what}."
    )
    if worse := below(names, figure, beams):
        listed = ", ".join(
            f"{plain(saved_models.label(name))} ({_written(name, figure, beams)})" for name in worse
        )
        text += f" Worse than the {label}: {listed}."
    return text


def _value(name: str, figure: MetricInfo, beams: str) -> float | None:
    return quality.value(quality.measured(name, beams), figure.key)


def _written(name: str, figure: MetricInfo, beams: str) -> str:
    value = _value(name, figure, beams)
    return "" if value is None else plain(figure.text(value))
