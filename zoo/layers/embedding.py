"""Token embeddings that are the output matrix too, and their gradient."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any


@keras.saving.register_keras_serializable("zoo")
class TiedEmbedding(keras.layers.Embedding):
    """An embedding that can also be the output matrix (tied), as in Press and Wolf 2017.

    Inan et al. 2017 and Press and Wolf 2017: the same rows name a token on the way in and score
    it on the way out. `scores(x)`: (..., D) -> (..., V) float32.

    Example:
        >>> embedding = TiedEmbedding(vocabulary=9, width=4)
        >>> x = embedding(ops.ones((2, 3), "int32"))
        >>> tuple(x.shape), tuple(embedding.scores(x).shape)
        ((2, 3, 4), (2, 3, 9))
    """

    def __init__(self, vocabulary: int, width: int, **kwargs: Any):
        # Scaled so that a tied output starts near a uniform distribution.
        initializer = keras.initializers.RandomNormal(stddev=width**-0.5)
        super().__init__(vocabulary, width, embeddings_initializer=initializer, **kwargs)

    def call(self, inputs: Tensor) -> Tensor:
        """(...) ids -> (..., D)."""
        return ops.cast(lookup(ops.copy(self.embeddings), inputs), self.compute_dtype)

    def scores(self, x: Tensor, matrix: Tensor | None = None) -> Tensor:
        """Logits of every token: the product with each of the embedding's rows.

        Args:
            x: (..., D).
            matrix: the rows as (D, V) in the computing type, where they are transposed already.
        """
        if matrix is None:
            matrix = ops.transpose(ops.cast(self.embeddings, self.compute_dtype))  # (D, V)
        x = ops.cast(x, self.compute_dtype)
        return ops.cast(ops.matmul(x, matrix), "float32")  # (..., D) -> (..., V)


def lookup(table: Tensor, ids: Tensor) -> Tensor:
    """Rows (..., D) of a table (V, D).

    The gradient is one scatter into a dense table. TensorFlow would hand on the rows one by one
    and, the table being the output matrix too, add them up by a far slower way.
    """

    @ops.custom_gradient
    def rows(table: Tensor) -> tuple[Tensor, Any]:
        def gradient(upstream: Tensor) -> Tensor:
            flat = ops.reshape(upstream, (-1, table.shape[-1]))  # (..., D) -> (N, D)
            return ops.scatter(ops.reshape(ids, (-1, 1)), flat, table.shape)  # (V, D)

        return ops.take(table, ids, axis=0), gradient  # (...) -> (..., D)

    return rows(table)
