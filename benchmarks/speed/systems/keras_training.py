"""What the Keras peers share: batches of a fixed size and length, a compiled model, its steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.speed.protocol import Block, training
from benchmarks.speed.workload import PAD, Workload, pad, shifted

ROWS, LENGTH = 64, 64
"""Sentences in a batch, and the length that all of them are padded to."""


def fixed_batches(data: Workload) -> Iterator[tuple[Any, int]]:
    """Random batches padded to `LENGTH` on both sides, as the tutorials make them."""
    for sources, targets in data.random_batches(ROWS):
        target = pad(targets, LENGTH)
        inputs = {"source": pad(sources, LENGTH), "target": shifted(target)}
        yield (inputs, target), int(np.count_nonzero(target != PAD))


def train(model: Any, data: Workload) -> Block:
    """Blocks of `train_on_batch` with a masked cross-entropy and Adam."""
    import keras
    from keras import ops

    def loss(target: Any, logits: Any) -> Any:
        real = ops.cast(target != PAD, logits.dtype)
        each = ops.sparse_categorical_crossentropy(target, logits, from_logits=True)
        return ops.sum(each * real) / ops.sum(real)

    model.compile(
        optimizer=keras.optimizers.Adam(1e-3, beta_2=0.98, epsilon=1e-9),
        loss=loss,
        jit_compile=False,
    )
    return training(lambda batch: float(model.train_on_batch(*batch)), fixed_batches(data))
