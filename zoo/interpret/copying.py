"""How much of each written token was copied from the source, out of the map `copy`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

COPY = "copy"
"""The kind of map that a network which may copy has: how likely each place is copied."""


def copied_share(
    source_pieces: Sequence[str],
    target_pieces: Sequence[str],
    log_probs: np.ndarray,
    attention: Mapping[str, np.ndarray],
) -> np.ndarray | None:
    """The share of each written token's probability that comes from copying it.

    A pointer-generator (See, Liu and Manning 2017, equation 9) may write a token by itself or by
    copying one like it. By Bayes' rule, once it is written:
    `copied[t] = sum_{i: source[i] = target[t]} copy[t, i] / p(target[t])`.

    Args:
        source_pieces, target_pieces, log_probs, attention: as `zoo.prediction.Prediction` has them.

    Returns:
        (T,) float32 between 0 and 1; None for a model that does not copy.

    Example:
        >>> maps = {"copy": np.array([[[[0.3, 0.1]]]])}
        >>> [float(x) for x in copied_share(["Tom", "</s>"], ["Tom"], np.log([0.6]), maps)]
        [0.5]
    """
    if COPY not in attention:
        return None
    same = np.asarray(target_pieces)[:, None] == np.asarray(source_pieces)[None, :]  # (T, S)
    copied = (np.asarray(attention[COPY])[0, 0] * same).sum(axis=-1)  # (T,)
    least = np.finfo("float32").tiny
    return np.clip(copied / np.maximum(np.exp(log_probs), least), 0, 1).astype("float32")
