"""The settings of trainings: told side by side, and put together as the command that trains."""

from __future__ import annotations

import dataclasses
import functools
import json
import shlex
from collections.abc import Mapping
from typing import Any

from apps.json_values import mapping


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name, each overridden hyper-parameter by its own."""
    override = mapping(settings.get("override"))
    found = {key: value for key, value in settings.items() if key != "override"}
    return {**found, **{f"set {key}": value for key, value in override.items()}}


def differing(
    runs: Mapping[str, Mapping[str, Any]], *, every: bool = False
) -> list[dict[str, str]]:
    """A row a setting that is not the same in all these runs, a column a run.

    Args:
        runs: the `flat` settings of each, by its label.
        every: those that are the same too. What a run does not say is "–".

    Example:
        >>> differing({"one": {"seed": 0, "batch": 8}, "two": {"seed": 1, "batch": 8}})
        [{'Setting': 'seed', 'one': '0', 'two': '1'}]
    """
    keys = dict.fromkeys(key for settings in runs.values() for key in settings)
    rows = []
    for key in keys:
        values = {
            label: written(settings[key]) if key in settings else "–"
            for label, settings in runs.items()
        }
        if every or len(set(values.values())) > 1:
            rows.append({"Setting": key.replace("_", " "), **values})
    return rows


def written(value: Any) -> str:
    """A setting's value as a table shows it."""
    if value is None:
        return "the preset's"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


RENAMED = {"sampling": "subword_regularization"}
"""Former names of settings, and those of today."""


def command(settings: Mapping[str, Any], out: str) -> str:
    """The command of a run, from its settings and its folder; "" where nothing is known of it."""
    if not settings.get("task"):
        return ""
    defaults = _defaults()
    words = ["python", "-m", "training.train"]
    for key, value in settings.items():
        key = RENAMED.get(key, key)
        if key == "override":
            for name, one in mapping(value).items():
                words += ["--set", f"{name}={one if isinstance(one, str) else json.dumps(one)}"]
        elif key in defaults and value is not None and value != defaults[key]:
            option = f"--{key.replace('_', '-')}"
            words += [option, f"{value:g}" if isinstance(value, float) else str(value)]
    return shlex.join([*words, "--out", out])


@functools.lru_cache(maxsize=1)
def _defaults() -> dict[str, Any]:
    """The options of `training.train` and what they are where they are not given."""
    from training.config import TrainConfig

    return {
        one.name: None if one.default is dataclasses.MISSING else one.default
        for one in dataclasses.fields(TrainConfig)
    }
