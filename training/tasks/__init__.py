"""The registry of tasks: `get("dates")`, `get("tatoeba/en-es")`, `get("tsv:my.tsv")`, ..."""

from __future__ import annotations

from importlib import import_module

from training.tasks.base import Example, Provenance, Task, TokenizerSpec

__all__ = ["KNOWN", "Example", "Provenance", "Task", "TokenizerSpec", "get"]

# What a task name starts with, up to the first "/" or ":" -> the module whose
# `make(name) -> Task` builds it. Modules are imported only when asked for.
KNOWN: dict[str, str] = {
    "dates": "training.tasks.dates",
    "pronounce": "training.tasks.pronounce",
    "tatoeba": "training.tasks.translation",
    "multi30k": "training.tasks.translation",
    "tsv": "training.tasks.translation",
    "files": "training.tasks.translation",
    "tfds": "training.tasks.translation",
}
FORMS = (
    "dates",
    "pronounce",
    "tatoeba/en-es (any ManyThings language)",
    "multi30k/en-de",
    "tsv:PATH",
    "files:SOURCE_PATH,TARGET_PATH",
    "tfds:ted_hrlr_translate/pt_to_en",
)


def get(name: str) -> Task:
    """The task called `name`. Raises ValueError that lists what there is for any other name."""
    kind = name.split(":", 1)[0].split("/", 1)[0]
    if kind not in KNOWN:
        raise ValueError(f"unknown task; there are {', '.join(FORMS)}. Received: name={name!r}")
    return import_module(KNOWN[kind]).make(name)
