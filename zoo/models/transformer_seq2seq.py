"""The Transformer encoder-decoder, pre-norm, with a KV cache for generation.

Vaswani et al. 2017 (arXiv:1706.03762); normalisation before each block as in Xiong et al. 2020.
Axes: B batch, S source tokens, T target tokens, C cache, L layers, H heads, D width, V vocabulary.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo.configs.transformer import Transformer
from zoo.kinds.base import Maps, Memory, State, Tensor
from zoo.kinds.seq2seq import Seq2Seq, source_mask
from zoo.layers.attention import causal_mask, masked_softmax
from zoo.layers.attention_hooks import maps_wanted
from zoo.layers.dense import Dense
from zoo.layers.positions import Positions
from zoo.layers.transformer import DecoderBlock, SelfAttentionBlock, layer_norm


class TransformerSeq2Seq(Seq2Seq):
    """The Transformer encoder-decoder of Vaswani et al. 2017.

    Memory holds in `cross` each decoder layer's cross-attention keys (B, H, D/H, S) and values
    (B, H, S, D/H), made once; the state is a cache of each layer's own.

    Example:
        >>> from zoo import building, registry
        >>> name, sizes = "transformer", {"source_vocabulary": 9, "target_vocabulary": 7}
        >>> model = building.build(name, registry.configuration(name, "nano", **sizes))
        >>> source, target = ops.ones((2, 5), dtype="int32"), ops.ones((2, 4), dtype="int32")
        >>> tuple(model((source, target)).shape)
        (2, 4, 7)
    """

    def __init__(self, config: Transformer, **kwargs: Any):
        super().__init__(config, **kwargs)
        where = (config.positions, config.max_length, config.hidden_size)
        self.source_positions = Positions(*where, name="source_positions")
        self.target_positions = Positions(*where, name="target_positions")
        size = (config.hidden_size, config.heads, config.feed_forward_size, config.dropout)
        self.encoder_layers = [
            SelfAttentionBlock(*size, name=f"encoder_{i}") for i in range(config.encoder_layers)
        ]
        self.decoder_layers = [
            DecoderBlock(*size, name=f"decoder_{i}") for i in range(config.decoder_layers)
        ]
        for i, layer in enumerate(self.encoder_layers):
            layer.attention.site = ("encoder", i)
        for i, layer in enumerate(self.decoder_layers):
            layer.attention.site, layer.cross.site = ("decoder", i), ("cross", i)
        # Pre-norm leaves the last sum unnormalised: one norm closes each stack.
        self.encoder_norm = layer_norm("encoder_norm")
        self.decoder_norm = layer_norm("decoder_norm")
        if self.copying:
            self.copy_query = Dense(config.hidden_size, name="copy_query")
            self.copy_key = Dense(config.hidden_size, name="copy_key")

    def encode(self, source: Tensor) -> Memory:
        mask = source_mask(source)  # (B, S)
        x = self.source_embedding(source) * self.scale  # (B, S) -> (B, S, D)
        x = x + self.source_positions(ops.arange(ops.shape(source)[1]))[None]  # + (1, S, D)
        x = self.source_dropout(x)
        maps = []
        for layer in self.encoder_layers:
            x, weights = layer(x, mask[:, None, None, :])  # mask (B, 1, 1, S), weights (B, H, S, S)
            maps.append(weights)
        x = self.encoder_norm(x)
        # Layer by layer, not stacked: every step of generation would cut them apart again.
        # Each (B, H, D/H, S) and (B, H, S, D/H).
        crossed = tuple(layer.cross.project_memory(x) for layer in self.decoder_layers)
        memory = {"mask": mask, "cross": crossed, **_stacked(encoder=maps)}
        if self.copying:
            # (B, S, D) -> (B, D, S)
            memory |= {"source": source, "copied": ops.transpose(self.copy_key(x), (0, 2, 1))}
        return memory

    def mixed(self, logits: Tensor, x: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Logits (B, T, V) of what is written or copied, and what is copied (B, T, S).

        x: (B, T, D), what the logits were made of.
        """
        query = self.copy_query(x) * self.config.hidden_size**-0.5  # (B, T, D)
        weights = ops.matmul(query, memory["copied"])  # (B, T, S)
        weights = masked_softmax(weights, memory["mask"][:, None])
        return self.copying(logits, weights, memory["source"], x)

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        length = ops.shape(target)[1]
        x = self.target_embedding(target) * self.scale  # (B, T) -> (B, T, D)
        x = x + self.target_positions(ops.arange(length))[None]  # + (1, T, D)
        x = self.target_dropout(x)
        # (1, 1, T, T), (B, 1, 1, S)
        mask, memory_mask = causal_mask(length), memory["mask"][:, None, None, :]
        own_maps, cross_maps = [], []
        for layer, crossed in zip(self.decoder_layers, memory["cross"], strict=True):
            normed = layer.attention_norm(x)
            keys, values = layer.attention.project_memory(normed)  # (B, H, D/H, T), (B, H, T, D/H)
            # (B, T, D), (B, H, T, T), (B, H, T, S)
            x, own, cross = layer(x, normed, keys, values, mask, *crossed, memory_mask)
            own_maps.append(own)
            cross_maps.append(cross)
        x = self.decoder_norm(x)
        logits = self.target_embedding.scores(x)  # (B, T, V)
        maps = _stacked(cross=cross_maps, decoder=own_maps)
        if self.copying:
            logits, copied = self.mixed(logits, x, memory)
            maps |= _stacked(copy=[copied[:, None]])  # (B, T, S) -> (B, 1, 1, T, S)
        return logits, maps | {kind: memory[kind] for kind in ("encoder",) if kind in memory}

    def init_state(self, memory: Memory, length: int) -> State:
        _, values = memory["cross"][0]
        batch, heads, _, depth = ops.shape(values)
        keys = ops.zeros((batch, heads, depth, length), dtype=values.dtype)  # (B, H, D/H, C)
        # Each (B, H, D/H, C) and (B, H, C, D/H).
        return tuple((keys, ops.transpose(keys, (0, 1, 3, 2))) for _ in self.decoder_layers)

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State]:
        x = self.target_embedding(token[:, None]) * self.scale  # (B, 1) -> (B, 1, D)
        x = x + self.target_positions(ops.reshape(index, (1,)))[None]  # + (1, 1, D)
        positions = ops.arange(ops.shape(state[0][0])[3])  # (C,)
        here = positions == index  # (C,)
        written = ops.reshape(positions <= index, (1, 1, 1, -1))  # (1, 1, 1, C)
        memory_mask = memory["mask"][:, None, None, :]  # (B, 1, 1, S)
        caches = []
        for layer, cache, crossed in zip(self.decoder_layers, state, memory["cross"], strict=True):
            normed = layer.attention_norm(x)
            keys, values = layer.attention.project_memory(normed)  # (B, H, D/H, 1), (B, H, 1, D/H)
            keys = ops.where(here[None, None, None, :], keys, cache[0])  # (B, H, D/H, C)
            values = ops.where(here[None, None, :, None], values, cache[1])  # (B, H, C, D/H)
            x, _, _ = layer(x, normed, keys, values, written, *crossed, memory_mask)  # (B, 1, D)
            caches.append((keys, values))
        x = self.decoder_norm(x)
        # (B, 1, D) -> (B, D) -> (B, V)
        logits = self.target_embedding.scores(x[:, 0], memory.get("output"))
        if self.copying:
            logits = self.mixed(logits[:, None], x, memory)[0][:, 0]
        return logits, tuple(caches)


def _stacked(**maps: list[Tensor | None]) -> Maps:
    """Each layer's map on an axis of its own; nothing within `without_maps`."""
    # L of (B, H, T, S) -> (B, L, H, T, S)
    return {kind: ops.stack(each, axis=1) for kind, each in maps.items() if maps_wanted()}
