"""Words that are copied: a decoder that may write what it reads (pointer-generator).

Axes: B batch, T steps, S source tokens, V vocabulary, U units.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.dense import Dense

Tensor = Any
LEAST = 1e-30
"""The least probability, before its logarithm is taken."""


@keras.saving.register_keras_serializable("zoo")
class Copying(keras.layers.Layer):
    """Mixes what a decoder would write by itself with what it looks at in the source.

    See, Liu and Manning 2017 (arXiv:1704.04368), equations 8 and 9, both sides having one
    vocabulary of sub-words: `p(w) = g p_own(w) + (1 - g) sum_{i: source[i] = w} weights[i]`,
    `g = sigmoid(v . [what the decoder knows] + b)`.

    Call arguments:
        logits: (B, T, V), of what it would write by itself.
        weights: (B, T, S) float32, of its attention; rows sum to 1.
        source: (B, S) int32 ids; one row of them may serve all.
        known: (B, T, U), what the decoder knows at each step.

    Returns:
        log-probabilities (B, T, V), and `(1 - g) weights` (B, T, S), how likely what stands at
        each place of the source is copied: a row sums to the probability of copying. Both float32.

    Example:
        >>> layer = Copying()
        >>> logits, weights = ops.zeros((1, 1, 4)), ops.array([[[0.0, 1.0]]])
        >>> found, copied = layer(logits, weights, ops.array([[1, 3]]), ops.zeros((1, 1, 2)))
        >>> [round(float(p), 3) for p in ops.exp(found)[0, 0]], copied[0, 0].numpy().tolist()
        ([0.125, 0.125, 0.125, 0.625], [0.0, 0.5])
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.gate = Dense(1, name="gate")

    def call(
        self, logits: Tensor, weights: Tensor, source: Tensor, known: Tensor
    ) -> tuple[Tensor, Tensor]:
        gate = ops.cast(self.gate(known), "float32")  # (B, T, U) -> (B, T, 1)
        own = ops.softmax(ops.cast(logits, "float32"), axis=-1)  # (B, T, V)
        places = ops.sigmoid(-gate) * weights  # (B, T, S)
        mixed = ops.sigmoid(gate) * own + summed(places, source, logits.shape[-1])  # (B, T, V)
        return ops.log(ops.maximum(mixed, LEAST)), places


def summed(places: Tensor, source: Tensor, vocabulary: int) -> Tensor:
    """What each token of a vocabulary has in all its places together.

    Args:
        places: (B, T, S) float32.
        source: (B, S) int32 ids; one row of them may serve all.
        vocabulary: V.

    Returns:
        (B, T, V).

    Example:
        >>> places = ops.array([[[0.5, 0.25, 0.25]]])
        >>> summed(places, ops.array([[3, 0, 3]]), 4).numpy().tolist()
        [[[0.25, 0.0, 0.0, 0.75]]]
    """
    rows, steps, length = ops.shape(places)
    tokens = ops.broadcast_to(source[:, None], (rows, steps, length))
    # Each step of each row: (B T S,)
    step = ops.repeat(ops.arange(rows * steps), length)
    index = ops.stack([step, ops.reshape(tokens, (-1,))], axis=-1)  # (B T S, 2)
    # Tokens that stand in several places are added up.
    found = ops.scatter(index, ops.reshape(places, (-1,)), (rows * steps, vocabulary))
    return ops.reshape(found, (rows, steps, vocabulary))  # (B T, V) -> (B, T, V)
