"""LSTMs over the segments of a series, without attention and with.

Axes: B batch, L lookback, H horizon, C channels, T segments ahead, S segments read, G steps of a
segment, D hidden size, Q quantiles.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.configs import forecaster
from zoo.forecast import LEVELS
from zoo.kinds.base import Maps, Tensor
from zoo.kinds.forecaster import (
    Forecaster,
    by_series,
    normalised,
    restored,
    segments,
    side_by_side,
)
from zoo.layers.attention import AdditiveAttention
from zoo.layers.attention_hooks import maps_wanted
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.models.feed_forward_forecaster import spread_out


class LSTMForecaster(Forecaster):
    """An LSTM reads a series segment by segment; its last state alone says what follows.

    Hochreiter and Schmidhuber 1997; segments as in SegRNN (Lin et al. 2023). Each segment ahead is
    written from the state and a learnt code of its place, all at once.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"lookback": 6, "horizon": 3, "channels": 2}
        >>> config = registry.configuration("lstm", "nano", kind="forecaster", **sizes)
        >>> tuple(building.build("lstm", config, kind="forecaster")(ops.ones((4, 6, 2))).shape)
        (4, 3, 2, 10)
    """

    def __init__(self, config: forecaster.Recurrent, **kwargs: Any):
        super().__init__(config, **kwargs)
        if config.segment > config.lookback:
            raise ValueError(
                "a segment must be within what is read. "
                f"Received: segment={config.segment}, lookback={config.lookback}"
            )
        size = config.hidden_size
        self.embedding = Dense(size, activation="relu", name="embedding")
        self.lstm = keras.layers.LSTM(size, return_sequences=True, return_state=True, name="lstm")
        self.ahead = -(-config.horizon // config.segment)
        self.places = self.add_weight(
            shape=(self.ahead, size), initializer="glorot_uniform", name="places"
        )
        self.mixed = Dense(size, activation="tanh", name="mixed")
        self.dropout = Dropout(config.dropout)
        self.level = Dense(config.segment, name="level")
        self.spread = Dense(config.segment * len(LEVELS), name="spread")

    def context(self, query: Tensor, states: Tensor) -> tuple[Tensor, Tensor | None]:
        """What each query (N, T, D) reads of the states (N, S, D) again: nothing."""
        return query, None

    def look(self, history: Tensor) -> tuple[Tensor, Maps]:
        config = self.config
        normed, mean, deviation = normalised(history)  # (B, L, C), two (B, 1, C)
        x = ops.cast(by_series(normed), self.compute_dtype)  # (N, L), N = B C
        x = self.embedding(segments(x, config.segment))  # (N, S, G) -> (N, S, D)
        states, last, _ = self.lstm(x)  # (N, S, D), (N, D)
        places = ops.cast(self.places, last.dtype)  # (T, D)
        query = last[:, None] + places[None]  # (N, T, D)
        known, weights = self.context(query, states)  # (N, T, D or 2 D), (N, 1, T, S)
        hidden = self.dropout(self.mixed(known))  # (N, T, D)
        written = self.ahead * config.segment
        level = ops.reshape(self.level(hidden), (-1, written))  # (N, T, G) -> (N, T G)
        raw = ops.reshape(self.spread(hidden), (-1, written, len(LEVELS)))  # (N, T G, Q)
        level = level[:, : config.horizon]  # (N, H)
        raw = ops.reshape(raw[:, : config.horizon], (-1, config.horizon * len(LEVELS)))  # (N, H Q)
        values = spread_out(level, raw, config.channels, config.horizon)  # (B, H, C, 1 + Q)
        maps = {}
        if weights is not None and maps_wanted():
            maps = {"cross": side_by_side(weights[:, None], config.channels)}  # (B, C, 1, 1, T, S)
        return restored(values, mean, deviation), maps


class BahdanauForecaster(LSTMForecaster):
    """The same, and each segment ahead looks at all states of the LSTM before it is written.

    Additive attention (Bahdanau et al. 2015). Its map is (C, 1, 1, T, S): segments ahead by
    segments read.
    """

    def __init__(self, config: forecaster.RecurrentWithAttention, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.attention = AdditiveAttention(config.hidden_size, name="attention")
        self.attention.site = ("cross", 0)

    def context(self, query: Tensor, states: Tensor) -> tuple[Tensor, Tensor | None]:
        mask = ops.ones((1, states.shape[1]), dtype="bool")  # (1, S)
        keys = self.attention.project_keys(states)  # (N, S, D)
        found, weights = self.attention(query, keys, states, mask)  # (N, T, D), (N, 1, T, S)
        return ops.concatenate([query, found], axis=-1), weights  # (N, T, 2 D)
