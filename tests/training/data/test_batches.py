"""Batches: what stands in them, how much fits, and in which order they come."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from training.data.batches import Batches, Rows, cut, make_batch, pad, prefetch
from zoo.tokenizer import BOS, EOS, PAD, UNK


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


def test_rows_are_one_flat_array():
    rows = Rows.of([[5, 2], [], [6, 7, 2]])
    assert [row.tolist() for row in rows] == [[5, 2], [], [6, 7, 2]]
    assert rows.lengths().tolist() == [2, 0, 3] and rows.lengths().dtype == np.uint8
    assert rows.padded(np.array([2, 0, 2])).tolist() == [[6, 7, 2], [5, 2, 0], [6, 7, 2]]
    assert rows.padded(np.array([1])).shape == (1, 0)
    assert Rows.of([range(300)]).lengths().tolist() == [300]
    with pytest.raises(IndexError):
        rows[3]


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


@pytest.mark.parametrize("tokens", [1, 7, 40, 10_000])
def test_batches_are_cut_where_the_next_row_would_be_too_much(tokens):
    """Against the plain loop over all rows, on lengths in no order."""
    longest = np.random.default_rng(2).integers(1, 30, 400).astype("uint8")
    edges, most = [0], 0
    for i, length in enumerate(longest.tolist()):
        most = max(most, length)
        if i > edges[-1] and most * (i - edges[-1] + 1) > tokens:
            edges.append(i)
            most = length
    assert cut(longest, tokens).tolist() == [*edges, 400]


def test_a_batch_across_two_target_lengths_has_sources_of_one():
    """Four target lengths, each with sources of 1 to 20 pieces; a batch holds two of a length."""
    pairs = [(source, target) for target in (3, 4, 5, 6) for source in range(1, 21)]
    sides = [[[5] * (length - 1) + [EOS] for length in side] for side in zip(*pairs, strict=True)]
    batches = Batches(*sides, tokens=44)
    spans = [np.ptp(batches.sources.lengths()[rows]) for rows in batches.order(0) if len(rows) > 1]
    assert max(spans) < 15  # 19 where every target length began with the shortest source


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


def test_rounded_batches_have_few_shapes_and_every_pair_once(corpus):
    tokens = 150
    plain, rounded = (Batches(*corpus, tokens=tokens, seed=3, multiple=n) for n in (1, 4))
    seen, shapes = [], set()
    for batch in rounded.epoch(1):
        rows, source = batch.source.shape
        target = batch.target_out.shape[1]
        assert source % 4 == target % 4 == 0
        assert rows == 1 or rows * max(source, target) <= tokens
        real = batch.weights.any(axis=1)
        assert (
            batch.weights.sum() == pytest.approx(1.0) and batch.tokens == (batch.weights > 0).sum()
        )
        pairs = zip(batch.source[real], batch.target_out[real], strict=True)
        seen += [tuple(side[side != PAD].tobytes() for side in pair) for pair in pairs]
        shapes.add((rows, source, target))
    expected = [
        tuple(side[side != PAD].tobytes() for side in pair)
        for batch in plain.epoch(1)
        for pair in zip(batch.source, batch.target_out, strict=True)
    ]
    assert sorted(seen) == sorted(expected)
    assert len(shapes) < rounded.count(1) / 2


def test_noise_hides_some_of_what_is_read_and_nothing_of_what_is_written(corpus):
    plain = list(Batches(*corpus, tokens=150, seed=3).epoch(1))
    noisy = Batches(*corpus, tokens=150, seed=3, noise=0.3)
    made = list(noisy.epoch(1))
    hidden = pieces = 0
    for clear, blurred in zip(plain, made, strict=True):
        assert (blurred.target_out == clear.target_out).all()
        assert (blurred.weights == clear.weights).all()
        for before, after in (
            (clear.source, blurred.source),
            (clear.target_in, blurred.target_in),
        ):
            changed = before != after
            assert (after[changed] == UNK).all() and (before[changed] > UNK).all()
            hidden, pieces = hidden + changed.sum(), pieces + (before > UNK).sum()
    assert 0.2 < hidden / pieces < 0.4
    # A run that goes on meets the same noise.
    for first, again in zip(made[2:], noisy.epoch(1, start=2), strict=True):
        assert (first.source == again.source).all() and (first.target_in == again.target_in).all()


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


def test_prefetched_items_come_in_order_and_their_thread_ends(corpus):
    batches = Batches(*corpus, tokens=150)
    plain, ahead = list(batches.epoch(1)), list(prefetch(batches.epoch(1)))
    assert len(plain) == len(ahead)
    assert all((a.source == b.source).all() for a, b in zip(plain, ahead, strict=True))
    assert list(prefetch([])) == []
    assert not working()


def working() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("prefetch")]


def test_the_next_items_are_made_while_one_is_used():
    made = threading.Semaphore(0)

    def items():
        for number in range(100):
            made.release()
            yield number

    ahead = prefetch(items(), depth=3)
    assert next(ahead) == 0
    for _ in range(4):  # the one taken, and as many as it may be ahead
        assert made.acquire(timeout=20)
    ahead.close()
    assert not working()
    assert not made.acquire(blocking=False)  # and no more than that


def test_an_error_of_the_prefetching_thread_comes_where_its_item_would_have():
    def items():
        yield from (1, 2)
        raise OSError("the disk is gone")

    ahead = prefetch(items())
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)
    assert not working()


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_the_prefetching_thread_ends_when_its_user_fails(error):
    def use():
        for item in prefetch(iter(range(10**9))):
            if item == 5:
                raise error

    with pytest.raises(error):
        use()
    assert not working()
