"""A long text cut into what a language model can read, and what it says of each token put together.

A network with a context reads the text through a sliding window; one without carries its state.
NumPy alone, whatever runs the network. Axes: N tokens of the text, B windows, T tokens of one, K
candidates, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from zoo.padding import LENGTHS, bucket

AT_ONCE = 4_096
"""Tokens in one batch of windows."""


class Ranked(NamedTuple):
    """What `log_probs` tells of each of N tokens, and what else might have been there."""

    log_probs: np.ndarray
    """(N,) float32."""
    ranks: np.ndarray
    """(N,) int32: the place among all tokens that may be written, the likeliest is 1."""
    candidates: np.ndarray
    """(N, K) int32: the likeliest ids at each place, best first."""
    candidate_log_probs: np.ndarray
    """(N, K) float32; -inf where fewer than K ids may be written."""


@dataclass(frozen=True)
class Text:
    """A text to be read.

    Args:
        ids: (N,) int32.
        start: the id in front of the first token.
        report: called with the number of tokens done, as it goes.
    """

    ids: np.ndarray
    start: int
    report: Callable[[int], None] = lambda done: None

    @property
    def read(self) -> np.ndarray:
        """(N,) int32: what comes before each token."""
        return np.concatenate([[self.start], self.ids[:-1]]).astype("int32")


def windowed(
    run: Callable[[np.ndarray, np.ndarray], list[np.ndarray]],
    text: Text,
    context: int,
    stride: int | None = None,
    at_once: int = 0,
) -> list[np.ndarray]:
    """Each result (B, T, ...) of `run(read, follow)` for all of a text, (N, ...).

    Args:
        run: of (B, T) ids read and the (B, T) ids that follow them.
        text: to be read.
        context: the most that T may be.
        stride: how far the window moves; a quarter of the context by default.
        at_once: tokens in one batch of windows, at least those of one; 0: `AT_ONCE`.

    Raises:
        ValueError: a stride that is not from 1 to the context.
    """
    stride = max(context // 4, 1) if stride is None else stride
    if not 1 <= stride <= context:
        raise ValueError(f"stride must be from 1 to the context, {context}. Received: {stride}")
    ids, read, found = text.ids, text.read, []
    length = min(context, len(ids))
    size = min(bucket(length, LENGTHS), context)  # a short text is filled up: few programs
    begins = list(range(0, max(len(ids) - length, 0) + 1, stride))
    if begins[-1] + length < len(ids):
        begins.append(len(ids) - length)
    rows = min(max((at_once or AT_ONCE) // size, 1), 1 << (len(begins) - 1).bit_length())
    done = 0
    for at in range(0, len(begins), rows):
        some = begins[at : at + rows]
        places = np.array([*some, *[some[0]] * (rows - len(some))])[:, None] + np.arange(size)
        places = np.minimum(places, len(ids) - 1)
        results = run(read[places], ids[places])
        found = found or [np.empty((len(ids), *each.shape[2:]), each.dtype) for each in results]
        for row, begin in enumerate(some):
            for whole, part in zip(found, results, strict=True):
                whole[done : begin + length] = part[row, done - begin : length]
            done = begin + length
        text.report(done)
    return found


def carried(
    run: Callable[[np.ndarray, np.ndarray, Any, int], tuple[list[np.ndarray], Any]],
    text: Text,
    state: Any,
    size: int,
) -> list[np.ndarray]:
    """Each result (1, T, ...) of `run(read, follow, state, count)` for all of a text, (N, ...).

    Args:
        run: of (1, T) ids, of which `count` are real, and a state; gives the state after them too.
        text: to be read.
        state: before the first token.
        size: T.
    """
    ids, read, found = text.ids, text.read, []
    for at in range(0, len(ids), size):
        count = min(size, len(ids) - at)
        both = np.zeros((2, 1, size), "int32")
        both[0, 0, :count], both[1, 0, :count] = read[at : at + count], ids[at : at + count]
        results, state = run(*both, state, count)
        found = found or [np.empty((len(ids), *each.shape[2:]), each.dtype) for each in results]
        for whole, part in zip(found, results, strict=True):
            whole[at : at + count] = part[0, :count]
        text.report(at + count)
    return found


def placed(
    logits: np.ndarray, ids: np.ndarray, excluded: np.ndarray, candidates: int
) -> tuple[np.ndarray, ...]:
    """(B, T, V) logits at ids (B, T) -> the parts of `Ranked`: (B, T), (B, T), (B, T, K) twice."""
    top = logits.max(axis=-1, keepdims=True)
    every = logits - top - np.log(np.exp(logits - top).sum(axis=-1, keepdims=True))
    own = np.take_along_axis(logits, ids[..., None], axis=-1)  # (B, T, 1)
    ranks = 1 + np.count_nonzero(logits + excluded > own, axis=-1)
    allowed = every + excluded
    best, best_log_probs = largest(allowed, candidates)
    log_probs = np.take_along_axis(every, ids[..., None], axis=-1)[..., 0]
    return log_probs, ranks.astype("int32"), best, best_log_probs


def largest(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` largest of the last axis, best first, of equals the first: ids and values."""
    if count < values.shape[-1]:
        # Of equals at the edge argpartition takes any: one more is looked at.
        bound = -np.partition(-values, count - 1, axis=-1)[..., count - 1 : count]
        kept = values >= bound
        if (kept.sum(axis=-1) > count).any():
            order = np.argsort(-values, axis=-1, kind="stable")[..., :count]
        else:
            place = np.argsort(~kept, axis=-1, kind="stable")[..., :count]
            inner = np.argsort(-np.take_along_axis(values, place, -1), axis=-1, kind="stable")
            order = np.take_along_axis(place, inner, axis=-1)
    else:
        order = np.argsort(-values, axis=-1, kind="stable")[..., :count]
    return order.astype("int32"), np.take_along_axis(values, order, axis=-1)
