"""Compiled steps see a dozen shapes, and filling up a batch changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.zoo import tiny_models
from training.data.batches import Batches, make_batch
from training.data.buckets import RUNGS, fill, fit, ladder
from training.distributed.devices import Devices
from training.distributed.processes import Processes
from training.objectives.cross_entropy import SmoothedCrossEntropy
from zoo.tokenizer import BOS, EOS, PAD


def batches(tokens: int, seed: int = 0) -> Batches:
    """1,500 pairs, some of them longer than a whole batch should be."""
    draw = np.random.default_rng(seed)
    lengths = draw.gamma(2.0, 9.0, size=(1500, 2)).astype(int).clip(1, 120)
    lengths[:, 1] = lengths[:, 1].clip(1, 40)
    rows = [[[5] * (n - 1) + [EOS] for n in side] for side in lengths.T]
    return Batches(*rows, tokens)


@pytest.mark.parametrize(("tokens", "rows", "lengths"), [(800, 1, 1), (800, 6, 8), (50, 4, 8)])
def test_every_batch_of_every_epoch_fits_one_of_a_dozen_shapes(tokens, rows, lengths):
    made = batches(tokens)
    source, target = made.sources.lengths(), made.targets.lengths()
    shapes = ladder(source, target, tokens, rows=rows, lengths=lengths)
    assert len(shapes) <= RUNGS
    seen, real, filled = set(), 0, 0
    for epoch in range(3):
        for batch in made.epoch(epoch):
            grown = fit(batch, shapes)
            seen.add((*grown.source.shape, grown.target_in.shape[1]))
            assert grown.source.shape[0] % rows == 0 == grown.source.shape[1] % lengths
            assert grown.target_out.shape == grown.target_in.shape == grown.weights.shape
            real, filled = real + batch.source.size, filled + grown.source.size
    assert seen <= {(shape.rows, shape.source, shape.target) for shape in shapes}
    if lengths == 1:
        assert filled < 1.6 * real


def test_equal_lengths_are_one_shape():
    (shape,) = ladder(np.array([4, 4]), np.array([4, 4]), 100, rows=3)
    assert (shape.rows, shape.source, shape.target) == (27, 4, 4)


def test_filling_up_keeps_what_was_there():
    batch = make_batch([[5, 6, EOS], [7, EOS]], [[8, EOS], [9, 8, EOS]])
    grown = fill(batch, 4, 5, 6)
    assert grown.source.tolist()[1:] == [[7, EOS, PAD, PAD, PAD], *[[EOS, 0, 0, 0, 0]] * 2]
    assert grown.target_in[:, 0].tolist() == [BOS] * 4
    assert grown.target_out[2:].sum() == 0 == grown.weights[2:].sum()
    assert grown.weights.sum() == pytest.approx(1) and grown.tokens == batch.tokens
    for name in ("source", "target_in", "target_out", "weights"):
        array = getattr(batch, name)
        assert (getattr(grown, name)[:2, : array.shape[1]] == array).all(), name
    assert fill(batch, 1, 2, 2).source.tolist() == batch.source.tolist()


@pytest.mark.parametrize("model", ["transformer", "lstm-bahdanau"])
def test_filling_up_changes_no_loss(model):
    network = tiny_models.network(model)
    batch = make_batch([[5, 6, EOS], [7, EOS]], [[8, EOS], [9, 8, EOS]])
    loss = SmoothedCrossEntropy(0.1)
    losses = [
        float(loss(b.target_out, network((b.source, b.target_in)), sample_weight=b.weights))
        for b in (batch, fill(batch, 4, 5, 6))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_processes_feed_equal_shares_that_make_up_the_batch():
    rows = [[5 + i, EOS] for i in range(5)]
    batch = make_batch(rows, rows)
    shares = [Devices(4, Processes(2, index)).share(batch) for index in range(2)]
    assert [len(share.source) for share in shares] == [4, 4]
    together = np.concatenate([share.source for share in shares])
    assert together[:5].tolist() == batch.source.tolist()
    assert sum(share.weights.sum() for share in shares) == pytest.approx(1)
    assert Devices().share(batch) is batch
