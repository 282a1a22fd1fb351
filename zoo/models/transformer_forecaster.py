"""One Transformer encoder with three kinds of token: a time point, a patch of a series, a series.

Axes: B batch, L lookback, H horizon, C channels, T tokens, D hidden size, Q quantiles.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo.configs import forecaster
from zoo.forecast import LEVELS
from zoo.kinds.base import Maps, Tensor
from zoo.kinds.forecaster import (
    Forecaster,
    by_series,
    normalised,
    patches,
    restored,
    side_by_side,
    with_quantiles,
)
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.layers.encoder import Encoder
from zoo.models.feed_forward_forecaster import spread_out


class TransformerForecaster(Forecaster):
    """What the three have in common: tokens with positions, self-attention blocks, a norm.

    Vaswani et al. 2017, pre-norm. A subclass says what a token is, and writes from them.
    """

    def __init__(self, config: forecaster.Transformer, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.embedding = Dense(config.hidden_size, name="embedding")
        self.encoder = Encoder(config, self.tokens, self.order, name="encoder")

    order = "learned"
    """How a token's place is told, as `zoo.layers.positions.Positions` has it."""

    @property
    def tokens(self) -> int:
        """How many tokens a window has, T."""
        return len(self.config.spans())

    def encode(self, x: Tensor) -> tuple[Tensor, Maps]:
        """(N, T, width of a token) -> (N, T, D), and maps (N, layers, heads, T, T) by kind."""
        x = self.embedding(ops.cast(x, self.compute_dtype))  # (N, T, D)
        return self.encoder(x, ops.ones((1, self.tokens), dtype="bool"))


class PointTransformer(TransformerForecaster):
    """A token is a time point: all series at one step, as in the first Transformers for series.

    Zhou et al. 2021 (Informer) without its shortcuts. What follows is a linear map over time, the
    same for each of D features, and then one from the features to the series.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"lookback": 6, "horizon": 3, "channels": 2}
        >>> name, kind = "transformer-point", "forecaster"
        >>> config = registry.configuration(name, "nano", kind=kind, **sizes)
        >>> values, maps = building.build(name, config, kind=kind).look(ops.ones((4, 6, 2)))
        >>> tuple(values.shape), tuple(maps["encoder"].shape)
        ((4, 3, 2, 10), (4, 1, 2, 2, 6, 6))
    """

    order = "sinusoidal"

    def __init__(self, config: forecaster.PointTransformer, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.over_time = Dense(config.horizon, name="over_time")
        self.level = Dense(config.channels, name="level")
        self.spread = Dense(config.channels * len(LEVELS), name="spread")

    def look(self, history: Tensor) -> tuple[Tensor, Maps]:
        horizon, channels = self.config.horizon, self.config.channels
        normed, mean, deviation = normalised(history)  # (B, L, C), two (B, 1, C)
        x, maps = self.encode(normed)  # (B, L, D), (B, layers, heads, L, L)
        x = ops.transpose(x, (0, 2, 1))  # (B, D, L)
        x = ops.transpose(self.over_time(x), (0, 2, 1))  # (B, D, H) -> (B, H, D)
        raw = ops.reshape(self.spread(x), (-1, horizon, channels, len(LEVELS)))  # (B, H, C, Q)
        values = with_quantiles(self.level(x), raw)  # (B, H, C, 1 + Q)
        return restored(values, mean, deviation), together(maps)  # (B, 1, layers, heads, L, L)


class PatchTransformer(TransformerForecaster):
    """A token is a patch of one series; each series is read by itself, with the same weights.

    Nie et al. 2023, "A time series is worth 64 words" (PatchTST): patches of 16 steps, 8 apart, and
    a linear map from all tokens together to what follows.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"lookback": 8, "horizon": 3, "channels": 2}
        >>> name, kind = "transformer-patch", "forecaster"
        >>> config = registry.configuration(name, "nano", kind=kind, **sizes)
        >>> values, maps = building.build(name, config, kind=kind).look(ops.ones((4, 8, 2)))
        >>> tuple(values.shape), tuple(maps["encoder"].shape)
        ((4, 3, 2, 10), (4, 2, 2, 2, 4, 4))
    """

    def __init__(self, config: forecaster.PatchTransformer, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.head_dropout = Dropout(config.dropout)
        self.level = Dense(config.horizon, kernel_initializer="zeros", name="level")
        self.spread = Dense(config.horizon * len(LEVELS), name="spread")

    def look(self, history: Tensor) -> tuple[Tensor, Maps]:
        config = self.config
        normed, mean, deviation = normalised(history)  # (B, L, C), two (B, 1, C)
        x = patches(by_series(normed), config.patch, config.stride)  # (N, T, patch), N = B C
        x, maps = self.encode(x)  # (N, T, D), (N, layers, heads, T, T)
        pooled = ops.mean(x, axis=1)  # (N, D)
        flat = ops.reshape(x, (-1, self.tokens * config.hidden_size))  # (N, T D)
        level = self.level(self.head_dropout(flat))  # (N, H)
        values = spread_out(level, self.spread(pooled), config.channels, config.horizon)
        # (B, C, layers, heads, T, T)
        each = {kind: side_by_side(every, config.channels) for kind, every in maps.items()}
        return restored(values, mean, deviation), each


class VariateTransformer(TransformerForecaster):
    """A token is a whole series; attention is between series, and time is one linear map.

    Liu et al. 2024, "iTransformer: inverted Transformers are effective for time series
    forecasting".

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"lookback": 6, "horizon": 3, "channels": 2}
        >>> name, kind = "transformer-variate", "forecaster"
        >>> config = registry.configuration(name, "nano", kind=kind, **sizes)
        >>> values, maps = building.build(name, config, kind=kind).look(ops.ones((4, 6, 2)))
        >>> tuple(values.shape), tuple(maps["encoder"].shape)
        ((4, 3, 2, 10), (4, 1, 2, 2, 2, 2))
    """

    order = "none"  # series have no order

    def __init__(self, config: forecaster.Transformer, **kwargs: Any):
        super().__init__(config, **kwargs)
        self.level = Dense(config.horizon, kernel_initializer="zeros", name="level")
        self.spread = Dense(config.horizon * len(LEVELS), name="spread")

    @property
    def tokens(self) -> int:
        return self.config.channels

    def look(self, history: Tensor) -> tuple[Tensor, Maps]:
        horizon, channels = self.config.horizon, self.config.channels
        normed, mean, deviation = normalised(history)  # (B, L, C), two (B, 1, C)
        x, maps = self.encode(ops.transpose(normed, (0, 2, 1)))  # (B, C, L) -> (B, C, D)
        x = ops.reshape(x, (-1, self.config.hidden_size))  # (B C, D)
        values = spread_out(self.level(x), self.spread(x), channels, horizon)  # (B, H, C, 1 + Q)
        return restored(values, mean, deviation), together(maps)  # (B, 1, layers, heads, C, C)


def together(maps: Maps) -> Maps:
    """Maps (B, ...) of series that are read together, one for all of them: (B, 1, ...)."""
    return {kind: every[:, None] for kind, every in maps.items()}
