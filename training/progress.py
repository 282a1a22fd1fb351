"""The one console and the one progress bar of every command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(stderr=True)


def progress_bar(*, transient: bool = False) -> Progress:
    """The bar that long work shows: how much is done of how much, and how long the rest takes.

    `transient`: whether it goes once all is done.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=transient,
    )


@contextmanager
def advancing(what: str, total: int, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """A bar of `total` steps; gives the function that is told how many more are done.

    `shown`: whether there is a bar at all.
    """
    if not shown:
        yield lambda count: None
        return
    with progress_bar(transient=True) as bar:
        job = bar.add_task(what, total=total)
        yield lambda count: bar.advance(job, count)


@contextmanager
def completing(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar whose length is not known before; gives the function told (done, of how many)."""
    with progress_bar() as bar:
        job = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(job, completed=done, total=total)
