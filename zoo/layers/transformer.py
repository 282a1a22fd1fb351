"""Blocks of a Transformer, normalised before each part (Xiong et al. 2020), or after it.

Vaswani et al. 2017 (arXiv:1706.03762) normalise after. Axes: B batch, S source tokens, T target
tokens, H heads, D hidden size.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.attention import MultiHeadAttention
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.layers.normalization import LayerNormalization, gelu, gelu_by_tanh
from zoo.layers.positions import Rotary
from zoo.runtime import eight_bits

Tensor = Any


ACTIVATIONS = {"relu": "relu", "gelu": gelu, "gelu-tanh": gelu_by_tanh}
"""Of the position-wise network, as a layer takes them."""
GATED = "swiglu"
"""That of one with a gate."""


EPSILON = 1e-6
"""Added to a variance; other models that weights come from may have another."""


def layer_norm(name: str, epsilon: float = EPSILON) -> LayerNormalization:
    """Layer normalisation (Ba et al. 2016) as every block here has it."""
    return LayerNormalization(epsilon=epsilon, name=name)


def rms_norm(name: str, epsilon: float = EPSILON) -> keras.layers.RMSNormalization:
    """By the root of the mean square alone, no mean, no bias (Zhang and Sennrich 2019)."""
    return keras.layers.RMSNormalization(epsilon=epsilon, name=name)


NORMS = {"layer": layer_norm, "rms": rms_norm}
"""What is normalised by, as a configuration names it."""


class FeedForward(keras.layers.Layer):
    """The position-wise network: `W2 activation(W1 x)`. (B, T, D) -> (B, T, D); section 3.3.

    With the activation "swiglu" (Shazeer 2020, arXiv:2002.05202, equation 6) a second product
    decides how much of the first goes on: `W2 (swish(W x) * (V x))`, W and V being one matrix here.

    Example:
        >>> from keras import ops
        >>> tuple(FeedForward(inner=16, width=8)(ops.ones((2, 3, 8))).shape)
        (2, 3, 8)
    """

    def __init__(
        self, inner: int, width: int, activation: str = "relu", bias: bool = True, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.gated = activation == GATED
        own = None if self.gated else ACTIVATIONS[activation]
        size = 2 * inner if self.gated else inner
        self.inner = Dense(size, activation=own, use_bias=bias, name="inner")
        self.outer = Dense(width, use_bias=bias, name="outer")

    def call(self, x: Tensor) -> Tensor:
        x = self.inner(x)  # (B, T, D) -> (B, T, F), or (B, T, 2 F)
        if self.gated:
            gate, x = ops.split(x, 2, axis=-1)  # (B, T, F) each
            x = ops.silu(gate) * x
            if not self.outer.use_bias:
                # After a gate few values are far larger than the others.
                return eight_bits.product(self.outer, x)  # (B, T, F) -> (B, T, D)
        return self.outer(x)  # (B, T, F) -> (B, T, D)


class SelfAttentionBlock(keras.layers.Layer):
    """Self-attention, then feed-forward, each added to what came in.

    With a mask that lets every token be seen it is an encoder's block, with a causal one that of a
    decoder-only language model: of GPT, or of Llama (RMS norm, rotary positions, grouped queries, a
    gate, no biases; Touvron et al. 2023, arXiv:2302.13971). `project` makes this block's keys and
    values, so that a cache can hold those of earlier steps; `attend` takes them ready-made, `call`
    makes them itself.

    Args:
        hidden_size: D.
        heads: H; must divide D.
        feed_forward_size: of the inner layer of the position-wise network.
        dropout: share of attention weights and of both parts' outputs dropped while training.
        activation: of the inner layer, "relu", "gelu", "gelu-tanh" or "swiglu".
        rotary: rotates queries and keys by their positions (Su et al. 2021), if given.
        norm: "pre", what goes into each part is normalised; "post", what each leaves behind, as in
            Vaswani et al. 2017 and in BERT.
        epsilon: added to a variance.
        norm_by: "layer", or "rms" as in Llama.
        key_heads: heads of keys and values; by default `heads`.
        bias: whether the matrices have one.

    Call arguments:
        x: (B, T, D).
        mask: bool, broadcastable to (B, H, T, T).
        index: (T,) or (B, T) positions; needed with `rotary` only.

    Returns:
        x (B, T, D) and the attention weights (B, H, T, T), None within `without_maps`.

    Example:
        >>> from keras import ops
        >>> block = SelfAttentionBlock(hidden_size=8, heads=2, feed_forward_size=16, dropout=0.0)
        >>> x, weights = block(ops.ones((1, 3, 8)), ops.ones((1, 1, 3, 3), "bool"))
        >>> tuple(x.shape), tuple(weights.shape)
        ((1, 3, 8), (1, 2, 3, 3))
    """

    def __init__(
        self,
        hidden_size: int,
        heads: int,
        feed_forward_size: int,
        dropout: float,
        activation: str = "relu",
        rotary: Rotary | None = None,
        norm: str = "pre",
        epsilon: float = EPSILON,
        norm_by: str = "layer",
        key_heads: int | None = None,
        bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.norm_first = norm == "pre"
        self.attention_norm = NORMS[norm_by]("attention_norm", epsilon)
        self.attention = MultiHeadAttention(
            heads,
            hidden_size,
            dropout,
            rotary=rotary,
            key_heads=key_heads,
            bias=bias,
            name="attention",
        )
        self.feedforward_norm = NORMS[norm_by]("feedforward_norm", epsilon)
        self.feedforward = FeedForward(
            feed_forward_size, hidden_size, activation, bias, name="feedforward"
        )
        self.dropout = Dropout(dropout)

    def project(self, x: Tensor, index: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """(B, T, D) -> normed input (B, T, D), keys (B, K, D/H, T) and values (B, K, T, D/H).

        K heads of keys: H unless fewer were asked for. What is normalised "post" goes in as it is.
        """
        normed = self.attention_norm(x) if self.norm_first else x
        return normed, *self.attention.project_memory(normed, index)

    def attend(
        self,
        x: Tensor,
        normed: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
        index: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The block over keys and values that are there; arguments as `project` gives them."""
        # (B, T, D) and (B, H, T, T'), T' keys
        attended, weights = self.attention(normed, keys, values, mask, index)
        x = x + self.dropout(attended)
        if self.norm_first:
            return x + self.dropout(self.feedforward(self.feedforward_norm(x))), weights
        x = self.attention_norm(x)
        return self.feedforward_norm(x + self.dropout(self.feedforward(x))), weights

    def call(self, x: Tensor, mask: Tensor, index: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.attend(x, *self.project(x, index), mask, index)


class DecoderBlock(keras.layers.Layer):
    """Masked self-attention, cross-attention, feed-forward, each added to what came in.

    Args: as `SelfAttentionBlock`.

    Call arguments:
        x: (B, T, D).
        normed: `attention_norm(x)`, of which the keys were made.
        keys (B, H, D/H, T'), values (B, H, T', D/H): own positions; mask: over (B, H, T, T').
        memory_keys (B, H, D/H, S), memory_values (B, H, S, D/H); memory_mask: over (B, H, T, S).

    Returns:
        x (B, T, D), self-attention weights (B, H, T, T'), cross-attention weights (B, H, T, S).
    """

    def __init__(
        self,
        hidden_size: int,
        heads: int,
        feed_forward_size: int,
        dropout: float,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name in ("attention", "cross", "feedforward"):
            setattr(self, f"{name}_norm", layer_norm(f"{name}_norm"))
        self.attention = MultiHeadAttention(heads, hidden_size, dropout, name="attention")
        self.cross = MultiHeadAttention(heads, hidden_size, dropout, name="cross")
        self.feedforward = FeedForward(feed_forward_size, hidden_size, name="feedforward")
        self.dropout = Dropout(dropout)

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
        attended, own = self.attention(normed, keys, values, mask)  # (B, T, D), (B, H, T, T')
        x = x + self.dropout(attended)
        # (B, T, D) and (B, H, T, S)
        attended, cross = self.cross(self.cross_norm(x), memory_keys, memory_values, memory_mask)
        x = x + self.dropout(attended)
        return x + self.dropout(self.feedforward(self.feedforward_norm(x))), own, cross
