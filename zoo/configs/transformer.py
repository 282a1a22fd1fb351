"""Hyper-parameters and sizes of the Transformer encoder-decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.configs.base import Config, setting, share, size


@dataclass(frozen=True)
class Transformer(Config):
    """Hyper-parameters of the `transformer` encoder-decoder.

    Args:
        source_vocabulary, target_vocabulary: how many tokens each side has.
        shared_vocabulary: both sides use the same tokens, and so the same embedding.
        hidden_size: of the residual stream, d_model.
        heads: of every attention layer; must divide `hidden_size`.
        feed_forward_size: of the inner layer of the position-wise network, usually four times
            `hidden_size`.
        encoder_layers, decoder_layers: how many blocks are stacked.
        dropout: share of embeddings, attention weights and block outputs dropped while training.
        positions: `sinusoidal`, `learned` or `none`.
        max_length: the longest source or target in tokens that has a position.
        copying: the decoder may write what it looks at, by an attention of its own; both sides
            must have one vocabulary.
    """

    source_vocabulary: int = size()
    target_vocabulary: int = size()
    shared_vocabulary: bool = False
    hidden_size: int = size(256)
    heads: int = size(4)
    feed_forward_size: int = size(1024)
    encoder_layers: int = size(3)
    decoder_layers: int = size(3)
    dropout: float = share(0.1)
    positions: str = setting("sinusoidal", choices=("sinusoidal", "learned", "none"))
    max_length: int = size(512)
    copying: bool = False

    former_names: ClassVar = {"width": "hidden_size", "feedforward": "feed_forward_size"}

    @property
    def embedding_size(self) -> int:
        return self.hidden_size

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        decoder = (self.decoder_layers, self.heads)
        return {
            "cross": decoder,
            "encoder": (self.encoder_layers, self.heads),
            "decoder": decoder,
        }


PRESETS: dict[str, dict[str, Any]] = {
    "nano": {
        "hidden_size": 16,
        "heads": 2,
        "feed_forward_size": 32,
        "encoder_layers": 2,
        "decoder_layers": 2,
    },
    "tiny": {"hidden_size": 128, "heads": 4, "feed_forward_size": 512},
    "compact": {"hidden_size": 192, "heads": 4, "feed_forward_size": 768},
    "small": {"hidden_size": 256, "heads": 4, "feed_forward_size": 1024},
    "base": {"hidden_size": 512, "heads": 8, "feed_forward_size": 2048}
    | {"encoder_layers": 6, "decoder_layers": 6},  # that of Vaswani et al. 2017
}
