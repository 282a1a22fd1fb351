"""What is repeated in depth, and left out unless `make test ARGS=--thorough` asks for it.

Each has something like it among the tests that always run: the same for another architecture, the
parts of which it is the whole. `.github/workflows/thorough.yml` runs all of them every night.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest

mark = pytest.mark.thorough


def params(every: Iterable[Any], always: Collection[Any]) -> list[Any]:
    """Parameters of a test or fixture, of which only some are always tried.

    Example:
        >>> [one if isinstance(one, int) else one.values for one in params([1, 2], [1])]
        [1, (2,)]
    """
    return [
        one
        if one in always
        else pytest.param(*(one if isinstance(one, tuple) else (one,)), marks=mark)
        for one in every
    ]
