"""The shipped models and the user's own: tasks, models, and the JSON files beside their weights.

A shipped model goes by the name of its folder in saved_models, a user's own by the id that
`apps.model_places` gives it. Nothing here fails on a folder that is missing, half-written or
corrupt: a file that cannot be read is empty, and the page says so where it matters.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from apps import model_places
from apps.markdown import quiet
from apps.one_look import once
from zoo import registry, saving
from zoo import shipped as folders
from zoo.pretrained import sources
from zoo.task_info import TaskInfo


def task_of(name: str) -> str:
    """The short name of a model's task: `dates` of `dates-lstm`."""
    return folders.short_task(str(config(name).get("task") or ""))


def family_of(name: str) -> str:
    """The architecture of a model: `lstm` of `dates-lstm`."""
    return str(config(name).get("model") or "")


def kind_of(name: str) -> str:
    """What a model takes and gives: "seq2seq", "language_model"."""
    kind = config(name).get("kind")
    return kind if isinstance(kind, str) else "seq2seq"


def kind(task: str) -> str:
    """What the models of a task take and give, as `kind_of`."""
    return next(map(kind_of, models(task)), "seq2seq")


def architecture(name: str) -> registry.Architecture | None:
    """The registry's entry of a model; None for an unknown one."""
    return registry.ARCHITECTURES.get((kind_of(name), family_of(name)))


def task_name(name: str) -> str:
    """The whole name of a model's task, as `training.tasks.get` takes it."""
    return str(config(name).get("task") or "")


def prompts(task: str) -> list[str]:
    """Beginnings that a page of language models offers."""
    for name in models(task):
        found = config(name).get("prompts")
        if isinstance(found, list) and found:
            return [text for text in found if isinstance(text, str) and text]
    return []


def is_own(name: str) -> bool:
    """Whether it is a model of the user's, and not a shipped one."""
    return name in model_places.scan().folders


def id_of(name: str) -> str:
    """What an address calls the model, within its task: its architecture, or its own name.

    The first shipped model of an architecture goes by the architecture, so that a choice is kept
    from one task to another. A user's own is always called by its id: others come and go.
    """
    if is_own(name):
        return name
    same = _of_family(name)
    return family_of(name) if not same or same[0] == name else name


def label(name: str) -> str:
    """What a model is called on a page, beside others of its task; a user's own by its folder."""
    entry = architecture(name)
    if is_own(name):
        network = entry.label if entry else "no model"
        preset = model_places.shown(str(config(name).get("preset") or ""))
        return f"{called(name)} ({network} {preset})".replace(" _)", ")")
    if begun := begun_from(name):
        return begun
    network = entry.label if entry else name
    alike = [one for one in _of_family(name) if not begun_from(one)]
    return f"{network} ({name})" if len(alike) > 1 else network


def begun_from(name: str) -> str:
    """The label of the weights of others that a model is; "" of one that the zoo trained whole."""
    package = sources.PACKAGES.get(str(config(name).get("preset")))
    return package.label if package else ""


def called(name: str) -> str:
    """A model's own name, without its architecture: that of its folder."""
    own = model_places.scan().folders.get(name)
    return own.shown if own else name


def counted(name: str) -> bool:
    """Whether it is counted from a corpus and has no network."""
    entry = architecture(name)
    return entry is not None and entry.counted


def is_floor(name: str) -> bool:
    """Whether nothing of it is trained by gradient: what networks should do better than."""
    entry = architecture(name)
    return entry is not None and entry.floor


def typed(name: str) -> str:
    """What a command calls the model: its name, or the path of a user's own."""
    own = model_places.scan().folders.get(name)
    return own.typed if own else name


def summary(name: str) -> str:
    """What its architecture does, in a sentence; "" for an unknown one."""
    entry = architecture(name)
    return entry.summary if entry else ""


def labels() -> dict[str, str]:
    """The label of every architecture, by its name."""
    return {entry.name: entry.label for entry in registry.ARCHITECTURES.values()}


def _of_family(name: str) -> list[str]:
    """The shipped models with the task and the architecture of `name`, in the order of `models`."""
    shipped = _shipped_by_task().get(task_of(name), [])
    return [one for one in shipped if family_of(one) == family_of(name)]


