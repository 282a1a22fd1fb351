"""What one reader's session holds of the state, and what a new choice does to the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

# What a new value of a choice makes meaningless. `target` is spared where the page shows it.
OF_ANSWER = ("force", "step", "row", "column")
OF_PROMPT = ("place", "from", "mask", "swap")
OF_SERIES = ("window", "series", "segment")
OF_LABELS = ("only", "example", "shade")
OF_TEXT = ("target", "mask", "swap", "prefix", "run", *OF_ANSWER)
OUTDATED = {
    "task": (
        "text",
        "prompt",
        "unit",
        "max",
        "models",
        "scored",
        "token",
        *OF_SERIES,
        *OF_LABELS,
        *OF_PROMPT,
        *OF_TEXT,
    ),
    "scored": ("token",),
    "text": OF_TEXT,
    "prompt": (*OF_PROMPT, *OF_ANSWER),
    "target": ("step", "row", "column"),
    "model": (*OF_ANSWER, "segment"),
    "beams": ("run", *OF_ANSWER),
}
REMEMBERED = ("text", "prompt", "target", "unit", "scored")
"""What is found again when the task is chosen again."""
NAMES = {
    "beams": "decoding",
    "max": "a longest output of",
    "map": "the map",
    "unit": "units",
    "model2": "the second model",
    "models": "the models",
    "runs": "the runs",
    "folder": "the run",
    "window": "the stretch",
    "only": "the examples",
    "example": "the example",
    "shade": "shading by",
}
"""What a choice is called in a sentence, where its name does not say it."""


@dataclass
class Session:
    """What one reader's session holds.

    `values`: the state. `new`: names whose value came with the address and was not looked at yet.
    `said` is on the page, `fresh` will be at the next run. `recent`: addresses just written.
    `long`: texts too long for an address, by what is there instead. `of_task`: what was
    typed for each task. `options`: of each widget, when it was last drawn. `task`: the one shown;
    `foreign`: it is not the one that was chosen, which the page does not have.
    """

    values: dict[str, str] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    recent: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=8))
    long: dict[str, str] = field(default_factory=dict)
    of_task: dict[str, dict[str, str]] = field(default_factory=dict)
    options: dict[str, Hashable] = field(default_factory=dict)
    pages: dict[str, Any] = field(default_factory=dict)
    page: str = ""
    task: str = ""
    foreign: bool = False
    script: str = ""
    changed: bool = False
    synced: bool = False
    place: Any = None
