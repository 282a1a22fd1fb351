"""Figures of a language model over a text: nats a token, bits a byte, perplexity.

Their intervals come from a block bootstrap (Kunsch 1989): neighbouring tokens are not independent,
so stretches of a text are resampled and not tokens.
"""

from __future__ import annotations

import math

import numpy as np

from training.metrics.text import Figure
from zoo.text_tokenizers import TextTokenizer

BLOCK = 500
"""Tokens of a stretch that is resampled as a whole; fewer where a text has not forty of them."""


def figures(log_probs: np.ndarray, tokenizer: TextTokenizer, ids: np.ndarray) -> dict[str, Figure]:
    """Every figure of a text as sufficient statistics of its stretches.

    Args:
        log_probs: (N,) natural log-probability of each token.
        tokenizer: what the tokens are of.
        ids: (N,) the tokens; at least one.
    """
    size = max(min(BLOCK, len(ids) // 40), 1)
    edges = np.arange(0, len(ids), size)
    loss = -np.add.reduceat(log_probs.astype("float64"), edges)
    tokens = np.diff(np.append(edges, len(ids))).astype("float64")
    length = np.add.reduceat(tokenizer.byte_lengths(ids), edges).astype("float64")
    statistics = np.stack([loss, tokens, length], axis=-1)
    return {
        "nats": Figure(statistics, lambda sums: sums[0] / max(sums[1], 1)),
        "perplexity": Figure(statistics, lambda sums: math.exp(min(sums[0] / max(sums[1], 1), 99))),
        "bits_per_byte": Figure(statistics, lambda sums: sums[0] / math.log(2) / max(sums[2], 1)),
    }
