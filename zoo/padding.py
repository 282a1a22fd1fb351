"""Sequences of ids as padded arrays, in few sizes, so that few programs are compiled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.tokenizer import BOS, PAD

LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Sequences are padded up to one of these."""

ROWS = (1, 2, 4, 8, 16, 32, 64)
"""Batches likewise; a longer list of texts is answered in several."""


def bucket(size: int, sizes: Sequence[int]) -> int:
    """The first of `sizes` that holds `size`; `size` itself where none does."""
    return next((s for s in sizes if s >= size), size)


def pad(rows: Sequence[Sequence[int]], length: int, count: int | None = None) -> np.ndarray:
    """(count or as many as given, length) int32: rows of ids, filled up with PAD."""
    array = np.full((count or len(rows), length), PAD, "int32")
    for i, row in enumerate(rows):
        array[i, : len(row)] = row
    return array


def shift(target: np.ndarray) -> np.ndarray:
    """What the decoder reads to write `target` (B, T): BOS, then all but the last."""
    return np.concatenate([np.full((len(target), 1), BOS, "int32"), target[:, :-1]], axis=1)
