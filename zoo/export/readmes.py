"""What the READMEs of exports have in common: facts of a model, and how their parts are filled."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def facts(loaded: Any) -> dict[str, str]:
    """Name, model, task and origin of the training data, by the names of their places."""
    data = loaded.card.get("data") or {}
    origin = [data.get(field) for field in ("corpus", "url", "licence", "attribution")]
    return {
        "name": loaded.name,
        "model": loaded.config["model"],
        "task": loaded.config["task"],
        "origin": ", ".join(str(value) for value in origin if value) or "unknown",
    }


def folder_facts(loaded: Any, folder: Path, example: str = "") -> dict[str, Any]:
    """`facts`, and what an export that is a folder says: its size in MB, limits, an example."""
    return {
        **facts(loaded),
        "size": sum(file.stat().st_size for file in folder.iterdir()) / 1e6,
        "example": repr(example or "a text"),
        "source": getattr(loaded, "max_source_length", None),
        "target": getattr(loaded, "max_target_length", None),
    }


def shell_json(value: Any) -> str:
    r"""JSON that may be written between the single quotes of a shell.

    Example:
        >>> print(shell_json({"text": "don't"}))
        {"text": "don\u0027t"}
    """
    return json.dumps(value, ensure_ascii=False).replace("'", "\\u0027")


def filled(parts: Iterable[str], values: Mapping[str, Any]) -> str:
    """The parts of a README one below the other, with the values in their places."""
    return "\n".join(part.strip("\n").format_map(values) + "\n" for part in parts)
