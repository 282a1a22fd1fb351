"""How likely a language model finds a running text: log-probabilities of every token, and maps.

A network with a context reads the text through a sliding window; one without carries its state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    ids = np.asarray(ids, dtype="int32")
    read = np.concatenate([[start], ids[:-1]]).astype("int32") if len(ids) else ids
    if not len(ids):
        return np.zeros(0, "float32")
    context = network.context
    if context is None:
        return _carried(network, read, ids, report)
    stride = max(context // 4, 1) if stride is None else stride
    if not 1 <= stride <= context:
        raise ValueError(f"stride must be from 1 to the context, {context}. Received: {stride}")
    return _windowed(network, read, ids, context, stride, report)


def _windowed(
    network: LanguageModel,
    read: np.ndarray,
    ids: np.ndarray,
    context: int,
    stride: int,
    report: Callable[[int], None],
) -> np.ndarray:
    run = backend.compiled(network, windows)
    found = np.empty(len(ids), "float32")
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
        picked = ops.convert_to_numpy(run(read[places], ids[places]))
        for begin, row in zip(some, picked, strict=False):
            found[done : begin + length] = row[done - begin : length]
            done = begin + length
        report(done)
    return found


def _carried(
    network: LanguageModel, read: np.ndarray, ids: np.ndarray, report: Callable[[int], None]
) -> np.ndarray:
    run = backend.compiled(network, onward)
    state: Any = network.init_state(1, CHUNK)
    found = np.empty(len(ids), "float32")
    for at in range(0, len(ids), CHUNK):
        count = min(CHUNK, len(ids) - at)
        both = np.zeros((2, 1, CHUNK), "int32")
        both[0, 0, :count], both[1, 0, :count] = read[at : at + count], ids[at : at + count]
        picked, state = run(*both, state, np.array([count], "int32"))
        found[at : at + count] = ops.convert_to_numpy(picked)[0, :count]
        report(at + count)
    return found


def windows(network: LanguageModel, read: Tensor, follow: Tensor) -> Tensor:
    """(B, T) log-probabilities of what follows each token read, each row by itself."""
    with without_maps():
        logits, _ = network.decode(read, {})
    return picked(logits, follow)


def onward(
    network: LanguageModel, read: Tensor, follow: Tensor, state: State, lengths: Tensor
) -> tuple[Tensor, State]:
    """(B, T) log-probabilities of what follows, from a state, and the state after it."""
    logits, state = network.read(read, state, ops.zeros_like(lengths), lengths)
    return picked(logits, follow), state


def picked(logits: Tensor, ids: Tensor) -> Tensor:
    """(B, T, V) logits at ids (B, T) -> (B, T) log-probabilities."""
    right = ops.take_along_axis(logits, ids[..., None], axis=-1)[..., 0]
    return right - ops.logsumexp(logits, axis=-1)


def look(network: LanguageModel, tokens: Tensor) -> Maps:
    """Where each token of (B, T) looks: maps by kind, (B, L, H, T, T)."""
    return network.decode(tokens, {})[1]
