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


def check(network: Any, inputs: Any, follow: np.ndarray, loss: Any = None) -> None:
    """Held by every network with a dropout above 0.

    Args:
        network: not compiled yet.
        inputs: what it is called with.
        follow: (B, T) ids that are to be predicted, or what `loss` compares with.
        loss: smoothed cross-entropy, if none is given.
    """
    found = on_jax if keras.backend.backend() == "jax" else by_training
    drawn, once, again = found(network, inputs, follow, loss or SmoothedCrossEntropy(0.0))
    assert np.isfinite(drawn).all() and len(set(drawn)) == 3, drawn
    np.testing.assert_array_equal(once, again)


def by_training(
    network: Any, inputs: Any, follow: np.ndarray, loss: Any
) -> tuple[list[float], np.ndarray, np.ndarray]:
    """The losses of three steps, and two answers."""
    network.compile(keras.optimizers.SGD(0.0), loss, run_eagerly=True)
    weights = np.full(follow.shape, 1 / follow.size, "float32")
    losses = []
    for _ in range(3):  # of the same weights: the rate is 0
        network.reset_metrics()
        losses.append(float(network.train_on_batch(inputs, follow, sample_weight=weights)))
    return losses, *(ops.convert_to_numpy(network(inputs)) for _ in range(2))


def on_jax(network: Any, inputs: Any, *_: Any) -> tuple[list[float], np.ndarray, np.ndarray]:
    """The same of what the trainer calls on JAX: a step forwards is compiled in half the time."""
    import jax

    @jax.jit
    def step(rest: list[Any]) -> Any:
        weights = [variable.value for variable in network.trainable_variables]
        drawn, after = network.stateless_call(weights, rest, inputs, training=True)
        answer, _ = network.stateless_call(weights, rest, inputs, training=False)
        return drawn.mean(), answer, after

    rest = [variable.value for variable in network.non_trainable_variables]
    means, answers = [], []
    for _ in range(3):
        mean, answer, rest = step(rest)
        means.append(float(mean))
        answers.append(np.asarray(answer))
    return means, *answers[:2]
