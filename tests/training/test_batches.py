"""Batches: what stands in them, how much fits, and in which order they come."""

from __future__ import annotations

import numpy as np
import pytest

from training.batches import Batches, make_batch, pad
from zoo.tokenizer import BOS, EOS, PAD


@pytest.fixture(scope="module")
def corpus():
    """500 pairs of mixed lengths; a pair is told by the numbers at its front."""
    random = np.random.default_rng(1)
    lengths = random.integers(1, 20, (500, 2))
    return tuple(
        [[10 + i, *[4] * (length - 1), EOS] for i, length in enumerate(side)] for side in lengths.T
    )


def rows(batches: list) -> list[int]:
    return [int(row[0]) - 10 for batch in batches for row in batch.source]


def test_padding_stands_on_the_right():
    assert pad([[5, 2], [6, 7, 2], []]).tolist() == [[5, 2, 0], [6, 7, 2], [0, 0, 0]]
    assert pad([[5, 2]], length=4).tolist() == [[5, 2, 0, 0]]
    assert pad([]).shape == (0, 0)
    assert pad([[5]]).dtype == np.int32


def test_a_batch_worked_by_hand():
    batch = make_batch([[5, 6, EOS], [7, EOS]], [[8, EOS], [9, 8, 9, EOS]])
    assert batch.source.tolist() == [[5, 6, EOS], [7, EOS, PAD]]
    assert batch.target_out.tolist() == [[8, EOS, PAD, PAD], [9, 8, 9, EOS]]
    # What is read is what was written one step before.
    assert batch.target_in.tolist() == [[BOS, 8, PAD, PAD], [BOS, 9, 8, 9]]
    assert batch.tokens == 6
    sixth = np.float32(1 / 6)
    assert batch.weights.tolist() == [[sixth, sixth, 0, 0], [sixth] * 4]
    for array in (batch.source, batch.target_in, batch.target_out):
        assert array.dtype == np.int32
    assert batch.weights.dtype == np.float32


def test_every_batch_keeps_the_contract(corpus):
    for batch in Batches(*corpus, tokens=200).epoch(0):
        real = batch.target_out != PAD
        assert batch.tokens == real.sum()
        np.testing.assert_allclose(batch.weights.sum(), 1, rtol=1e-5)
        assert ((batch.weights > 0) == real).all()
        assert (batch.target_in[:, 0] == BOS).all()
        shifted = np.where(real[:, 1:], batch.target_out[:, :-1], PAD)
        assert (batch.target_in[:, 1:] == shifted).all()
        # No column of nothing but padding.
        assert real.any(0).all() and (batch.source != PAD).any(0).all()
        # Source and target of a pair stay together.
        assert (batch.source[:, 0] == batch.target_out[:, 0]).all()


@pytest.mark.parametrize("tokens", [40, 200, 1000])
def test_the_token_budget_is_kept_and_used(corpus, tokens):
    made = list(Batches(*corpus, tokens=tokens).epoch(0))
    sizes = [max(batch.source.size, batch.target_out.size) for batch in made]
    assert max(sizes) <= tokens
    # Of similar length: little of what is computed is padding.
    real = sum(batch.tokens for batch in made)
    assert real / sum(batch.target_out.size for batch in made) > 0.8
    assert len(made) < 2.5 * max(map(sum, zip(*map(lens, corpus), strict=True))) * 500 / tokens


def lens(side: list) -> list[int]:
    return [len(row) for row in side]


def test_a_pair_longer_than_the_budget_is_a_batch_of_its_own():
    made = Batches([[4] * 30 + [EOS], [5, EOS], [6, EOS]], [[7, EOS]] * 3, tokens=8)
    sizes = sorted(len(batch.source) for batch in made.epoch(0))
    assert sizes == [1, 2]


def test_every_pair_comes_exactly_once_an_epoch(corpus):
    batches = Batches(*corpus, tokens=150)
    for epoch in range(3):
        assert sorted(rows(batches.epoch(epoch))) == list(range(500))


def test_the_order_is_a_function_of_seed_and_epoch(corpus):
    orders = {
        (seed, epoch): rows(Batches(*corpus, tokens=150, seed=seed).epoch(epoch))
        for seed in (1, 2)
        for epoch in (0, 1)
    }
    assert len({tuple(order) for order in orders.values()}) == 4
    one = Batches(*corpus, tokens=150, seed=1)
    for epoch in (1, 0, 1):  # whatever was asked before
        assert rows(one.epoch(epoch)) == orders[1, epoch]


def test_batches_come_in_any_order_of_length(corpus):
    widths = [batch.target_out.shape[1] for batch in Batches(*corpus, tokens=150).epoch(0)]
    assert widths != sorted(widths) and widths != sorted(widths, reverse=True)


def test_rows_of_equal_length_meet_others_every_epoch():
    side = [[10 + i, 5, EOS] for i in range(200)]
    batches = Batches(side, side, tokens=30)
    first, second = ({frozenset(rows([b])) for b in batches.epoch(e)} for e in (0, 1))
    assert len(first) == len(second) == 20 and not first & second


def test_an_epoch_goes_on_at_any_batch(corpus):
    batches = Batches(*corpus, tokens=150, seed=3)
    whole = list(batches.epoch(2))
    assert batches.count(2) == len(whole)
    for start in (0, 1, len(whole) - 1, len(whole)):
        rest = list(batches.epoch(2, start))
        assert len(rest) == len(whole) - start
        for ours, theirs in zip(rest, whole[start:], strict=True):
            assert (ours.source == theirs.source).all()
            assert (ours.target_out == theirs.target_out).all()


@pytest.mark.parametrize("sides", [([], []), ([[5, EOS]], []), ([[5, EOS]], [[5, EOS]] * 2)])
def test_sides_of_unequal_or_no_length_are_refused(sides):
    with pytest.raises(ValueError, match="pairs"):
        Batches(*sides, tokens=100)
