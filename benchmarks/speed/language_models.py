"""What the measures of `gpt` have in common: sizes, ids to train on, how much text is written.

Standard library and NumPy only, as every toolkit's environment imports it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

VOCABULARY = 65
"""As many as tiny Shakespeare has characters."""
PROMPT, WRITTEN = 17, 200
"""Tokens that are read and written; together they fit into the context."""
TEMPERATURE, TOP_K = 0.8, 10
LEARNING_RATE, WEIGHT_DECAY = 1e-3, 0.1
STREAM = 200_000
"""Tokens of the text to train on."""


@dataclass(frozen=True)
class Size:
    """The same network in every toolkit; the inner layers are four times as wide."""

    layers: int
    hidden_size: int
    heads: int
    context: int
    rows: int


SIZES = {
    # nanoGPT's recipe for a computer without a GPU, and a larger one.
    "train/gpt": Size(layers=4, hidden_size=128, heads=4, context=64, rows=12),
    "train/gpt-larger": Size(layers=6, hidden_size=192, heads=4, context=256, rows=8),
    "generate/gpt": Size(layers=6, hidden_size=192, heads=4, context=256, rows=1),
}


def about(measure: str) -> dict[str, Any]:
    """What a row of results says of the network; {} for a measure of another kind."""
    if measure not in SIZES:
        return {}
    return {"vocabulary": VOCABULARY, **asdict(SIZES[measure])}


def stream() -> np.ndarray:
    """(N,) int32: the ids of a long text, drawn at random, special ones left out.

    How fast a step is does not depend on them.
    """
    return np.random.default_rng(0).integers(4, VOCABULARY, STREAM).astype("int32")


def prompt() -> np.ndarray:
    """(P,) int32: what is gone on from."""
    return stream()[:PROMPT]
