"""A feed-forward network over the past of a series, with a linear path beside it.

Axes: B batch, L lookback, H horizon, C channels, D hidden size, Q quantiles.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo.configs import forecaster
from zoo.forecast import LEVELS
from zoo.kinds.base import Maps, Tensor
from zoo.kinds.forecaster import Forecaster, by_series, normalised, restored, with_quantiles
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.layers.normalization import gelu


class FeedForwardForecaster(Forecaster):
    """`y = A x + W gelu(V x)`, x one series of the window with mean 0 and deviation 1.

    Each series is read by itself, with the same weights; one weight for each step back and ahead.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"lookback": 6, "horizon": 3, "channels": 2}
        >>> config = registry.configuration("feed-forward", "nano", kind="forecaster", **sizes)
        >>> model = building.build("feed-forward", config, kind="forecaster")
        >>> tuple(model(ops.ones((4, 6, 2))).shape)
        (4, 3, 2, 10)
    """

    def __init__(self, config: forecaster.FeedForward, **kwargs: Any):
        super().__init__(config, **kwargs)
        # From zero gradient steps find small weights, as the penalty of ridge regression does.
        self.linear = Dense(config.horizon, kernel_initializer="zeros", name="linear")
        self.inner = [
            Dense(config.hidden_size, activation=gelu, name=f"inner_{i}")
            for i in range(config.layers)
        ]
        self.dropout = Dropout(config.dropout)
        self.level = Dense(config.horizon, name="level", kernel_initializer="zeros")
        self.spread = Dense(config.horizon * len(LEVELS), name="spread")

    def look(self, history: Tensor) -> tuple[Tensor, Maps]:
        horizon, channels = self.config.horizon, self.config.channels
        normed, mean, deviation = normalised(history)  # (B, L, C), two (B, 1, C)
        x = ops.cast(by_series(normed), self.compute_dtype)  # (B C, L)
        hidden = x
        for layer in self.inner:
            hidden = self.dropout(layer(hidden))  # (B C, D)
        level = self.linear(x) + self.level(hidden)  # (B C, H)
        return restored(
            spread_out(level, self.spread(hidden), channels, horizon), mean, deviation
        ), {}


def spread_out(level: Tensor, raw: Tensor, channels: int, horizon: int) -> Tensor:
    """Levels (B C, H) and numbers (B C, H Q) of single series -> values (B, H, C, 1 + Q)."""
    level = ops.reshape(level, (-1, channels, horizon))  # (B, C, H)
    raw = ops.reshape(raw, (-1, channels, horizon, len(LEVELS)))  # (B, C, H, Q)
    return with_quantiles(ops.transpose(level, (0, 2, 1)), ops.transpose(raw, (0, 2, 1, 3)))
