"""What lies in saved_models: tasks, models, and the JSON files that training wrote beside them.

Nothing here fails on a folder that is missing, half-written or corrupt: a file that cannot be
read is empty, and the page says so where it matters.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from zoo import catalog

TASK_LABELS = {
    "en-es": "Translation",
    "dates": "Dates",
    "pronounce": "Pronunciation",
}
PROMPTS = {
    "en-es": "An English sentence to translate into Spanish",
    "dates": "A date as people write it, in one of many languages (the answer is ISO 8601)",
    "pronounce": "An English word (the answer is its sounds, in ARPAbet)",
}
HINTS = {
    "en-es": "Where is the train station?",
    "dates": "Sunday, 23 March 2025",
    "pronounce": "attention",
}
NOUNS = {
    "en-es": ("word", "word"),
    "dates": ("character", "character"),
    "pronounce": ("sound", "letter"),
}
"""What people call one unit of the output and one of the input."""
CHARACTER_TASKS = ("dates", "pronounce")
FAMILY_LABELS = {
    "simple-rnn": "Simple RNN",
    "lstm": "LSTM",
    "lstm-bahdanau": "LSTM + attention",
    "transformer": "Transformer",
}
FAMILY_LINES = {
    "simple-rnn": "Reads and writes word by word; one vector carries the whole input.",
    "lstm": "Its gates remember for longer; still one vector, no attention.",
    "lstm-bahdanau": "Looks back at the input before each step (Bahdanau et al. 2015).",
    "transformer": "Attention in every layer, no recurrence (Vaswani et al. 2017).",
}


def task_of(name: str) -> str:
    """The task word a shipped name begins with: `dates` of `dates-lstm`."""
    return next(task for task in catalog.TASKS if name.startswith(f"{task}-"))


def family_of(name: str) -> str:
    """The family of a shipped name: `lstm` of `dates-lstm`."""
    return name.removeprefix(f"{task_of(name)}-")


def label(name: str) -> str:
    """What a shipped model is called on a page, beside others of its task."""
    family = family_of(name)
    return FAMILY_LABELS.get(family, family)


def folder(name: str) -> Path:
    """Where the shipped model `name` lies, or would lie."""
    return catalog.saved_models_path() / name


def tasks() -> list[str]:
    """The task words with at least one model folder, in the order of the catalog."""
    return [
        task
        for task in catalog.TASKS
        if any(folder(name).is_dir() for name in catalog.SHIPPED if task_of(name) == task)
    ]


def models(task: str) -> list[str]:
    """Every shipped name of `task`, also where its folder is missing: its column says so."""
    return [name for name in catalog.SHIPPED if task_of(name) == task]


def fingerprint(name: str) -> str:
    """Changes whenever a file of the model does, so that cached answers are never stale."""
    parts = []
    for file in ("config.json", "weights.safetensors"):
        path = folder(name) / file
        try:
            status = path.stat()
        except OSError:
            parts.append("missing")
        else:
            parts.append(f"{status.st_mtime_ns}.{status.st_size}")
    return f"{folder(name)}:{':'.join(parts)}"


def config(name: str) -> dict[str, Any]:
    """The model's config.json, or {}."""
    return _of_type(_read(name, "config.json"), dict)


def card(name: str) -> dict[str, Any]:
    """The model's card.json, or {}."""
    return _of_type(_read(name, "card.json"), dict)


def attention(name: str) -> dict[str, Any]:
    """The model's attention.json, or {}."""
    return _of_type(_read(name, "attention.json"), dict)


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
    such, the one on which the Transformer is furthest ahead; without references, the first.
    """
    sources = example_sources(task)
    graded = {source: grade for source in sources if (grade := _lead(task, source)) is not None}
    apart = [source for source, (good, bad) in graded.items() if good >= WELL and bad < WELL]
    if apart:
        return apart[0]
    if graded:
        return max(graded, key=lambda source: graded[source][0] - graded[source][1])
    return sources[0] if sources else None


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
    """The longest output, in pieces, that every model of `task` can write."""
    caps = [config(name).get("max_target_length") for name in models(task)]
    return min((cap for cap in caps if isinstance(cap, int) and cap > 0), default=64)


def unit(task: str) -> str:
    """What people read in the task's outputs: "word" or "character"."""
    return "character" if task in CHARACTER_TASKS else "word"


def parameters(name: str) -> int | None:
    """How many weights the model has, by its card."""
    count = card(name).get("parameters")
    return count if isinstance(count, int) else None


def megabytes(name: str) -> float | None:
    """Size of the weights on disk."""
    try:
        return (folder(name) / "weights.safetensors").stat().st_size / 1e6
    except OSError:
        return None


def _of_type(value: Any, kind: type) -> Any:
    return value if isinstance(value, kind) else kind()


def _read(name: str, file: str) -> Any:
    path = folder(name) / file
    try:
        status = path.stat()
        return _parse(str(path), status.st_mtime_ns, status.st_size)
    except (OSError, ValueError):
        return None


@functools.lru_cache(maxsize=128)
def _parse(path: str, modified: int, size: int) -> Any:
    """Time and size are part of the key: a rewritten file is read again."""
    return json.loads(Path(path).read_text(encoding="utf-8"))
