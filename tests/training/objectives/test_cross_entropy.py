"""The loss against NumPy, and the schedule at its corners."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.zoo.gradient_helper import gradient
from training.data.batches import make_batch
from training.objectives.cross_entropy import (
    SmoothedCrossEntropy,
    make_optimizer,
    smoothed_cross_entropy,
)
from zoo.layers.embedding import lookup
from zoo.tokenizer import EOS

LOGITS = np.log(np.array([[[1, 1, 2, 4], [1, 2, 3, 2], [5, 1, 1, 1]]], "float32"))


def test_cross_entropy_worked_by_hand():
    loss = SmoothedCrossEntropy(0.0)
    # Probabilities 4/8, 3/8 and 1/8.
    losses = loss.call(np.array([[3, 2, 1]]), LOGITS)
    np.testing.assert_allclose(losses, [np.log([2, 8 / 3, 8])], rtol=1e-5)


def test_smoothing_worked_by_hand():
    """0.9 on the right piece, 0.1 spread over all four."""
    losses = SmoothedCrossEntropy(0.1).call(np.array([[3, 2, 1]]), LOGITS)
    surprise = np.log(8 / np.array([[1, 1, 2, 4], [1, 2, 3, 2], [5, 1, 1, 1]]))
    expected = 0.9 * surprise[[0, 1, 2], [3, 2, 1]] + 0.1 * surprise.mean(-1)
    np.testing.assert_allclose(losses, [expected], rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_the_loss_is_the_mean_per_piece_and_padding_costs_nothing(smoothing):
    random = np.random.default_rng(2)
    batch = make_batch([[4, EOS]] * 3, [[5, 6, EOS], [7, EOS], [8, 9, 10, 11, EOS]])
    logits = random.normal(size=(3, 5, 12)).astype("float32") * 3
    loss = SmoothedCrossEntropy(smoothing)
    found = float(loss(batch.target_out, logits, sample_weight=batch.weights))
    log_probs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    smoothed = np.full((3, 5, 12), smoothing / 12)
    np.put_along_axis(smoothed, batch.target_out[..., None], 1 - smoothing + smoothing / 12, -1)
    per_piece = -(smoothed * log_probs).sum(-1)
    real = batch.target_out != 0
    assert found == pytest.approx(per_piece[real].mean(), rel=1e-5)
    # What stands under padding changes nothing.
    logits[~real] = 1e3
    again = float(loss(batch.target_out, logits, sample_weight=batch.weights))
    assert again == pytest.approx(found, rel=1e-5)


def test_a_large_vocabulary_keeps_its_ids():
    """Keras hands targets to a loss as floats: those are exact far beyond any vocabulary."""
    logits = np.zeros((1, 2, 70_001), "float32")
    logits[0, 0, 70_000] = logits[0, 1, 69_999] = 50.0
    loss = SmoothedCrossEntropy(0.0)
    assert float(loss(np.array([[70_000, 69_999]], "int32"), logits)) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_gradient_written_by_hand_is_softmax_less_target(smoothing):
    random = np.random.default_rng(5)
    logits = random.normal(size=(2, 3, 7)).astype("float32") * 4
    ids = np.array([[0, 6, 3], [2, 2, 5]], "int32")
    weights = np.array([[0.5, -2.0, 0.0], [1.0, 3.0, 0.25]], "float32")
    found = gradient(lambda x: smoothed_cross_entropy(ids, x, smoothing) * weights, logits)
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    target = np.full(logits.shape, smoothing / 7)
    np.put_along_axis(target, ids[..., None], 1 - smoothing + smoothing / 7, -1)
    expected = (probabilities - target) * weights[..., None]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_rows_that_are_looked_up_twice_get_both_gradients():
    table = np.arange(10, dtype="float32").reshape(5, 2)
    ids = np.array([[1, 3], [3, 0]], "int32")
    upstream = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], "float32")
    np.testing.assert_array_equal(lookup(table, ids), table[ids])
    found = gradient(lambda x: lookup(x, ids) * upstream, table)
    np.testing.assert_allclose(found, [[7, 8], [1, 2], [0, 0], [8, 10], [0, 0]])


def rate(optimizer: keras.optimizers.Optimizer, step: int) -> float:
    return float(optimizer._learning_rate(step))


def test_the_learning_rate_rises_then_falls_as_half_a_cosine():
    made = make_optimizer(learning_rate=2e-3, warmup=100, steps=1100, clip=1.0, averaging=0.999)
    assert rate(made, 0) == pytest.approx(2e-6)
    assert rate(made, 50) == pytest.approx(1e-3, rel=2e-3)
    assert rate(made, 100) == pytest.approx(2e-3)
    assert rate(made, 600) == pytest.approx((2e-3 + 2e-5) / 2, rel=1e-3)
    assert rate(made, 1100) == pytest.approx(2e-5, rel=1e-3)
    assert rate(made, 5000) == pytest.approx(2e-5, rel=1e-3)


@pytest.mark.parametrize("warmup, steps", [(0, 10), (10, 10), (400, 10)])
def test_odd_schedules_stay_finite(warmup, steps):
    made = make_optimizer(learning_rate=1e-2, warmup=warmup, steps=steps, clip=1.0, averaging=0.0)
    rates = [rate(made, step) for step in range(steps + 2)]
    assert np.isfinite(rates).all() and min(rates) > 0 and max(rates) <= 1e-2 * (1 + 1e-6)


def test_weight_decay_spares_biases_and_norms():
    made = make_optimizer(
        learning_rate=0.5, warmup=0, steps=1000, clip=1.0, averaging=0.0, weight_decay=0.1
    )
    names = {"kernel": 0.95, "embeddings": 0.95, "bias": 1.0, "gamma": 1.0, "beta": 1.0}
    weights = [keras.Variable(np.ones(2, "float32"), name=name) for name in names]
    made.build(weights)
    made.apply([np.zeros(2, "float32") for _ in weights])
    for weight, expected in zip(weights, names.values(), strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(weight), expected, rtol=1e-6)


def test_a_short_run_has_a_short_warm_up():
    made = make_optimizer(learning_rate=1.0, warmup=400, steps=60, clip=1.0, averaging=0.0)
    rates = [float(made._learning_rate(step)) for step in range(61)]
    assert max(rates) == pytest.approx(1.0) and rates.index(max(rates)) == 15
    assert rates[60] == pytest.approx(0.01)


def test_averages_forget_the_first_weights():
    """After one step the average is the weights; after more it lags behind them."""
    made = make_optimizer(learning_rate=0.5, warmup=0, steps=1000, clip=1.0, averaging=0.9)
    weight = keras.Variable(np.array([5.0], "float32"))
    made.build([weight])
    values = []
    for step in range(3):
        made.apply([np.array([1.0], "float32")])
        values.append(float(weight.value[0]))
        (average,) = made._model_variables_moving_average
        expected = values[0]
        for value in values[1:]:
            expected = 0.9 * expected + 0.1 * value
        assert float(average.value[0]) == pytest.approx(expected, rel=1e-5), step


@pytest.mark.parametrize(
    "steps, decay", [(100_000, 0.999), (1_000, 0.98), (40, 0.5), (20, None), (5, None)]
)
def test_short_runs_average_over_less(steps, decay):
    made = make_optimizer(learning_rate=1e-3, warmup=1, steps=steps, clip=1.0, averaging=0.999)
    assert made.use_ema == (decay is not None)
    if decay is not None:
        assert made.ema_momentum == pytest.approx(decay)


def test_the_norm_of_all_gradients_together_is_clipped():
    made = make_optimizer(learning_rate=1e-3, warmup=1, steps=100, clip=1.0, averaging=0.0)
    gradients = [np.array([30.0], "float32"), np.array([40.0], "float32")]
    clipped = [float(g[0]) for g in made._clip_gradients(gradients)]
    np.testing.assert_allclose(clipped, [0.6, 0.8], rtol=1e-5)
