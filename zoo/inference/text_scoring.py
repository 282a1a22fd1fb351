"""How likely a language model finds a running text: log-probabilities of every token, and maps.

A network with a context reads the text through a sliding window; one without carries its state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from zoo.inference.text_windows import Ranked, Text, carried, windowed
from zoo.kinds.base import Maps, State, Tensor
from zoo.kinds.language_model import LanguageModel
from zoo.layers.attention_hooks import without_maps
from zoo.runtime import backend

CHUNK = 512
"""Tokens that a network without a context reads at a time."""


def log_probs(
    network: LanguageModel,
    ids: np.ndarray,
    start: int,
    stride: int | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Natural log-probability of each token of a text, given those before it.

    Args:
        network: a language model.
        ids: (N,) the text.
        start: the id in front of the first token.
        stride: of a network with a context C: how far the window moves. Every token but those of
            the first window is then predicted from at least C - stride tokens before it; C / 4 by
            default. A network without a context reads on, and has no windows.
        report: called with the number of tokens done, as it goes.

    Returns:
        (N,) float32.

    Raises:
        ValueError: a stride that is not from 1 to the context.
    """
    run = backend.compiled(network, windows if network.context else onward)
    if not len(ids):
        return np.zeros(0, "float32")
    return _along(network, run, ids, start, stride, report)[0]


def ranked(
    network: LanguageModel,
    ids: np.ndarray,
    start: int,
    excluded: np.ndarray,
    candidates: int,
    stride: int | None = None,
) -> Ranked:
    """The same as `log_probs`, with ranks and candidates.

    Args:
        network, ids, start, stride: as there; at least one id.
        excluded: (V,) added to logits: -inf for ids that are never written.
        candidates: K.
    """
    made = ranked_windows if network.context else ranked_onward
    program = backend.compiled(network, made, candidates=candidates)

    def run(*tensors: Any) -> Any:
        return program(excluded, *tensors)

    return Ranked(*_along(network, run, ids, start, stride, lambda done: None))


def _along(
    network: LanguageModel,
    run: Callable[..., Any],
    ids: np.ndarray,
    start: int,
    stride: int | None,
    report: Callable[[int], None],
) -> list[np.ndarray]:
    """Each result (B, T, ...) of `run` for all of a text, (N, ...)."""
    text = Text(np.asarray(ids, "int32"), start, report)

    def window(read: np.ndarray, follow: np.ndarray) -> list[np.ndarray]:
        return [ops.convert_to_numpy(each) for each in run(read, follow)]

    def part(read: np.ndarray, follow: np.ndarray, state: Any, count: int) -> Any:
        *results, state = run(read, follow, state, np.array([count], "int32"))
        return [ops.convert_to_numpy(each) for each in results], state

    if network.context is None:
        return carried(part, text, network.init_state(1, CHUNK), CHUNK)
    return windowed(window, text, network.context, stride)


def windows(network: LanguageModel, read: Tensor, follow: Tensor) -> tuple[Tensor]:
    """(B, T) log-probabilities of what follows each token read, each row by itself."""
    with without_maps():
        logits, _ = network.decode(read, {})
    return (picked(logits, follow),)


def onward(
    network: LanguageModel, read: Tensor, follow: Tensor, state: State, lengths: Tensor
) -> tuple[Tensor, State]:
    """(B, T) log-probabilities of what follows, from a state, and the state after it."""
    logits, state = network.read(read, state, ops.zeros_like(lengths), lengths)
    return picked(logits, follow), state


def ranked_windows(
    network: LanguageModel, excluded: Tensor, read: Tensor, follow: Tensor, *, candidates: int
) -> tuple[Tensor, ...]:
    """`windows` with the other parts of `Ranked`."""
    with without_maps():
        logits, _ = network.decode(read, {})
    return placed(logits, follow, excluded, candidates)


def ranked_onward(
    network: LanguageModel,
    excluded: Tensor,
    read: Tensor,
    follow: Tensor,
    state: State,
    lengths: Tensor,
    *,
    candidates: int,
) -> tuple[Any, ...]:
    """`onward` with the other parts of `Ranked`."""
    logits, state = network.read(read, state, ops.zeros_like(lengths), lengths)
    return *placed(logits, follow, excluded, candidates), state


def picked(logits: Tensor, ids: Tensor) -> Tensor:
    """(B, T, V) logits at ids (B, T) -> (B, T) log-probabilities."""
    right = ops.take_along_axis(logits, ids[..., None], axis=-1)[..., 0]
    return right - ops.logsumexp(logits, axis=-1)


def placed(logits: Tensor, ids: Tensor, excluded: Tensor, candidates: int) -> tuple[Tensor, ...]:
    """(B, T, V) logits at ids (B, T) -> the parts of `Ranked`: (B, T), (B, T), (B, T, K) twice."""
    own = ops.take_along_axis(logits, ids[..., None], axis=-1)  # (B, T, 1)
    above = ops.cast(logits + excluded > own, "int32")  # (B, T, V)
    every = ops.log_softmax(logits, axis=-1) + excluded  # (B, T, V)
    best_log_probs, best = ops.top_k(every, candidates)  # (B, T, K)
    ranks = ops.sum(above, axis=-1) + 1
    return picked(logits, ids), ranks, ops.cast(best, "int32"), best_log_probs


def look(network: LanguageModel, tokens: Tensor) -> Maps:
    """Where each token of (B, T) looks: maps by kind, (B, L, H, T, T)."""
    return network.decode(tokens, {})[1]
