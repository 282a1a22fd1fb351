"""Files that a page asks for many times are looked at once while it is drawn.

A page asks some hundred times which models there are and whether their files have changed. Within
`looking`, the first answer holds until the page is done; elsewhere each call looks again.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Found = TypeVar("Found")

_page = threading.local()


@contextlib.contextmanager
def looking() -> Iterator[None]:
    """Within it this thread draws a page."""
    _page.seen = {}
    try:
        yield
    finally:
        del _page.seen


def once(function: Callable[Given, Found]) -> Callable[Given, Found]:
    """A function of hashable arguments that looks once a page; what it returns is not changed."""

    @functools.wraps(function)
    def remembered(*args: Given.args, **kwargs: Given.kwargs) -> Found:
        seen = getattr(_page, "seen", None)
        if seen is None:
            return function(*args, **kwargs)
        key = function, args, tuple(kwargs.items())
        if key not in seen:
            seen[key] = function(*args, **kwargs)
        return seen[key]

    return remembered
