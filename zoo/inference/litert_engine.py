"""Batches of ids answered by LiteRT graphs, the longest rows first, on all cores.

Each thread has interpreters of its own; few rows are answered one by one, many in groups. No
framework is imported. Axes: B batch, S source tokens, T target tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.inference.litert_folder import BATCH, BATCH_ROWS, ONE_ROW, GraphFolder
from zoo.inference.litert_pool import Pool
from zoo.inference.litert_search import Written
from zoo.inference.litert_worker import Worker, padded
from zoo.inference.sampling import Generated, Sampling, draw
from zoo.prediction import AXES

Maps = dict[str, np.ndarray]
TOGETHER = 10
"""Rows from which on one run of the graph for batches takes less time than one run a row."""


class Engine:
    """Interpreters of the graphs of one model, for any number of callers at a time.

    Args:
        graphs: the folder of its graphs.
        threads: how many rows of a batch are answered at a time; by default one a core.

    Raises:
        GraphError: graphs that cannot be run.
    """

    def __init__(self, graphs: GraphFolder, threads: int | None = None):
        # Two cores for a single row, where a step is large enough to be shared: measured on two.
        alone = 2 if graphs.precision == "float32" else 1
        self.graphs, self.pool = graphs, Pool(graphs, Worker, threads, alone)

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

        sizes = (source != 0).sum(axis=1)
        order = [int(row) for row in np.argsort(-sizes, kind="stable") if sizes[row]]
        threads = self.pool.alone if len(order) == 1 else 1

        def answer(some: tuple[int, ...]) -> list[list[Written]]:
            with self.pool.worker(threads) as worker:
                if len(some) == 1:
                    row = some[0]
                    return [
                        worker.search(
                            padded(source[row]),
                            int(limits[row]),
                            beams,
                            length_penalty,
                            sampling,
                            uniform[row],
                        )
                    ]
                found = worker.search_rows(
                    [padded(source[row]) for row in some],
                    [int(limits[row]) for row in some],
                    length_penalty,
                    sampling,
                    uniform[list(some)],
                )
                return [[one] for one in found]

        groups = self._groups(order, beams)
        found = {
            row: one
            for some, each in self.pool.each(answer, groups).items()
            for row, one in zip(some, each, strict=True)
        }
        return _as_arrays(found, (rows, beams, length))

    def log_probs_and_maps(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Maps]:
        """(B, T) log-probabilities of (B, T) ids after (B, S) ids, and the maps, padded with 0."""

        def answer(row: int) -> dict[str, np.ndarray]:
            with self.pool.worker() as worker:
                return worker.score(padded(source[row]), padded(target[row]))

        rows = np.flatnonzero(source.any(axis=1) & target.any(axis=1))
        found = self.pool.each(answer, [int(row) for row in rows])
        log_probs = np.zeros(target.shape, "float32")
        maps: Maps = {}
        for row, outputs in found.items():
            log_probs[row, : outputs["log_probs"].shape[1]] = outputs["log_probs"][0]
            for name, array in outputs.items():
                kind = name.removeprefix("map_")
                if kind == name:
                    continue
                if kind not in maps:
                    sides = {"source": source, "target": target}
                    across = [sides[side].shape[1] for side in AXES[kind]]
                    maps[kind] = np.zeros((len(source), *array.shape[1:3], *across), "float32")
                maps[kind][row, :, :, : array.shape[3], : array.shape[4]] = array[0]
        return log_probs, maps

    def _groups(self, order: list[int], beams: int) -> list[tuple[int, ...]]:
        """Rows to be answered together, of like lengths; a few are answered faster one by one."""
        groups: list[tuple[int, ...]] = []
        if beams == 1 and BATCH in self.graphs.files:
            fewest = TOGETHER if ONE_ROW in self.graphs.files else 1
            while len(order) >= fewest:
                groups.append(tuple(order[:BATCH_ROWS]))
                order = order[BATCH_ROWS:]
        return [*groups, *((row,) for row in order)]


def _as_arrays(found: dict[int, list[Written]], shape: tuple[int, int, int]) -> Generated:
    """The hypotheses of each row as arrays (rows, beams, length), padded."""
    made = Generated(
        np.zeros(shape, "int32"),
        np.zeros(shape, "float32"),
        np.zeros(shape[:2], "int32"),
        np.full(shape[:2], -np.inf, "float32"),
    )
    for row, hypotheses in found.items():
        for n, one in enumerate(hypotheses):
            size = len(one.tokens)
            made.tokens[row, n, :size] = one.tokens
            made.log_probs[row, n, :size] = one.log_probs
            made.lengths[row, n], made.scores[row, n] = size, one.score
    return made
