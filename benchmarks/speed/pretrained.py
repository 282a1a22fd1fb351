"""What the measures of pre-trained networks have in common: texts to classify, and a prompt.

Standard library and NumPy only, as every toolkit's environment imports it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

TRAIN, GENERATE = "train/minilm", "generate/smollm2"
ROWS, SHORTEST, LONGEST = 64, 8, 40
"""Texts of a batch, and their tokens: about those of SST-2's sentences."""
FIRST, LAST, VOCABULARY = 1_000, 29_000, 30_522
"""Ids that are words."""
FRONT, BACK = 101, 102
LEARNING_RATE = 5e-5
CLASSES = 2
PROMPT = "The history of the bicycle begins with"
WRITTEN = 64
"""Tokens, the likeliest each time."""
ABOUT = {
    TRAIN: {"network": "all-MiniLM-L6-v2, 22.7 M weights", "rows": ROWS, "dropout": 0.1},
    GENERATE: {"network": "SmolLM2-135M-Instruct", "prompt": PROMPT, "written": WRITTEN},
}


def about(measure: str) -> dict[str, Any]:
    """What a row of results says of the network; {} for a measure of another kind."""
    return ABOUT.get(measure, {})


def batches() -> Iterator[tuple[tuple[np.ndarray, np.ndarray], int]]:
    """Ids (B, T) int32 padded with 0, classes (B,) int32; and how many tokens are real."""
    for number in itertools.count():
        chance = np.random.default_rng(number % 64)
        lengths = chance.integers(SHORTEST, LONGEST + 1, ROWS)
        ids = chance.integers(FIRST, LAST, (ROWS, lengths.max())).astype("int32")
        ids[:, 0] = FRONT
        ids[np.arange(ROWS), lengths - 1] = BACK
        ids[np.arange(ids.shape[1]) >= lengths[:, None]] = 0
        yield (ids, chance.integers(0, CLASSES, ROWS).astype("int32")), int(lengths.sum())
