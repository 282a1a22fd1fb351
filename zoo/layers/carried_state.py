"""The state of a recurrent network at the end of a step of training, where the next one begins."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any


class CarriedState(keras.layers.Layer):
    """A state kept from one step of training to the next (truncated backpropagation through time).

    Williams and Peng 1990; Mikolov et al. 2010. It is a state of training and no weight, as the
    seeds of dropout are: `variables` has it, so that a checkpoint does, and `weights` has not.

    Args:
        empty: the state before the first token, tensors in tuples.

    Example:
        >>> carried = CarriedState((ops.zeros((2, 3)),))
        >>> carried.keep((ops.ones((2, 3)),))
        >>> float(carried.read()[0][0, 0]), len(carried.variables), len(carried.weights)
        (1.0, 1, 0)
    """

    def __init__(self, empty: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.empty = empty
        self.kept = [
            self.add_weight(
                shape=tensor.shape,
                # A checkpoint has no half-precision types of its own.
                dtype="float32" if _is_float(tensor) else tensor.dtype,
                initializer="zeros",
                trainable=False,
                name=f"state_{i}",
            )
            for i, tensor in enumerate(keras.tree.flatten(empty))
        ]
        self.reset()

    @property
    def weights(self) -> list[Any]:
        return []

    def read(self) -> Any:
        """The state where the last step ended; no gradient goes through it."""
        kept = [
            ops.cast(ops.stop_gradient(ops.convert_to_tensor(variable)), tensor.dtype)
            for variable, tensor in zip(self.kept, keras.tree.flatten(self.empty), strict=True)
        ]
        return keras.tree.pack_sequence_as(self.empty, kept)

    def keep(self, state: Any) -> None:
        """Note where a step has ended."""
        for variable, tensor in zip(self.kept, keras.tree.flatten(state), strict=True):
            variable.assign(ops.cast(ops.stop_gradient(tensor), variable.dtype))

    def reset(self) -> None:
        """Begin with an empty state again."""
        for variable, tensor in zip(self.kept, keras.tree.flatten(self.empty), strict=True):
            variable.assign(ops.cast(tensor, variable.dtype))


def _is_float(tensor: Tensor) -> bool:
    return keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype))
