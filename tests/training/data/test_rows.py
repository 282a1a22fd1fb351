"""Batches of inputs with one target each: all of them, resumable, and changed alike."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from training.data.augmentation import moved_images, moved_series
from training.data.rows import ArrayRows, TextRows
from zoo.tokenizer import UNK

RANDOM = np.random.default_rng(0)
TEXTS = [np.r_[1, RANDOM.integers(4, 30, RANDOM.integers(1, 40))] for _ in range(70)]
LABELS = np.arange(70) % 3


def same(one, other) -> bool:
    return all(np.array_equal(getattr(one, f), getattr(other, f)) for f in one.__dataclass_fields__)


@pytest.mark.parametrize("few_shapes", [True, False])
def test_every_text_is_in_an_epoch_once_and_weights_sum_to_one(few_shapes):
    rows = TextRows(TEXTS, LABELS, tokens=256, few_shapes=few_shapes)
    batches = list(rows.epoch(0))
    assert len(batches) == rows.count()
    found = []
    for batch in batches:
        real = batch.weights[:, 0] > 0
        assert batch.weights.sum() == pytest.approx(1.0) and batch.inputs.size <= 256
        texts = [tuple(row[row > 0]) for row in batch.inputs[real]]
        found += list(zip(texts, batch.target_out[real, 0], strict=True))
        assert batch.tokens == sum(map(len, texts))
    wanted = [(tuple(text), label) for text, label in zip(TEXTS, LABELS, strict=True)]
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize("few_shapes", [True, False])
def test_an_epoch_can_be_gone_on_with_and_others_differ(few_shapes):
    rows = TextRows(TEXTS, LABELS, tokens=128, seed=5, noise=0.2, few_shapes=few_shapes)
    whole = list(rows.epoch(2))
    assert all(map(same, rows.epoch(2, start=3), whole[3:]))
    assert not all(map(same, rows.epoch(3), whole))


def test_batches_have_few_shapes_and_rows_for_every_device():
    rows = TextRows(TEXTS, LABELS, tokens=200, multiple=4)
    shapes = {batch.inputs.shape for epoch in range(3) for batch in rows.epoch(epoch)}
    assert len(shapes) <= len({shape[1] for shape in shapes})
    assert all(count % 4 == 0 for count, _ in shapes)


@pytest.mark.parametrize("multiple", [1, 3])
def test_batches_of_any_shape_are_full_and_have_little_padding(multiple):
    """A size of its own for every few texts would make batches of few, however many fit."""
    rows = TextRows(TEXTS, LABELS, tokens=200, multiple=multiple, few_shapes=False)
    batches = list(rows.epoch(0))
    tokens = sum(map(len, TEXTS))
    assert len(batches) <= 1.3 * tokens / 200 + 1
    for batch in batches:
        count, longest = batch.inputs.shape
        assert count % multiple == 0 and np.count_nonzero(batch.weights) > count - multiple
        assert longest <= max(np.count_nonzero(batch.inputs, axis=1)) * 17 // 16 + 1


def test_noise_leaves_the_first_token_and_padding():
    rows = TextRows(TEXTS, LABELS, tokens=2000, noise=0.5)
    plain = TextRows(TEXTS, LABELS, tokens=2000)
    for noisy, clear in zip(rows.epoch(0), plain.epoch(0), strict=True):
        changed = noisy.inputs != clear.inputs
        assert changed.mean() > 0.1 and (noisy.inputs[changed] == UNK).all()
        assert not changed[:, 0].any() and not changed[clear.inputs == 0].any()


def test_images_move_and_what_comes_in_is_the_background():
    image = np.full((20, 9, 9, 1), -2.0, "float32")
    image[:, 3:6, 3:6] = 5.0
    change = functools.partial(moved_images, strength=1.0, outside=-2.0)
    rows = ArrayRows(image, np.zeros(20), places=4, tokens=80, change=change)
    [batch] = rows.epoch(0)
    assert batch.inputs.dtype == np.float32 and batch.inputs.shape == image.shape
    assert (batch.inputs != image).any(axis=(1, 2, 3)).all()
    assert batch.inputs.min() >= -2.001 and batch.inputs.max() <= 5.001
    np.testing.assert_allclose(batch.inputs[:, 0, 0, 0], -2.0, atol=1e-4)
    moved = batch.inputs.sum(axis=(1, 2, 3)) - image[0].sum()
    assert np.abs(moved).max() < 30  # about as much ink as before
    still = ArrayRows(image, np.zeros(20), places=4, tokens=80)
    np.testing.assert_array_equal(next(still.epoch(0)).inputs, image)


def test_series_are_changed_a_little_and_keep_their_shape():
    steps = np.arange(40)
    series = np.stack([np.sin(steps / 4), np.cos(steps / 4)], axis=1).astype("float32")
    series = np.repeat(series[None], 50, axis=0)
    change = functools.partial(moved_series, strength=1.0)
    rows = ArrayRows(series, np.zeros(50), places=4, tokens=200, change=change)
    [first], [again], [other] = (list(rows.epoch(epoch)) for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    assert (first.inputs != other.inputs).any()
    assert first.inputs.dtype == np.float32 and first.inputs.shape == series.shape
    for changed in first.inputs:
        best = max(
            np.corrcoef(np.roll(series[0, :, 0], by)[5:-5], changed[5:-5, 0])[0, 1]
            for by in range(-4, 5)
        )
        assert best > 0.9
    # Not at all without strength.
    still = moved_series(series, np.random.default_rng(0), 0.0)
    np.testing.assert_allclose(still, series, atol=1e-6)


def test_nothing_to_learn_from_is_said():
    with pytest.raises(ValueError, match="there must be examples"):
        TextRows([], np.zeros(0), tokens=8)
