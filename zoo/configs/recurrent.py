"""Hyper-parameters and sizes of the recurrent encoder-decoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.configs.base import Config, share, size


@dataclass(frozen=True)
class Recurrent(Config):
    """Hyper-parameters of the recurrent encoder-decoders without attention (`simple-rnn`, `lstm`).

    Args:
        source_vocabulary, target_vocabulary: how many tokens each side has.
        shared_vocabulary: both sides use the same tokens, and so the same embedding.
        embedding_size: of the token embeddings, and of the tied output.
        hidden_size: of the decoder's state; each direction of a bidirectional encoder has half.
        attention_size: of the hidden layer of additive attention; unused without it.
        dropout: share of the embeddings and of the readout dropped while training.
    """

    source_vocabulary: int = size()
    target_vocabulary: int = size()
    shared_vocabulary: bool = False
    embedding_size: int = size(256)
    hidden_size: int = size(512)
    attention_size: int = size(256)
    dropout: float = share(0.2)

    former_names: ClassVar = {
        "width": "embedding_size",
        "units": "hidden_size",
        "attention_units": "attention_size",
    }


@dataclass(frozen=True)
class RecurrentWithAttention(Recurrent):
    """The same hyper-parameters, of the one with additive attention (`lstm-bahdanau`).

    Args:
        source_vocabulary, target_vocabulary, shared_vocabulary, embedding_size, hidden_size,
            attention_size, dropout: as `Recurrent`.
        copying: the decoder may write what it looks at (a pointer-generator); both sides must have
            one vocabulary.
        coverage: its attention knows where it has looked, and training makes it look elsewhere.
    """

    copying: bool = False
    coverage: bool = False

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"cross": (1, 1)}


PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"embedding_size": 16, "hidden_size": 24, "attention_size": 16},
    "tiny": {"embedding_size": 128, "hidden_size": 256, "attention_size": 128},
    "compact": {"embedding_size": 192, "hidden_size": 384, "attention_size": 192},
    "small": {"embedding_size": 256, "hidden_size": 512, "attention_size": 256},
    "base": {"embedding_size": 512, "hidden_size": 1024, "attention_size": 512},
}
