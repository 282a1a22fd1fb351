"""A batch in parts: the same rows, each as long as it needs to be, and parts of one size."""

from __future__ import annotations

import numpy as np
import pytest

from training.data.batches import make_batch
from training.data.parts import cut
from zoo.tokenizer import EOS


def texts(*lengths: int, width: int = 24) -> np.ndarray:
    """Ids of rows of such lengths, no two alike."""
    ids = np.zeros((len(lengths), width), "int32")
    for row, length in enumerate(lengths):
        ids[row, :length] = 10 * (row + 1)
    return ids


@pytest.mark.parametrize(
    ("lengths", "parts", "shapes"),
    [
        ((3, 20, 4, 4, 4, 4), 2, [(1, 20), (5, 4)]),
        ((9, 9, 9, 9), 2, [(2, 12), (2, 12)]),
        ((24, 1, 1), 3, [(1, 24), (1, 4), (1, 4)]),  # no part is empty
        ((5, 6), 2, [(1, 8), (1, 8)]),
        ((0, 0, 7), 2, [(1, 8), (2, 4)]),  # nothing but padding is read too
    ],
)
def test_rows_of_like_length_come_together_without_their_padding(lengths, parts, shapes):
    ids, numbers = texts(*lengths), np.arange(len(lengths))[:, None]
    found = cut([ids, numbers], [True, False], parts)
    assert [part[0].shape for part in found] == shapes
    rows = [int(number) for _, of_part in found for number in of_part[:, 0]]
    assert sorted(rows) == list(range(len(lengths)))
    for part, of_part in found:
        for row, number in zip(part, of_part[:, 0], strict=True):
            np.testing.assert_array_equal(row[row > 0], ids[number][ids[number] > 0])


def test_ids_and_the_weights_of_their_losses_keep_one_length():
    batch = make_batch([[5] * 9 + [EOS], [6, EOS]], [[7, EOS], [8] * 6 + [EOS]])
    arrays = [*batch.inputs, batch.target_out, batch.weights]
    for source, target_in, target_out, weights in cut(arrays, [True] * 4, 2):
        assert target_in.shape == target_out.shape == weights.shape
        assert np.all((target_out > 0) == (weights > 0))
        assert source.shape[1] in (4, 10)
    weights = [part[-1].sum() for part in cut(arrays, [True] * 4, 2)]
    assert sum(weights) == pytest.approx(batch.weights.sum())


def test_without_ids_the_order_stays():
    numbers = np.arange(5)[:, None]
    assert [part[0][:, 0].tolist() for part in cut([numbers], [False], 2)] == [[0, 1], [2, 3, 4]]
