"""Forecasters whose weights are computed, not trained: the last season again, and ridge regression.

Axes: B batch, L lookback, H horizon, C channels, Q quantiles.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from zoo.configs import forecaster
from zoo.forecast import LEVELS
from zoo.kinds.base import Maps, Tensor
from zoo.kinds.forecaster import Forecaster

RIDGE = (0.01, 0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0)
"""Penalties that `n-linear` chooses from, by the error on the last tenth of the windows."""


class ClosedForm(Forecaster):
    """A point forecast, and the quantiles of its errors in the training part, one set a step ahead.

    Weights: `errors` (H, C, Q), which `fit_errors` computes.
    """

    def __init__(self, config: Any, **kwargs: Any):
        super().__init__(config, **kwargs)
        shape = (config.horizon, config.channels, len(LEVELS))
        self.errors = self.add_weight(shape=shape, initializer="zeros", name="errors")

    def point(self, history: Tensor) -> Tensor:
        """(B, L, C) -> (B, H, C)."""
        raise NotImplementedError

    def look(self, history: Tensor) -> tuple[Tensor, Maps]:
        point = self.point(ops.cast(history, "float32"))[..., None]  # (B, H, C, 1)
        return ops.concatenate([point, point + self.errors], axis=-1), {}  # (B, H, C, 1 + Q)

    def fit_windows(self, histories: np.ndarray, futures: np.ndarray) -> None:
        """Compute all weights from (N, L, C) histories and the (N, H, C) that follow."""
        raise NotImplementedError

    def fit_errors(self, histories: np.ndarray, futures: np.ndarray) -> None:
        """Compute `errors` from (N, L, C) histories and the (N, H, C) that follow."""
        found = [
            ops.convert_to_numpy(self.point(ops.convert_to_tensor(histories[i : i + 256])))
            for i in range(0, len(histories), 256)
        ]
        errors = futures - np.concatenate(found)  # (N, H, C)
        self.errors.assign(np.moveaxis(np.quantile(errors, LEVELS, axis=0), 0, -1))


class SeasonNaive(ClosedForm):
    """Each step is what it was a season ago; with a season of 1 the last value is repeated.

    Hyndman and Athanasopoulos 2021, section 5.2.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"lookback": 4, "horizon": 3, "channels": 1, "season": 2}
        >>> config = registry.configuration("season-naive", kind="forecaster", **sizes)
        >>> model = building.build("season-naive", config, kind="forecaster")
        >>> found = model(ops.reshape(ops.arange(4, dtype="float32"), (1, 4, 1)))
        >>> ops.convert_to_numpy(found)[0, :, 0, 0].tolist()
        [2.0, 3.0, 2.0]
    """

    def __init__(self, config: forecaster.SeasonNaive, **kwargs: Any):
        super().__init__(config, **kwargs)
        if config.season > config.lookback:
            raise ValueError(
                "a season must be within what is read. "
                f"Received: season={config.season}, lookback={config.lookback}"
            )

    def point(self, history: Tensor) -> Tensor:
        begin, season = self.config.lookback - self.config.season, self.config.season
        steps = [begin + step % season for step in range(self.config.horizon)]
        return ops.take(history, np.array(steps), axis=1)  # (B, L, C) -> (B, H, C)

    def fit_windows(self, histories: np.ndarray, futures: np.ndarray) -> None:
        self.fit_errors(histories, futures)


class NLinear(ClosedForm):
    """One linear map from past to future for all series, after the last value is taken away.

    Zeng et al. 2023, "Are Transformers effective for time series forecasting?", NLinear:
    `y = W (x - x[L]) + b + x[L]`. W is the ridge regression on all training windows; its penalty is
    the one of `RIDGE` with the lowest error on the last tenth of them.

    Example:
        >>> from zoo import building, registry
        >>> sizes = {"lookback": 4, "horizon": 3, "channels": 1}
        >>> config = registry.configuration("n-linear", kind="forecaster", **sizes)
        >>> model = building.build("n-linear", config, kind="forecaster")
        >>> tuple(model(ops.ones((2, 4, 1))).shape)
        (2, 3, 1, 10)
    """

    def __init__(self, config: forecaster.Forecasting, **kwargs: Any):
        super().__init__(config, **kwargs)
        shape = (config.lookback, config.horizon)
        self.kernel = self.add_weight(shape=shape, initializer="zeros", name="kernel")
        self.bias = self.add_weight(shape=shape[1:], initializer="zeros", name="bias")

    def point(self, history: Tensor) -> Tensor:
        last = history[:, -1:]  # (B, 1, C)
        turned = ops.transpose(history - last, (0, 2, 1))  # (B, L, C) -> (B, C, L)
        found = ops.matmul(turned, self.kernel) + self.bias  # (B, C, H)
        return ops.transpose(found, (0, 2, 1)) + last  # (B, H, C)

    def fit_windows(self, histories: np.ndarray, futures: np.ndarray) -> None:
        kept = max(len(histories) - max(len(histories) // 10, 1), 1)
        first, rest = _moments(histories[:kept], futures[:kept]), (histories[kept:], futures[kept:])
        scores = {}
        for penalty in RIDGE if len(rest[0]) else RIDGE[:1]:
            weights = _solved(*first, penalty)
            scores[penalty] = _error(weights, *rest) if len(rest[0]) else 0.0
        every = tuple(a + b for a, b in zip(first, _moments(*rest), strict=True))
        weights = _solved(*every, min(scores, key=scores.__getitem__))
        self.kernel.assign(weights[:-1])
        self.bias.assign(weights[-1])
        self.fit_errors(histories, futures)


def _rows(histories: np.ndarray, futures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (N C, L + 1), the last of them 1, and outputs (N C, H), without the last values."""
    last = histories[:, -1:]
    x = np.moveaxis(histories - last, 1, 2).reshape(-1, histories.shape[1])
    y = np.moveaxis(futures - last, 1, 2).reshape(-1, futures.shape[1])
    return np.concatenate([x, np.ones((len(x), 1), x.dtype)], axis=1), y


def _moments(histories: np.ndarray, futures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X'X (L + 1, L + 1) and X'Y (L + 1, H) of all windows, added up some at a time."""
    length, horizon = histories.shape[1] + 1, futures.shape[1]
    squares, products = np.zeros((length, length)), np.zeros((length, horizon))
    for i in range(0, len(histories), 512):
        x, y = _rows(histories[i : i + 512], futures[i : i + 512])
        squares += x.T @ x
        products += x.T @ y
    return squares, products


def _solved(squares: np.ndarray, products: np.ndarray, penalty: float) -> np.ndarray:
    """The ridge regression's weights (L + 1, H); the intercept, its last row, has no penalty."""
    punished = np.full(len(squares), penalty)
    punished[-1] = 1e-6
    return np.linalg.solve(squares + np.diag(punished), products)


def _error(weights: np.ndarray, histories: np.ndarray, futures: np.ndarray) -> float:
    """Mean squared error of the weights over windows."""
    total = 0.0
    for i in range(0, len(histories), 512):
        x, y = _rows(histories[i : i + 512], futures[i : i + 512])
        total += float(((x @ weights - y) ** 2).sum())
    return total / futures.size
