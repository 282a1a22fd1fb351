"""Hyper-parameters and sizes of the Transformer encoder-decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.configs.base import Config, setting, share, size


@dataclass(frozen=True)
class Transformer(Config):
    """Hyper-parameters of the `transformer` encoder-decoder.

    Args:
        source_vocabulary, target_vocabulary: how many tokens each side has.
        shared_vocabulary: both sides use the same tokens, hence the same embedding.
        width: d_model, of the residual stream.
        heads: of every attention layer; must divide `width`.
        feedforward: the inner width of the position-wise network, usually four times `width`.
        encoder_layers, decoder_layers: how many blocks are stacked.
        dropout: share of embeddings, attention weights and block outputs dropped while training.
        positions: `sinusoidal`, `learned` or `none`.
        max_length: the longest source or target in tokens that has a position.
    """

    source_vocabulary: int = size()
    target_vocabulary: int = size()
    shared_vocabulary: bool = False
    width: int = size(256)
    heads: int = size(4)
    feedforward: int = size(1024)
    encoder_layers: int = size(3)
    decoder_layers: int = size(3)
    dropout: float = share(0.1)
    positions: str = setting("sinusoidal", choices=("sinusoidal", "learned", "none"))
    max_length: int = size(512)

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        decoder = (self.decoder_layers, self.heads)
        return {
            "cross": decoder,
            "encoder": (self.encoder_layers, self.heads),
            "decoder": decoder,
        }


PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"width": 16, "heads": 2, "feedforward": 32, "encoder_layers": 2, "decoder_layers": 2},
    "tiny": {"width": 128, "heads": 4, "feedforward": 512},
    "compact": {"width": 192, "heads": 4, "feedforward": 768},
    "small": {"width": 256, "heads": 4, "feedforward": 1024},
    "base": {"width": 512, "heads": 8, "feedforward": 2048}
    | {"encoder_layers": 6, "decoder_layers": 6},  # that of Vaswani et al. 2017
}
