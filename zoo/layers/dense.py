"""A dense layer whose graph stays small where the size of a batch is not known."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any


@keras.saving.register_keras_serializable("zoo")
class Dense(keras.layers.Dense):
    """Keras's, with one product of two matrices for inputs of any rank. (..., D) -> (..., U).

    Keras computes the shapes around that product anew in each call where a size is unknown, a
    dozen operations: in an exported graph they take as long as the product itself.

    Example:
        >>> tuple(Dense(4)(ops.ones((2, 3, 8))).shape)
        (2, 3, 4)
    """

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if len(inputs.shape) < 3 or inputs.shape[0] is not None:
            return super().call(inputs, training=training)
        sizes = ops.shape(inputs)[1:-1]  # numbers where they are known
        flat = ops.reshape(inputs, (-1, inputs.shape[-1]))  # (B, ..., D) -> (N, D)
        # (N, U) -> (B, ..., U)
        return ops.reshape(super().call(flat, training=training), (-1, *sizes, self.units))
