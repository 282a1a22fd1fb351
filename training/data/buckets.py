"""Batches of a few fixed shapes: what XLA wants, and several devices.

XLA compiles a step anew for each shape of its input, which takes seconds to minutes. A ladder of
lengths makes that a dozen times in a run. TensorFlow without XLA runs any shape with one program
and is faster without the padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.data.batches import Batch, fill, up

RUNGS = 12


@dataclass(frozen=True)
class Shape:
    """What every batch is filled up to whose longest row, of either side, is at most `longest`.

    Args:
        rows, source, target: the batch's B, S and T.
    """

    longest: int
    rows: int
    source: int
    target: int


def ladder(
    source_lengths: np.ndarray,
    target_lengths: np.ndarray,
    tokens: int,
    *,
    rows: int = 1,
    lengths: int = 1,
    most: int = RUNGS,
) -> tuple[Shape, ...]:
    """At most `most` shapes, shortest first, that hold every batch `Batches` can cut.

    A function of the corpus and the budget alone, so that a run that goes on pads as before.
    Neighbours differ by a constant factor in length, and the padding by no more than that.

    Args:
        source_lengths, target_lengths: tokens of every pair.
        tokens: the budget of `training.data.batches.Batches`.
        rows: what B is to be a multiple of: the number of devices.
        lengths: what S and T are to be a multiple of.
        most: how many shapes there may be.
    """
    longest = np.maximum(source_lengths, target_lengths)
    low, high = int(longest.min()), int(longest.max())
    rungs = np.ceil(np.geomspace(low, high, min(most, high - low + 1))).astype(int)
    rungs = sorted({min(up(int(rung), lengths), high) for rung in rungs} | {high})
    found, below = [], low - 1
    for rung in rungs:
        inside = longest <= rung
        found.append(
            Shape(
                longest=rung,
                # The shortest batch of this rung has the most rows.
                rows=up(max(tokens // (below + 1), 1), rows),
                source=up(int(source_lengths[inside].max()), lengths),
                target=up(int(target_lengths[inside].max()), lengths),
            )
        )
        below = rung
    return tuple(found)


def fit(batch: Batch, shapes: tuple[Shape, ...]) -> Batch:
    """`batch` filled up to the smallest of `shapes` that holds it."""
    longest = max(batch.source.shape[1], batch.target_out.shape[1])
    shape = next(s for s in shapes if longest <= s.longest)
    return fill(batch, shape.rows, shape.source, shape.target)
