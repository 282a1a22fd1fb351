"""Windows of a stream: every token once an epoch, in an order that can be gone on with."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.windows import Windows

SIZES = [(2, 1, 1), (9, 3, 2), (10, 3, 2), (11, 10, 4), (12, 10, 4), (100, 7, 3), (1000, 32, 8)]


def equal(one, other) -> bool:
    return one.tokens == other.tokens and all(
        (getattr(one, name) == getattr(other, name)).all()
        for name in ("target_in", "target_out", "weights")
    )


@pytest.mark.parametrize("count, length, rows", SIZES)
@pytest.mark.parametrize("epoch", range(5))
def test_every_token_is_predicted_once_but_for_the_ends(count, length, rows, epoch):
    windows = Windows(np.arange(count), length, rows, seed=3)
    batches = list(windows.epoch(epoch))
    assert len(batches) == windows.count(epoch) > 0
    predicted, weighed = [], 0
    for batch in batches:
        assert batch.target_in.shape == batch.target_out.shape == (rows, length)
        assert batch.weights.shape == (rows, length)
        assert batch.target_in.dtype == batch.target_out.dtype == np.int32
        assert batch.weights.dtype == np.float32
        assert (batch.target_out == batch.target_in + 1).all()  # of a stream that counts up
        assert batch.inputs is batch.target_in
        real = batch.weights > 0
        assert (real == real[:, :1]).all()  # rows weigh something or nothing
        assert batch.weights.sum() == pytest.approx(1)  # losses add up to the mean a token
        assert real.sum() == batch.tokens
        weighed += batch.tokens
        predicted += batch.target_out[real].tolist()
    assert all(batch.tokens == rows * length for batch in batches[:-1])
    assert len(set(predicted)) == len(predicted) == weighed
    missing = set(range(1, count)) - set(predicted)
    lowest, highest = min(predicted), max(predicted)
    assert all(n < lowest or n > highest for n in missing)
    assert lowest - 1 < length and count - 1 - highest < length


def test_epochs_differ_in_places_and_order_and_are_the_same_again():
    def order(windows: Windows, epoch: int) -> list[int]:
        return [int(n) for batch in windows.epoch(epoch) for n in batch.target_in[:, 0]]

    stream = np.arange(500)
    one, again, other = (Windows(stream, 10, 4, seed) for seed in (1, 1, 2))
    orders = [order(one, epoch) for epoch in range(12)]
    assert orders == [order(again, epoch) for epoch in range(12)]
    assert len({tuple(each) for each in orders}) == 12
    assert len({min(each) for each in orders}) > 5  # where the first window begins
    assert all(each != sorted(each) for each in orders)
    assert orders[0] != order(other, 0)
    assert len(one) == 500


@pytest.mark.parametrize("count, length, rows", SIZES)
def test_an_epoch_goes_on_from_any_batch(count, length, rows):
    windows = Windows(np.arange(count), length, rows, seed=1)
    whole = list(windows.epoch(2))
    for start in range(len(whole) + 1):
        rest = list(windows.epoch(2, start))
        assert len(rest) == len(whole) - start
        assert all(map(equal, rest, whole[start:]))
    assert list(windows.epoch(2, len(whole) + 3)) == []


@pytest.mark.parametrize("count", [0, 1, 5, 10])
def test_a_text_shorter_than_a_window_is_refused_with_what_to_do(count):
    with pytest.raises(ValueError, match=rf"has {count} tokens, and a window needs 11.*--window"):
        Windows(np.arange(count), length=10, rows=2)
