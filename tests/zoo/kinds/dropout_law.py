"""Dropout is on in a step of training, and off everywhere else: the same for every kind."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from training.objectives.cross_entropy import SmoothedCrossEntropy
from zoo import registry


def one_layer(model: str, kind: str) -> dict[str, int]:
    """Hyper-parameters for stacks of one layer: a second drops as the first, and costs as much."""
    fields = registry.architecture(model, kind).config.__dataclass_fields__
    return {name: 1 for name in fields if name.endswith("layers")}


def check(network: Any, inputs: Any, follow: np.ndarray) -> None:
    """Held by every network with a dropout above 0.

    Args:
        network: not compiled yet.
        inputs: what it is called with.
        follow: (B, T) ids that are to be predicted.
    """
    jax = keras.backend.backend() == "jax"  # where operation by operation is compiled one by one
    loss, optimizer = SmoothedCrossEntropy(0.0), keras.optimizers.SGD(0.0)
    network.compile(optimizer, loss, jit_compile=jax, run_eagerly=not jax)
    weights = np.full(follow.shape, 1 / follow.size, "float32")
    losses = []
    for _ in range(3):  # of the same weights: the rate is 0
        network.reset_metrics()
        losses.append(float(network.train_on_batch(inputs, follow, sample_weight=weights)))
    assert len(set(losses)) == 3, losses
    once, again = (ops.convert_to_numpy(network(inputs)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
