"""What the page Runs knows of each training: its settings, its curve, how far it is, what it took.

Everything is read from the folder: `config.json`, `card.json`, `history.csv` and the header of the
checkpoint in `training/`. What cannot be read is left out. No framework is imported.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import io
import itertools
import json
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps import model_places, saved_models
from zoo import metric_info, shipped
from zoo.registry import ARCHITECTURES

Row = Mapping[str, float]

LONGEST_HEADER = 50_000_000
"""Bytes of a checkpoint's header beyond which it is none of ours."""
LONGEST_HISTORY = 50_000_000
POINTS = 4000
"""Points of one chart, over all its lines."""
LOSS = "loss"
VALID = "valid_"
ALONG = {"step": "Step", "epoch": "Epoch", "minutes": "Minutes of training"}
"""What a curve may be drawn against."""
OTHERS = {"learning_rate": "Learning rate", "tokens_per_second": "Tokens a second"}
"""Columns of `history.csv` that are neither a loss nor a metric."""
SIDES = ("training", "validation")


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
        step, steps: how far it is, and of how many; None where nobody knows.
        exact: whether `steps` is known, or only about right.
        settings: what decides what is learned.
        facts: minutes, memory and the like, by the names of `COLUMNS`.
        command: that trains it; "" where that is not known.
        whole: whether that command was kept, or put together again from the settings.
        rows: its curve.
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

    @property
    def told(self) -> str:
        """How far it is, in words."""
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
    settings = _mapping(checkpoint(saved_models.folder(name)).get("settings"))
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
    trained = _mapping(card.get("training"))
    progress = checkpoint(folder) if own else {}
    rows = history(folder / model_places.HISTORY) if _readable(name, model_places.HISTORY) else ()
    settings = _mapping(progress.get("settings")) or _mapping(trained.get("settings"))
    state = _state(folder, progress, bool(config))
    last = rows[-1] if rows else {}
    counted = _whole_number(progress.get("step") or trained.get("steps"))
    step = max((one for one in (counted, _whole_number(last.get("step"))) if one), default=None)
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
        settings=flat(settings),
        facts=_facts(name, card, trained, progress, settings, rows),
        command=command or again(settings, typed),
        whole=bool(command),
        rows=rows,
    )


def _state(folder: Path, progress: Mapping[str, Any], model: bool) -> str:
    if model_places.is_training(folder):
        return "training"
    if progress:
        return "finished" if progress.get("finished") else "stopped"
    return "finished" if model else "stopped"


def _readable(name: str, file: str) -> bool:
    path = saved_models.folder(name) / file
    return not saved_models.is_own(name) or model_places.inside(path)


def checkpoint(folder: Path) -> dict[str, Any]:
    """Where a run is, from the header of its checkpoint; {} where there is none that can be read.

    It is that of `training.checkpoint.Progress`, read without the framework and the weights.
    """
    path = folder / model_places.STATE / model_places.CHECKPOINT
    try:
        if not model_places.inside(path):
            return {}
        status = path.stat()
        return _checkpoint(path, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError, RecursionError):
        return {}


@functools.lru_cache(maxsize=256)
def _checkpoint(path: Path, modified: int, size: int) -> dict[str, Any]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size, LONGEST_HEADER):
            raise ValueError(f"{path.name} is damaged")
        header = json.loads(file.read(length))
    told = _mapping(_mapping(header).get("__metadata__")).get("progress")
    return dict(_mapping(json.loads(told))) if isinstance(told, str) else {}


def history(path: Path) -> tuple[Row, ...]:
    """The rows of a `history.csv`, every finite number in them; () where it cannot be read."""
    try:
        status = path.stat()
        return _history(path, status.st_mtime_ns, status.st_size)
    except (OSError, ValueError, csv.Error):
        return ()


@functools.lru_cache(maxsize=256)
def _history(path: Path, modified: int, size: int) -> tuple[Row, ...]:
    if size > LONGEST_HISTORY:
        raise ValueError(f"{path.name} is too long")
    text = path.read_text(encoding="utf-8")
    rows = []
    for row in csv.DictReader(io.StringIO(text)):
        found = {
            key: number for key, value in row.items() if (number := _number(value)) is not None
        }
        if "step" in found:
            rows.append(found)
    return tuple(rows)


