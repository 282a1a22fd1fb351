"""How long a model takes, by its card: milliseconds a sentence, token, forecast or input."""

from __future__ import annotations

from typing import Any

from apps import saved_models
from apps.sections.speed_data import mapping, number

PER = {"language_model": "token", "forecaster": "forecast", "classifier": "input"}
"""What milliseconds are counted for, by the kind of model; of all others, a sentence."""


def per(task: str) -> str:
    """What the milliseconds of a task's models are counted for."""
    return PER.get(saved_models.kind(task), "sentence")


def each(task: str) -> str:
    """`per` with its article: "a sentence", "an input"."""
    what = per(task)
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def milliseconds(name: str) -> float | None:
    """For what `per` says; None where the card has no such speed."""
    what = per(saved_models.task_of(name))
    if what == "token":
        rate = tokens_per_second(name)
        return 1000 / rate if rate else None
    found = number(speed(name).get(f"ms_per_{what}"))
    return found if found and found > 0 else None


def tokens_per_second(name: str) -> float | None:
    """How many tokens the model writes in a second, where the card says."""
    found = number(speed(name).get("tokens_per_second"))
    return found if found and found > 0 else None


def speed(name: str) -> dict[str, Any]:
    """What the card says of speed, or {}."""
    return dict(mapping(saved_models.card(name).get("speed")))
