"""Where a model looks: additive (Bahdanau) and multi-head scaled dot-product attention.

Both layers return their weights beside their output, except within `without_maps`, and
both let keys and values be projected once for many queries.

Axes: B batch, T queries, S keys, H heads, K heads of keys (H, or fewer), D width, U units. Masks
are boolean, True where a key may be looked at.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers.attention_hooks import Site, current_hook, maps_wanted, query_position
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout, is_training
from zoo.layers.positions import Rotary
from zoo.runtime import backend

Tensor = Any

QUERIES_AT_ONCE = 128
"""Rows of a map made at a time, from four times as many queries on, within `without_maps`."""


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis in float32, with exactly 0 where `mask` is False.

    Args:
        scores: (..., S), any float type.
        mask: bool, broadcastable to `scores`.

    Returns:
        (..., S) float32; rows sum to 1, or to 0 where nothing may be looked at.
    """
    scores = ops.where(mask, ops.cast(scores, "float32"), -1e9)
    # A single key gets all the weight; Keras warns of a softmax over it.
    single = scores.shape[-1] == 1
    weights = ops.ones_like(scores) if single else ops.softmax(scores, axis=-1)
    return ops.where(mask, weights, 0.0)


def causal_mask(length: int | Tensor) -> Tensor:
    """(1, 1, T, T) bool: True where key position <= query position."""
    positions = ops.arange(length)
    return (positions[None, :] <= positions[:, None])[None, None]


