"""Many attention maps to few, rows still summing to one: mean, max, rollout, words hidden.

Axes: L layers, H heads, T written words or tokens, S read ones. What is aggregated away keeps an
axis of size 1, so that every result is again a set of maps (L, H, T, S).
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.interpret.copying import COPY
from zoo.prediction import AXES, END
from zoo.tokenizer import WORD_START

OVER: dict[str, tuple[int, ...]] = {"layers": (0,), "heads": (1,), "both": (0, 1)}
"""What `mean` and `maximum` can go over, as axes of (L, H, T, S)."""


@dataclass
class Shown:
    """Maps from which words were hidden.

    `attention`: by kind, rows summing to 1 over what is left. `hidden`: by kind, (L, H, T), the
    share of each row's weight that went to hidden columns and was given to the others. A row that
    gave all its weight to hidden columns has nothing left to show: it stays zero.
    """

    source: list[str]
    target: list[str]
    attention: dict[str, np.ndarray]
    hidden: dict[str, np.ndarray]

    @property
    def note(self) -> str:
        """A sentence for the reader about what was done to the weights; "" when nothing was."""
        held = max((share.mean() for share in self.hidden.values() if share.size), default=0.0)
        if held == 0:
            return ""
        percent = "less than 1" if held < 0.01 else f"{100 * held:.0f}"
        return f"Hidden words held {percent} % of the weight; what is left was scaled to sum to 1."


def mean(maps: np.ndarray, over: str = "heads") -> np.ndarray:
    """The mean map over "heads", "layers" or "both". Raises ValueError for anything else."""
    return _check(maps).mean(axis=_axes(over), keepdims=True)


def maximum(maps: np.ndarray, over: str = "heads") -> np.ndarray:
    """The largest weight over "heads", "layers" or "both", rows scaled back to a sum of 1."""
    return normalise(_check(maps).max(axis=_axes(over), keepdims=True))


def rollout(maps: np.ndarray, residual: float = 0.5) -> np.ndarray:
    """How much of each input reaches each position of each layer, through all layers below.

    Abnar and Zuidema 2020 (arXiv:2005.00928), section 3: heads are averaged, the residual
    connection is an identity, and the layers are multiplied:
    R_l = ((1 - r) A_l + r I) R_(l-1), with R_0 = I and r = 0.5.

    Args:
        maps: (L, H, S, S) self-attention, of an encoder or a decoder.
        residual: r, the share that goes straight through each layer.

    Returns:
        (L, 1, S, S): the last layer's is the rollout of the whole stack.

    Raises:
        ValueError: maps that are not square, or a residual outside 0 to 1.
    """
    size = _check(maps).shape[-1]
    if maps.shape[-2] != size:
        raise ValueError(f"Rollout is of self-attention, (L, H, S, S). Received: {maps.shape}")
    if not 0 <= residual <= 1:
        raise ValueError(f"residual must be 0 to 1. Received: residual={residual}")
    identity = np.eye(size, dtype=maps.dtype)
    mixed = (1 - residual) * maps.mean(axis=1) + residual * identity
    reached, steps = identity, []
    for layer in mixed:
        reached = layer @ reached
        steps.append(reached)
    return np.stack(steps)[:, None]


def cross_rollout(cross: np.ndarray, encoder: np.ndarray, residual: float = 0.5) -> np.ndarray:
    """Cross-attention carried on through the encoder: from written words to the words as read.

    Cross-attention looks at the encoder's outputs, which are mixtures of positions; each head's
    map is multiplied onto the rollout of the encoder.

    Args:
        cross: (L, H, T, S).
        encoder: (M, K, S, S), of the same sentence.
        residual: as in `rollout`.

    Returns:
        (L, H, T, S).
    """
    if _check(cross).shape[-1] != _check(encoder).shape[-1]:
        raise ValueError(
            "Both maps must read the same words. "
            f"Received: cross={cross.shape}, encoder={encoder.shape}"
        )
    return cross @ rollout(encoder, residual)[-1, 0]


def weighted(maps: np.ndarray, value_norms: np.ndarray) -> np.ndarray:
    """Weights times the length of what they bring: a large weight on a short vector adds little.

    Kobayashi et al. 2020 (arXiv:2004.10102), section 3: ||a f(x)|| = a ||f(x)||, rows scaled to a
    sum of 1 so that they can be shown beside the weights.

    Args:
        maps: (L, H, T, S).
        value_norms: (L, H, S), ||f(x)||, as `zoo.interpret.query_key_value` gives them.

    Raises:
        ValueError: norms that do not fit the maps.
    """
    if value_norms.shape != (*_check(maps).shape[:2], maps.shape[-1]):
        raise ValueError(
            f"value_norms must be (L, H, S) of maps {maps.shape}. Received: {value_norms.shape}"
        )
    return normalise(maps * value_norms[:, :, None, :])


def normalise(maps: np.ndarray) -> np.ndarray:
    """Rows scaled to a sum of 1; a row of nothing but zeros stays so."""
    total = maps.sum(axis=-1, keepdims=True)
    return np.divide(maps, total, out=np.zeros_like(maps), where=total > 0)


def is_punctuation(word: str) -> bool:
    """Whether a word or token has nothing but characters of Unicode's category P, as "," and "¿".

    Word-start marks aside; a bare one is a space and no punctuation.
    """
    characters = word.replace(WORD_START, "")
    return bool(characters) and all(unicodedata.category(c).startswith("P") for c in characters)


def kept(words: Sequence[str], *, end: bool = True, punctuation: bool = False) -> np.ndarray:
    """(len(words),) bool: the words that stay when `</s>` and punctuation are to be hidden."""
    return np.array(
        [not ((end and w == END) or (punctuation and is_punctuation(w))) for w in words], bool
    )


def hide(
    attention: Mapping[str, np.ndarray],
    source: Sequence[str],
    target: Sequence[str],
    *,
    end: bool = True,
    punctuation: bool = False,
) -> Shown:
    """Leave out `</s>` and punctuation, as rows and as columns, and scale the rest back to 1.

    A map of what is copied is not scaled.

    Args:
        attention: maps by kind ("cross", "encoder", "decoder"), of words or of tokens.
        source, target: those words or tokens.
        end: hide `</s>`.
        punctuation: hide words that are nothing but punctuation.

    Raises:
        ValueError: a map of an unknown kind, or of another size than the words.
    """
    words = {"source": source, "target": target}
    stays = {side: kept(words[side], end=end, punctuation=punctuation) for side in words}
    shown, hidden = {}, {}
    for kind, maps in attention.items():
        if kind not in AXES:
            raise ValueError(f"Kinds of maps are {', '.join(AXES)}. Received: {kind!r}")
        rows, columns = (stays[side] for side in AXES[kind])
        if maps.shape[-2:] != (len(rows), len(columns)):
            raise ValueError(
                f"A {kind} map needs {len(rows)} rows and {len(columns)} columns. "
                f"Received: shape={maps.shape}"
            )
        some = maps[..., rows, :]
        if kind == COPY:  # probabilities of their own, which nothing is taken from
            shown[kind], hidden[kind] = some[..., columns], np.zeros(some.shape[:-1], some.dtype)
            continue
        hidden[kind] = some[..., ~columns].sum(axis=-1)
        shown[kind] = normalise(some[..., columns])
    left = {side: [*itertools.compress(words[side], stays[side])] for side in words}
    return Shown(left["source"], left["target"], shown, hidden)


def _axes(over: str) -> tuple[int, ...]:
    if over not in OVER:
        raise ValueError(f"over must be one of {', '.join(OVER)}. Received: over={over!r}")
    return OVER[over]


def _check(maps: np.ndarray) -> np.ndarray:
    if maps.ndim != 4 or 0 in maps.shape[:2]:
        raise ValueError(f"Maps must be (L, H, T, S), L and H at least 1. Received: {maps.shape}")
    return maps
