"""The contract of networks that read the past of some series and say what follows.

Axes: B batch, L lookback, H horizon, C channels (series), Q quantiles, M maps, T queries, S keys.
"""

from __future__ import annotations

from keras import ops

from zoo.configs.forecaster import patch_spans
from zoo.forecast import LEVELS
from zoo.kinds.base import Maps, Network, Tensor
from zoo.layers.attention_hooks import without_maps
from zoo.layers.dropout import in_training


class Forecaster(Network):
    """A network that forecasts the next H steps of C series from the last L.

    - `look(history) -> values, maps`: history (B, L, C) z-scores, values (B, H, C, 1 + Q) float32:
      the expected value, then the quantiles of `zoo.forecast.LEVELS`, lowest first. Maps are
      (B, M, layers, heads, T, S) float32 by kind, none within `without_maps`; M is C where each
      series is read by itself, else 1.
    No step is masked: a history has exactly L steps. `config.spans()` says which of them each key
    of a map is.

    Args:
        config: the hyper-parameters; they have `lookback`, `horizon` and `channels`.
    """

    def look(self, history: Tensor) -> tuple[Tensor, Maps]:
        raise NotImplementedError

    def call(self, history: Tensor, training: bool | None = None) -> Tensor:
        """(B, L, C) -> (B, H, C, 1 + Q): what training runs."""
        with in_training(training), without_maps():
            return self.look(history)[0]

    def build_variables(self) -> None:
        self.call(ops.ones((1, self.config.lookback, self.config.channels)))
        self.built = True


def with_quantiles(level: Tensor, raw: Tensor) -> Tensor:
    """Expected values and quantiles that do not cross, from any numbers.

    The middle quantile is the level and an offset; each further one adds, or takes away, a softplus
    of its number.

    Args:
        level: (B, H, C) expected values.
        raw: (B, H, C, Q).

    Returns:
        (B, H, C, 1 + Q) float32.

    Example:
        >>> level, raw = ops.ones((1, 2, 3)), ops.zeros((1, 2, 3, len(LEVELS)))
        >>> found = ops.convert_to_numpy(with_quantiles(level, raw))[0, 0, 0]
        >>> found.shape, float(found[5]), bool((found[2:] > found[1:-1]).all())
        ((10,), 1.0, True)
    """
    level, raw = ops.cast(level, "float32")[..., None], ops.cast(raw, "float32")
    middle = len(LEVELS) // 2
    centre = level + raw[..., middle : middle + 1]  # (B, H, C, 1)
    gaps = ops.softplus(raw)  # (B, H, C, Q)
    parts = [centre]
    for lower in range(middle - 1, -1, -1):
        parts.insert(0, parts[0] - gaps[..., lower : lower + 1])
    for upper in range(middle + 1, len(LEVELS)):
        parts.append(parts[-1] + gaps[..., upper : upper + 1])
    return ops.concatenate([level, *parts], axis=-1)  # (B, H, C, 1 + Q)


def normalised(history: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Each series of a window with mean 0 and deviation 1: (B, L, C) -> the same, two (B, 1, C).

    Kim et al. 2022, "Reversible instance normalization": what is forecast is given the mean and
    deviation back. A series that does not change in the window is divided by a small number.
    """
    history = ops.cast(history, "float32")
    mean = ops.mean(history, axis=1, keepdims=True)  # (B, 1, C)
    centred = history - mean
    deviation = ops.sqrt(ops.mean(ops.square(centred), axis=1, keepdims=True) + 1e-5)  # (B, 1, C)
    return centred / deviation, mean, deviation


def restored(values: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """What `normalised` took away, given back to (B, H, C, 1 + Q) values."""
    return values * deviation[..., None] + mean[..., None]


def by_series(history: Tensor) -> Tensor:
    """(B, L, C) -> (B C, L): each series as a row of its own."""
    turned = ops.transpose(history, (0, 2, 1))  # (B, C, L)
    return ops.reshape(turned, (-1, history.shape[1]))  # (B C, L)


def side_by_side(rows: Tensor, channels: int) -> Tensor:
    """(B C, ...) -> (B, C, ...): the rows of `by_series` back in their windows."""
    return ops.reshape(rows, (-1, channels, *rows.shape[1:]))


def segments(rows: Tensor, size: int) -> Tensor:
    """(N, L) -> (N, L // size, size); what is left over are the oldest steps, not read."""
    count = rows.shape[1] // size
    return ops.reshape(rows[:, rows.shape[1] - count * size :], (-1, count, size))


def patches(rows: Tensor, size: int, stride: int) -> Tensor:
    """(N, L) -> (N, P, size): overlapping windows, the last one filled up with the last value.

    Nie et al. 2023 (PatchTST), section 3.1.1. P is what `patch_spans` counts.
    """
    spans = patch_spans(rows.shape[1], size, stride)
    missing = spans[-1][0] + size - rows.shape[1]
    if missing > 0:
        rows = ops.concatenate([rows, ops.repeat(rows[:, -1:], missing, axis=1)], axis=1)
    return ops.stack([rows[:, begin : begin + size] for begin, _ in spans], axis=1)  # (N, P, size)