def info(task: str) -> TaskInfo:
    """What the models of `task` say of it."""
    for name in models(task):
        found = TaskInfo.of(config(name))
        return (
            found if not is_own(name) else TaskInfo(**{k: quiet(v) for k, v in vars(found).items()})
        )
    return TaskInfo(label=task)


def task_label(task: str) -> str:
    """What a task is called on a page."""
    return info(task).label


def folder(name: str) -> Path:
    """Where a user's own model lies, or where the shipped model `name` lies, or would lie."""
    own = model_places.scan().folders.get(name)
    return own.folder if own else folders.saved_models_path() / name


def tasks(kinds: tuple[str, ...] = ("seq2seq",)) -> list[str]:
    """The short names of the tasks with models of these kinds, those of shipped models first."""
    every = {**_shipped_by_task(), **model_places.scan().by_task}
    return [task for task, names in every.items() if kind_of(names[0]) in kinds]


def models(task: str) -> list[str]:
    """Every model of `task`: the shipped ones, then the user's own, as the registry orders them."""
    return [*_shipped_by_task().get(task, []), *model_places.scan().by_task.get(task, [])]


def networks(task: str) -> list[str]:
    """Those of `models` that are networks: a table of counts has nothing to look into."""
    return [name for name in models(task) if not counted(name)]


def refresh() -> None:
    """Look again for models of the user's own: one may have come since."""
    model_places.refresh()


def waiting(task: str) -> dict[str, str]:
    """The shipped models of a task that cannot answer here yet, and what is missing for each."""
    every = folders.waiting().items()
    return {name: said for name, (own, said) in every if folders.short_task(own) == task}


def damaged() -> dict[str, str]:
    """The folders that hold no model that can be read, and what is wrong with each."""
    own = {one.shown: one.fault for one in model_places.scan().folders.values() if one.fault}
    return {**folders.damaged(), **own}


@once
def _shipped_by_task() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, settings in _configs(_state()).items():
        found.setdefault(folders.short_task(settings["task"]), []).append(name)
    return found


def _state() -> tuple[Any, ...]:
    """Changes when a model comes, goes or is written anew."""
    root = folders.saved_models_path()
    stamps = []
    for name in folders.folders():
        try:
            status = (root / name / folders.CONFIG).stat()
        except OSError:
            continue
        stamps.append((name, status.st_mtime_ns, status.st_size))
    return str(root), *stamps


