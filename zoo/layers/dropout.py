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

    What is left is divided by `1 - rate`. Elsewhere nothing is changed.

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
        return super().call(inputs, training=is_training())
