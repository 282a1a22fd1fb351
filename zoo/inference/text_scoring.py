"""How likely a language model finds a running text: log-probabilities of every token, and maps.

A network with a context reads the text through a sliding window; one without carries its state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from zoo.kinds.base import Maps, State, Tensor
from zoo.kinds.language_model import LanguageModel
from zoo.layers.attention_hooks import without_maps
from zoo.padding import LENGTHS, bucket
from zoo.runtime import backend

CHUNK = 512
"""Tokens that a network without a context reads at a time."""
AT_ONCE = 4_096
"""Tokens in one batch of windows."""


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
        start: the id that stands before the first token.
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


class Ranked(NamedTuple):
    """What `log_probs` tells of each of N tokens, and what else might have stood there."""

    log_probs: np.ndarray
    """(N,) float32."""
    ranks: np.ndarray
    """(N,) int32: the place among all tokens that may be written, the likeliest is 1."""
    candidates: np.ndarray
    """(N, K) int32: the likeliest ids at each place, best first."""
    candidate_log_probs: np.ndarray
    """(N, K) float32; -inf where fewer than K ids may be written."""


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
    ids = np.asarray(ids, dtype="int32")
    read = np.concatenate([[start], ids[:-1]]).astype("int32")
    context = network.context
    if context is None:
        return _carried(network, run, read, ids, report)
    stride = max(context // 4, 1) if stride is None else stride
    if not 1 <= stride <= context:
        raise ValueError(f"stride must be from 1 to the context, {context}. Received: {stride}")
    return _windowed(run, read, ids, context, stride, report)


def _windowed(
    run: Callable[..., Any],
    read: np.ndarray,
    ids: np.ndarray,
    context: int,
    stride: int,
    report: Callable[[int], None],
) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    length = min(context, len(ids))
    size = min(bucket(length, LENGTHS), context)  # a short text is filled up: few programs
    begins = list(range(0, max(len(ids) - length, 0) + 1, stride))
    if begins[-1] + length < len(ids):
        begins.append(len(ids) - length)
    rows = min(max(AT_ONCE // size, 1), 1 << (len(begins) - 1).bit_length())
    done = 0
    for at in range(0, len(begins), rows):
        some = begins[at : at + rows]
        places = np.array([*some, *[some[0]] * (rows - len(some))])[:, None] + np.arange(size)
        places = np.minimum(places, len(ids) - 1)
        results = [ops.convert_to_numpy(each) for each in run(read[places], ids[places])]
        found = found or [np.empty((len(ids), *each.shape[2:]), each.dtype) for each in results]
        for row, begin in enumerate(some):
            for whole, part in zip(found, results, strict=True):
                whole[done : begin + length] = part[row, done - begin : length]
            done = begin + length
        report(done)
    return found


def _carried(
    network: LanguageModel,
    run: Callable[..., Any],
    read: np.ndarray,
    ids: np.ndarray,
    report: Callable[[int], None],
) -> list[np.ndarray]:
    state: Any = network.init_state(1, CHUNK)
    found: list[np.ndarray] = []
    for at in range(0, len(ids), CHUNK):
        count = min(CHUNK, len(ids) - at)
        both = np.zeros((2, 1, CHUNK), "int32")
        both[0, 0, :count], both[1, 0, :count] = read[at : at + count], ids[at : at + count]
        *results, state = run(*both, state, np.array([count], "int32"))
        results = [ops.convert_to_numpy(each) for each in results]
        found = found or [np.empty((len(ids), *each.shape[2:]), each.dtype) for each in results]
        for whole, part in zip(found, results, strict=True):
            whole[at : at + count] = part[0, :count]
        report(at + count)
    return found


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
