"""Hyper-parameters and sizes of the recurrent encoder-decoders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.configs.base import Config, share, size


@dataclass(frozen=True)
class Recurrent(Config):
    """Hyper-parameters of the recurrent encoder-decoders without attention (`simple-rnn`, `lstm`).

    Args:
        source_vocabulary, target_vocabulary: how many tokens each side has.
        shared_vocabulary: both sides use the same tokens, hence the same embedding.
        width: of the token embeddings, and of the tied output.
        units: of the decoder's state; each direction of a bidirectional encoder has half.
        attention_units: of the hidden layer of additive attention; unused without it.
        dropout: share of the embeddings and of the readout dropped while training.
    """

    source_vocabulary: int = size()
    target_vocabulary: int = size()
    shared_vocabulary: bool = False
    width: int = size(256)
    units: int = size(512)
    attention_units: int = size(256)
    dropout: float = share(0.2)


@dataclass(frozen=True)
class RecurrentWithAttention(Recurrent):
    """The same hyper-parameters, of the one with additive attention (`lstm-bahdanau`)."""

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"cross": (1, 1)}


PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"width": 16, "units": 24, "attention_units": 16},
    "tiny": {"width": 128, "units": 256, "attention_units": 128},
    "compact": {"width": 192, "units": 384, "attention_units": 192},
    "small": {"width": 256, "units": 512, "attention_units": 256},
    "base": {"width": 512, "units": 1024, "attention_units": 512},
}
