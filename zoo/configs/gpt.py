"""Hyper-parameters and sizes of the decoder-only Transformer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.configs.base import Config, setting, share, size


@dataclass(frozen=True)
class GPT(Config):
    """Hyper-parameters of the language model `gpt`.

    Args:
        vocabulary: how many tokens there are.
        hidden_size: of the residual stream, D.
        layers: how many blocks are stacked.
        heads: of every attention layer; must divide `hidden_size`.
        feed_forward_size: of the inner layer of the position-wise network.
        dropout: share of embeddings, attention weights and block outputs dropped while training.
        positions: `rotary`, `learned`, `sinusoidal` or `none`.
        max_length: the context: how many tokens are read at most, the next one not counted.
        rotary_base: of rotary positions: a larger one turns more slowly, for longer contexts.
        key_heads: heads of keys and values, each for several of queries; must divide `heads`;
            0: as many as these.
        activation: of the position-wise network: `gelu`, `gelu-tanh`, which GPT-2 has for it,
            or `swiglu`.
        norm_by: `layer` normalisation, or `rms`, without mean and bias.
        norm_epsilon: added to a variance there.
        bias: whether the matrices of a block have biases.
        scaled_embedding: whether embeddings are multiplied by the root of `hidden_size`, as in
            Vaswani et al. 2017, section 3.4; those of GPT-2 and Llama are not.
    """

    vocabulary: int = size()
    hidden_size: int = size(256)
    layers: int = size(6)
    heads: int = size(4)
    feed_forward_size: int = size(1024)
    dropout: float = share(0.2)
    positions: str = setting("rotary", choices=("rotary", "learned", "sinusoidal", "none"))
    max_length: int = setting(256, least=2)
    rotary_base: float = setting(10_000.0, least=1)
    key_heads: int = setting(0, least=0)
    activation: str = setting("gelu", choices=("gelu", "gelu-tanh", "swiglu"))
    norm_by: str = setting("layer", choices=("layer", "rms"))
    norm_epsilon: float = setting(1e-6, least=0)
    bias: bool = True
    scaled_embedding: bool = True

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"decoder": (self.layers, self.heads)}


PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 16, "layers": 2, "heads": 2, "feed_forward_size": 32}
    | {"max_length": 32},
    "tiny": {"hidden_size": 128, "layers": 4, "feed_forward_size": 512, "max_length": 128},
    "compact": {"hidden_size": 192, "layers": 6, "heads": 4, "feed_forward_size": 768},
    "small": {"hidden_size": 256, "layers": 6, "heads": 4, "feed_forward_size": 1024},
    # nanoGPT's model for tiny Shakespeare on a GPU.
    "base": {"hidden_size": 384, "layers": 6, "heads": 6, "feed_forward_size": 1536},
}
