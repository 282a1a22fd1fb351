"""Parts of recurrent networks: the bidirectional encoder, and the bias of forget gates."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any


class BidirectionalEncoder(keras.layers.Layer):
    """Reads the source in both directions and proposes a state for the decoder to start from.

    Bahdanau et al. 2015, section 3.2 and appendix A.2.1, with LSTM in place of the gated unit.

    Args:
        units: U of the decoder; each direction has U / 2.

    Call arguments:
        embedded: (B, S, D).
        mask: (B, S) bool, True at real tokens.

    Returns:
        values (B, S, U), both directions side by side, and the pair of (B, U) states.

    Raises:
        ValueError: odd `units`.

    Example:
        >>> encoder = BidirectionalEncoder(6)
        >>> values, (hidden, cell) = encoder(ops.ones((2, 3, 4)), ops.ones((2, 3), "bool"))
        >>> tuple(values.shape), tuple(hidden.shape)
        ((2, 3, 6), (2, 6))
    """

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        if units % 2:
            raise ValueError(f"units must be even, half a direction. Received: units={units}")
        self.bidirectional = keras.layers.Bidirectional(
            keras.layers.LSTM(units // 2, return_sequences=True, return_state=True, name="lstm"),
            name="bidirectional",
        )
        self.hidden_bridge = keras.layers.Dense(units, activation="tanh", name="hidden_bridge")
        self.cell_bridge = keras.layers.Dense(units, name="cell_bridge")

    def call(self, embedded: Tensor, mask: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        values, *states = self.bidirectional(embedded, mask=mask)  # (B, S, U), four of (B, U/2)
        hidden = ops.concatenate([states[0], states[2]], axis=-1)  # (B, U)
        cell = ops.concatenate([states[1], states[3]], axis=-1)  # (B, U)
        return values, (self.hidden_bridge(hidden), self.cell_bridge(cell))


def forget_bias(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
    """Bias of the four gates: 1 for the forget gate, else 0 (Jozefowicz et al. 2015)."""
    quarter = shape[0] // 4
    zeros, ones = ops.zeros((quarter,), dtype=dtype), ops.ones((quarter,), dtype=dtype)
    return ops.concatenate([zeros, ones, zeros, zeros])