@keras.saving.register_keras_serializable("zoo")
class AdditiveAttention(keras.layers.Layer):
    """Additive attention: one small feed-forward network scores every query with every key.

    Bahdanau, Cho and Bengio 2015 (arXiv:1409.0473), appendix A.1.2:
    `energy[t, s] = v . tanh(W_query query[t] + W_key key[s])`, `weights = softmax(energy)`.

    Args:
        units: U, the width of the hidden layer that both projections lead to.
        coverage: the scores also depend on where earlier steps have looked (See, Liu and Manning
            2017, arXiv:1704.04368, equation 11): `+ w covered[s]` within tanh.

    Call arguments:
        query: (B, T, D).
        projected_keys: (B, S, U), from `project_keys(memory)`: computed once, not once a step.
        values: (B, S, D).
        mask: (B, S) bool, True at real keys.
        covered: (B, S) float32, the sum of the weights of earlier steps; with `coverage` only.

    Returns:
        context (B, T, D) and weights (B, 1, T, S) float32, with one head so that every map in
        the zoo has the same axes.

    Example:
        >>> layer, query, values = AdditiveAttention(8), ops.ones((2, 3, 4)), ops.ones((2, 5, 4))
        >>> mask = ops.ones((2, 5), "bool")
        >>> context, weights = layer(query, layer.project_keys(values), values, mask)
        >>> tuple(context.shape), tuple(weights.shape)
        ((2, 3, 4), (2, 1, 3, 5))
    """

    site: Site = ("cross", 0)

    def __init__(self, units: int, coverage: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.units, self.coverage = units, coverage
        self.query_projection = Dense(units, use_bias=False, name="query")
        self.key_projection = Dense(units, use_bias=False, name="key")
        self.energy = Dense(1, use_bias=False, name="energy")
        if coverage:
            # Nothing at first: a network that was trained without it goes on as it was.
            self.covered_projection = Dense(
                units, use_bias=False, kernel_initializer="zeros", name="covered"
            )

    def project_keys(self, memory: Tensor) -> Tensor:
        """(B, S, D) -> (B, S, U): the half of the hidden layer that depends on the keys only."""
        return self.key_projection(memory)

    def call(
        self,
        query: Tensor,
        projected_keys: Tensor,
        values: Tensor,
        mask: Tensor,
        covered: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        projected_query = self.query_projection(query)  # (B, T, D) -> (B, T, U)
        if covered is not None:
            # (B, S) -> (B, S, 1) -> (B, S, U)
            projected_keys = projected_keys + self.covered_projection(covered[:, :, None])
        # (B, T, 1, U) + (B, 1, S, U) -> (B, T, S, U)
        hidden = ops.tanh(projected_query[:, :, None, :] + projected_keys[:, None, :, :])
        energy = ops.squeeze(self.energy(hidden), axis=-1)  # (B, T, S)
        weights = masked_softmax(energy, mask[:, None, :])[:, None]  # (B, 1, T, S)
        if hook := current_hook():
            weights = hook.weights(self.site, weights, query_position())
        context = ops.matmul(ops.cast(weights[:, 0], values.dtype), values)  # (B, T, D)
        if hook:
            context = hook.context(self.site, context[:, None])[:, 0]  # by head and back: (B, T, D)
        return context, weights

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units, "coverage": self.coverage}


@keras.saving.register_keras_serializable("zoo")
class MultiHeadAttention(keras.layers.Layer):
    """Multi-head scaled dot-product attention.

    Vaswani et al. 2017 (arXiv:1706.03762), equation 1 and section 3.2.2:
    `weights = softmax(Q K^T / sqrt(d_k))`, `output = concat(weights_h V_h) W_output`. With fewer
    heads of keys and values than of queries each serves several of these (grouped-query attention,
    Ainslie et al. 2023, arXiv:2305.13245): a smaller cache.

    Args:
        heads: H; must divide `width`.
        width: D, of the input and of the output.
        dropout: share of the weights dropped while training.
        rotary: rotates queries and keys by their positions, if given.
        key_heads: K; must divide `heads`; by default as many.
        bias: whether the four projections have one.

    Call arguments:
        query: (B, T, D).
        keys (B, K, D/H, S), values (B, K, S, D/H): of `project_memory(memory)`, or a cache of such.
        mask: bool, broadcastable to (B, H, T, S), True where a query may look.
        index: (T,) or (B, T) positions of the queries; needed with `rotary` only.

    Returns:
        output (B, T, D) and weights (B, H, T, S) float32 before dropout; None for these within
        `without_maps`, unless dropout needs them.

    Raises:
        ValueError: `width` is no multiple of `heads`, or `heads` none of `key_heads`.

    Example:
        >>> layer, x = MultiHeadAttention(heads=2, width=8), ops.ones((1, 3, 8))
        >>> output, weights = layer(x, *layer.project_memory(x), causal_mask(3))
        >>> tuple(output.shape), ops.convert_to_numpy(weights)[0, 0, 1].tolist()
        ((1, 3, 8), [0.5, 0.5, 0.0])
    """

    site: Site = ("", 0)
    """Set by the network that holds the layer."""

    def __init__(
        self,
        heads: int,
        width: int,
        dropout: float = 0.0,
        rotary: Rotary | None = None,
        key_heads: int | None = None,
        bias: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        key_heads = key_heads or heads
        if width % heads:
            raise ValueError(
                f"width must be a multiple of heads. Received: width={width}, heads={heads}"
            )
        if heads % key_heads:
            raise ValueError(
                "heads must be a multiple of key_heads. "
                f"Received: heads={heads}, key_heads={key_heads}"
            )
        self.heads, self.key_heads, self.bias = heads, key_heads, bias
        self.width = width
        self.rate = dropout
        self.rotary = rotary
        self.query_projection = Dense(width, use_bias=bias, name="query")
        # Keys and values come from the same input: one matrix product makes both.
        of_keys = 2 * key_heads * (width // heads)
        self.memory_projection = Dense(of_keys, use_bias=bias, name="key_value")
        self.output_projection = Dense(width, use_bias=bias, name="output")
        self.dropout = Dropout(dropout)

    def split_heads(self, x: Tensor, *, turned: bool = False) -> Tensor:
        """(B, T, H D/H) -> (B, H, T, D/H), or `turned` (B, H, D/H, T); K heads likewise."""
        # One size may be left open: known ones make the shape a constant.
        length, depth = x.shape[1] or ops.shape(x)[1], self.width // self.heads
        x = ops.reshape(x, (-1, length, x.shape[2] // depth, depth))  # (B, T, H, D/H)
        return ops.transpose(x, (0, 2, 3, 1) if turned else (0, 2, 1, 3))

    def project_memory(self, memory: Tensor, index: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, S, D), positions -> keys (B, K, D/H, S) and values (B, K, S, D/H).

        Keys lie as the product with queries reads them, so that no step has to transpose them.
        """
        keys, values = ops.split(self.memory_projection(memory), 2, axis=-1)  # (B, S, K D/H) each
        if self.rotary is None:
            return self.split_heads(keys, turned=True), self.split_heads(values)
        rotated = self.rotary(self.split_heads(keys), index)  # (B, K, S, D/H)
        return ops.transpose(rotated, (0, 1, 3, 2)), self.split_heads(values)

    def call(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor,
        index: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        queries = self.split_heads(self.query_projection(query))  # (B, T, D) -> (B, H, T, D/H)
        if self.rotary is not None:
            queries = self.rotary(queries, index)
        queries = queries * (self.width // self.heads) ** -0.5
        hook = current_hook()
        if hook or maps_wanted() or (is_training() and self.rate):
            weights = masked_softmax(by_group(queries, keys), mask)  # (B, H, T, S)
            if hook:
                every = {"key": self._for_each(keys), "value": self._for_each(values)}
                hook.observe(self.site, self, query=queries, **every)
                weights = hook.weights(self.site, weights, query_position())
            used = self.dropout(ops.cast(weights, values.dtype))
            context = by_group(used, values)  # (B, H, T, D/H)
        else:
            weights, context = None, attend(queries, keys, values, mask)  # (B, H, T, D/H)
        if hook:
            context = hook.context(self.site, context)
        context = ops.transpose(context, (0, 2, 1, 3))  # (B, T, H, D/H)
        length = context.shape[1] or ops.shape(context)[1]
        context = ops.reshape(context, (-1, length, self.width))  # (B, T, D)
        return self.output_projection(context), weights

    def _for_each(self, x: Tensor) -> Tensor:
        """Keys or values (B, K, ...) for each head of queries: (B, H, ...)."""
        several = self.heads // self.key_heads
        return x if several == 1 else ops.repeat(x, several, axis=1)

    def get_config(self) -> dict[str, Any]:
        config = {"heads": self.heads, "width": self.width, "dropout": self.rate}
        config |= {"key_heads": self.key_heads, "bias": self.bias}
        return {**super().get_config(), **config}


def by_group(left: Tensor, right: Tensor) -> Tensor:
    """Products of matrices (B, H, T, N) and (B, K, N, M), each of K for H/K heads: (B, H, T, M).

    Rows of the heads that share a matrix are put below one another: nothing is copied.
    """
    heads, groups = left.shape[1], right.shape[1]
    if heads == groups:
        return ops.matmul(left, right)
    length, inner = left.shape[2] or ops.shape(left)[2], left.shape[3] or ops.shape(left)[3]
    # (B, H, T, N) -> (B, K, H/K T, N)
    stacked = ops.reshape(left, (-1, groups, heads // groups * length, inner))
    outer = right.shape[3] or ops.shape(right)[3]
    # (B, K, H/K T, M) -> (B, H, T, M)
    return ops.reshape(ops.matmul(stacked, right), (-1, heads, length, outer))


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """`softmax(queries keys) values` without the whole map in memory where that pays.

    On accelerators this is Keras's fused attention (FlashAttention, Dao et al. 2022, where the
    device has it); elsewhere long inputs are taken some queries at a time, so that memory grows
    with S and no longer with T S.

    Args:
        queries: (B, H, T, D/H), scaled.
        keys: (B, K, D/H, S).
        values: (B, K, S, D/H).
        mask: bool, broadcastable to (B, H, T, S).

    Returns:
        (B, H, T, D/H).
    """
    if backend.accelerated():
        if (several := queries.shape[1] // keys.shape[1]) > 1:
            keys, values = (ops.repeat(x, several, axis=1) for x in (keys, values))
        turned = (ops.transpose(x, (0, 2, 1, 3)) for x in (queries, values))
        query, value = turned  # (B, T, H, D/H), (B, S, H, D/H)
        key = ops.transpose(keys, (0, 3, 1, 2))  # (B, S, H, D/H)
        found = ops.dot_product_attention(query, key, value, mask=mask, scale=1.0)
        return ops.transpose(found, (0, 2, 1, 3))  # (B, T, H, D/H) -> (B, H, T, D/H)

    def some(queries: Tensor, mask: Tensor) -> Tensor:
        weights = masked_softmax(by_group(queries, keys), mask)  # (B, H, Q, S), Q queries
        return by_group(ops.cast(weights, values.dtype), values)  # (B, H, Q, D/H)

    length = queries.shape[2]
    if length is None or length < 4 * QUERIES_AT_ONCE or length % QUERIES_AT_ONCE:
        return some(queries, mask)
    parts = length // QUERIES_AT_ONCE  # P parts of Q queries
    # (B, H, T, D/H) -> (B, H, P, Q, D/H)
    blocks = ops.reshape(queries, (-1, queries.shape[1], parts, QUERIES_AT_ONCE, queries.shape[3]))
    blocks = ops.transpose(blocks, (2, 0, 1, 3, 4))  # (P, B, H, Q, D/H)
    if mask.shape[2] == 1:
        found = ops.map(lambda block: some(block, mask), blocks)
    else:
        rows = (ops.shape(mask)[0], mask.shape[1], parts, QUERIES_AT_ONCE, ops.shape(mask)[3])
        rows = ops.reshape(mask, rows)  # (B or 1, H or 1, P, Q, S)
        rows = ops.transpose(rows, (2, 0, 1, 3, 4))  # (P, B or 1, H or 1, Q, S)
        found = ops.map(lambda both: some(*both), (blocks, rows))
    # (P, B, H, Q, D/H) -> (B, H, P, Q, D/H) -> (B, H, T, D/H)
    return ops.reshape(ops.transpose(found, (1, 2, 0, 3, 4)), ops.shape(queries))
