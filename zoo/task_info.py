"""What a page needs to know of a task, written into the config.json of its models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class TaskInfo:
    """How a task is called, and what its readers are asked for.

    Args:
        label: its name.
        prompt: what a reader types.
        hint: an example of it; "" for none.
        target_prompt, target_hint: the same of an output.
        output_unit, input_unit: what people call one unit of each: a word, a character, a sound.

    Example:
        >>> TaskInfo.of({"task": "tsv:mine.tsv", "unit": "word"}).label
        'tsv:mine.tsv'
    """

    label: str
    prompt: str = "Your text"
    hint: str = ""
    target_prompt: str = "Your output"
    target_hint: str = ""
    output_unit: str = "word"
    input_unit: str = "word"

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> TaskInfo:
        """What a config.json says; where it says nothing, what its task and unit allow to say."""
        unit = "character" if config.get("unit") == "character" else "word"
        known: dict[str, Any] = {"output_unit": unit, "input_unit": unit}
        told = config.get("task_info")
        if isinstance(told, Mapping):
            names = [field.name for field in fields(cls)]
            known |= {k: told[k] for k in names if isinstance(told.get(k), str)}
        return cls(**{"label": str(config.get("task") or "Other"), **known})
