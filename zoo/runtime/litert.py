"""One graph of LiteRT (TensorFlow Lite with XNNPACK) in one interpreter: arrays in, arrays out.

Needs `ai-edge-litert` and NumPy, neither Keras nor TensorFlow; nothing is compiled. An interpreter
serves one thread at a time, and other interpreters run beside it: a run holds no lock of Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

PACKAGE = "ai-edge-litert"
PRECISIONS = ("float32", "int8")
"""Of exported weights: as they are, or 8-bit integers, a scale for each output."""


class GraphError(ValueError):
    """A graph that cannot be used; the message says why and what to do."""


def available() -> bool:
    """Whether the package that runs graphs is installed."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError:
        return False
    return True


class Graph:
    """A graph whose free axes have names, such as S for the length of a source.

    An input keeps what was written into it from run to run, until an axis changes its size.

    Args:
        path: of the `.tflite` file.
        inputs: the axes of each input by its name: numbers, and names where they are free.
        threads: that one run may use.

    Raises:
        GraphError: the package is missing; the file is missing, damaged, or another graph's.

    Example:
        >>> graph = Graph(folder / "encode.tflite", {"source": [1, "S"]})  # doctest: +SKIP
        >>> graph.resize(S=8)  # doctest: +SKIP
        >>> graph["source"][:] = 0  # doctest: +SKIP
        >>> graph.run()  # doctest: +SKIP
        >>> graph.output("memory_0")  # doctest: +SKIP
    """

    def __init__(self, path: Path, inputs: Mapping[str, list[int | str]], threads: int = 1):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise GraphError(
                f"LiteRT is not installed: pip install {PACKAGE}, or load the model without "
                "runtime='litert'"
            ) from error
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
            runner = self._interpreter.get_signature_runner()
            found = runner.get_input_details()
            self._inputs = {name: int(one["index"]) for name, one in found.items()}
            found = runner.get_output_details()
            self._outputs = {name: int(one["index"]) for name, one in found.items()}
        except (ValueError, RuntimeError, OSError, KeyError) as error:
            raise GraphError(f"{path.name} is no graph of LiteRT, or a damaged one") from error
        # It holds the interpreter, which then refuses to be resized.
        del runner, found
        self._axes = {name: list(axes) for name, axes in inputs.items() if name in self._inputs}
        if set(self._axes) != set(self._inputs):
            missing = ", ".join(sorted(set(self._inputs) - set(self._axes)))
            raise GraphError(f"{path.name} has inputs that its description lacks: {missing}")
        self.sizes: dict[str, int] = {}
        # Functions, not the arrays they give: while one of those is held, nothing can be run.
        self._views = {name: self._interpreter.tensor(i) for name, i in self._inputs.items()}
        self._free = {n for axes in self._axes.values() for n in axes if isinstance(n, str)}
        if not self._free:
            self._interpreter.allocate_tensors()

    def __contains__(self, name: str) -> bool:
        return name in self._inputs

    def __getitem__(self, name: str) -> np.ndarray:
        """The input `name` where it lies, to be written to: not to be kept until the next run."""
        return self._views[name]()

    def shapes(self, names: Sequence[str], **sizes: int) -> dict[str, tuple[int, ...]]:
        """The shapes of inputs where the free axes have these sizes."""
        return {
            name: tuple(sizes[a] if isinstance(a, str) else a for a in self._axes[name])
            for name in names
        }

    def axis(self, name: str, free: str) -> int:
        """Which axis of the input `name` is the free one called so; -1: none."""
        axes = self._axes[name]
        return axes.index(free) if free in axes else -1

    @property
    def outputs(self) -> list[str]:
        """The names of what a run gives."""
        return sorted(self._outputs)

    def resize(self, **sizes: int) -> bool:
        """Give the free axes these sizes; True if any changed: then all inputs are to be written.

        Axes that this graph does not have count for nothing.

        Raises:
            GraphError: an input that is still held elsewhere, or sizes that the graph cannot have.
        """
        sizes = {axis: size for axis, size in sizes.items() if axis in self._free}
        if sizes == self.sizes:
            return False
        try:
            for name, axes in self._axes.items():
                if any(isinstance(axis, str) for axis in axes):
                    shape = [sizes[axis] if isinstance(axis, str) else axis for axis in axes]
                    self._interpreter.resize_tensor_input(self._inputs[name], shape)
            self._interpreter.allocate_tensors()
        except RuntimeError as error:
            self.sizes = {}
            raise GraphError(f"the graph cannot have the sizes {sizes}: {error}") from error
        self.sizes = sizes
        return True

    def run(self) -> None:
        """Compute the outputs from what is in the inputs."""
        self._interpreter.invoke()

    def output(self, name: str) -> np.ndarray:
        """A copy of the output `name`."""
        return self._interpreter.get_tensor(self._outputs[name])

    def carry(self, outputs: Mapping[str, tuple[slice, ...]]) -> None:
        """Write outputs into parts of the inputs of the same name: what a next run goes on from."""
        views, numbers, copy = self._views, self._outputs, self._interpreter.get_tensor
        for name, part in outputs.items():
            views[name]()[part] = copy(numbers[name])


def along(axis: int, part: slice) -> tuple[slice, ...]:
    """The index of a part of an axis; of everything where there is no such axis (-1).

    Example:
        >>> np.zeros((2, 5))[along(1, slice(3))].shape, np.zeros((2, 5))[along(-1, slice(3))].shape
        ((2, 3), (2, 5))
    """
    return (*(slice(None),) * axis, part) if axis >= 0 else (slice(None),)
