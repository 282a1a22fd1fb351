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

    Hochreiter and Schmidhuber 1997; segments as in SegRNN (Lin et al. 2023). One linear map from
    the last state writes all steps at once.

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
        self.dropout = Dropout(config.dropout)
        self.level = Dense(config.horizon, kernel_initializer="zeros", name="level")
        self.spread = Dense(config.horizon * len(LEVELS), name="spread")

    def again(self, last: Tensor, states: Tensor) -> tuple[Tensor, Tensor | None]:
        """What a second look at the states (N, S, D) adds to a forecast (N, H): nothing."""
        return ops.zeros_like(last[:, :1]), None  # (N, 1), for all steps

    def look(self, history: Tensor) -> tuple[Tensor, Maps]:
        config = self.config
        normed, mean, deviation = normalised(history)  # (B, L, C), two (B, 1, C)
        x = ops.cast(by_series(normed), self.compute_dtype)  # (N, L), N = B C
        x = self.embedding(segments(x, config.segment))  # (N, S, G) -> (N, S, D)
        states, last, _ = self.lstm(x)  # (N, S, D), (N, D)
        last = self.dropout(last)
        added, weights = self.again(last, states)  # (N, H), (N, 1, T, S)
        level = self.level(last) + added  # (N, H)
        values = spread_out(level, self.spread(last), config.channels, config.horizon)
        maps = {}
        if weights is not None and maps_wanted():
            maps = {"cross": side_by_side(weights[:, None], config.channels)}  # (B, C, 1, 1, T, S)
        return restored(values, mean, deviation), maps


class BahdanauForecaster(LSTMForecaster):
    """The same, and each segment ahead looks at all states of the LSTM before it is written.

    Additive attention (Bahdanau et al. 2015), its queries the last state and a learnt code of the
    segment's place. Its map is (C, 1, 1, T, S): segments ahead by segments read.
    """

    def __init__(self, config: forecaster.RecurrentWithAttention, **kwargs: Any):
        super().__init__(config, **kwargs)
        size = config.hidden_size
        self.ahead = len(config.query_spans())
        self.places = self.add_weight(
            shape=(self.ahead, size), initializer="glorot_uniform", name="places"
        )
        self.attention = AdditiveAttention(size, name="attention")
        self.attention.site = ("cross", 0)
        self.mixed = Dense(size, activation="tanh", name="mixed")
        self.segment = Dense(config.segment, kernel_initializer="zeros", name="segment")

    def again(self, last: Tensor, states: Tensor) -> tuple[Tensor, Tensor | None]:
        query = last[:, None] + ops.cast(self.places, last.dtype)[None]  # (N, T, D)
        mask = ops.ones((1, states.shape[1]), dtype="bool")  # (1, S)
        keys = self.attention.project_keys(states)  # (N, S, D)
        found, weights = self.attention(query, keys, states, mask)  # (N, T, D), (N, 1, T, S)
        both = ops.concatenate([query, found], axis=-1)  # (N, T, 2 D)
        written = self.segment(self.dropout(self.mixed(both)))  # (N, T, D) -> (N, T, G)
        flat = ops.reshape(written, (-1, self.ahead * self.config.segment))  # (N, T G)
        return flat[:, : self.config.horizon], weights  # (N, H)
