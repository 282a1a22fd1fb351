"""Blocks of a Transformer, normalised before each part (Xiong et al. 2020).

Vaswani et al. 2017 (arXiv:1706.03762). Axes: B batch, S source tokens, T target tokens, H heads,
D hidden size.
"""

from __future__ import annotations

from typing import Any

import keras

from zoo.configs.transformer import Transformer
from zoo.layers.attention import MultiHeadAttention

Tensor = Any


class FeedForward(keras.layers.Layer):
    """The position-wise network: `W2 relu(W1 x)`. (B, T, D) -> (B, T, D); section 3.3."""

    def __init__(self, inner: int, width: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(inner, activation="relu", name="inner")
        self.outer = keras.layers.Dense(width, name="outer")

    def call(self, x: Tensor) -> Tensor:
        return self.outer(self.inner(x))


class EncoderLayer(keras.layers.Layer):
    """Self-attention, then feed-forward, each added to what came in.

    Call arguments:
        x: (B, S, D).
        mask: bool, broadcastable to (B, H, S, S).

    Returns:
        x (B, S, D) and the attention weights (B, H, S, S).
    """

    def __init__(self, config: Transformer, **kwargs: Any):
        super().__init__(**kwargs)
        self.attention_norm = keras.layers.LayerNormalization(epsilon=1e-6, name="attention_norm")
        self.attention = MultiHeadAttention(
            config.heads, config.width, config.dropout, name="attention"
        )
        self.feedforward_norm = keras.layers.LayerNormalization(
            epsilon=1e-6, name="feedforward_norm"
        )
        self.feedforward = FeedForward(config.feedforward, config.width, name="feedforward")
        self.dropout = keras.layers.Dropout(config.dropout)

    def call(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        normed = self.attention_norm(x)
        attended, weights = self.attention(normed, *self.attention.project_memory(normed), mask)
        x = x + self.dropout(attended)
        return x + self.dropout(self.feedforward(self.feedforward_norm(x))), weights


class DecoderLayer(keras.layers.Layer):
    """Masked self-attention, cross-attention, feed-forward, each added to what came in.

    `self_keys` turns (B, T, D) into this layer's self-attention keys and values, so that a cache
    can hold those of earlier steps; `call` takes them ready-made.

    Call arguments:
        x: (B, T, D).
        normed: `attention_norm(x)`, of which the keys were made.
        keys (B, H, D/H, T'), values (B, H, T', D/H): own positions; mask: over (B, H, T, T').
        memory_keys (B, H, D/H, S), memory_values (B, H, S, D/H); memory_mask: over (B, H, T, S).

    Returns:
        x (B, T, D), self-attention weights (B, H, T, T'), cross-attention weights (B, H, T, S).
    """

    def __init__(self, config: Transformer, **kwargs: Any):
        super().__init__(**kwargs)
        for name in ("attention", "cross", "feedforward"):
            norm = keras.layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm")
            setattr(self, f"{name}_norm", norm)
        size = (config.heads, config.width, config.dropout)
        self.attention = MultiHeadAttention(*size, name="attention")
        self.cross = MultiHeadAttention(*size, name="cross")
        self.feedforward = FeedForward(config.feedforward, config.width, name="feedforward")
        self.dropout = keras.layers.Dropout(config.dropout)

    def call(
        self,
        x: Tensor,
        normed: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
        memory_keys: Tensor,
        memory_values: Tensor,
        memory_mask: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        attended, own = self.attention(normed, keys, values, mask)
        x = x + self.dropout(attended)
        attended, cross = self.cross(self.cross_norm(x), memory_keys, memory_values, memory_mask)
        x = x + self.dropout(attended)
        return x + self.dropout(self.feedforward(self.feedforward_norm(x))), own, cross
