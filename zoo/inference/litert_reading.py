"""One text read by the LiteRT graphs of a language model, token by token or many at once.

Axes: T tokens, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.inference.litert_folder import READ, GraphFolder
from zoo.padding import bucket
from zoo.runtime.litert import Graph, along

ROOMS = (32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)
"""Tokens that a cache has room for: when it is full, it gets the next."""


class Reader:
    """The interpreters of one thread, and the state after the tokens read so far.

    Args:
        folder: of the graphs.
        threads: that one run may use.
        context: the most tokens that can be read; None: as many as there are.
    """

    def __init__(self, folder: GraphFolder, threads: int = 1, context: int | None = None):
        self.folder, self.threads, self.context = folder, threads, context
        self._read, self._step = (folder.open(name, threads) for name in ("read", "step_1"))
        self._decode: Graph | None = None
        self._growing, self._begins = folder.growing("step_1"), folder.begins("step_1")
        self._cached = any(axis >= 0 for axis in self._growing.values())
        self.begin()

    def begin(self) -> None:
        """Forget what was read."""
        self.index, self._room, self._stepping = 0, 0, False
        self._state = self._empty()

    def read(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """(T, V) logits after each of the tokens (T,), at least one, read after those before."""
        if not self._cached:
            return np.concatenate(
                [self._some(ids[at : at + READ]) for at in range(0, len(ids), READ)]
            )
        return self._some(ids)

    def last(self, ids: Sequence[int]) -> np.ndarray:
        """(V,) logits after the last of the tokens (T,): `read`, without keeping all of them."""
        part = len(ids) if self._cached else READ
        for at in range(0, len(ids), part):
            logits = self._some(ids[at : at + part])[-1]
        return logits

    def step(self, token: int) -> np.ndarray:
        """(V,) logits after one more token."""
        graph = self._step
        if self._cached and self.index >= self._room:
            self._make_room(self.index + 1)
        if not self._stepping:
            self._hand_over(graph)
            self._stepping = True
        graph["token"][0], graph["index"][0] = token, self.index
        graph.run()
        here = slice(self.index, self.index + 1)
        graph.carry({name: along(axis, here) for name, axis in self._growing.items()})
        self.index += 1
        return graph.output("logits")[0]

    def decode(self, tokens: np.ndarray) -> dict[str, np.ndarray]:
        """Logits (1, T, V) and maps of ids (1, T), whatever was read before."""
        if self._decode is None:
            self._decode = self.folder.open("decode", self.threads)
        self._decode.resize(T=tokens.shape[1])
        self._decode["tokens"][:] = tokens
        self._decode.run()
        return {name: self._decode.output(name) for name in self._decode.outputs}

    def _some(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        count, graph = len(ids), self._read
        if self._cached and self.index + count >= self._room:
            self._make_room(self.index + count + 1)
        self._take_back()
        # A cache is filled to the length of the tokens; a loop has one length.
        size = min(bucket(count, ROOMS), self._room) if self._cached else READ
        graph.resize(T=size, C=self._room)
        self._hand_over(graph)
        graph["tokens"][:] = 0
        graph["tokens"][0, :count] = ids
        graph["index"][0], graph["lengths"][0] = self.index, count
        graph.run()
        self._state = {name: graph.output(name) for name in self._growing}
        self.index += count
        return graph.output("logits")[0, :count]

    def _make_room(self, tokens: int) -> None:
        """A longer cache, with what it holds so far."""
        self._take_back()
        before, self._room = self._state, bucket(tokens, ROOMS)
        if self.context:
            self._room = min(self._room, self.context)
        self._state = self._empty()
        for name, axis in self._growing.items():
            if axis >= 0:
                self._state[name][along(axis, slice(before[name].shape[axis]))] = before[name]
            else:
                self._state[name] = before[name]

    def _take_back(self) -> None:
        """The state out of the step's graph, where it is while tokens are read one by one."""
        if self._stepping:
            self._state = {name: self._step[name].copy() for name in self._growing}
            self._stepping = False

    def _hand_over(self, graph: Graph) -> None:
        """The state into a graph that is to go on from it."""
        if graph is self._step:
            graph.resize(C=self._room)
        for name in self._growing:
            graph[name][...] = self._state[name]

    def _empty(self) -> dict[str, np.ndarray]:
        return {
            name: np.full(shape, self._begins[name], "float32")
            for name, shape in self._read.shapes(list(self._growing), C=self._room).items()
        }
