"""Hyper-parameters and sizes of the networks that forecast series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from zoo.configs.base import Config, setting, share, size

Spans = tuple[tuple[int, int], ...]
"""The first and the last step that each token covers."""


def patch_spans(length: int, size: int, stride: int) -> Spans:
    """First and last step of each patch of a window of `length` steps.

    Example:
        >>> patch_spans(8, 4, 2)
        ((0, 3), (2, 5), (4, 7), (6, 7))
    """
    begins = range(0, max(length - size, 0) + stride + 1, stride)
    return tuple((b, min(b + size, length) - 1) for b in begins if b < length)


def segment_spans(length: int, size: int) -> Spans:
    """First and last step of each segment, as `segments` cuts them."""
    first = length % size
    return tuple((b, b + size - 1) for b in range(first, length, size))


@dataclass(frozen=True)
class Forecasting(Config):
    """What every forecaster has; alone, the hyper-parameters of `n-linear`.

    Args:
        lookback: steps of the past that are read.
        horizon: steps that are forecast.
        channels: series that are forecast, each from its past.

    `each_alone`: whether each series is read by itself with the same weights, so that the network
    can read any other single series too.
    """

    each_alone: ClassVar[bool] = True

    lookback: int = size()
    horizon: int = size()
    channels: int = size()

    def spans(self) -> Spans:
        """Steps of the history that each key of a map covers; () where a key is a whole series."""
        return ()

    def query_spans(self) -> Spans:
        """The same of the queries; of `cross` maps, in steps of the forecast."""
        return self.spans()


@dataclass(frozen=True)
class SeasonNaive(Forecasting):
    """Hyper-parameters of `season-naive`.

    Args:
        season: steps after which a series is expected to repeat; 1 repeats the last value.
    """

    season: int = size(1)


@dataclass(frozen=True)
class FeedForward(Forecasting):
    """Hyper-parameters of the forecaster `feed-forward`.

    Args:
        hidden_size: of the inner layers, D.
        layers: inner layers.
        dropout: share of the inner layers' outputs dropped while training.
    """

    hidden_size: int = size(128)
    layers: int = size(2)
    dropout: float = share(0.3)


@dataclass(frozen=True)
class Recurrent(Forecasting):
    """Hyper-parameters of the forecaster `lstm`.

    Args:
        hidden_size: units of the LSTM, D.
        segment: steps that are read, and written, at once.
        dropout: share of the outputs dropped while training.
    """

    hidden_size: int = size(64)
    segment: int = size(8)
    dropout: float = share(0.3)


@dataclass(frozen=True)
class RecurrentWithAttention(Recurrent):
    """Hyper-parameters of the forecaster `lstm-bahdanau`; as `Recurrent`."""

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"cross": (1, 1)}

    def spans(self) -> Spans:
        return segment_spans(self.lookback, self.segment)

    def query_spans(self) -> Spans:
        size = self.segment
        return tuple((b, min(b + size, self.horizon) - 1) for b in range(0, self.horizon, size))


@dataclass(frozen=True)
class Transformer(Forecasting):
    """Hyper-parameters of `transformer-variate`.

    Args:
        hidden_size: D.
        layers: how many blocks are stacked.
        heads: of every attention layer; must divide `hidden_size`.
        feed_forward_size: of the inner layer of the position-wise network.
        dropout: share of embeddings, attention weights and block outputs dropped while training.
    """

    each_alone: ClassVar[bool] = False

    hidden_size: int = size(32)
    layers: int = size(2)
    heads: int = size(4)
    feed_forward_size: int = size(128)
    dropout: float = share(0.3)

    def attention_heads(self) -> dict[str, tuple[int, int]]:
        return {"encoder": (self.layers, self.heads)}


@dataclass(frozen=True)
class PointTransformer(Transformer):
    """Hyper-parameters of `transformer-point`; as `Transformer`."""

    def spans(self) -> Spans:
        return tuple((step, step) for step in range(self.lookback))


@dataclass(frozen=True)
class PatchTransformer(Transformer):
    """Hyper-parameters of `transformer-patch`.

    Args:
        patch: steps of a token.
        stride: steps from the beginning of a patch to that of the next one.
    """

    each_alone: ClassVar[bool] = True

    patch: int = size(16)
    stride: int = setting(8, least=1)

    def spans(self) -> Spans:
        return patch_spans(self.lookback, self.patch, self.stride)


LINEAR_PRESETS: dict[str, dict[str, Any]] = {"nano": {}, "tiny": {}, "small": {}}
FEED_FORWARD_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 8, "layers": 1},
    "tiny": {"hidden_size": 64, "layers": 1},
    "small": {},
}
RECURRENT_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 8, "segment": 2},
    "tiny": {"hidden_size": 32},
    "small": {},
}
TRANSFORMER_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"hidden_size": 8, "layers": 2, "heads": 2, "feed_forward_size": 16},
    "tiny": {"hidden_size": 16, "layers": 2},
    "small": {},
    "base": {"hidden_size": 128, "layers": 3, "heads": 16, "feed_forward_size": 256},
}
PATCH_PRESETS: dict[str, dict[str, Any]] = {
    "nano": {**TRANSFORMER_PRESETS["nano"], "patch": 4, "stride": 2},
    # The sizes of PatchTST for the small ETT sets, and for the larger ones.
    "tiny": {"hidden_size": 16, "layers": 3, "heads": 4},
    "small": {},
    "base": {"hidden_size": 128, "layers": 3, "heads": 16, "feed_forward_size": 256},
}
