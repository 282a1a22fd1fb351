"""Figures of quality, as the cards of the models have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from apps import saved_models
from apps.markdown import quiet
from zoo.metric_info import MetricInfo, of_card


def figure(key: str, task: str = "") -> MetricInfo:
    """The metric `key` as the cards of `task` describe it."""
    for name in saved_models.models(task):
        info = of_card(saved_models.card(name), key)
        if info != MetricInfo(key, key):
            told = {part: quiet(getattr(info, part)) for part in ("label", "title", "description")}
            return replace(info, **told)
    return MetricInfo(key, quiet(key))


def first(task: str) -> MetricInfo:
    """The metric that a task is judged by."""
    return (figures(task) or [MetricInfo("", "Quality")])[0]


def ahead(metric: MetricInfo) -> str:
    """Where the better models are in a chart of `metric` over time; axes turn so that up is better.

    Where it is not known which way of the metric is better, larger is up.
    """
    if metric.higher_is_better is None:
        return "To the left is faster."
    return "Up and to the left is better."


def brief(metric: MetricInfo, value: float) -> str:
    """A figure after its label: with one digit less than in a table, and at least one."""
    return f"{value:,.{max(metric.digits - 1, 1)}f}"


def main_metrics(task: str) -> list[str]:
    """The keys of the metrics that matter most to a task, the one it is judged by first."""
    for name in saved_models.models(task):
        told = saved_models.card(name).get("main_metrics")
        if isinstance(told, list) and all(isinstance(key, str) for key in told):
            return told
    return []


def decodings(task: str) -> list[str]:
    """The numbers of beams ("1", "5") any card of `task` has figures for."""
    found = {key for name in saved_models.models(task) for key in _metrics(name)}
    return sorted(found, key=lambda key: (len(key), key))


def figures(task: str) -> list[MetricInfo]:
    """The figures any card of `task` has, the one it is judged by first."""
    keys: dict[str, None] = {}
    for name in saved_models.models(task):
        for values in _metrics(name).values():
            keys.update(dict.fromkeys(key for key in values if value(values, key) is not None))
    main = main_metrics(task)
    ordered = sorted(keys, key=lambda key: main.index(key) if key in main else len(main))
    return [figure(key, task) for key in ordered]


def measured(name: str, beams: str) -> dict[str, Any]:
    """The card's figures for that number of beams, or {}."""
    return _metrics(name).get(beams, {})


def value(values: dict[str, Any], key: str, part: str = "value") -> float | None:
    """One number ("value", "low", "high") of one figure, or None where the card lacks it."""
    entry = values.get(key)
    number = entry.get(part) if isinstance(entry, dict) else None
    return float(number) if isinstance(number, int | float) else None


def is_graded(name: str) -> bool:
    """Whether its card has the figure that its task is judged by."""
    key = first(saved_models.task_of(name)).key
    return any(value(values, key) is not None for values in _metrics(name).values())


def best_first(task: str, names: Sequence[str] | None = None) -> list[str]:
    """The models of `task`, or those `names` of them, best on the test set first.

    Those without figures come last, the newest kind of network first. So do all where it is not
    known which way of the metric is better.
    """
    names = list(reversed(saved_models.models(task) if names is None else names))
    key, better = first(task).key, first(task).higher_is_better
    if better is None:
        return names
    sign = -1 if better else 1

    def rank(name: str) -> tuple[bool, float]:
        found = next((v for m in _metrics(name).values() if (v := value(m, key)) is not None), None)
        return found is None, sign * (found or 0.0)

    return sorted(names, key=rank)


def _metrics(name: str) -> dict[str, dict[str, Any]]:
    found = saved_models.card(name).get("metrics")
    if not isinstance(found, dict):
        return {}
    return {str(beams): values for beams, values in found.items() if isinstance(values, dict)}
