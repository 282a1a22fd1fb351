"""What the page Runs knows of each training: its settings, its curve, how far it is, what it took.

Everything is read from the folder: `config.json`, `card.json`, and what `run_files` reads. What
cannot be read is left out. No framework is imported.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps import model_places, saved_models
from apps.json_values import mapping, parsed_number, whole_number
from apps.sections import run_settings
from apps.sections.run_files import Row, checkpoint, history
from zoo import shipped
from zoo.registry import ARCHITECTURES


@dataclass(frozen=True)
class Run:
    """One training, as far as its folder tells.

    Args:
        id: what the page and the address know it by.
        label: its name, unlike that of any other.
        typed: what a command calls it.
        own: whether it lies in a place of the user's.
        model: whether there is a model that can be read.
        state: "training", "stopped" or "finished".
        step, steps: how far it is, and of how many; None where it is not known.
        exact: whether `steps` is known, or only about right.
        settings: what decides what is learned.
        facts: minutes, memory and the like, by the names of `COLUMNS`.
        command: that trains it; "" where that is not known.
        whole: whether that command was kept, or put together again from the settings.
        rows: its curve.
        averaged: the models whose weights it is the mean of; empty of what was trained.
    """

    id: str
    label: str
    typed: str
    own: bool
    model: bool
    state: str
    step: int | None = None
    steps: int | None = None
    exact: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    whole: bool = True
    rows: Sequence[Row] = ()
    averaged: Sequence[str] = ()

    @property
    def told(self) -> str:
        """How far it is, in words."""
        if self.averaged:
            return f"the mean of the weights of {', '.join(self.averaged)}"
        of = "" if self.steps is None else f" of {'' if self.exact else 'about '}{self.steps:,}"
        at = "" if self.step is None else f"step {self.step:,}"
        if self.state == "training":
            return f"training, {at}{of}" if self.step else "training, before its first step"
        if self.state == "finished":
            return f"finished, {self.step:,} steps" if self.step else "finished"
        goes_on = "; the same command goes on"
        return f"stopped at {at}{of}{goes_on}" if self.step else f"stopped at its start{goes_on}"


def names() -> list[str]:
    """Every training there is a folder of: the user's own, the newest first, then the shipped."""
    own = [one for one in model_places.scan().folders.values() if _has_run(one)]
    own.sort(key=lambda one: (-_changed(one.folder), one.shown))
    return [one.id for one in own] + shipped.names()


def _has_run(found: model_places.Found) -> bool:
    """Whether its files may be read at all, and there is a model or a curve among them."""
    return not found.fault or (
        found.config is None
        and "link that leads out" not in found.fault
        and (found.folder / model_places.HISTORY).is_file()
    )


def _changed(folder: Path) -> float:
    times = [0.0]
    for file in (model_places.HISTORY, "config.json", f"training/{model_places.CHECKPOINT}"):
        try:
            times.append((folder / file).stat().st_mtime)
        except OSError:
            continue
    return max(times)


def signature() -> tuple[Any, ...]:
    """Changes when a run comes, goes, begins to train or ends."""
    own = model_places.scan().folders.values()
    return tuple(
        (one.id, one.fault, one.config is None, model_places.is_training(one.folder)) for one in own
    )


def alike(names: Sequence[str], most: int) -> list[str]:
    """The first of these runs of the first one's task: losses of different tasks do not compare."""
    found = (name for name in names if _task(name) == _task(names[0]))
    return list(itertools.islice(found, most))


def _task(name: str) -> str | None:
    settings = mapping(checkpoint(saved_models.folder(name)).get("settings"))
    return saved_models.config(name).get("task") or settings.get("task")


def label(name: str) -> str:
    """What a run is called on the page: a user's own as on all pages, a shipped one by its name."""
    if not saved_models.is_own(name):
        return name
    if saved_models.config(name):
        return saved_models.label(name)
    return saved_models.called(name)


