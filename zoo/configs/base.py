"""What a configuration is: a frozen dataclass whose every field states the values it may have."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

SIZES = ("nano", "tiny", "compact", "small", "base")
"""Names of the presets: `nano` for tests, `tiny` for characters, `compact` for the shipped
recurrent translators, `small` for a corpus of your own on a CPU, `base` for an accelerator."""


@dataclass(frozen=True)
class Config:
    """Hyper-parameters of a network; every architecture's are a subclass.

    `former_names`: what fields were called in model folders and commands of older versions.
    """

    former_names: ClassVar[Mapping[str, str]] = {}

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention the network has, by kind of map; {} for none.

        Kinds are those of `zoo.prediction.AXES`.
        """
        return {}

    def maps(self) -> dict[str, tuple[int, int]]:
        """The first two axes of each map that comes with an answer: its attention, what it copies.

        What is copied has no heads of its own: it cannot be switched off or looked into.
        """
        copied = {"copy": (1, 1)} if getattr(self, "copying", False) else {}
        return {**self.attention_heads(), **copied}


@dataclass(frozen=True)
class Range:
    """The values that a field may have.

    Args:
        least, most: the smallest and the largest number; None: there is no such bound.
        below: numbers must be smaller than this; None: no such bound.
        choices: the only values there are; empty: any of the field's type.

    Example:
        >>> share = Range(least=0, below=1)
        >>> share.holds(0.5), share.holds(1), str(share)
        (True, False, 'at least 0 and below 1')
    """

    least: float | None = None
    most: float | None = None
    below: float | None = None
    choices: tuple[Any, ...] = ()

    def holds(self, value: Any) -> bool:
        """Whether `value`, of the right type, may be had."""
        if isinstance(value, float) and not math.isfinite(value):
            return False
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.below is None or value < self.below)
            and (not self.choices or value in self.choices)
        )

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(map(str, self.choices))}"
        bounds = (("at least", self.least), ("at most", self.most), ("below", self.below))
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


def setting(
    default: Any = dataclasses.MISSING,
    *,
    least: float | None = None,
    most: float | None = None,
    below: float | None = None,
    choices: tuple[Any, ...] = (),
) -> Any:
    """A field of a configuration, with the values it may have; see `Range`.

    Example:
        >>> @dataclass(frozen=True)
        ... class Rotary:
        ...     theta: float = setting(10_000.0, least=1)
        >>> make_config(Rotary, {"theta": 0.5})
        Traceback (most recent call last):
        ValueError: theta must be a float, at least 1. Received: theta=0.5
    """
    return dataclasses.field(
        default=default, metadata={"range": Range(least, most, below, choices)}
    )


def size(default: Any = dataclasses.MISSING) -> Any:
    """A field that counts something of which there is at least one."""
    return setting(default, least=1)


def share(default: float) -> Any:
    """A field that is a share of a whole, and less than all of it."""
    return setting(default, least=0, below=1)


def make_config(kind: type, values: Mapping[str, Any]) -> Any:
    """A configuration of class `kind` from plain values.

    Raises:
        ValueError: an unknown field, a value of another type or outside the field's range, or a
            field without a value.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    values = renamed(kind, values)
    for name, value in values.items():
        if name not in fields:
            raise ValueError(
                f"Unknown hyper-parameter of {kind.__name__}. Known: {', '.join(fields)}. "
                f"Received: {name!r}"
            )
        check(fields[name], value)
    required = [name for name, f in fields.items() if f.default is dataclasses.MISSING]
    if missing := [name for name in required if name not in values]:
        raise ValueError(f"{kind.__name__} needs {', '.join(missing)}. Received: none")
    return kind(**values)


def renamed(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, each under its field's name of today.

    Raises:
        ValueError: one field under both names.
    """
    former, found = getattr(kind, "former_names", {}), {}
    for name, value in values.items():
        today = former.get(name, name)
        if today in found:
            raise ValueError(f"{name} is called {today} now. Received: both")
        found[today] = value
    return found


def check(field: dataclasses.Field, value: Any) -> None:
    """Raises ValueError unless `value` is of the field's type and in its range."""
    # Modules here postpone annotations, so a type is its name.
    right = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "str": isinstance(value, str),
    }[field.type]
    allowed = field.metadata.get("range", Range())
    if not right or not allowed.holds(value):
        limits = f", {allowed}" if str(allowed) else ""
        article = "an" if field.type == "int" else "a"
        raise ValueError(
            f"{field.name} must be {article} {field.type}{limits}. Received: {field.name}={value!r}"
        )
