"""Names of files as cards, READMEs and configs show them: a path of this machine is its last part.

What is published must not name anyone's home folder. Paths relative to the working folder stay
as they were typed; absolute ones and those that begin with `~` are cut to the file's name.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

OWN_FILES = ("tsv", "files", "text", "text-characters", "csv", "labels", "images", "jsonl")
"""Kinds of task whose names hold paths; commas part them."""
DATASET = "tfds:"
"""What the name of a set of TensorFlow Datasets begins with, where it could also be a path."""


def shown(word: str) -> str:
    """A path, a task's name, or one word of a command, without folders of this machine.

    "/home/x/runs/a" -> "a", "tsv:/home/x/y.tsv" -> "tsv:y.tsv", "--out=/home/x/a" -> "--out=a",
    "--teacher=a,/home/x/b" -> "--teacher=a,b".
    """
    option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
    kind, colon, paths = value.partition(":")
    if not colon or kind not in OWN_FILES:
        kind, colon, paths = "", "", value
    return f"{option}{equals}{kind}{colon}{','.join(map(_last, paths.split(',')))}"


def _last(path: str) -> str:
    """The last part of a path of this machine; anything else as it is."""
    bare = path.strip()
    if not (bare.startswith("~") or Path(bare).is_absolute()):
        return path
    return Path(bare).name or bare


def scrubbed(value: Any) -> Any:
    """JSON-like data, with each of its texts as `shown`; commands (key "command") word by word."""
    if isinstance(value, Mapping):
        return {
            key: rejoined(one) if key == "command" and isinstance(one, str) else scrubbed(one)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [scrubbed(one) for one in value]
    return shown(value) if isinstance(value, str) else value


def rejoined(command: str) -> str:
    """A command line with every word as `shown`."""
    try:
        words = shlex.split(command)
    except ValueError:  # a quotation mark without its other half
        words = command.split()
    cut = [shown(word) for word in words]
    return command if cut == words else shlex.join(cut)


def command(module: str, words: Iterable[str] | None = None) -> str:
    """`python -m module ...` as it can be typed again; by default with this process's arguments."""
    backend = os.environ.get("KERAS_BACKEND")
    prefix = f"KERAS_BACKEND={backend} " if backend else ""
    given = sys.argv[1:] if words is None else words
    return f"{prefix}python -m {module} {shlex.join(map(shown, given))}"
