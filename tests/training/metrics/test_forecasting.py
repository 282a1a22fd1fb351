"""Figures of forecasts against NumPy, value by value."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics import forecasting as metrics
from zoo.forecast import LEVELS


def made(windows=40, horizon=4, channels=2, seed=0):
    drawn = np.random.default_rng(seed)
    future = drawn.normal(size=(windows, horizon, channels)).astype("float32")
    mean = drawn.normal(size=future.shape).astype("float32")
    spread = np.linspace(-1.3, 1.3, len(LEVELS), dtype="float32")
    values = np.concatenate([mean[..., None], mean[..., None] + spread], axis=-1)
    return values, future


def test_every_figure_is_that_of_its_definition():
    values, future = made()
    scale = np.array([0.5, 2.0])
    found = metrics.blocks(metrics.sums(values, future, scale), 4)
    figures = {key: figure.value for key, figure in metrics.figures(found).items()}
    error = future - values[..., 0]
    assert figures["mse"] == pytest.approx((error**2).mean(), rel=1e-5)
    assert figures["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert figures["mase"] == pytest.approx((np.abs(error) / scale).mean(), rel=1e-5)
    inside = (future >= values[..., 1]) & (future <= values[..., -1])
    assert figures["coverage"] == pytest.approx(100 * inside.mean(), rel=1e-5)
    pinball = [
        np.where(future > q, level * (future - q), (1 - level) * (q - future)).mean()
        for level, q in zip(LEVELS, np.moveaxis(values[..., 1:], -1, 0), strict=True)
    ]
    assert figures["crps"] == pytest.approx(2 * np.mean(pinball), rel=1e-4)


def test_of_a_point_the_crps_is_the_absolute_error():
    _, future = made()
    values = np.zeros((*future.shape, 1 + len(LEVELS)), "float32")
    figures = metrics.figures(metrics.blocks(metrics.sums(values, future, np.ones(2)), 4))
    assert figures["crps"].value == pytest.approx(figures["mae"].value, rel=1e-5)


@pytest.mark.parametrize(("windows", "count"), [(2785, 30), (50_000, 200), (40, 8), (3, 3)])
def test_blocks_are_as_long_as_the_horizon_and_not_too_many(windows, count):
    found = metrics.blocks(np.ones((windows, 6)), 96)
    assert len(found) == pytest.approx(count, abs=1) and found.sum() == windows * 6


def test_two_models_are_compared_in_pairs():
    values, future = made(windows=200)
    better = values.copy()
    better -= 0.5 * (values[..., :1] - future[..., None])
    one, other = (
        metrics.records(metrics.blocks(metrics.sums(v, future, np.ones(2)), 4))
        for v in (better, values)
    )
    found = metrics.against(one, other, "mse")
    wanted = ((future - better[..., 0]) ** 2).mean() - ((future - values[..., 0]) ** 2).mean()
    assert found["value"] == pytest.approx(wanted, abs=1e-4)
    assert found["low"] <= found["value"] <= found["high"] < 0
    assert metrics.against(one, one, "mae") == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert metrics.against(one, other[:-1], "mse") is None
