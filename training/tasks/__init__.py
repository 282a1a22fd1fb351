"""The registry of tasks: `get("dates")`, `get("tatoeba/en-es")`, `get("tsv:my.tsv")`, ..."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from training.paths import DATASET, OWN_FILES
from training.tasks.base import Example, Provenance, Task, TokenizerSpec

__all__ = ["KNOWN", "Example", "Provenance", "Task", "TokenizerSpec", "get", "of_model"]

# What a task name starts with, up to the first "/", or else up to the first ":" -> the module whose
# `make(name) -> Task` builds it. Modules are imported only when asked for.
KNOWN: dict[str, str] = {
    "dates": "training.tasks.dates",
    "contacts": "training.tasks.contacts",
    "pronounce": "training.tasks.pronunciation",
    "tatoeba": "training.tasks.translation",
    "multi30k": "training.tasks.translation",
    "tsv": "training.tasks.translation",
    "files": "training.tasks.translation",
    "tfds": "training.tasks.translation",
    "tfds:samsum": "training.tasks.summaries",
    "tfds:cnn_dailymail": "training.tasks.summaries",
    "summaries": "training.tasks.summaries",
    "samsum": "training.tasks.summaries",
    "jsonl": "training.tasks.summaries",
    "shakespeare": "training.tasks.language_modeling",
    "ptb": "training.tasks.language_modeling",
    "text": "training.tasks.language_modeling",
    "text-characters": "training.tasks.language_modeling",
    "ett": "training.tasks.forecasting",
    "weather": "training.tasks.forecasting",
    "sunspots": "training.tasks.forecasting",
    "co2": "training.tasks.forecasting",
    "csv": "training.tasks.forecasting",
    "sst2": "training.tasks.classification",
    "labels": "training.tasks.classification",
    "digits": "training.tasks.classification",
    "digits80": "training.tasks.classification",
    "mnist5k": "training.tasks.classification",
    "images": "training.tasks.classification",
    "arrowhead": "training.tasks.classification",
    "italy-power": "training.tasks.classification",
}
FORMS = (
    "dates",
    "contacts",
    "pronounce",
    "tatoeba/en-es (any ManyThings language)",
    "multi30k/en-de",
    "tsv:PATH",
    "files:SOURCE_PATH,TARGET_PATH",
    "tfds:ted_hrlr_translate/pt_to_en",
    "samsum",
    "jsonl:FILE",
    "tfds:cnn_dailymail",
    "summaries:tfds:NAME",
    "shakespeare",
    "ptb",
    "text:FILE_OR_FOLDER",
    "text-characters:FILE_OR_FOLDER",
    "text:tfds:NAME",
    "text-characters:tfds:NAME",
    "ett/h1",
    "ett/h2",
    "weather",
    "sunspots",
    "co2",
    "csv:FILE",
    "sst2",
    "labels:FILE",
    "labels:TRAIN,VALID,TEST",
    "labels:tfds:NAME",
    "digits",
    "digits80",
    "mnist5k",
    "images:FOLDER",
    "arrowhead",
    "italy-power",
)


def get(name: str) -> Task:
    """The task called `name`. Raises ValueError that lists what there is for any other name."""
    begun = name.split("/", 1)[0]
    kind = begun if begun in KNOWN else begun.split(":", 1)[0]
    if kind not in KNOWN:
        raise ValueError(f"unknown task; there are {', '.join(FORMS)}. Received: name={name!r}")
    return import_module(KNOWN[kind]).make(name)


def of_model(config: Mapping[str, Any], given: str | None = None) -> Task:
    """The task that a model was trained on, by its config.json, which names no folders.

    `given`: the same task with the paths of its files as they are now.
    Raises ValueError where a file of the model's own is not in the working folder.
    """
    name = given or config["task"]
    kind, _, files = name.partition(":")
    if not given and kind in OWN_FILES and not files.startswith(DATASET):
        for file in files.split(","):
            if not Path(file.strip()).expanduser().exists():
                raise ValueError(
                    f"the model was trained on {name}, and {file.strip()} is not in this folder: "
                    f"say where it is by --task {kind}:PATH"
                )
    task = get(name)
    protocol = config.get("protocol")
    return task.by(protocol) if isinstance(protocol, Mapping) else task
