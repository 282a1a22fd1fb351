"""Batches of ids answered by LiteRT graphs: rows one by one, the longest first, on all cores.

Each thread has interpreters of its own, and a graph of one row wastes nothing on padding. No
framework is imported. Axes: B batch, S source tokens, T target tokens.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from zoo.inference.litert_folder import GraphFolder
from zoo.inference.litert_search import Worker, Written, padded
from zoo.inference.sampling import Generated, Sampling, draw
from zoo.runtime.devices import cores

Maps = dict[str, np.ndarray]


class Engine:
    """Interpreters of the graphs of one model, for any number of callers at a time.

    Args:
        graphs: the folder of its graphs.
        threads: how many rows of a batch are answered at a time; by default one a core.

    Raises:
        GraphError: graphs that cannot be run.
    """

    def __init__(self, graphs: GraphFolder, threads: int | None = None):
        self.graphs = graphs
        self.threads = threads or cores()
        # A single row has all cores, where a step is large enough to be shared: measured on two.
        self._alone = min(2, self.threads) if graphs.precision == "float32" else 1
        self._idle: dict[int, queue.LifoQueue[Worker]] = {
            threads: queue.LifoQueue() for threads in (1, self._alone)
        }
        self._made = dict.fromkeys(self._idle, 0)
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        with self._worker(self._alone):  # a damaged graph is found now
            pass

    def generate(
        self,
        source: np.ndarray,
        *,
        length: int,
        limit: int | Sequence[int] | None = None,
        beams: int = 1,
        length_penalty: float = 0.6,
        sampling: Sampling | None = None,
        seed: int | Sequence[int] = 0,
    ) -> Generated:
        """Search for a target of each row (B, S): as `zoo.inference.generation.generate`."""
        rows = len(source)
        limits = np.broadcast_to(length if limit is None else limit, (rows,))
        uniform = draw(seed, rows, length) if sampling else np.zeros((rows, 0), "float32")

        threads = self._alone if np.count_nonzero(source.any(axis=1)) == 1 else 1

        def answer(row: int) -> list[Written]:
            with self._worker(threads) as worker:
                return worker.search(
                    padded(source[row]),
                    int(limits[row]),
                    beams,
                    length_penalty,
                    sampling,
                    uniform[row],
                )

        found = self._each(answer, source)
        made = Generated(
            np.zeros((rows, beams, length), "int32"),
            np.zeros((rows, beams, length), "float32"),
            np.zeros((rows, beams), "int32"),
            np.full((rows, beams), -np.inf, "float32"),
        )
        for row, hypotheses in found.items():
            for n, one in enumerate(hypotheses):
                size = len(one.tokens)
                made.tokens[row, n, :size], made.log_probs[row, n, :size] = (
                    one.tokens,
                    one.log_probs,
                )
                made.lengths[row, n], made.scores[row, n] = size, one.score
        return made

    def log_probs_and_maps(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Maps]:
        """(B, T) log-probabilities of (B, T) ids after (B, S) ids, and the maps, padded with 0."""

        def answer(row: int) -> dict[str, np.ndarray]:
            with self._worker() as worker:
                return worker.score(padded(source[row]), padded(target[row]))

        found = self._each(answer, source * target.any(axis=1, keepdims=True))
        log_probs = np.zeros(target.shape, "float32")
        maps: Maps = {}
        for row, outputs in found.items():
            log_probs[row, : outputs["log_probs"].shape[1]] = outputs["log_probs"][0]
            for name, array in outputs.items():
                kind = name.removeprefix("map_")
                if kind == name:
                    continue
                if kind not in maps:
                    sides = {"cross": (target, source), "encoder": (source, source)}
                    across = [side.shape[1] for side in sides.get(kind, (target, target))]
                    maps[kind] = np.zeros((len(source), *array.shape[1:3], *across), "float32")
                maps[kind][row, :, :, : array.shape[3], : array.shape[4]] = array[0]
        return log_probs, maps

    def _each(self, answer: Callable[[int], Any], source: np.ndarray) -> dict[int, Any]:
        """What `answer(row)` gives for each row that is not all padding, the longest first."""
        sizes = (source != 0).sum(axis=1)
        rows = [int(row) for row in np.argsort(-sizes, kind="stable") if sizes[row]]
        if len(rows) < 2 or self.threads < 2:
            return {row: answer(row) for row in rows}
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="litert")
        return dict(zip(rows, self._pool.map(answer, rows), strict=True))

    @contextmanager
    def _worker(self, threads: int = 1) -> Iterator[Worker]:
        """Interpreters that nobody else uses meanwhile: as many as cores, made when needed."""
        idle = self._idle[threads]
        try:
            worker = idle.get_nowait()
        except queue.Empty:
            worker = self._another(threads) or idle.get()
        try:
            yield worker
        finally:
            idle.put(worker)

    def _another(self, threads: int) -> Worker | None:
        """More interpreters; None where there are enough, and one has to wait for one's turn."""
        with self._lock:
            if self._made[threads] >= self.threads:
                return None
            self._made[threads] += 1
        try:
            return Worker(self.graphs, threads)
        except Exception:
            with self._lock:
                self._made[threads] -= 1
            raise
