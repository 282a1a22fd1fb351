"""How far models are from the floor, pair by pair on the same test side, in words."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from apps import quality, saved_models
from apps.json_values import mapping, number
from apps.markdown import plain
from apps.sections import floor
from zoo.metric_info import MetricInfo

KEY = "against"
"""In a card's figures: the model it was compared with, and the difference of each figure."""


def told(names: Sequence[str], figure: MetricInfo, beams: str) -> str:
    """The differences that the cards hold, with their intervals; "" where there are none.

    An interval that holds 0 does not tell two models apart.
    """
    by_other: dict[str, list[str]] = {}
    floored = floor.of(names, figure, beams)
    for name in names:
        found = mapping(quality.measured(name, beams).get(KEY))
        if not found and floored and figure.key == "accuracy":
            found = _of_labels(name, floored.name, beams)
        one = mapping(found.get(figure.key))
        value, low, high = (number(one.get(part)) for part in ("value", "low", "high"))
        if not isinstance(found.get("model"), str) or None in (value, low, high):
            continue
        ends = f"{_signed(low, figure)} to {_signed(high, figure)}"
        by_other.setdefault(found["model"], []).append(
            f"{plain(saved_models.label(name))} {_signed(value, figure)} ({ends}), "
            f"{_said(low, high, figure)}"
        )
    sentences = [
        f"Difference of {plain(figure.label)} to {plain(_called(other, names))}, with its 95 % "
        f"interval (both on the same test side): {'; '.join(listed)}."
        for other, listed in by_other.items()
    ]
    return " ".join(sentences)


def _of_labels(name: str, other: str | None, beams: str) -> dict[str, Any]:
    """The difference in accuracy of two classifiers, as a card would hold it; {} without one."""
    if other in (None, name):
        return {}
    both = [quality.measured(one, beams) for one in (name, other)]
    counts = {one.get("examples") for one in both}
    data = {mapping(saved_models.card(one).get("data")).get("sha256") for one in (name, other)}
    right = [one.get("right") for one in both]
    [count, *more] = counts
    if more or len(data) > 1 or not isinstance(count, int):
        return {}
    if not all(isinstance(one, str) for one in right):
        return {}
    found = _difference(*right, count)
    return {"model": other, "accuracy": found} if found else {}


@functools.lru_cache(maxsize=64)
def _difference(ours: str, others: str, count: int) -> dict[str, float]:
    from training.metrics import classification

    try:
        both = [classification.unpacked(one, count) for one in (ours, others)]
    except ValueError:  # a damaged card
        return {}
    found = classification.difference(*both)
    return {part: float(getattr(found, part)) for part in ("value", "low", "high")}


def _called(other: str, names: Sequence[str]) -> str:
    """What the page calls the model that a card names."""
    return saved_models.label(other) if other in names else other


def _said(low: float, high: float, figure: MetricInfo) -> str:
    if low <= 0 <= high:
        return "not told apart"
    if figure.higher_is_better is None:
        return "apart"
    return "better" if (low > 0) == figure.higher_is_better else "worse"


def _signed(value: float, figure: MetricInfo) -> str:
    return f"{value:+.{figure.digits}f}".replace("-", "−")
