"""A trained classifier on Keras: texts, images or series in, `Label` out."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Self

import numpy as np
from keras import ops

from zoo import saved_tokenizers, saving
from zoo.class_inputs import ClassInput
from zoo.inference.classifier_base import ClassifierBase
from zoo.kinds.classifier import Classifier
from zoo.layers.attention_hooks import without_maps
from zoo.padding import ROWS, bucket
from zoo.runtime import backend


class ClassifierPredictor(ClassifierBase):
    """A classifier's network, reader of inputs and card.

    Args:
        network: the network with its weights.
        name, reader, config, card, path: as `ClassifierBase`.
    """

    def __init__(
        self,
        name: str,
        network: Classifier,
        reader: ClassInput,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
    ):
        super().__init__(name, reader, config, card, path)
        self.model = network

    @classmethod
    def from_folder(cls, folder: Path, config: dict[str, Any], **known: Any) -> Self:
        """The model in a folder, `config` its checked config.json; `known`: its name and card."""
        reader = saved_tokenizers.read_class_input(folder, config)
        network = saving.read_network(folder, config)
        return cls(network=network, reader=reader, config=config, path=folder, **known)

    @property
    def attention_heads(self) -> dict[str, tuple[int, int]]:
        """How many layers and heads of attention there are, by kind; {} without attention."""
        return self.model.attention_heads

    @functools.cached_property
    def parameters(self) -> int:
        """How many weights the network has."""
        return int(self.model.count_params())

    def compute(self, arrays: np.ndarray, maps: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        count = len(arrays)
        filled = np.repeat(arrays[:1], bucket(count, ROWS), axis=0)
        filled[:count] = arrays
        run = backend.compiled(self.model, read_and_look if maps else read)
        logits, found = run(filled)
        found = {kind: ops.convert_to_numpy(array)[:count] for kind, array in found.items()}
        return ops.convert_to_numpy(logits)[:count], found


def read(network: Classifier, inputs: Any) -> tuple[Any, dict[str, Any]]:
    """Logits (B, C), without maps."""
    with without_maps():
        return network.read(inputs)[0], {}


def read_and_look(network: Classifier, inputs: Any) -> tuple[Any, dict[str, Any]]:
    """Logits (B, C), and maps by kind."""
    return network.read(inputs)
