"""Values from JSON and CSV files, which may hold anything: taken only where they can be used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def number(value: Any) -> float | None:
    """`value` where it is a finite number, else None.

    Example:
        >>> number(2.5), number(True), number("2.5"), number(float("nan"))
        (2.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def parsed_number(value: Any) -> float | None:
    """The finite number that `value` is or spells, else None.

    Example:
        >>> parsed_number("2.5"), parsed_number("inf"), parsed_number(None)
        (2.5, None, None)
    """
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole_number(value: Any) -> int | None:
    """`parsed_number` without what follows the point."""
    found = parsed_number(value)
    return None if found is None else int(found)
