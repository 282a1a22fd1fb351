"""Few pages are drawn at a time, so that of thirty readers not each waits for all the others.

Pages are drawn by threads of one process, which Python runs in turn. With dozens at work the thread
that sends what is drawn gets its turn too rarely, and all readers see their pages at the very end.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

AT_ONCE = 2
LONGEST = 10.0
"""Seconds that a page stands back at most for others that have not begun."""
_slots = threading.BoundedSemaphore(AT_ONCE)
_mine = threading.local()
_queue = threading.Condition()
_to_begin = 0
"""Pages that wait for their first turn."""


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Within it a page is drawn: `AT_ONCE` at most, the others wait before it."""
    global _to_begin
    with _queue:
        _to_begin += 1
    try:
        _slots.acquire()
    finally:
        with _queue:
            _to_begin -= 1
            _queue.notify_all()
    _mine.held = True
    try:
        yield
    finally:
        _mine.held = False
        _slots.release()


def after_others() -> None:
    """What a reader waits for most is drawn: pages that have not begun go first."""
    with waiting(), _queue:
        _queue.wait_for(lambda: not _to_begin, LONGEST)


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """Within it this page waits for something else, and another one is drawn meanwhile."""
    if not getattr(_mine, "held", False):
        yield
        return
    _mine.held = False
    _slots.release()
    try:
        yield
    finally:
        _slots.acquire()
        _mine.held = True
