"""How a Transformer knows the order of its input: sinusoidal, learned, rotary or no positions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any


def sinusoids(length: int, width: int) -> np.ndarray:
    """Sinusoidal position encoding, (length, width) float32.

    Vaswani et al. 2017, section 3.5: `PE[p, 2i] = sin(p / 10000^(2i/D))`, `PE[p, 2i+1]` the
    cosine. A position's code can be turned into that of any fixed offset by a rotation.
    """
    rates = 1.0 / 10_000 ** (2 * (np.arange(width) // 2) / width)
    angles = np.arange(length)[:, None] * rates[None, :]
    angles[:, 0::2] = np.sin(angles[:, 0::2])
    angles[:, 1::2] = np.cos(angles[:, 1::2])
    return angles.astype("float32")


@keras.saving.register_keras_serializable("zoo")
class Positions(keras.layers.Layer):
    """Gives each position's code, to be added to the embedding of what is there.

    Args:
        kind: `sinusoidal`, `learned` or `none`.
        length: the most positions there are.
        width: D.

    Call arguments:
        index: (T,) int positions.

    Returns:
        (T, D) in the layer's compute type; zeros for `none`.

    Raises:
        ValueError: unknown `kind`.

    Example:
        >>> codes = Positions("sinusoidal", length=10, width=4)(ops.arange(3))
        >>> ops.convert_to_numpy(codes)[0].tolist()
        [0.0, 1.0, 0.0, 1.0]
    """

    def __init__(self, kind: str, length: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        if kind not in ("sinusoidal", "learned", "none"):
            raise ValueError(
                f"positions must be sinusoidal, learned or none. Received: positions={kind!r}"
            )
        self.kind, self.length, self.width = kind, length, width
        # Not called where none are added: Keras on JAX traces a model anew before every step for
        # as long as one of its layers is not built.
        self.built = kind == "none"

    def build(self, index_shape: Any) -> None:
        if self.kind == "learned":
            self.table = self.add_weight(
                shape=(self.length, self.width),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
                name="table",
            )

    def call(self, index: Tensor) -> Tensor:
        if self.kind == "none":
            return ops.zeros((*ops.shape(index), self.width), dtype=self.compute_dtype)  # (T, D)
        if self.kind == "learned":
            table = ops.convert_to_tensor(self.table)
        else:
            table = ops.convert_to_tensor(sinusoids(self.length, self.width))  # (length, D)
        # Padding may reach beyond the last position: any code will do for it.
        index = ops.minimum(index, self.length - 1)
        return ops.cast(ops.take(table, index, axis=0), self.compute_dtype)  # (T,) -> (T, D)

    def get_config(self) -> dict[str, Any]:
        config = {"kind": self.kind, "length": self.length, "width": self.width}
        return {**super().get_config(), **config}


class Rotary:
    """Rotary position embedding: turns queries and keys by angles that grow with the position.

    Su et al. 2021 (arXiv:2104.09864), equation 34, with the halves of a head's vector as the pairs:
    `rotate(x, p) = x * cos(p rates) + (-x2, x1) * sin(p rates)`, `rates[i] = base^(-2i/d)`. The
    product of a query and a key then depends on the distance between them alone.

    Args:
        depth: d, of a head's vectors; even.
        base: of the rates; a larger one turns more slowly.

    Raises:
        ValueError: an odd `depth`.

    Example:
        >>> import numpy as np
        >>> x = np.ones((1, 1, 2, 4), "float32")
        >>> tuple(Rotary(4)(x, np.array([0, 1])).shape)
        (1, 1, 2, 4)
    """

    def __init__(self, depth: int, base: float = 10_000.0):
        if depth % 2:
            raise ValueError(f"a head's size must be even to be rotated. Received: {depth}")
        self.rates = (1.0 / base ** (np.arange(0, depth, 2) / depth)).astype("float32")

    def __call__(self, x: Tensor, index: Tensor) -> Tensor:
        """Vectors (B, H, T, d), positions (T,) or (B, T) -> the vectors rotated, (B, H, T, d)."""
        angles = ops.cast(index, "float32")[..., None] * self.rates  # (..., T, d/2)
        if len(index.shape) == 2:
            angles = angles[:, None]  # (B, 1, T, d/2)
        cos, sin = (ops.cast(part, x.dtype) for part in (ops.cos(angles), ops.sin(angles)))
        first, second = ops.split(x, 2, axis=-1)  # (B, H, T, d/2) each
        # (B, H, T, d/2) twice -> (B, H, T, d)
        return ops.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)
