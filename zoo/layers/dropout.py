"""Dropout that knows by itself whether its network is being trained, on every backend.

Keras tells a layer so only within another layer's `__call__`. Its JAX trainer enters a model by
`stateless_call`, which is none, and networks of the zoo reach their layers through `encode`,
`decode` and `step`. So the network says it, once, in its `call`.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import keras

from zoo.runtime.backend import accelerated

Tensor = Any

_training = contextvars.ContextVar("training", default=False)


@contextlib.contextmanager
def in_training(training: bool | None) -> Iterator[None]:
    """Within, dropout is on if `training`; what is traced so stays so."""
    before = _training.set(bool(training))
    try:
        yield
    finally:
        _training.reset(before)


def is_training() -> bool:
    """Whether this is within `in_training(True)`."""
    return _training.get()


@keras.saving.register_keras_serializable("zoo")
class Dropout(keras.layers.Dropout):
    """Sets a share `rate` of its input to 0 within `in_training(True)`; Srivastava et al. 2014.

    What is left is divided by `1 - rate`. Elsewhere nothing is changed. With TensorFlow on a
    processor one byte is drawn for each number instead of a float32, a fourth of the work: there
    the share is the nearest multiple of 1/256 but 0, and what is left is divided accordingly.

    Example:
        >>> from keras import ops
        >>> x, layer = ops.ones((4, 100)), Dropout(0.5)
        >>> with in_training(True):
        ...     sorted({float(value) for value in ops.reshape(layer(x), (-1,))})
        [0.0, 2.0]
        >>> bool(ops.all(layer(x) == x))
        True
    """

    def call(self, inputs: Tensor) -> Tensor:
        """(...) -> (...)."""
        if not (is_training() and self.rate):
            return inputs
        if keras.backend.backend() != "tensorflow" or accelerated() or self.rate == 1.0:
            return super().call(inputs, training=True)
        return inputs * _byte_mask(inputs, self.rate, self.seed_generator.next())


def _byte_mask(x: Tensor, rate: float, seed: Tensor) -> Tensor:
    """Of the shape and type of `x`: 0 for a share `rate`, `1 / (1 - rate)` for the rest."""
    import tensorflow as tf

    below = min(max(round(rate * 256), 1), 255)
    shape = tf.shape(x)
    count = tf.reduce_prod(shape)
    words = tf.random.stateless_uniform(
        [(count + 3) // 4], tf.cast(seed, "int32"), minval=None, maxval=None, dtype="uint32"
    )
    drawn = tf.reshape(tf.bitcast(words, "uint8"), [-1])[:count]  # (N / 4,) -> (N,)
    kept = tf.cast(drawn >= tf.constant(below, "uint8"), x.dtype)
    return tf.stop_gradient(tf.reshape(kept * (256 / (256 - below)), shape))
