"""Which trained models there are: the folders of `saved_models` that hold a valid config.json.

An adapter whose base is not installed is none of them: `waiting` names it. Nothing here imports a
framework, and nothing fails on a folder that is damaged: `damaged` names it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from zoo.pretrained import sources
from zoo.registry import ARCHITECTURES, of_kind

ALIASES = {"en-es": "tatoeba/en-es", "etth1": "ett/h1", "etth2": "ett/h2"}
"""Short names of tasks, in addresses and in the names of shipped models."""
FIRST = ("tatoeba/en-es", "dates", "pronounce")
"""Tasks that are listed before all others."""
CONFIG = "config.json"
_BESIDE = Path(__file__).resolve().parent.parent / "saved_models"


def saved_models_path() -> Path:
    """The folder of shipped models; the variable ZOO_SAVED_MODELS names another."""
    named = os.environ.get("ZOO_SAVED_MODELS")
    return Path(named) if named else _BESIDE


def short_task(task: str) -> str:
    """The short name of a task: `en-es` of `tatoeba/en-es`; its own name where it has none."""
    return next((short for short, name in ALIASES.items() if name == task), task)


def folder(name: str) -> Path | None:
    """The folder of the shipped model called `name`; None: there is none."""
    return saved_models_path() / name if name in folders() else None


def folders(root: Path | None = None) -> list[str]:
    """The names of all folders beside the shipped models, or in `root`, whatever they hold."""
    try:
        return sorted(
            path.name
            for path in (root or saved_models_path()).iterdir()
            if path.is_dir() and not path.name.startswith((".", "__"))
        )
    except OSError:
        return []


def configs(root: Path | None = None, every: bool = False) -> dict[str, dict[str, Any]]:
    """The config.json of every shipped model, or of those in `root`, by name.

    With `every`, those of adapters whose base is not here, too. They come by task, then in the
    order of the registry, then by name.
    """
    root = root or saved_models_path()
    found = {}
    for name in folders(root):
        try:
            config = read(root / name)
        except ValueError:
            continue
        if every or not missing_base(config):
            found[name] = config
    architectures = list(ARCHITECTURES)

    def order(name: str) -> tuple[Any, ...]:
        task = found[name]["task"]
        rank = FIRST.index(task) if task in FIRST else len(FIRST)
        config = found[name]
        place = architectures.index((config.get("kind", "seq2seq"), config["model"]))
        return rank, task, place, name

    return {name: found[name] for name in sorted(found, key=order)}


def names() -> list[str]:
    """The models that are there: by task, then in the order of the registry, by name."""
    return list(configs())


def missing_base(config: dict[str, Any]) -> str:
    """What is missing of the weights that an adapter was trained beside; "" for nothing."""
    adapter = config.get("adapter")
    base = adapter.get("base") if isinstance(adapter, dict) else None
    if not isinstance(base, str) or base in folders():
        return ""
    return sources.missing(base)


def waiting() -> dict[str, tuple[str, str]]:
    """The adapters that cannot answer here: by name, their task and what is missing."""
    root, found = saved_models_path(), {}
    for name in folders():
        try:
            config = read(root / name)
        except ValueError:
            continue
        if said := missing_base(config):
            found[name] = (config["task"], said)
    return found


def damaged() -> dict[str, str]:
    """What is wrong with each folder that holds something, but no model."""
    found = {}
    for name in folders():
        folder = saved_models_path() / name
        try:
            read(folder)
        except ValueError as error:
            if not _empty(folder):
                found[name] = str(error)
    return found


def _empty(folder: Path) -> bool:
    """Whether there is nothing in it; a folder that may not be listed has something."""
    try:
        return not any(folder.iterdir())
    except OSError:
        return False


def read(folder: Path) -> dict[str, Any]:
    """The config.json of a model folder: a JSON object with a task and a known architecture.

    Raises:
        ValueError: what is wrong with it.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"there is no {CONFIG}") from None
    except OSError as error:  # its own text names the whole path
        raise ValueError(f"{CONFIG} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{CONFIG} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise ValueError(f"{CONFIG} is no JSON object")
    if not isinstance(config.get("task"), str) or not config["task"]:
        raise ValueError(f"{CONFIG} names no task")
    model = config.get("model")
    kind = config.get("kind", "seq2seq")
    if not isinstance(kind, str) or not of_kind(kind):
        raise ValueError(f"{CONFIG} names an unknown kind: {str(kind)[:80]!r}")
    if not isinstance(model, str) or model not in of_kind(kind, counted=True):
        raise ValueError(f"{CONFIG} names an unknown architecture: {str(model)[:80]!r}")
    return config
