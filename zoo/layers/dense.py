"""A dense layer whose graph stays small where the size of a batch is not known."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.dropout import is_training

Tensor = Any


@keras.saving.register_keras_serializable("zoo")
class Dense(keras.layers.Dense):
    """Keras's, with one product of two matrices for inputs of any rank. (..., D) -> (..., U).

    Keras computes the shapes around that product anew in each call where a size is unknown, a
    dozen operations: in an exported graph they take as long as the product itself.

    With matrices of low rank beside a frozen one (`enable_lora`) training multiplies by each of
    them: by their sum, as Keras does, a step would need the gradient of the whole matrix.

    Example:
        >>> tuple(Dense(4)(ops.ones((2, 3, 8))).shape)
        (2, 3, 4)
    """

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if len(inputs.shape) < 3 or inputs.shape[0] is not None:
            return self._product(inputs, training)
        sizes = ops.shape(inputs)[1:-1]  # numbers where they are known
        flat = ops.reshape(inputs, (-1, inputs.shape[-1]))  # (B, ..., D) -> (N, D)
        # (N, U) -> (B, ..., U)
        return ops.reshape(self._product(flat, training), (-1, *sizes, self.units))

    def _product(self, inputs: Tensor, training: bool | None) -> Tensor:
        """(..., D) -> (..., U), where few sizes are unknown."""
        if not (self.lora_enabled and is_training()):
            return super().call(inputs, training=training)
        narrow = ops.matmul(inputs, self.lora_kernel_a)  # (..., D) -> (..., R)
        x = ops.matmul(narrow, self.lora_kernel_b) * (self.lora_alpha / self.lora_rank)
        x = x + ops.matmul(inputs, self._kernel)  # (..., U)
        x = x if self.bias is None else ops.add(x, self.bias)
        return x if self.activation is None else self.activation(x)
