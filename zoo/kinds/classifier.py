"""The contract of networks that read a text, an image or a series and say what it is.

Axes: B batch, C classes, L layers, H heads, T tokens, patches or time steps.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.kinds.base import Maps, Network, Tensor
from zoo.layers.attention_hooks import without_maps
from zoo.layers.dropout import in_training
from zoo.tokenizer import PAD


class Classifier(Network):
    """A network that gives a number for each class.

    - `read(inputs) -> logits, maps`: logits (B, C) float32, before the softmax. Maps are float32
      by kind, none within `without_maps`: `encoder` (B, L, H, T, T) of a Transformer, `pooling`
      (B, 1, 1, 1, T) of a network with one query, {} without attention.

    Inputs are as `config.arrays()` says: (B, T) int32 ids of a text, padded on the right with PAD
    (0), which changes nothing; (B, height, width, channels) float32 of an image; (B, length,
    channels) float32 of a series.

    Args:
        config: the hyper-parameters; they have `classes`.
    """

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        raise NotImplementedError

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Logits (B, 1, C): what training runs. There is one thing to predict for each input."""
        with in_training(training), without_maps():
            return self.read(inputs)[0][:, None]  # (B, C) -> (B, 1, C)

    def build_variables(self) -> None:
        shape, kind = self.config.arrays()
        self.call(ops.ones((1, *(size or 2 for size in shape)), dtype=kind))
        self.built = True


def token_mask(ids: Tensor) -> Tensor:
    """(B, T) bool, True at real tokens."""
    return ops.not_equal(ids, PAD)


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """The mean (B, D) of the rows of x (B, T, D) where mask (B, T) is True."""
    real = ops.cast(mask, x.dtype)[..., None]  # (B, T, 1)
    return ops.sum(x * real, axis=1) / ops.maximum(ops.sum(real, axis=1), 1.0)


class Head(keras.layers.Layer):
    """What is known of an input to a number for each class. (B, D) -> (B, C) float32.

    Args:
        classes: C.

    Example:
        >>> tuple(Head(3)(ops.ones((2, 8))).shape)
        (2, 3)
    """

    def __init__(self, classes: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.scores = keras.layers.Dense(classes, name="scores")

    def call(self, x: Tensor) -> Tensor:
        return ops.cast(self.scores(x), "float32")
