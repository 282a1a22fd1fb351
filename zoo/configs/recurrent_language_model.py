"""Hyper-parameters and sizes of the recurrent language models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.configs.base import Config, share, size


@dataclass(frozen=True)
class RecurrentLanguageModel(Config):
    """Hyper-parameters of the language models `rnn`, `lstm` and `min-gru`.

    Args:
        vocabulary: how many tokens there are.
        hidden_size: of the embeddings and of every layer's state.
        layers: how many recurrent layers are stacked.
        dropout: share of every layer's input and output dropped while training.
    """

    vocabulary: int = size()
    hidden_size: int = size(256)
    layers: int = size(2)
    dropout: float = share(0.2)


PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 16, "layers": 2},
    "tiny": {"hidden_size": 128, "layers": 2},
    "compact": {"hidden_size": 192, "layers": 2},
    "small": {"hidden_size": 256, "layers": 2},
    "base": {"hidden_size": 512, "layers": 3},
}