@functools.lru_cache(maxsize=8)
def _configs(state: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
    return folders.configs()


def weights_file(name: str) -> str:
    """The file of what the model has learnt, or counted."""
    return saving.TABLES if counted(name) else saving.WEIGHTS


@once
def fingerprint(name: str) -> str:
    """Changes whenever a file of the model does, so that cached answers are never stale."""
    parts = []
    for file in ("config.json", weights_file(name)):
        path = folder(name) / file
        try:
            status = path.stat()
        except OSError:
            parts.append("missing")
        else:
            parts.append(f"{status.st_mtime_ns}.{status.st_size}")
    return f"{folder(name)}:{':'.join(parts)}"


def written(name: str) -> float:
    """When its weights were written, in seconds since 1970; 0 where there are none."""
    try:
        return (folder(name) / weights_file(name)).stat().st_mtime
    except OSError:
        return 0.0


def config(name: str) -> dict[str, Any]:
    """The model's config.json, or {}."""
    if own := model_places.scan().folders.get(name):
        return own.config or {}
    return _of_type(_read(name, "config.json"), dict)


def card(name: str) -> dict[str, Any]:
    """The model's card.json, or {}."""
    return _of_type(_read(name, "card.json"), dict)


def attention(name: str) -> dict[str, Any]:
    """The model's attention.json, or {}."""
    return _of_type(_read(name, "attention.json"), dict)


def attends(name: str) -> bool:
    """Whether the model has attention, as its config.json says; False for a damaged one."""
    return bool(attention_heads(name))


def attention_heads(name: str) -> dict[str, tuple[int, int]]:
    """Layers and heads of each kind of attention, as its config.json says; {} for a damaged one."""
    settings = config(name)
    try:
        return registry.attention_heads(
            str(settings.get("model") or ""),
            _of_type(settings.get("hyperparameters"), dict),
            str(settings.get("kind") or "seq2seq"),
        )
    except (TypeError, ValueError):
        return {}


def examples(name: str) -> list[dict[str, Any]]:
    """The stored predictions of the dashboard's examples, or []."""
    return [one for one in _of_type(_read(name, "examples.json"), list) if isinstance(one, dict)]


def predictions(name: str) -> list[dict[str, Any]]:
    """The stored predictions on the test split, or []."""
    return [one for one in _of_type(_read(name, "predictions.json"), list) if isinstance(one, dict)]


def example_sources(task: str) -> list[str]:
    """The inputs the page offers: those for which any model has a stored answer."""
    found: dict[str, None] = {}
    for name in models(task):
        for record in examples(name):
            if isinstance(record.get("source"), str):
                found[record["source"]] = None
    return list(found)


def references(task: str, text: str) -> list[str]:
    """What people accept as an answer to `text`, where the stored examples or tests know it."""
    for name in models(task):
        for record in (*examples(name), *predictions(name)):
            found = record.get("references")
            if record.get("source") == text and isinstance(found, list) and found:
                return [one for one in found if isinstance(one, str)]
    return []


def opening(task: str) -> str | None:
    """The example that pages open with; None where there is none.

    The first that the Transformer answers well and the SimpleRNN does not; where there is none
    such, the one on which the Transformer is furthest ahead; without references, the first. Where
    nothing is stored, an input of the test split or the example that the task itself names.
    """
    sources = example_sources(task)
    graded = {source: grade for source in sources if (grade := _lead(task, source)) is not None}
    apart = [source for source, (good, bad) in graded.items() if good >= WELL and bad < WELL]
    if apart:
        return apart[0]
    if graded:
        return max(graded, key=lambda source: graded[source][0] - graded[source][1])
    return sources[0] if sources else _any_input(task)


def _any_input(task: str) -> str | None:
    """Something that a model of `task` can read; None where nothing is known."""
    for name in models(task):
        for record in predictions(name):
            if isinstance(record.get("source"), str) and record["source"]:
                return record["source"]
    return next((hint for name in models(task) if (hint := TaskInfo.of(config(name)).hint)), None)


WELL = 85.0
"""The least chrF of a good answer to a stored example; a task of right and wrong has 100 and 0."""


def _lead(task: str, source: str) -> tuple[float, float] | None:
    """Grades of the Transformer's and the SimpleRNN's stored answers; None where one has none."""
    grades = [_grade(f"{task}-{family}", source) for family in ("transformer", "simple-rnn")]
    return None if None in grades else (grades[0], grades[1])


def _grade(name: str, source: str) -> float | None:
    """0 to 100: of the greedy stored answer against its references."""
    for record in examples(name):
        if record.get("source") != source or record.get("beams", 1) != 1:
            continue
        accepted = record.get("references")
        if not isinstance(accepted, list) or not accepted:
            continue
        if record.get("text") in accepted or record.get("correct") is True:
            return 100.0
        chrf = record.get("chrf")
        return float(chrf) if isinstance(chrf, int | float) else 0.0
    return None


def length_cap(task: str) -> int:
    """The longest output, in tokens, that every model of `task` can write."""
    caps = [config(name).get("max_target_length") for name in models(task)]
    return min((cap for cap in caps if isinstance(cap, int) and cap > 0), default=64)


def unit(task: str) -> str:
    """What people read in the task's outputs: "word" or "character"."""
    units = [config(name).get("unit") for name in models(task)]
    return "character" if units and units[0] == "character" else "word"


def parameters(name: str) -> int | None:
    """How many weights the model has, by its card."""
    count = card(name).get("parameters")
    return count if isinstance(count, int) else None


def megabytes(name: str) -> float | None:
    """Size of the weights on disk."""
    try:
        return (folder(name) / weights_file(name)).stat().st_size / 1e6
    except OSError:
        return None


def _of_type(value: Any, kind: type) -> Any:
    return value if isinstance(value, kind) else kind()


@once
def _read(name: str, file: str) -> Any:
    path = folder(name) / file
    if is_own(name) and not model_places.inside(path):
        return None
    try:
        status = path.stat()
        return _parse(str(path), status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        return None


@functools.lru_cache(maxsize=128)
def _parse(path: str, modified: int, size: int) -> Any:
    """Time and size are part of the key: a rewritten file is read again."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
