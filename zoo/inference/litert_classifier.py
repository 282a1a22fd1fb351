"""A trained classifier on LiteRT: the same labels without Keras or TensorFlow."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from zoo import saved_tokenizers, saving
from zoo.inference.classifier_base import ClassifierBase
from zoo.inference.litert_folder import GraphFolder
from zoo.inference.litert_pool import Pool
from zoo.inference.litert_whole import Whole, maps_of
from zoo.padding import LENGTHS, bucket
from zoo.tokenizer import PAD

CLASSIFY, LOOK, GIVEN = "classify", "look", "input"


class LiteRTClassifier(ClassifierBase):
    """The reader and LiteRT graphs of a classifier; see `litert_class_graphs`.

    Args:
        graphs: the folder of its graphs.
        threads: how many inputs are classified at a time; by default one a core.
        others: as `ClassifierBase`.

    Raises:
        GraphError: graphs that cannot be run.
    """

    runtime = "litert"

    def __init__(self, graphs: GraphFolder, threads: int | None = None, **others: Any):
        super().__init__(**others)
        self.parameters = graphs.parameters
        sizes = saving.read_hyperparameters(self.path or Path(self.name), self.config)
        self.attention_heads = sizes.attention_heads()
        self.pool = Pool(graphs, functools.partial(Whole, first=CLASSIFY, given=GIVEN), threads)

    @classmethod
    def from_folder(
        cls, folder: Path, config: dict[str, Any], graphs: GraphFolder, **known: Any
    ) -> LiteRTClassifier:
        """The reader of a model folder with its graphs; `known`: its name and card."""
        reader = saved_tokenizers.read_class_input(folder, config)
        return cls(graphs=graphs, reader=reader, config=config, path=folder, **known)

    def compute(self, arrays: np.ndarray, maps: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        def one(row: int) -> dict[str, np.ndarray]:
            with self.pool.worker() as worker:
                return worker.run(LOOK if maps else CLASSIFY, self._short(arrays[row]))

        found = self.pool.each(one, range(len(arrays)))
        logits = np.concatenate([found[row]["logits"] for row in range(len(arrays))])
        if not maps:
            return logits, {}
        each = [maps_of(found[row]) for row in range(len(arrays))]
        return logits, {kind: _together([one[kind] for one in each]) for kind in each[0]}

    def _short(self, array: np.ndarray) -> np.ndarray:
        """A text without the padding that a longer one beside it has brought."""
        if self.reads != "text":
            return array
        return array[: min(bucket(int((array != PAD).sum()) or 1, LENGTHS), len(array))]


def _together(maps: list[np.ndarray]) -> np.ndarray:
    """Maps (1, L, H, T, T) of several lengths as one (B, L, H, T, T), padded with 0."""
    most = np.max([one.shape for one in maps], axis=0)
    found = np.zeros((len(maps), *most[1:]), "float32")
    for row, one in enumerate(maps):
        found[row][tuple(map(slice, one.shape[1:]))] = one[0]
    return found
