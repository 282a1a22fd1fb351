"""What every classifier does, whatever computes it: inputs to arrays, logits to answers.

No framework is imported. `zoo.inference.classifier` computes with Keras.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.class_inputs import ClassInput, Read
from zoo.label import Label

BATCH = 64
"""Inputs that are computed together at most."""


class ClassifierBase:
    """A classifier's reader of inputs and card; a subclass computes.

    Args:
        name: of the shipped model, or of the folder's name.
        reader: makes arrays of inputs.
        config: the content of `config.json`.
        card: the content of `card.json`, {} when there is none.
        path: the folder it came from, if any.
    """

    kind = "classifier"
    attention_heads: dict[str, tuple[int, int]]
    """How many layers and heads of attention there are, by kind; {} without attention."""
    parameters: int
    """How many weights it has."""

    def __init__(
        self,
        name: str,
        reader: ClassInput,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
    ):
        self.name, self.reader = name, reader
        self.config, self.card, self.path = config, card or {}, path

    @property
    def reads(self) -> str:
        """What it reads: "text", "image" or "series"."""
        return self.reader.reads

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of the logits."""
        return tuple(self.config["classes"])

    def predict(self, inputs: Any, attention: bool = True) -> list[Label]:
        """How likely each class is for each input.

        Args:
            inputs: texts; or images, each an array (H, W) or (H, W, C) of 0 to 255 or of 0.0 to
                1.0, or the bytes of a file; or series, each (T,) or (T, C) numbers. One text, one
                array, or the bytes of one image, counts as a list of one; an array (N, H, W) is N
                images unless its last axis has 1, 3 or 4 channels.
            attention: whether to fetch the maps, where there are any.

        Raises:
            TypeError: an input of another kind.
            ValueError: an input that cannot be read; the message says why.
        """
        began = time.perf_counter()
        reads = self.read(inputs)
        answers: list[Label] = []
        for logits, found, part in self._computed(reads, attention):
            for i, read in enumerate(part):
                one = {kind: array[i] for kind, array in found.items()}
                answers.append(self._answer(read, logits[i], one))
        for answer in answers:
            answer.seconds = (time.perf_counter() - began) / len(answers)
        return answers

    def usual_input(self) -> Any:
        """An input that can be read, for measuring time, which does not depend on what it says."""
        if self.reads != "text":
            return np.zeros(self.reader.shape)
        shown = self.config.get("showcase")
        return shown[0] if isinstance(shown, list) and shown else "A sentence of a few words."

    def log_probs(self, inputs: Any) -> np.ndarray:
        """(N, C) float32 natural log-probability of each class for each input, without maps."""
        return self.log_probs_of(self.read(inputs))

    def log_probs_of(self, reads: Sequence[Read]) -> np.ndarray:
        """The same of inputs that are read already."""
        parts = [log_softmax(logits) for logits, _, _ in self._computed(reads, False)]
        return np.concatenate([np.zeros((0, len(self.classes)), "float32"), *parts])

    def read(self, inputs: Any) -> list[Read]:
        """Inputs as arrays. Raises TypeError or ValueError, as `predict`."""
        if isinstance(inputs, str | bytes | bytearray | Mapping) or self._is_one(inputs):
            inputs = [inputs]
        return [self.reader.read(one) for one in inputs]

    def _is_one(self, inputs: Any) -> bool:
        """Whether an array is one image or one series, and not several."""
        if not isinstance(inputs, np.ndarray) or self.reads == "text":
            return False
        if self.reads == "series":
            return inputs.ndim == 1 or inputs.shape == self.reader.shape
        return inputs.ndim == 2 or (inputs.ndim == 3 and inputs.shape[2] in (1, 3, 4))

    def _computed(
        self, reads: Sequence[Read], maps: bool
    ) -> list[tuple[np.ndarray, dict[str, np.ndarray], list[Read]]]:
        """Logits and maps of the inputs, some at a time, in their order."""
        found: list[Any] = []
        for start in range(0, len(reads), BATCH):
            part = list(reads[start : start + BATCH])
            arrays = self.reader.stack([read.array for read in part])
            found.append((*self.compute(arrays, maps and bool(self.attention_heads)), part))
        return found

    def compute(self, arrays: np.ndarray, maps: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Logits (B, C) of inputs (B, ...), and maps (B, L, H, T, T) by kind where wanted."""
        raise NotImplementedError

    def _answer(self, read: Read, logits: np.ndarray, maps: dict[str, np.ndarray]) -> Label:
        chances = np.exp(log_softmax(logits[None])[0].astype("float64"))
        chances /= chances.sum()
        labels, grid, ahead = read.labels, None, 0
        if read.labels:  # a text: without its padding
            count = len(read.labels)
            maps = {
                kind: array[:, :, : count if kind == "encoder" else 1, :count]
                for kind, array in maps.items()
            }
        else:
            labels, grid, ahead = self._places()
        return Label(
            input=read.shown,
            probabilities=dict(zip(self.classes, chances.tolist(), strict=True)),
            attention=maps,
            labels=labels,
            grid=grid,
            ahead=ahead,
            classified=0 if maps and self._first else None,
            notes=read.notes,
        )

    @property
    def _first(self) -> bool:
        """Whether one place alone is classified: the first, or that of the only query."""
        return self.config["hyperparameters"].get("pooling", "first") == "first"

    def _places(self) -> tuple[list[str], tuple[int, int] | None, int]:
        """Labels of an image's or a series' patches, their grid, and how many places are ahead."""
        sizes = self.config["hyperparameters"]
        patch = sizes.get("patch")
        if not patch:
            return [], None, 0
        first = ["<s>"] if self._first else []
        if "length" in sizes:
            edges = range(0, sizes["length"], patch)
            names = [f"{at}–{min(at + patch, sizes['length']) - 1}" for at in edges]
            return [*first, *names], None, len(first)
        rows, columns = (-(-sizes[side] // patch) for side in ("height", "width"))
        names = [f"{row + 1}, {column + 1}" for row in range(rows) for column in range(columns)]
        return [*first, *names], (rows, columns), len(first)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """(N, C) logits -> natural log-probabilities, float32."""
    logits = logits.astype("float64")
    logits = logits - logits.max(axis=-1, keepdims=True)
    return (logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))).astype("float32")
