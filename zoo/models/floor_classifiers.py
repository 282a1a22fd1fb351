"""Classifiers that learn nothing: their weights are computed from the examples in one go.

Axes: B batch, T features of a text, V all features, N examples, F numbers of an example, K
neighbours, C classes.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from zoo.configs import classifier as configs
from zoo.kinds.base import Maps, Tensor
from zoo.kinds.classifier import Classifier, token_mask

SMALL = 1e-3
"""What the nearest neighbour's class gets on top of the votes: it decides between equals."""
SMOOTHING = 0.1
"""Votes that all classes share beforehand, so that none is impossible."""


class NaiveBayes(Classifier):
    """A linear layer over the n-grams that a text has; `training.floors` computes its weights.

    Wang and Manning 2012, "Baselines and Bigrams", section 2.1-2.3: a logistic regression on
    which n-grams there are, each scaled by how much likelier it is in one class than in the
    others. Scores are relative to those of the first class, which are 0.

    Inputs are ids of features, each once: `zoo.class_inputs.NGramInput`.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"vocabulary": 9, "classes": 3}
        >>> config = registry.configuration("naive-bayes", "nano", kind="classifier", **sizes)
        >>> model = building.build("naive-bayes", config, kind="classifier")
        >>> tuple(model.read(ops.ones((2, 5), dtype="int32"))[0].shape)
        (2, 3)
    """

    def __init__(self, config: configs.NaiveBayes, **kwargs: Any):
        super().__init__(config, **kwargs)
        others = config.classes - 1
        self.table = self.add_weight(
            shape=(config.vocabulary, others), initializer="zeros", name="table"
        )
        self.bias = self.add_weight(shape=(others,), initializer="zeros", name="bias")

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        table = ops.convert_to_tensor(self.table)
        scores = ops.take(table, inputs, axis=0)  # (B, T) -> (B, T, C - 1)
        scores = scores * ops.cast(token_mask(inputs), scores.dtype)[..., None]
        scores = ops.cast(ops.sum(scores, axis=1) + self.bias, "float32")  # (B, C - 1)
        return ops.concatenate([ops.zeros_like(scores[:, :1]), scores], axis=-1), {}  # (B, C)


class NearestNeighbours(Classifier):
    """The classes of the nearest examples by Euclidean distance, which are its weights.

    Cover and Hart 1967. Of equally many votes those of the nearest one count.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"length": 4, "channels": 1, "classes": 3, "examples": 5}
        >>> config = registry.configuration("knn", "nano", kind="classifier", **sizes)
        >>> model = building.build("knn", config, kind="classifier")
        >>> tuple(model.read(ops.ones((2, 4, 1)))[0].shape)
        (2, 3)
    """

    def __init__(self, config: configs.NearestNeighbours, **kwargs: Any):
        super().__init__(config, **kwargs)
        if config.neighbours > config.examples:
            raise ValueError(
                "neighbours must be at most the number of examples. "
                f"Received: neighbours={config.neighbours}, examples={config.examples}"
            )
        shape, _ = config.arrays()
        if config.height:  # the squares of an image
            shape = (*(-(-side // config.shrink) for side in shape[:2]), shape[2])
        numbers = math.prod(shape)
        if not numbers:
            raise ValueError(
                "knn needs the length of a series, or height and width of an image. "
                f"Received: length={config.length}, height={config.height}, width={config.width}"
            )
        self.numbers = numbers
        self.examples = self.add_weight(
            shape=(config.examples, numbers), initializer="zeros", name="examples"
        )
        self.labels = self.add_weight(
            shape=(config.examples, config.classes), initializer="zeros", name="labels"
        )

    def compared(self, inputs: Tensor) -> Tensor:
        """What is compared of inputs: (B, H, W, C) or (B, T, C) -> (B, F) float32."""
        x = ops.cast(inputs, "float32")
        if self.config.height and self.config.shrink > 1:
            x = ops.average_pool(x, self.config.shrink, padding="same")  # (B, H / s, W / s, C)
        return ops.reshape(x, (-1, self.numbers))

    def read(self, inputs: Tensor) -> tuple[Tensor, Maps]:
        config = self.config
        x = self.compared(inputs)  # (B, F)
        kept = ops.cast(self.examples, "float32")  # (N, F)
        # Half of -|x - e|^2 without |x|^2, which is the same for all: (B, N)
        near = ops.matmul(x, ops.transpose(kept)) - 0.5 * ops.sum(ops.square(kept), axis=-1)
        best = ops.top_k(near, config.neighbours)[1]  # (B, K)
        voted = ops.take(ops.cast(self.labels, "float32"), best, axis=0)  # (B, K, C)
        votes = ops.sum(voted, axis=1) + SMALL * voted[:, 0]  # (B, C)
        return ops.log(votes + SMOOTHING / config.classes), {}
