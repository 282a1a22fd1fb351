"""Feed-forward networks with a fixed window and no memory: a language model, and a translator.

Bengio et al. 2003, "A neural probabilistic language model". Axes: B batch, S source tokens, T
tokens, W window, D hidden size, F inner size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.configs import feed_forward
from zoo.kinds.base import Maps, Memory, State, Tensor
from zoo.kinds.language_model import LanguageModel, decode_from_empty
from zoo.kinds.seq2seq import Seq2Seq, source_mask
from zoo.layers.dropout import Dropout
from zoo.layers.positions import Positions
from zoo.tokenizer import BOS


class FeedForwardLanguageModel(LanguageModel):
    """`y = U tanh(H x + d)`, x the embeddings of the last W tokens side by side: equation 1.

    Without the direct connections W x, and with the embeddings as output matrix (tied). The state
    is the last W - 1 ids; before the first token they are BOS.

    Example:
        >>> from zoo import building, registry
        >>> name, kind = "feed-forward", "language_model"
        >>> config = registry.configuration(name, "nano", kind=kind, vocabulary=9)
        >>> model = building.build(name, config, kind=kind)
        >>> tuple(model(ops.ones((2, 5), dtype="int32")).shape)
        (2, 5, 9)
    """

    def __init__(self, config: feed_forward.FeedForwardLanguageModel, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.inner = keras.layers.Dense(config.inner_size, activation="tanh", name="inner")
        self.outer = keras.layers.Dense(config.hidden_size, name="outer")
        self.inner_dropout = Dropout(config.dropout)

    @property
    def context(self) -> int | None:
        return None  # tokens before the window are not read, and any number may come

    def init_state(self, memory: Any, length: int) -> State:
        return ops.full((memory, self.config.window - 1), BOS, dtype="int32")  # (B, W - 1)

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        return decode_from_empty(self, target)

    def read(
        self, tokens: Tensor, state: State, index: Tensor, lengths: Tensor
    ) -> tuple[Tensor, State]:
        window, count = self.config.window, ops.shape(tokens)[1]
        ids = ops.concatenate([state, ops.cast(tokens, "int32")], axis=1)  # (B, W - 1 + T)
        embedded = self.embed(ids)  # (B, W - 1 + T, D)
        parts = [embedded[:, i : i + count] for i in range(window)]  # W of (B, T, D)
        x = ops.concatenate(parts, axis=-1)  # (B, T, W D)
        x = self.outer(self.inner_dropout(self.inner(x)))  # (B, T, F) -> (B, T, D)
        last = lengths[:, None] + ops.arange(window - 1)[None]  # (B, W - 1)
        return self.logits(x), ops.take_along_axis(ids, last, axis=1)  # (B, T, V), (B, W - 1)


class FeedForwardSeq2Seq(Seq2Seq):
    """One hidden layer over the first W source tokens, and one over each step's last tokens.

    What is longer than the window is not read: a network without recurrence and attention has one
    weight for each place. Step t reads the source's summary, the embeddings of the tokens written
    last, and the position t.

    Example:
        >>> from zoo import building, registry
        >>> name, sizes = "feed-forward", {"source_vocabulary": 9, "target_vocabulary": 7}
        >>> model = building.build(name, registry.configuration(name, "nano", **sizes))
        >>> source, target = ops.ones((2, 5), dtype="int32"), ops.ones((2, 4), dtype="int32")
        >>> tuple(model((source, target)).shape)
        (2, 4, 7)
    """

    def __init__(self, config: feed_forward.FeedForwardSeq2Seq, **kwargs: Any):
        super().__init__(config, **kwargs)
        relu = {"activation": "relu"}
        self.summary = keras.layers.Dense(config.inner_size, **relu, name="summary")
        self.positions = Positions(
            "learned", config.max_length, config.hidden_size, name="positions"
        )
        self.inner = keras.layers.Dense(config.inner_size, **relu, name="inner")
        self.outer = keras.layers.Dense(config.hidden_size, name="outer")
        self.summary_dropout = Dropout(config.dropout)
        self.inner_dropout = Dropout(config.dropout)

    def encode(self, source: Tensor) -> Memory:
        window = self.config.window
        mask = source_mask(source)  # (B, S)
        x = self.source_dropout(self.source_embedding(source) * self.scale)  # (B, S, D)
        x = x * ops.cast(mask[..., None], x.dtype)
        x = ops.pad(x, ((0, 0), (0, window), (0, 0)))[:, :window]  # (B, W, D)
        x = ops.reshape(x, (-1, window * self.config.hidden_size))  # (B, W D)
        return {"mask": mask, "summary": self.summary_dropout(self.summary(x))}  # (B, F)

    def scores(self, ids: Tensor, index: Tensor, memory: Memory) -> Tensor:
        """Logits (B, T, V) at positions (T,) from ids (B, W' - 1 + T): the last ones of each."""
        count, window = ops.shape(index)[0], self.config.target_window
        # (B, W' - 1 + T) -> (B, W' - 1 + T, D)
        embedded = self.target_dropout(self.target_embedding(ids) * self.scale)
        parts = [embedded[:, i : i + count] for i in range(window)]  # W' of (B, T, D)
        rows = ops.shape(ids)[0]
        summary = ops.repeat(memory["summary"][:, None], count, axis=1)  # (B or 1, T, F)
        # Of one source, every row reads the same.
        summary = ops.broadcast_to(summary, (rows, count, summary.shape[-1]))  # (B, T, F)
        place = ops.repeat(self.positions(index)[None], rows, axis=0)  # (B, T, D)
        x = self.inner(ops.concatenate([*parts, summary, place], axis=-1))  # (B, T, F)
        x = self.outer(self.inner_dropout(x))  # (B, T, D)
        return self.target_embedding.scores(x, memory.get("output"))  # (B, T, V)

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        before = self.init_state(memory, 0)  # (B, W' - 1)
        ids = ops.concatenate([before, ops.cast(target, "int32")], axis=1)  # (B, W' - 1 + T)
        return self.scores(ids, ops.arange(ops.shape(target)[1]), memory), {}

    def init_state(self, memory: Memory, length: int) -> State:
        rows = ops.shape(memory["summary"])[0]
        return ops.full((rows, self.config.target_window - 1), BOS, dtype="int32")  # (B, W' - 1)

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State]:
        ids = ops.concatenate([state, ops.cast(token, "int32")[:, None]], axis=1)  # (B, W')
        # (B, V) and (B, W' - 1)
        return self.scores(ids, ops.reshape(index, (1,)), memory)[:, 0], ids[:, 1:]
