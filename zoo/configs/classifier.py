"""Hyper-parameters and sizes of the classifiers: of texts, of images, of series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.configs.base import Config, setting, share, size

INPUTS = ("text", "image", "series")
"""What a classifier can read."""


@dataclass(frozen=True)
class Reading(Config):
    """What all classifiers have in common: which inputs they read, as arrays of which shape.

    `reads`: those of `INPUTS` that networks with these hyper-parameters can read.
    """

    reads: ClassVar[tuple[str, ...]] = ()

    def arrays(self) -> tuple[tuple[int | None, ...], str]:
        """Shape, without the batch, and type of the arrays read; None: any length."""
        raise NotImplementedError


@dataclass(frozen=True)
class TextReading(Reading):
    """Reads (B, T) ids.

    Args:
        vocabulary: how many tokens there are.
        classes: how many classes there are.
        max_length: tokens that are read at most, the one in front counted.
    """

    reads: ClassVar = ("text",)

    vocabulary: int = size()
    classes: int = setting(least=2)
    max_length: int = setting(128, least=2)

    def arrays(self) -> tuple[tuple[int | None, ...], str]:
        return (None,), "int32"


@dataclass(frozen=True)
class NaiveBayes(TextReading):
    """Hyper-parameters of `naive-bayes`.

    Args:
        vocabulary: how many n-grams there are, and one for padding.
        classes, max_length: as `TextReading`.
        longest: words of the longest n-grams.
        strength: inverse of the penalty on squared weights; larger fits the training side closer.
    """

    max_length: int = setting(4096, least=2)
    longest: int = setting(2, least=1, most=4)
    strength: float = setting(0.1, least=1e-6)


@dataclass(frozen=True)
class FeedForward(TextReading):
    """Hyper-parameters of `feed-forward`, a bag of embeddings.

    Args:
        vocabulary, classes, max_length: as `TextReading`.
        embedding_size: of the token embeddings.
        hidden_size: of the hidden layer.
        dropout: share of the averaged embedding and of the hidden layer dropped while training.
    """

    embedding_size: int = size(64)
    hidden_size: int = size(64)
    dropout: float = share(0.3)


@dataclass(frozen=True)
class Recurrent(TextReading):
    """Hyper-parameters of `lstm`.

    Args:
        vocabulary, classes, max_length: as `TextReading`.
        embedding_size: of the token embeddings.
        hidden_size: of the state; each direction has half.
        dropout: share of the embeddings and of what is classified dropped while training.
    """

    embedding_size: int = size(64)
    hidden_size: int = size(128)
    dropout: float = share(0.3)


@dataclass(frozen=True)
class RecurrentWithAttention(Recurrent):
    """The same hyper-parameters, of the one with additive attention (`lstm-bahdanau`).

    Args:
        vocabulary, classes, max_length, embedding_size, hidden_size, dropout: as `Recurrent`.
        attention_size: of the hidden layer of additive attention.
    """

    attention_size: int = size(64)

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"pooling": (1, 1)}


@dataclass(frozen=True)
class Bert(TextReading):
    """Hyper-parameters of `bert`, a Transformer encoder over tokens.

    Args:
        vocabulary, classes, max_length: as `TextReading`.
        hidden_size: of the residual stream, D.
        layers: how many blocks are stacked.
        heads: of every attention layer; must divide `hidden_size`.
        feed_forward_size: of the inner layer of the position-wise network.
        dropout: share of embeddings, attention weights and block outputs dropped while training.
        positions: `learned`, `sinusoidal` or `none`.
        pooling: what is classified: the state of the token in `first` place, or the `mean` of all.
        norm: layer normalisation before each part of a block (`pre`) or after it (`post`, as in
            Devlin et al. 2019).
        norm_epsilon: added to a variance there.
        scaled_embedding: whether embeddings are multiplied by the root of `hidden_size`, as in
            Vaswani et al. 2017, section 3.4; those of Devlin et al. are not.
    """

    hidden_size: int = size(64)
    layers: int = size(2)
    heads: int = size(4)
    feed_forward_size: int = size(128)
    dropout: float = share(0.3)
    positions: str = setting("learned", choices=("learned", "sinusoidal", "none"))
    pooling: str = setting("first", choices=("first", "mean"))
    norm: str = setting("pre", choices=("pre", "post"))
    norm_epsilon: float = setting(1e-6, least=0)
    scaled_embedding: bool = True

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"encoder": (self.layers, self.heads)}


@dataclass(frozen=True)
class ImageReading(Reading):
    """Reads (B, H, W, C) float32.

    Args:
        height, width: of an image, in pixels.
        channels: 1 of grey images, 3 of colour.
        classes: how many classes there are.
    """

    reads: ClassVar = ("image",)

    height: int = size()
    width: int = size()
    channels: int = size()
    classes: int = setting(least=2)

    def arrays(self) -> tuple[tuple[int | None, ...], str]:
        return (self.height, self.width, self.channels), "float32"


@dataclass(frozen=True)
class ConvolutionalNetwork(ImageReading):
    """Hyper-parameters of `cnn`.

    Args:
        height, width, channels, classes: as `ImageReading`.
        filters: of the first two convolutions; the others have twice as many.
        dropout: share of what is classified dropped while training.
    """

    filters: int = size(46)
    dropout: float = share(0.2)


@dataclass(frozen=True)
class VisionTransformer(ImageReading):
    """Hyper-parameters of `vit`, a Transformer encoder over patches of an image.

    Args:
        height, width, channels, classes: as `ImageReading`.
        patch: side of a patch, in pixels; images are filled up to a multiple of it.
        hidden_size, layers, heads, feed_forward_size, dropout, pooling: as `Bert`.
    """

    patch: int = size(4)
    hidden_size: int = size(64)
    layers: int = size(4)
    heads: int = size(4)
    feed_forward_size: int = size(128)
    dropout: float = share(0.1)
    pooling: str = setting("first", choices=("first", "mean"))

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"encoder": (self.layers, self.heads)}


@dataclass(frozen=True)
class SeriesTransformer(Reading):
    """Hyper-parameters of `transformer`, a Transformer encoder over patches of a series.

    Args:
        length: of a series, in time steps.
        channels: numbers at each step.
        classes: how many classes there are.
        patch: time steps of a patch; series are filled up to a multiple of it.
        hidden_size, layers, heads, feed_forward_size, dropout, pooling: as `Bert`.
    """

    reads: ClassVar = ("series",)

    length: int = size()
    channels: int = size()
    classes: int = setting(least=2)
    patch: int = size(8)
    hidden_size: int = size(64)
    layers: int = size(2)
    heads: int = size(4)
    feed_forward_size: int = size(128)
    dropout: float = share(0.1)
    pooling: str = setting("mean", choices=("first", "mean"))

    def arrays(self) -> tuple[tuple[int | None, ...], str]:
        return (self.length, self.channels), "float32"

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"encoder": (self.layers, self.heads)}


@dataclass(frozen=True)
class NearestNeighbours(Reading):
    """Hyper-parameters of `knn`, of images and of series.

    Args:
        length: time steps of a series; 0 of images.
        height, width: of an image, in pixels; 0 of series.
        channels: of an image, or numbers at each step.
        classes: how many classes there are.
        examples: how many are kept.
        neighbours: how many of the nearest vote; at most `examples`.
        shrink: side of the squares of an image whose means are compared; 1: its pixels.
    """

    reads: ClassVar = ("image", "series")

    channels: int = size()
    classes: int = setting(least=2)
    examples: int = size()
    length: int = setting(0, least=0)
    height: int = setting(0, least=0)
    width: int = setting(0, least=0)
    neighbours: int = size(3)
    shrink: int = size(1)

    def arrays(self) -> tuple[tuple[int | None, ...], str]:
        if self.length:
            return (self.length, self.channels), "float32"
        return (self.height, self.width, self.channels), "float32"


NAIVE_BAYES: dict[str, dict[str, Any]] = {
    "nano": {"longest": 1},
    "tiny": {"longest": 1},
    "compact": {"longest": 2},
    "small": {"longest": 2},
    "base": {"longest": 3},
}
FEED_FORWARD: dict[str, dict[str, Any]] = {
    "nano": {"embedding_size": 16, "hidden_size": 16, "max_length": 32},
    "tiny": {"embedding_size": 64, "hidden_size": 64},
    "compact": {"embedding_size": 96, "hidden_size": 96},
    "small": {"embedding_size": 128, "hidden_size": 128},
    "base": {"embedding_size": 256, "hidden_size": 256, "max_length": 512},
}
RECURRENT: dict[str, dict[str, Any]] = {
    "nano": {"embedding_size": 16, "hidden_size": 16, "max_length": 32},
    "tiny": {"embedding_size": 64, "hidden_size": 64},
    "compact": {"embedding_size": 96, "hidden_size": 96},
    "small": {"embedding_size": 128, "hidden_size": 128},
    "base": {"embedding_size": 256, "hidden_size": 256, "max_length": 512},
}
ENCODER: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 16, "layers": 2, "heads": 2, "feed_forward_size": 32},
    "tiny": {"hidden_size": 64, "layers": 2, "heads": 4, "feed_forward_size": 128},
    "compact": {"hidden_size": 64, "layers": 4, "heads": 4, "feed_forward_size": 128},
    "small": {"hidden_size": 128, "layers": 4, "heads": 4, "feed_forward_size": 256},
    "base": {"hidden_size": 256, "layers": 6, "heads": 8, "feed_forward_size": 1024},
}
CONVOLUTIONS: dict[str, dict[str, Any]] = {
    # As many weights as `vit` of the same size has, within a tenth.
    "nano": {"filters": 9},
    "tiny": {"filters": 33},
    "compact": {"filters": 46},
    "small": {"filters": 91},
    "base": {"filters": 274},
}
NEIGHBOURS: dict[str, dict[str, Any]] = {
    "nano": {"neighbours": 1},
    "tiny": {"neighbours": 1},
    "compact": {},
    "small": {},
    "base": {"neighbours": 5},
}
