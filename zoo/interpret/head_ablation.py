"""Which heads matter: what a model loses as each head of attention is switched off by itself.

Axes: L layers, H heads, N texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.interpret.edits import Off
from zoo.interpret.interventions import predict_without

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor


def outages(heads: Mapping[str, tuple[int, int]]) -> list[Off]:
    """Every head of every kind, each off by itself; `heads` are a network's `attention_heads`."""
    return [
        Off(kind, layer, head)
        for kind, (layers, count) in heads.items()
        for layer in range(layers)
        for head in range(count)
    ]


def gathered(
    heads: Mapping[str, tuple[int, int]], found: Iterable[tuple[Off, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What came of each head that was off, (...) each, by kind: (L, H, ...). NaN where none was."""
    arrays: dict[str, np.ndarray] = {}
    for off, values in found:
        empty = np.full((*heads[off.kind], *np.shape(values)), np.nan)
        arrays.setdefault(off.kind, empty)[off.layer, off.head] = values
    return arrays


def losses(
    loaded: Seq2SeqPredictor,
    sources: Sequence[str],
    targets: Sequence[str],
    tell: Callable[[], None] = lambda: None,
) -> dict[str, np.ndarray]:
    """How much less likely the right targets are without each head (Michel et al. 2019).

    arXiv:1905.10650, section 3.2, with log-probability of references in the place of BLEU: every
    head is switched off by itself, and the references are scored.

    Args:
        loaded: the model.
        sources, targets: N texts and what should become of them.
        tell: called as each head is done.

    Returns:
        by kind (N, L, H, 2): the nats that the target of each text lost, and its tokens, of which
        `zoo.stats.ratio` makes the mean loss a token; {} without attention.
    """
    whole, pieces = _scored(loaded, sources, targets, ())

    def each() -> Iterator[tuple[Off, np.ndarray]]:
        for off in outages(loaded.attention_heads):
            left, _ = _scored(loaded, sources, targets, (off,))
            yield off, np.stack([whole - left, pieces], axis=-1)
            tell()

    return {
        kind: np.moveaxis(values, 2, 0)
        for kind, values in gathered(loaded.attention_heads, each()).items()
    }


def together(
    loaded: Seq2SeqPredictor, sources: Sequence[str], targets: Sequence[str]
) -> dict[str, np.ndarray]:
    """As `losses`, with all heads of a kind off at once: heads that replace each other.

    Returns:
        by kind (N, 2).
    """
    whole, pieces = _scored(loaded, sources, targets, ())
    found = {}
    for kind, (layers, _) in loaded.attention_heads.items():
        off = tuple(Off(kind, layer) for layer in range(layers))
        left, _ = _scored(loaded, sources, targets, off)
        found[kind] = np.stack([whole - left, pieces], axis=-1)
    return found


def _scored(
    loaded: Seq2SeqPredictor, sources: Sequence[str], targets: Sequence[str], off: tuple[Off, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) log-probability of each target, and (N,) how many tokens it has."""
    found = predict_without(loaded, sources, off, target=targets, attention=False)
    sums = [one.log_probs.astype("float64").sum() for one in found]
    return np.array(sums), np.array([len(one.log_probs) for one in found], "float64")
