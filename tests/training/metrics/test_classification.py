"""Figures of classifiers, against definitions written out and scikit-learn's values."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics import classification as metrics
from training.metrics.text import bootstrap

RANDOM = np.random.default_rng(3)
LABELS = RANDOM.integers(0, 3, 200)
LOGITS = RANDOM.normal(size=(200, 3)) + 1.5 * np.eye(3)[LABELS]
LOG_PROBS = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))


def test_accuracy_f1_and_log_loss_are_those_of_their_definitions():
    found = metrics.figures(LOG_PROBS, LABELS)
    said = LOG_PROBS.argmax(axis=1)
    assert found["accuracy"].value == pytest.approx(100 * np.mean(said == LABELS))
    f1 = []
    for label in range(3):
        right = np.sum((said == label) & (label == LABELS))
        precision, recall = right / np.sum(said == label), right / np.sum(label == LABELS)
        f1.append(2 * precision * recall / (precision + recall))
    assert found["macro_f1"].value == pytest.approx(100 * np.mean(f1))
    loss = -np.mean(LOG_PROBS[np.arange(200), LABELS])
    assert found["log_loss"].value == pytest.approx(loss)
    low, high = bootstrap(found["macro_f1"])
    assert low < found["macro_f1"].value < high


def test_calibration_error_compares_sureness_with_being_right():
    # 4 of 10 right where it is .9 sure, and 8 of 10 where it is .6 sure.
    log_probs = np.log(np.repeat([[0.9, 0.1], [0.6, 0.4]], 10, axis=0))
    labels = np.array([0] * 4 + [1] * 6 + [0] * 8 + [1] * 2)
    assert metrics.figures(log_probs, labels)["ece"].value == pytest.approx(100 * (0.5 + 0.2) / 2)
    unsure, sure = metrics.reliability(log_probs, labels)
    assert (sure["count"], sure["confidence"], sure["accuracy"]) == (10, 90.0, 40.0)
    assert (unsure["confidence"], unsure["accuracy"]) == (60.0, 80.0)


def test_certainty_is_in_the_last_bin_and_the_impossible_is_bounded():
    log_probs = np.array([[0.0, -np.inf], [0.0, -np.inf]])
    found = metrics.figures(log_probs, np.array([0, 1]))
    assert found["ece"].value == pytest.approx(50.0)
    assert found["log_loss"].value == pytest.approx(15.0)


def test_a_class_that_is_neither_there_nor_said_does_not_count():
    log_probs = np.log(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]))
    assert metrics.figures(log_probs, np.array([0, 1]))["macro_f1"].value == 100.0


def test_confusion_has_a_row_for_each_true_class():
    log_probs = np.log(np.array([[0.8, 0.2], [0.3, 0.7], [0.9, 0.1]]))
    assert metrics.confusion(log_probs, np.array([0, 0, 1])) == [[1, 1], [1, 0]]


def test_a_difference_is_paired():
    ours, others = np.arange(200) % 10 != 0, np.arange(200) % 10 > 1
    found = metrics.difference(ours, others)
    assert float(found.value) == pytest.approx(10.0)
    assert 5.0 < float(found.low) < 10.0 < float(found.high) < 15.0
    assert float(metrics.difference(ours, ours).high) == 0.0
    with pytest.raises(ValueError, match="the same examples"):
        metrics.difference(ours, others[1:])


@pytest.mark.parametrize("count", [1, 8, 13])
def test_which_examples_were_right_comes_back_from_a_card(count):
    right = np.arange(count) % 3 == 0
    text = metrics.packed(right)
    assert "/" not in metrics.packed(np.ones(24, bool))  # which a card would take for a path
    assert metrics.unpacked(text, count).tolist() == right.tolist()
    with pytest.raises(ValueError, match="a bit for each"):
        metrics.unpacked(text, count + 8)