def _steps(settings: Mapping[str, Any], last: Row) -> tuple[int | None, bool]:
    """How many steps a run is to make, and whether that is known or only about right."""
    if steps := _whole_number(settings.get("steps")):
        return steps, True
    epochs = _number(settings.get("epochs"))
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
    minutes = _number(progress.get("minutes")) or _number(trained.get("minutes"))
    return {
        "task": str(config.get("task") or settings.get("task") or "") or None,
        "network": entry.label if entry else model or None,
        "preset": config.get("preset") or settings.get("preset"),
        "epochs": _number(trained.get("epochs")) or last.get("epoch"),
        "minutes": max(minutes or 0, last.get("minutes", 0)) or None,
        "cpu_minutes": _number(progress.get("cpu_minutes")) or _number(trained.get("cpu_minutes")),
        "memory": _whole_number(progress.get("peak_memory") or trained.get("peak_memory_mb")),
        "tokens_per_second": _number(trained.get("tokens_per_second"))
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


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name, each overridden hyper-parameter by its own."""
    override = _mapping(settings.get("override"))
    found = {key: value for key, value in settings.items() if key != "override"}
    return {**found, **{f"set {key}": value for key, value in override.items()}}


def differing(runs: Sequence[Run], *, every: bool = False) -> list[dict[str, str]]:
    """A row a setting that is not the same in all these runs, a column a run.

    `every`: those that are the same too. What a run does not say is "–".
    """
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    rows = []
    for key in keys:
        values = [written(run.settings[key]) if key in run.settings else "–" for run in runs]
        if every or len(set(values)) > 1:
            columns = {run.label: value for run, value in zip(runs, values, strict=True)}
            rows.append({"Setting": key.replace("_", " "), **columns})
    return rows


def written(value: Any) -> str:
    """A setting's value as a table shows it."""
    if value is None:
        return "the preset's"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


RENAMED = {"sampling": "subword_regularization"}
"""Settings that earlier versions called otherwise."""


def again(settings: Mapping[str, Any], out: str) -> str:
    """The command of a run, from its settings and its folder; "" where nothing is known of it."""
    if not settings.get("task"):
        return ""
    defaults = _defaults()
    words = ["python", "-m", "training.train"]
    for key, value in settings.items():
        key = RENAMED.get(key, key)
        if key == "override":
            for name, one in _mapping(value).items():
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


def measures(runs: Iterable[Run]) -> dict[str, metric_info.MetricInfo]:
    """What can be drawn of these runs, by its name: the loss first, then metrics, then the rest."""
    keys = dict.fromkeys(key for run in runs for row in run.rows for key in row)
    found = {}
    if LOSS in keys or f"{VALID}{LOSS}" in keys:
        found[LOSS] = metric_info.MetricInfo(LOSS, "Loss", higher_is_better=False)
    for key in keys:
        metric = key.removeprefix(VALID)
        if key.startswith(VALID) and metric != LOSS:
            found[metric] = metric_info.METRICS.get(
                metric, metric_info.MetricInfo(metric, model_places.shown(metric))
            )
    found |= {key: metric_info.MetricInfo(key, OTHERS[key]) for key in OTHERS if key in keys}
    return found


def points(runs: Sequence[Run], measure: str, along: str) -> list[dict[str, Any]]:
    """The curves of some runs as records: `run`, `side`, `x`, `y`, `step`; thinned where too many.

    Args:
        runs: the runs.
        measure: a key of `measures`.
        along: a key of `ALONG`.
    """
    columns = {LOSS: {LOSS: SIDES[0], f"{VALID}{LOSS}": SIDES[1]}}.get(
        measure, {measure: SIDES[0]} if measure in OTHERS else {f"{VALID}{measure}": SIDES[1]}
    )
    lines = []
    for run in runs:
        for column, side in columns.items():
            line = []
            for row in run.rows:
                x = row.get(along, 0.0 if row["step"] == 0 else None)
                if x is not None and column in row:
                    one = {"run": run.label, "side": side, "x": x, "y": row[column]}
                    line.append({**one, "step": int(row["step"])})
            lines.append(line)
    most = max(POINTS // max(len(lines), 1), 2)
    return [one for line in lines for one in thinned(line, most)]


def thinned(line: Sequence[Any], most: int) -> list[Any]:
    """At most `most` of the points of a line, evenly chosen, its ends among them."""
    if len(line) <= most:
        return list(line)
    last = len(line) - 1
    return [line[round(place * last / (most - 1))] for place in range(most)]


def best(run: Run, info: metric_info.MetricInfo) -> tuple[float, int] | None:
    """The best value on the validation side and its step; None where there is none."""
    column = f"{VALID}{info.key}"
    found = [(row[column], int(row["step"])) for row in run.rows if column in row]
    if not found or info.higher_is_better is None:
        return None
    sign = 1 if info.higher_is_better else -1
    return max(found, key=lambda one: sign * one[0])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole_number(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
