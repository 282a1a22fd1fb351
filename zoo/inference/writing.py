"""Going on from a state, token by token: the loop of every language model, one XLA program.

Axes: B batch, T tokens of a chunk, K candidates, V vocabulary.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from zoo.inference.search import argmax, same_types, sample
from zoo.kinds.base import State, Tensor
from zoo.kinds.language_model import LanguageModel


class Chunk(NamedTuple):
    """What was written in one call of a program, and from where the next one goes on."""

    tokens: Any
    """(B, T) int32; of a row only the first `limits` are written."""
    log_probs: Any
    """(B, T) float32, of the network: before temperature, top-k and top-p, nothing excluded."""
    candidates: Any
    """(B, T, K) int32: the likeliest ids at each place, best first."""
    candidate_log_probs: Any
    """(B, T, K) float32; -inf where fewer than K ids may be written."""
    logits: Any
    """(B, V) float32: what comes after the last token."""
    state: Any


def prefill(
    network: LanguageModel, tokens: Tensor, lengths: Tensor, *, room: int
) -> tuple[Tensor, State]:
    """Read prompts (B, P), of `lengths` (B,), padded on the right, into an empty state.

    `room`: how many tokens the state is for. Returns the logits (B, V) after each row's last token.
    """
    rows = ops.shape(tokens)[0]
    state = network.init_state(rows, room)
    logits, state = network.read(tokens, state, ops.zeros_like(lengths), lengths)
    last = ops.take_along_axis(logits, (lengths - 1)[:, None, None], axis=1)[:, 0]
    return last, state


def write(
    network: LanguageModel,
    logits: Tensor,
    state: State,
    index: Tensor,
    count: Tensor,
    excluded: Tensor,
    *chance: Tensor,
    length: int,
    candidates: int,
) -> Chunk:
    """Write `count` tokens of every row, each chosen from the logits before it.

    Args:
        network: a language model.
        logits: (B, V), what comes next.
        state: after `index` (B,) tokens.
        count: a number, at most `length`.
        excluded: (V,) added to logits: -inf for ids that are never written.
        chance: temperature, top_k, top_p and draws (B, T), where tokens are drawn; else the
            likeliest is taken.
        length: T, what the program has room for.
        candidates: K.
    """
    rows = ops.shape(logits)[0]
    places = ops.arange(length, dtype="int32")

    def choose(logits: Tensor, number: Tensor) -> Tensor:
        if not chance:
            return argmax(logits)
        *settings, uniform = chance
        return sample(logits, ops.take(uniform, number, axis=1), *settings)

    def step(
        number: Tensor,
        logits: Tensor,
        state: State,
        tokens: Tensor,
        log_probs: Tensor,
        best: Tensor,
        best_log_probs: Tensor,
    ) -> tuple[Any, ...]:
        allowed = logits + excluded
        every = ops.log_softmax(logits, axis=-1)  # (B, V)
        token = ops.cast(choose(allowed, number), "int32")
        log_prob = ops.take_along_axis(every, token[:, None], axis=-1)  # (B, 1)
        top, ids = ops.top_k(every + excluded, candidates)  # (B, K)
        here = ops.equal(places, number)[None]  # (1, T)
        tokens = ops.where(here, token[:, None], tokens)
        log_probs = ops.where(here, log_prob, log_probs)
        best = ops.where(here[..., None], ops.cast(ids, "int32")[:, None], best)
        best_log_probs = ops.where(here[..., None], top[:, None], best_log_probs)
        after, next_state = network.step(token, index + number, state)
        going_on = number + 1, after, same_types(next_state, state)
        return *going_on, tokens, log_probs, best, best_log_probs

    nothing = [
        ops.zeros(shape, dtype=kind)
        for shape in ((rows, length), (rows, length, candidates))
        for kind in ("int32", "float32")
    ]
    first = (ops.convert_to_tensor(0, dtype="int32"), logits, state, *nothing)
    _, logits, state, *written = ops.while_loop(
        lambda number, *_: number < ops.minimum(count, length), step, first
    )
    return Chunk(*written, logits, state)


def exclusion(vocabulary: int, excluded: tuple[int, ...]) -> np.ndarray:
    """(V,) float32 to add to logits: -inf for ids that are never written."""
    added = np.zeros(vocabulary, "float32")
    added[list(excluded)] = -np.inf
    return added