def read(name: str) -> Run:
    """What there is to know of the run `name`."""
    folder = saved_models.folder(name)
    own = saved_models.is_own(name)
    config = saved_models.config(name)
    card = saved_models.card(name)
    trained = mapping(card.get("training"))
    progress = checkpoint(folder) if own else {}
    rows = history(folder / model_places.HISTORY) if _readable(name, model_places.HISTORY) else ()
    settings = mapping(progress.get("settings")) or mapping(trained.get("settings"))
    state = _state(folder, progress, bool(config))
    last = rows[-1] if rows else {}
    counted = whole_number(progress.get("step") or trained.get("steps"))
    step = max((one for one in (counted, whole_number(last.get("step"))) if one), default=None)
    steps, exact = (step, True) if state == "finished" else _steps(settings, last)
    command = str(trained.get("command") or "") if state == "finished" else ""
    typed = saved_models.typed(name)
    return Run(
        id=name,
        label=label(name),
        typed=typed,
        own=own,
        model=bool(config),
        state=state,
        step=step,
        steps=steps,
        exact=exact,
        settings=run_settings.flat(settings),
        facts=_facts(name, card, trained, progress, settings, rows),
        command=command or run_settings.command(settings, typed),
        whole=bool(command),
        rows=rows,
        averaged=_averaged(trained),
    )


def _averaged(trained: Mapping[str, Any]) -> list[str]:
    """The names of the models that `training.average` made one of, as a card tells them."""
    members = trained.get("averaged")
    told = members if isinstance(members, list) else []
    return [str(mapping(one).get("name") or "a model") for one in told]


def _state(folder: Path, progress: Mapping[str, Any], model: bool) -> str:
    if model_places.is_training(folder):
        return "training"
    if progress:
        return "finished" if progress.get("finished") else "stopped"
    return "finished" if model else "stopped"


def _readable(name: str, file: str) -> bool:
    path = saved_models.folder(name) / file
    return not saved_models.is_own(name) or model_places.inside(path)


def _steps(settings: Mapping[str, Any], last: Row) -> tuple[int | None, bool]:
    """How many steps a run is to make, and whether that is known or only about right."""
    if steps := whole_number(settings.get("steps")):
        return steps, True
    epochs = parsed_number(settings.get("epochs"))
    if epochs and last.get("epoch"):
        return math.ceil(epochs * last["step"] / last["epoch"]), False
    return None, False


def _facts(
    name: str,
    card: Mapping[str, Any],
    trained: Mapping[str, Any],
    progress: Mapping[str, Any],
    settings: Mapping[str, Any],
    rows: Sequence[Row],
) -> dict[str, Any]:
    """What the table of time and memory says; None wherever the folder says nothing."""
    config = saved_models.config(name)
    model = str(config.get("model") or settings.get("model") or "")
    entry = saved_models.architecture(name) or next(
        (one for one in ARCHITECTURES.values() if one.name == model), None
    )
    last = rows[-1] if rows else {}
    speeds = [row["tokens_per_second"] for row in rows if row.get("tokens_per_second")]
    minutes = parsed_number(progress.get("minutes")) or parsed_number(trained.get("minutes"))
    return {
        "task": str(config.get("task") or settings.get("task") or "") or None,
        "network": entry.label if entry else model or None,
        "preset": config.get("preset") or settings.get("preset"),
        "epochs": parsed_number(trained.get("epochs")) or last.get("epoch"),
        "minutes": max(minutes or 0, last.get("minutes", 0)) or None,
        "cpu_minutes": parsed_number(progress.get("cpu_minutes"))
        or parsed_number(trained.get("cpu_minutes")),
        "memory": whole_number(progress.get("peak_memory") or trained.get("peak_memory_mb")),
        "tokens_per_second": parsed_number(trained.get("tokens_per_second"))
        or (round(sum(speeds) / len(speeds)) if speeds else None),
        "parameters": saved_models.parameters(name),
        "megabytes": saved_models.megabytes(name) if config else None,
        "device": trained.get("device"),
    }


COSTS = {
    "minutes": "Minutes",
    "cpu_minutes": "CPU minutes",
    "memory": "Memory, MB",
    "tokens_per_second": "Tokens/s",
}
COLUMNS = {
    **COSTS,
    "network": "Network",
    "preset": "Preset",
    "task": "Task",
    "epochs": "Epochs",
    "parameters": "Parameters",
    "megabytes": "MB on disk",
    "device": "Device",
}
"""The facts of a run and what the page calls them, what it took first."""
