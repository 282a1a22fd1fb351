"""Layer normalisation and GELU; their gradients are written by hand, for networks that are trained.

Automatic differentiation makes some twenty operations of each, and each reads and writes the whole
activation: on a processor they take as long as the matrix products of a small network.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.layers.dropout import is_training

Tensor = Any


@keras.saving.register_keras_serializable("zoo")
class LayerNormalization(keras.layers.LayerNormalization):
    """Layer normalisation over the last axis (Ba et al. 2016, equation 4). (..., D) -> (..., D).

    Computed in float32 whatever the input. Within `dropout.in_training(True)` its gradient is the
    closed form; the values are the same.

    Example:
        >>> layer = LayerNormalization()
        >>> [round(x, 2) for x in layer(ops.array([[1.0, 3.0]]))[0].numpy().tolist()]
        [-1.0, 1.0]
    """

    def call(self, inputs: Tensor) -> Tensor:
        if not is_training():
            return super().call(inputs)
        found = normalized(inputs, self.gamma, self.beta, self.epsilon)
        return ops.cast(found, self.compute_dtype)


def normalized(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: float) -> Tensor:
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta` over the last axis, in float32.

    Args:
        x: (..., D) of any float type, which the result has too.
        gamma, beta: (D,).
        epsilon: is added to the variance.
    """

    @ops.custom_gradient
    def function(x: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Tensor, Any]:
        scale, wide = ops.cast(gamma, "float32"), ops.cast(x, "float32")
        centred = wide - ops.mean(wide, axis=-1, keepdims=True)  # (..., D)
        variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)  # (..., 1)
        inverse = ops.rsqrt(variance + epsilon)
        unit = centred * inverse  # (..., D), of mean 0 and variance 1

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            above = ops.cast(upstream, "float32")
            axes = tuple(range(len(x.shape) - 1))
            for_beta = ops.sum(above, axis=axes)  # (..., D) -> (D,)
            for_gamma = ops.sum(above * unit, axis=axes)
            above = above * scale
            shift = ops.mean(above, axis=-1, keepdims=True)  # (..., 1)
            turn = ops.mean(above * unit, axis=-1, keepdims=True)
            for_x = (above - shift - unit * turn) * inverse
            return (
                ops.cast(for_x, x.dtype),
                ops.cast(for_gamma, gamma.dtype),
                ops.cast(for_beta, beta.dtype),
            )

        return ops.cast(unit * scale + ops.cast(beta, "float32"), x.dtype), gradient

    # As tensors: a gradient by hand may not use variables.
    return function(x, ops.copy(gamma), ops.copy(beta))


def gelu(x: Tensor) -> Tensor:
    """`x P(X <= x)` for a normal X (Hendrycks and Gimpel 2016); exact, not by tanh.

    Example:
        >>> round(float(gelu(ops.array([1.0]))[0]), 4)
        0.8413
    """
    if not is_training():
        return keras.activations.gelu(x, approximate=False)

    @ops.custom_gradient
    def function(x: Tensor) -> tuple[Tensor, Any]:
        wide = ops.cast(x, "float32")
        below = 0.5 * ops.erf(wide * math.sqrt(0.5)) + 0.5

        def gradient(upstream: Tensor) -> Tensor:
            density = ops.exp(ops.square(wide) * -0.5) * (1.0 / math.sqrt(2.0 * math.pi))
            return ops.cast(ops.cast(upstream, "float32") * (below + wide * density), x.dtype)

        return ops.cast(wide * below, x.dtype), gradient

    return function(x)


def gelu_by_tanh(x: Tensor) -> Tensor:
    """GELU as GPT-2 computes it: `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`.

    Example:
        >>> round(float(gelu_by_tanh(ops.array([1.0]))[0]), 4)
        0.8412
    """
    return keras.activations.gelu(x, approximate=True)
