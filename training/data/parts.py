"""A batch in parts that take equally long: rows of like length together, without their padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.data.batches import up

ROUNDING = 4
"""Lengths of parts are multiples of it: fewer shapes, for each of which code is kept."""


def cut(arrays: Sequence[np.ndarray], ids: Sequence[bool], parts: int) -> list[list[np.ndarray]]:
    """The rows of a batch in `parts` parts of about the same size; longer rows come first.

    A part's arrays of ids are as long as its longest row. Without such arrays rows stay in order.

    Args:
        arrays: (B, ...) each, B >= `parts`. Those of one length, as ids and their weights, keep
            one length.
        ids: which of them are (B, T) with T free, padded on the right with 0.
        parts: how many.

    Returns:
        for each part, its rows of each array.

    Example:
        >>> ids = np.array([[5, 0, 0, 0, 0, 0], [5, 6, 7, 8, 9, 0], [7, 8, 0, 0, 0, 0]])
        >>> [part.tolist() for [part] in cut([ids], [True], 2)]
        [[[5, 6, 7, 8, 9, 0]], [[5, 0, 0, 0], [7, 8, 0, 0]]]
    """
    padded = [array for array, is_ids in zip(arrays, ids, strict=True) if is_ids]
    if not padded:
        return [[array[rows] for array in arrays] for rows in even(len(arrays[0]), parts)]
    # {T: (B,)}: the length of every row, of arrays that are T long.
    lengths: dict[int, np.ndarray] = {}
    for array in padded:
        width = array.shape[1]
        found = np.minimum(up(_lengths(array), ROUNDING), width)
        lengths[width] = np.maximum(lengths.get(width, 0), found)
    sizes = np.sum([lengths[array.shape[1]] for array in padded], axis=0)
    order = np.argsort(-sizes, kind="stable")
    cuts = []
    for rows in _alike(sizes[order], parts):
        chosen = order[rows]
        ends = {width: int(each[chosen].max()) for width, each in lengths.items()}
        cuts.append(
            [
                array[chosen, : ends[array.shape[1]]] if is_ids else array[chosen]
                for array, is_ids in zip(arrays, ids, strict=True)
            ]
        )
    return cuts


def even(rows: int, parts: int) -> list[slice]:
    """So many rows in parts, in order.

    Example:
        >>> even(5, 2)
        [slice(0, 2, None), slice(2, 5, None)]
    """
    return [slice(rows * part // parts, rows * (part + 1) // parts) for part in range(parts)]


def _lengths(array: np.ndarray) -> np.ndarray:
    """(B,): of (B, T), how many places there are up to the last that is not 0, at least one."""
    places = np.arange(1, array.shape[1] + 1)
    return np.maximum(((array != 0) * places).max(axis=1), 1)


def _alike(sizes: np.ndarray, parts: int) -> list[slice]:
    """Which rows of (B,) descending sizes make each part: the largest is as small as can be.

    A part's size is that of its first row, as often as it has rows.
    """
    low, high = int(sizes[0]), int(sizes[0]) * len(sizes)
    while low < high:
        middle = (low + high) // 2
        if len(_starts(sizes, middle)) > parts:
            low = middle + 1
        else:
            high = middle
    starts = _starts(sizes, low, parts)
    return list(map(slice, starts, [*starts[1:], len(sizes)]))


def _starts(sizes: np.ndarray, most: int, parts: int = 0) -> list[int]:
    """Where parts begin whose size is at most `most`; there are at least `parts` of them."""
    starts = [0]
    for row in range(1, len(sizes)):
        full = (row + 1 - starts[-1]) * sizes[starts[-1]] > most
        if full or len(sizes) - row == parts - len(starts):
            starts.append(row)
    return starts
