"""LiteRT graphs that take one array and give a whole answer at once, without and with maps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.inference.litert_folder import GraphFolder
from zoo.runtime.litert import Graph

FREE = "T"
"""The name of the axis whose length is that of the input, where there is one."""
MAP = "map_"
"""What the name of an output that is an attention map begins with."""


class Whole:
    """Interpreters for one caller at a time; each is opened when it is first used.

    Args:
        graphs: the folder of the graphs.
        threads: that one run may use.
        first: the graph that is opened at once, so that a damaged one is found.
        given: the name of the input.
    """

    def __init__(self, graphs: GraphFolder, threads: int, first: str, given: str):
        self.graphs, self.threads, self.given = graphs, threads, given
        self._open: dict[str, Graph] = {first: graphs.open(first, threads)}

    def run(self, name: str, array: np.ndarray) -> dict[str, np.ndarray]:
        """What the graph `name` gives for one input, an array without the batch; by output."""
        if name not in self._open:
            self._open[name] = self.graphs.open(name, self.threads)
        graph = self._open[name]
        graph.resize(**{FREE: len(array)})
        graph[self.given][:] = array[None]
        graph.run()
        return {output: graph.output(output) for output in graph.outputs}


def maps_of(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The attention maps among the outputs of a graph, by kind."""
    return {name.removeprefix(MAP): array for name, array in found.items() if name.startswith(MAP)}
