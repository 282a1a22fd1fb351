"""A language model with a fixed window and no memory: one hidden layer over the last tokens.

Bengio et al. 2003, "A neural probabilistic language model". Axes: B batch, T tokens, W window,
D hidden size.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.configs.feed_forward import FeedForwardLanguageModel as Config
from zoo.kinds.base import Maps, Memory, State, Tensor
from zoo.kinds.language_model import LanguageModel, decode_from_empty
from zoo.tokenizer import BOS


class FeedForwardLanguageModel(LanguageModel):
    """`y = U tanh(H x + d)`, x the embeddings of the last W tokens side by side: equation 1.

    Without the direct connections W x, and with the embeddings as output matrix (tied). The state
    is the last W - 1 ids; before the first token they are BOS.
    """

    def __init__(self, config: Config, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.inner = keras.layers.Dense(config.inner_size, activation="tanh", name="inner")
        self.outer = keras.layers.Dense(config.hidden_size, name="outer")
        self.inner_dropout = keras.layers.Dropout(config.dropout)

    @property
    def context(self) -> int | None:
        return None  # tokens before the window are not read, and any number may come

    def init_state(self, memory: Any, length: int) -> State:
        return ops.full((memory, self.config.window - 1), BOS, dtype="int32")

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        return decode_from_empty(self, target)

    def read(
        self, tokens: Tensor, state: State, index: Tensor, lengths: Tensor
    ) -> tuple[Tensor, State]:
        window, count = self.config.window, ops.shape(tokens)[1]
        ids = ops.concatenate([state, ops.cast(tokens, "int32")], axis=1)  # (B, W - 1 + T)
        embedded = self.embed(ids)  # (B, W - 1 + T, D)
        parts = [embedded[:, i : i + count] for i in range(window)]
        x = ops.concatenate(parts, axis=-1)  # (B, T, W D)
        x = self.outer(self.inner_dropout(self.inner(x)))  # (B, T, D)
        last = lengths[:, None] + ops.arange(window - 1)[None]  # (B, W - 1)
        return self.logits(x), ops.take_along_axis(ids, last, axis=1)
