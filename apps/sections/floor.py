"""The floor under the models of a task: what is reached without training, and who is below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps import quality, saved_models
from apps.json_values import mapping
from apps.markdown import plain
from zoo.metric_info import MetricInfo

COUNTED = "It learns nothing by gradient; its parameters are the n-grams that it has counted."
COMPUTED = "It learns nothing by gradient; its weights are computed from the training part."
NOTHING = "It learns nothing."
CARD = "floor"
"""In a card: a method that is no model, its name and its figures."""


@dataclass(frozen=True)
class Floor:
    """The best of what is not trained.

    Args:
        label: what it is called.
        value: of the figure.
        what: how it comes about, in a sentence.
        name: of the model; None where it is a method that is no model.
        values: all of its figures, as a card holds them.
    """

    label: str
    value: float
    what: str
    name: str | None = None
    values: dict[str, Any] = field(default_factory=dict)


def of(names: Sequence[str], figure: MetricInfo, beams: str) -> Floor | None:
    """The best of the models that are not trained, and of the methods that cards hold.

    None where none of them has the figure.
    """
    best = max if figure.higher_is_better else min
    return best(_all(names, figure, beams), key=lambda one: one.value, default=None)


def _all(names: Sequence[str], figure: MetricInfo, beams: str) -> list[Floor]:
    found = []
    for name in filter(saved_models.is_floor, names):
        values = quality.measured(name, beams)
        what = COUNTED if saved_models.counted(name) else COMPUTED
        if (value := quality.value(values, figure.key)) is not None:
            found.append(Floor(saved_models.label(name), value, what, name, values))
    method = methods(names, beams)
    if method and (value := quality.value(method, figure.key)) is not None:
        found.append(Floor(_called(method), value, NOTHING, values=method))
    return found


def methods(names: Sequence[str], beams: str) -> dict[str, Any]:
    """The figures of the method that is no model, of the same test side; {} where cards say none.

    Cards of one task that were made with different test sides do not have one floor: then none.
    """
    found = [
        (kept, quality.measured(name, beams).get("examples"))
        for name in names
        if (kept := mapping(saved_models.card(name).get(CARD)))
    ]
    if not found or not isinstance(found[0][0].get("name"), str):
        return {}
    first = found[0][0]
    same = all(kept == first and count in (None, first.get("examples")) for kept, count in found)
    return first if same else {}


def _called(method: dict[str, Any]) -> str:
    name = str(method["name"])
    return f"{name[:1].upper()}{name[1:]}"


def below(names: Sequence[str], figure: MetricInfo, beams: str) -> list[str]:
    """The networks that are worse than the floor, the worst first.

    None are where there is no floor, or it is not known which way of the figure is better.
    """
    found = of(names, figure, beams)
    if found is None or figure.higher_is_better is None:
        return []
    sign = 1 if figure.higher_is_better else -1
    values = {
        name: sign * value
        for name in names
        if not saved_models.is_floor(name)
        and (value := _value(name, figure, beams)) is not None
        and sign * value < sign * found.value
    }
    return sorted(values, key=values.__getitem__)


def told(names: Sequence[str], figure: MetricInfo, beams: str) -> str:
    """Both in a sentence or two of Markdown; "" where every model is trained."""
    found = of(names, figure, beams)
    if found is None:
        return ""
    label = plain(found.label)
    text = f"Floor: {label}, {plain(figure.label)} {plain(figure.text(found.value))}. {found.what}"
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
