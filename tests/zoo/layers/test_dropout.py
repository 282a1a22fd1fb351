"""What is dropped: the share that was asked for, other numbers each time, the same in gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.zoo.gradient_helper import gradient
from zoo.layers.dropout import Dropout, in_training

ONES = np.ones((50, 41, 7), "float32")


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_the_share_is_dropped_and_the_mean_is_kept(rate, kind):
    layer = Dropout(rate, seed=1, dtype=kind)
    with in_training(True):
        found, other = (np.asarray(keras.ops.cast(layer(ONES), "float32")) for _ in range(2))
    assert (found == 0).mean() == pytest.approx(rate, abs=0.012)
    left = found[found != 0]
    assert np.ptp(left) == 0
    assert (found != other).any()
    if rate < 0.9:
        assert found.mean() == pytest.approx(1.0, abs=0.03)
    with in_training(True):
        again = Dropout(rate, seed=1, dtype=kind)(ONES)
    np.testing.assert_array_equal(found, keras.ops.cast(again, "float32"))
    np.testing.assert_array_equal(layer(ONES), keras.ops.cast(ONES, kind))


def test_no_rate_drops_nothing():
    with in_training(True):
        np.testing.assert_array_equal(Dropout(0.0)(ONES), ONES)


def test_the_gradient_passes_where_the_input_did():
    kept = []

    def dropped(x):
        with in_training(True):
            kept.append(Dropout(0.3, seed=2)(x))
        return kept[-1]

    found = gradient(dropped, ONES)
    with in_training(True):
        np.testing.assert_allclose(found, Dropout(0.3, seed=2)(ONES), rtol=1e-6)
