"""The decoder-only Transformer, pre-norm, with a KV cache for generation.

Radford et al. 2018, 2019 (GPT, GPT-2); with other hyper-parameters Touvron et al. 2023 (Llama).
Axes: B batch, T tokens, C cache, L layers, H heads, K heads of keys, D hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo.configs import gpt
from zoo.kinds.base import Maps, Memory, State, Tensor
from zoo.kinds.language_model import LanguageModel
from zoo.layers.attention import causal_mask
from zoo.layers.attention_hooks import maps_wanted
from zoo.layers.positions import Positions, Rotary
from zoo.layers.transformer import NORMS, SelfAttentionBlock


class GPT(LanguageModel):
    """Causal self-attention in every block, the same block as the Transformer's encoder.

    The state is a cache of each block's keys (B, K, D/H, C) and values (B, K, C, D/H).

    Args:
        config: hyper-parameters.

    Example:
        >>> from zoo import building, registry
        >>> config = registry.configuration("gpt", "nano", kind="language_model", vocabulary=9)
        >>> model = building.build("gpt", config, kind="language_model")
        >>> model(ops.ones((2, 5), dtype="int32")).shape
        TensorShape([2, 5, 9])
    """

    def __init__(self, config: gpt.GPT, **kwargs: Any):
        super().__init__(config, **kwargs)
        if config.hidden_size % config.heads:
            raise ValueError(
                "hidden_size must be a multiple of heads. "
                f"Received: hidden_size={config.hidden_size}, heads={config.heads}"
            )
        if not config.scaled_embedding:
            self.scale = 1.0
        rotary = None
        if config.positions == "rotary":
            rotary = Rotary(config.hidden_size // config.heads, config.rotary_base)
        added = "none" if rotary else config.positions
        self.positions = Positions(added, config.max_length, config.hidden_size, name="positions")
        self.blocks = [
            SelfAttentionBlock(
                config.hidden_size,
                config.heads,
                config.feed_forward_size,
                config.dropout,
                activation=config.activation,
                rotary=rotary,
                epsilon=config.norm_epsilon,
                norm_by=config.norm_by,
                key_heads=config.key_heads or None,
                bias=config.bias,
                name=f"block_{i}",
            )
            for i in range(config.layers)
        ]
        for i, block in enumerate(self.blocks):
            block.attention.site = ("decoder", i)
        self.norm = NORMS[config.norm_by]("norm", config.norm_epsilon)

    @property
    def context(self) -> int:
        return self.config.max_length

    def embed_at(self, tokens: Tensor, index: Tensor) -> Tensor:
        """(B, T) ids at positions (T,) or (B, T) -> (B, T, D)."""
        x = self.embedding(tokens) * self.scale  # (B, T) -> (B, T, D)
        if self.positions.kind != "none":
            x = x + self.positions(index)  # (T, D) is added to every row
        return self.input_dropout(x)

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        length = ops.shape(target)[1]
        index = ops.arange(length)  # (T,)
        x = self.embed_at(target, index)  # (B, T) -> (B, T, D)
        mask = causal_mask(length)  # (1, 1, T, T)
        maps = []
        for block in self.blocks:
            x, weights = block(x, mask, index)  # weights (B, H, T, T)
            maps.append(weights)
        logits = self.logits(self.norm(x))  # (B, T, V)
        # maps (B, L, H, T, T)
        return logits, {"decoder": ops.stack(maps, axis=1)} if maps_wanted() else {}

    def init_state(self, memory: Any, length: int) -> State:
        heads = self.config.key_heads or self.config.heads
        depth = self.config.hidden_size // self.config.heads
        # (B, K, D/H, C) and (B, K, C, D/H)
        keys = ops.zeros((memory, heads, depth, length), dtype=self.compute_dtype)
        values = ops.zeros((memory, heads, length, depth), dtype=self.compute_dtype)
        return tuple((keys, values) for _ in self.blocks)

    def read(
        self, tokens: Tensor, state: State, index: Tensor, lengths: Tensor
    ) -> tuple[Tensor, State]:
        count, places = tokens.shape[1], ops.arange(ops.shape(state[0][0])[3])  # T, (C,)
        position = index[:, None] + ops.arange(ops.shape(tokens)[1])  # (B, T)
        new = places[None, :] - index[:, None]  # (B, C): which of the tokens goes to a place
        fresh = ops.logical_and(new >= 0, new < lengths[:, None])  # (B, C)
        new = ops.clip(new, 0, ops.shape(tokens)[1] - 1)
        mask = (places <= position[..., None])[:, None]  # (B, 1, T, C)
        x = self.embed_at(tokens, position)  # (B, T, D)
        caches = []
        for block, (cached_keys, cached_values) in zip(self.blocks, state, strict=True):
            # (B, T, D), (B, K, D/H, T), (B, K, T, D/H)
            normed, keys, values = block.project(x, position)
            if count != 1:  # one token is the same at every place: broadcasting will do
                # (B, K, D/H, C) and (B, K, C, D/H)
                keys = ops.take_along_axis(keys, new[:, None, None, :], axis=3)
                values = ops.take_along_axis(values, new[:, None, :, None], axis=2)
            keys = ops.where(fresh[:, None, None, :], keys, cached_keys)  # (B, K, D/H, C)
            values = ops.where(fresh[:, None, :, None], values, cached_values)  # (B, K, C, D/H)
            x, _ = block.attend(x, normed, keys, values, mask, position)  # (B, T, D)
            caches.append((keys, values))
        return self.logits(self.norm(x)), tuple(caches)  # (B, T, V)
