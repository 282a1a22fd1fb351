"""The floor under the language models of a task: what counting reaches, and who is below it."""

from __future__ import annotations

from collections.abc import Sequence

from apps import quality, saved_models
from apps.markdown import plain
from zoo.metric_info import MetricInfo


def of(names: Sequence[str], figure: MetricInfo, beams: str) -> str | None:
    """The best of the models that only count; None where none of them has the figure."""
    counted = [name for name in names if saved_models.counted(name)]
    known = {name: value for name in counted if (value := _value(name, figure, beams)) is not None}
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
        if not saved_models.counted(name)
        and (value := _value(name, figure, beams)) is not None
        and sign * value < least
    }
    return sorted(values, key=values.__getitem__)


def told(names: Sequence[str], figure: MetricInfo, beams: str) -> str:
    """Both in a sentence or two of Markdown; "" where no model only counts."""
    found = of(names, figure, beams)
    if found is None:
        return ""
    label = plain(saved_models.label(found))
    text = (
        f"Floor: {label}, {plain(figure.label)} {_written(found, figure, beams)}. It learns "
        "nothing by gradient; its parameters are the n-grams that it has counted."
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
