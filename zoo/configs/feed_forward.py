"""Hyper-parameters and sizes of the feed-forward networks: a fixed window, no memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.configs.base import share, size


@dataclass(frozen=True)
class FeedForwardLanguageModel:
    """Hyper-parameters of the language model `feed-forward` (Bengio et al. 2003).

    Args:
        vocabulary: how many tokens there are.
        hidden_size: of the embeddings.
        window: how many tokens are read, the next one not counted.
        inner_size: of the hidden layer over all embeddings of the window.
        dropout: share of embeddings and of the hidden layer dropped while training.
    """

    vocabulary: int = size()
    hidden_size: int = size(64)
    window: int = size(8)
    inner_size: int = size(512)
    dropout: float = share(0.1)


PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 16, "window": 4, "inner_size": 24},
    "tiny": {"hidden_size": 32, "inner_size": 256},
    "compact": {"hidden_size": 48, "inner_size": 512},
    "small": {"hidden_size": 64, "inner_size": 1024},
    "base": {"hidden_size": 128, "window": 16, "inner_size": 2048},
}
