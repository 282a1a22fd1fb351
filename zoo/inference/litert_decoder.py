"""Step graphs of LiteRT with the state of the targets that are being written, in NumPy.

Axes: N rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from zoo.inference.litert_folder import BATCH, BATCH_ROWS, BEAM_ROWS, GraphFolder
from zoo.padding import bucket
from zoo.runtime.litert import Graph, along

ROOM = 16
"""Tokens that a cache has room for at first; when it is full, its room doubles."""

SOURCES = (32, 64, 128, 256, 512)
"""Lengths that a decoder is made ready for: making it ready for another takes longer than a step,
and what is too long costs it nothing, being masked."""


class Scores(NamedTuple):
    """What a step says of every row: see `zoo.inference.litert_graphs.scores`."""

    logits: np.ndarray
    """(N, V)"""
    most: np.ndarray
    """(N, V / BLOCK)"""
    normalizer: np.ndarray
    """(N, 1)"""


class Decoder:
    """Step graphs, with the state of a target that is being written.

    Args:
        folder: of the graphs.
        name: of the graph.
        each: how many rows it has.
        count: how many of it are run for one step.
        threads: that a run may use.
    """

    def __init__(
        self, folder: GraphFolder, name: str, each: int = 1, count: int = 1, threads: int = 1
    ):
        self.each, self.rows = each, each * count
        self.graphs = [folder.open(name, threads) for _ in range(count)]
        growing = folder.growing(name).items()
        self.growing = {state: axis for state, axis in growing if state in self.graphs[0]}
        self.index = self.room = self.source = 0
        self.memories: list[dict[str, np.ndarray]] = []

    @classmethod
    def for_beams(cls, folder: GraphFolder, beams: int, threads: int = 1) -> Decoder:
        """Of one source and so many hypotheses: as many graphs as have rows for them."""
        each = 1 if beams == 1 else BEAM_ROWS
        return cls(folder, f"step_{each}", each, -(-beams // each), threads)

    @classmethod
    def for_batch(cls, folder: GraphFolder, threads: int = 1) -> Decoder:
        """Of `BATCH_ROWS` sources, with a hypothesis each."""
        return cls(folder, BATCH, BATCH_ROWS, 1, threads)

    def begin(self, memories: Sequence[dict[str, np.ndarray]], source: int) -> None:
        """Make ready for sources of at most so many tokens, whose `encode` gave the memories.

        One memory is for all rows; several are for as many rows, and what is beyond them is idle.
        """
        self.memories, self.index, self.room = list(memories), 0, ROOM
        self.source = bucket(source, SOURCES)
        self._fill()
        for graph in self.graphs:
            for state, axis in self.growing.items():
                if axis >= 0:
                    graph[state][...] = 0
                else:
                    self._write(graph, state)

    def _fill(self) -> None:
        for graph in self.graphs:
            graph.resize(S=self.source, C=self.room)
            for name in self.memories[0]:
                if name.startswith("memory_") and name in graph:
                    self._write(graph, name)

    def _write(self, graph: Graph, name: str) -> None:
        """What `encode` gave, into an input of a graph: a row each, as long as the longest."""
        axis, view = graph.axis(name, "S"), graph[name]
        for row in range(len(view)):
            # What is idle reads the first source, as if it were its own.
            number = row if row < len(self.memories) else 0
            array, here = self.memories[number][name][0], view[row]
            if axis >= 0 and array.shape[axis - 1] < self.source:
                here[...] = 0  # the mask too: nothing looks there
                here = here[along(axis - 1, slice(array.shape[axis - 1]))]
            here[...] = array

    def _grow(self) -> None:
        """Twice the room, with what has been written so far."""
        before = [{state: graph[state].copy() for state in self.growing} for graph in self.graphs]
        self.room *= 2
        self._fill()
        for graph, kept in zip(self.graphs, before, strict=True):
            for state, axis in self.growing.items():
                graph[state][...] = 0
                graph[state][along(axis, slice(self.index))] = kept[state]

    def step(self, tokens: np.ndarray) -> Scores:
        """Continue every row by the token (N,) it was given."""
        if self.index == self.room and any(axis >= 0 for axis in self.growing.values()):
            self._grow()
        found = []
        here = slice(self.index, self.index + 1)
        places = {state: along(axis, here) for state, axis in self.growing.items()}
        for n, graph in enumerate(self.graphs):
            graph["token"][:] = tokens[n * self.each : (n + 1) * self.each]
            graph["index"][0] = self.index
            graph.run()
            graph.carry(places)
            output = graph.output
            found.append(Scores(output("logits"), output("most"), output("normalizer")))
        self.index += 1
        if len(found) == 1:
            return found[0]
        return Scores(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def reorder(self, parents: np.ndarray) -> None:
        """Let row n go on from what row `parents[n]` had."""
        moved = np.flatnonzero(parents != np.arange(self.rows))
        if not len(moved):
            return
        for state, axis in self.growing.items():
            # Of a cache only what has been written.
            here = along(axis, slice(self.index))
            views = [graph[state][here] for graph in self.graphs]
            if len(views) == 1:
                views[0][moved] = views[0][parents[moved]]
                continue
            rows = np.concatenate(views)[parents]
            for n, view in enumerate(views):
                view[...] = rows[n * self.each : (n + 1) * self.each]
