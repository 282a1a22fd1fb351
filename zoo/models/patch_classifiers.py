"""Classifiers of images and of series: a Transformer encoder over patches, a convolutional network.

Axes: B batch, N patches, P side or length of a patch, D hidden size, C classes, F filters.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.configs import classifier as configs
from zoo.kinds.base import Maps, Tensor
from zoo.kinds.classifier import Classifier, Head
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.layers.encoder import Encoder


class PatchTransformer(Classifier):
    """A Transformer encoder over patches; a subclass cuts them.

    Args:
        config: hyper-parameters.
    """

    def __init__(self, config: Any, **kwargs: Any):
        super().__init__(config, **kwargs)
        first = config.pooling == "first"
        self.projection = Dense(config.hidden_size, name="projection")
        self.encoder = Encoder(config, self.patches() + first, name="encoder")
        self.first = None
        if first:
            self.first = self.add_weight(
                shape=(1, 1, config.hidden_size), initializer="zeros", name="first"
            )
        self.dropout = Dropout(config.dropout)
        self.head = Head(config.classes, name="head")

    def patches(self) -> int:
        """N, how many patches an input has."""
        raise NotImplementedError

    def cut(self, inputs: Tensor) -> Tensor:
        """Inputs -> their patches, (B, N, numbers of a patch)."""
        raise NotImplementedError

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        x = self.projection(self.cut(inputs))  # (B, N, D)
        if self.first is not None:
            first = ops.cast(self.first, x.dtype) + ops.zeros_like(x[:, :1])  # (B, 1, D)
            x = ops.concatenate([first, x], axis=1)  # (B, 1 + N, D)
        x, maps = self.encoder(x, ops.ones_like(x[:, :, 0], dtype="bool"))
        x = ops.mean(x, axis=1) if self.first is None else x[:, 0]  # (B, D)
        return self.head(self.dropout(x)), maps  # (B, C)


class VisionTransformer(PatchTransformer):
    """The encoder block of `bert` over square patches (Dosovitskiy et al. 2021, arXiv:2010.11929).

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"height": 8, "width": 8, "channels": 1, "classes": 3}
        >>> config = registry.configuration("vit", "nano", kind="classifier", **sizes)
        >>> model = building.build("vit", config, kind="classifier")
        >>> logits, maps = model.read(ops.ones((2, 8, 8, 1)))
        >>> tuple(logits.shape), tuple(maps["encoder"].shape)
        ((2, 3), (2, 2, 2, 5, 5))
    """

    config: configs.VisionTransformer

    def grid(self) -> tuple[int, int]:
        """How many patches there are one below and one beside the other."""
        config = self.config
        return -(-config.height // config.patch), -(-config.width // config.patch)

    def patches(self) -> int:
        rows, columns = self.grid()
        return rows * columns

    def cut(self, inputs: Tensor) -> Tensor:
        (rows, columns), config = self.grid(), self.config
        side, channels = config.patch, config.channels
        below, beside = rows * side - config.height, columns * side - config.width
        if below or beside:
            inputs = ops.pad(inputs, ((0, 0), (0, below), (0, beside), (0, 0)))
        x = ops.reshape(inputs, (-1, rows, side, columns, side * channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4))  # (B, rows, columns, P, P channels)
        return ops.reshape(x, (-1, rows * columns, side * side * channels))


class SeriesTransformer(PatchTransformer):
    """The same encoder over stretches of a series (Nie et al. 2023, arXiv:2211.14730).

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"length": 20, "channels": 1, "classes": 3}
        >>> config = registry.configuration("transformer", "nano", kind="classifier", **sizes)
        >>> model = building.build("transformer", config, kind="classifier")
        >>> tuple(model.read(ops.ones((2, 20, 1)))[1]["encoder"].shape)
        (2, 2, 2, 3, 3)
    """

    config: configs.SeriesTransformer

    def patches(self) -> int:
        return -(-self.config.length // self.config.patch)

    def cut(self, inputs: Tensor) -> Tensor:
        config, count = self.config, self.patches()
        after = count * config.patch - config.length
        if after:
            inputs = ops.pad(inputs, ((0, 0), (0, after), (0, 0)))
        return ops.reshape(
            inputs, (-1, count, config.patch * config.channels)
        )  # (B, N, P channels)


class ConvolutionalNetwork(Classifier):
    """Two convolutions, half the size, two more, half again; the mean over the image is classified.

    LeCun et al. 1998, in today's form: 3 x 3 filters, ReLU, largest of 2 x 2.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"height": 8, "width": 8, "channels": 1, "classes": 3}
        >>> config = registry.configuration("cnn", "nano", kind="classifier", **sizes)
        >>> model = building.build("cnn", config, kind="classifier")
        >>> tuple(model.read(ops.ones((2, 8, 8, 1)))[0].shape)
        (2, 3)
    """

    def __init__(self, config: configs.ConvolutionalNetwork, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.convolutions = [
            keras.layers.Conv2D(
                filters, 3, padding="same", activation="relu", name=f"convolution_{i}"
            )
            for i, filters in enumerate([config.filters] * 2 + [2 * config.filters] * 2)
        ]
        self.pool = keras.layers.MaxPooling2D(2, padding="same", name="pool")
        self.dropout = Dropout(config.dropout)
        self.head = Head(config.classes, name="head")

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        x = inputs
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x)  # (B, H, W, F)
            if i % 2:
                x = self.pool(x)  # (B, H / 2, W / 2, F)
        x = ops.mean(x, axis=(1, 2))  # (B, F)
        return self.head(self.dropout(x)), {}  # (B, C)
