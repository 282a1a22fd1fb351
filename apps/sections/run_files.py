"""The files of a training: its curve (`history.csv`), and how far it is (its checkpoint's header).

What cannot be read is taken for absent. No framework is imported.
"""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apps import model_places
from apps.json_values import mapping, parsed_number

Row = Mapping[str, float]
"""A line of a `history.csv`, by column."""
LONGEST_HEADER = 50_000_000
"""Bytes: a file whose header is longer is no checkpoint."""
LONGEST_HISTORY = 50_000_000
"""Bytes: a longer file is no `history.csv`."""


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
    told = mapping(mapping(header).get("__metadata__")).get("progress")
    return dict(mapping(json.loads(told))) if isinstance(told, str) else {}


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
            key: number
            for key, value in row.items()
            if (number := parsed_number(value)) is not None
        }
        if "step" in found:
            rows.append(found)
    return tuple(rows)
