"""Interpreters of LiteRT for any number of callers at a time: no more than there are cores."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from zoo.inference.litert_folder import GraphFolder
from zoo.runtime.devices import cores

W, J = TypeVar("W"), TypeVar("J")


class Pool(Generic[W]):
    """Workers, each with interpreters of its own, made when they are needed.

    Args:
        graphs: the folder of the graphs.
        make: a worker of the graphs whose runs may use so many threads.
        threads: how many workers there are at most; by default one a core.
        alone: how many threads one run may use where nothing else is asked of the pool.

    Raises:
        GraphError: graphs that cannot be run.
    """

    def __init__(
        self,
        graphs: GraphFolder,
        make: Callable[[GraphFolder, int], W],
        threads: int | None = None,
        alone: int = 1,
    ):
        self.graphs, self._make = graphs, make
        self.threads = threads or cores()
        self.alone = min(alone, self.threads)
        self._idle: dict[int, queue.LifoQueue[W]] = {
            threads: queue.LifoQueue() for threads in (1, self.alone)
        }
        self._apart: queue.LifoQueue[W] = queue.LifoQueue(self.threads)
        self.made = dict.fromkeys(self._idle, 0)
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        with self.worker(self.alone):  # a damaged graph is found now
            pass

    @contextmanager
    def worker(self, threads: int = 1) -> Iterator[W]:
        """A worker that nobody else uses meanwhile; `threads`: 1 or `alone`."""
        idle = self._idle[threads]
        try:
            worker = idle.get_nowait()
        except queue.Empty:
            worker = self._another(threads) or idle.get()
        try:
            yield worker
        finally:
            idle.put(worker)

    @contextmanager
    def apart(self) -> Iterator[W]:
        """A worker that is not counted, for as long as one likes: nobody has to wait for it."""
        try:
            worker = self._apart.get_nowait()
        except queue.Empty:
            worker = self._make(self.graphs, self.alone)
        try:
            yield worker
        finally:
            with contextlib.suppress(queue.Full):  # enough are kept for later
                self._apart.put_nowait(worker)

    def _another(self, threads: int) -> W | None:
        """One more worker; None where there are enough, and one has to wait for one's turn."""
        with self._lock:
            if self.made[threads] >= self.threads:
                return None
            self.made[threads] += 1
        try:
            return self._make(self.graphs, threads)
        except Exception:
            with self._lock:
                self.made[threads] -= 1
            raise

    def each(self, do: Callable[[J], Any], rows: Sequence[J]) -> dict[J, Any]:
        """What `do(row)` gives for each of the rows, as many at a time as there are workers."""
        if len(rows) < 2 or self.threads < 2:
            return {row: do(row) for row in rows}
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="litert")
        return dict(zip(rows, self._pool.map(do, rows), strict=True))
