"""Hyper-parameters and sizes of the feed-forward networks: a fixed window, no memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.configs.base import Config, share, size


@dataclass(frozen=True)
class FeedForwardLanguageModel(Config):
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


LANGUAGE_MODEL_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 16, "window": 4, "inner_size": 24},
    "tiny": {"hidden_size": 32, "inner_size": 256},
    "compact": {"hidden_size": 48, "inner_size": 512},
    "small": {"hidden_size": 64, "inner_size": 1024},
    "base": {"hidden_size": 128, "window": 16, "inner_size": 2048},
}


@dataclass(frozen=True)
class FeedForwardSeq2Seq(Config):
    """Hyper-parameters of the `feed-forward` network that reads one sequence and writes another.

    Args:
        source_vocabulary, target_vocabulary: how many tokens each side has.
        shared_vocabulary: both sides use the same tokens, and so the same embedding.
        hidden_size: of the embeddings.
        window: how many tokens of the source are read; what stands behind them is not.
        target_window: how many of the tokens written last are read at each step.
        inner_size: of the hidden layers, one over the source's window, one over each step's.
        dropout: share of embeddings and hidden layers dropped while training.
        max_length: the longest target in tokens that has a position.
    """

    source_vocabulary: int = size()
    target_vocabulary: int = size()
    shared_vocabulary: bool = False
    hidden_size: int = size(64)
    window: int = size(32)
    target_window: int = size(8)
    inner_size: int = size(512)
    dropout: float = share(0.1)
    max_length: int = size(512)

    former_names: ClassVar = {"width": "hidden_size"}

    @property
    def embedding_size(self) -> int:
        return self.hidden_size


SEQ2SEQ_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 16, "inner_size": 24, "target_window": 3},
    "tiny": {"hidden_size": 48, "inner_size": 512},
    "compact": {"hidden_size": 64, "inner_size": 768},
    "small": {"hidden_size": 96, "inner_size": 1024},
    "base": {"hidden_size": 128, "inner_size": 2048},
}
