"""What a network makes of given ids, to hold another runtime to it; nothing is compiled."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.layers.attention_hooks import without_maps
from zoo.padding import pad, shift
from zoo.tokenizer import BOS, PAD, UNK


def expected(network: Any, sources: list[list[int]], targets: list[list[int]]) -> np.ndarray:
    """(B, T, V) what the network makes of each next token, those that are no answer left out."""
    source, target = (pad(rows, max(map(len, rows))) for rows in (sources, targets))
    with without_maps():
        logits, _ = network.decode(shift(target), network.encode(source))
    logits = np.array(logits)
    logits[..., [PAD, BOS, UNK]] = -np.inf
    return np.asarray(keras.ops.log_softmax(logits))


def assert_greedy(network: Any, sources: list[list[int]], written: list[list[int]]) -> None:
    """Each token that was written is the likeliest after those before it."""
    likeliest = expected(network, sources, written).argmax(axis=-1)
    assert [
        row[: len(ids)].tolist() for row, ids in zip(likeliest, written, strict=True)
    ] == written
