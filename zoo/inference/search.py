"""The loops of `zoo.inference.generation`: token by token, and beam search, in `keras.ops`.

Only what becomes plain TensorFlow in an exported graph is used: tokens are written with
`where(position == index, ...)`, since a slice update would need XLA there.

Axes: B batch, N beams, T steps the program is made for, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.tokenizer import BOS, EOS, PAD, UNK

Tensor = Any
Found = tuple[Tensor, Tensor, Tensor, Tensor]
"""Tokens (B, N, T), log_probs (B, N, T), lengths (B, N), scores (B, N): see `Generated`."""


def write(
    model: keras.Model,
    memory: Any,
    state: Any,
    done: Tensor,
    limits: Tensor,
    alpha: Tensor,
    length: int,
    choose: Callable[[Tensor, Tensor], Tensor],
) -> Found:
    """One token after the other, each the one that `choose(logits, index)` -> (B,) picks."""
    rows = ops.shape(limits)[0]
    position = ops.arange(length, dtype="int32")

    def step(
        index: Tensor, done: Tensor, token: Tensor, tokens: Tensor, log_probs: Tensor, state: Any
    ) -> tuple[Any, ...]:
        logits, after = model.step(token, index, state, memory)
        logits = ops.cast(logits, "float32")
        token = ops.cast(choose(logits + _forbidden(logits.shape[-1]), index), "int32")
        log_prob = _pick(ops.log_softmax(logits), token[:, None])
        token = ops.where(done, PAD, token)
        here = ops.logical_and(ops.equal(position, index), ops.logical_not(done)[:, None])
        tokens = ops.where(here, token[:, None], tokens)
        log_probs = ops.where(here, log_prob, log_probs)
        done = done | ops.equal(token, EOS) | (index + 1 >= limits)
        return index + 1, done, token, tokens, log_probs, same_types(after, state)

    _, _, _, tokens, log_probs, _ = ops.while_loop(
        lambda index, done, *_: ops.logical_and(index < length, ops.logical_not(ops.all(done))),
        step,
        (
            ops.convert_to_tensor(0, dtype="int32"),
            done,
            ops.full((rows,), BOS, dtype="int32"),
            ops.full((rows, length), PAD, dtype="int32"),
            ops.zeros((rows, length), dtype="float32"),
            state,
        ),
    )
    lengths = ops.sum(ops.cast(ops.not_equal(tokens, PAD), "int32"), axis=1)
    scores = ops.sum(log_probs, axis=1) / _penalty(lengths, alpha)
    scores = ops.where(lengths > 0, scores, -math.inf)
    return tuple(ops.expand_dims(x, 1) for x in (tokens, log_probs, lengths, scores))


def argmax(logits: Tensor) -> Tensor:
    """(B, V) -> (B,) int32, the first of the largest.

    In two stages, along an axis of a few dozen: compilers vectorise those, and take V numbers one
    by one.
    """
    vocabulary = logits.shape[-1]
    width = next((n for n in (128, 64, 32, 16, 8) if vocabulary % n == 0), 0)
    if not width:
        return ops.cast(ops.argmax(logits, axis=-1), "int32")
    logits = ops.reshape(logits, (-1, vocabulary // width, width))
    ids = ops.reshape(ops.arange(vocabulary, dtype="int32"), (1, -1, width))
    most = ops.max(ops.max(logits, axis=1), axis=1)[:, None, None]
    first = ops.min(ops.min(ops.where(logits >= most, ids, vocabulary - 1), axis=1), axis=1)
    return ops.cast(first, "int32")


def sample(
    logits: Tensor, uniform: Tensor, temperature: Tensor, top_k: Tensor, top_p: Tensor
) -> Tensor:
    """(B,) ids, drawn by inverting the cumulative distribution at `uniform` (B,)."""
    vocabulary = logits.shape[-1]
    rank = ops.arange(vocabulary, dtype="int32")
    logits, ids = ops.top_k(logits / temperature, vocabulary)
    probs = ops.softmax(logits)
    probs = ops.where((rank < top_k) | (top_k <= 0), probs, 0.0)
    probs = probs / ops.sum(probs, axis=-1, keepdims=True)
    before = ops.cumsum(probs, axis=-1) - probs
    # The first token is always kept; with top_p = 1 rounding must not lose the last ones.
    probs = ops.where((before < top_p) | ops.equal(rank, 0) | (top_p >= 1.0), probs, 0.0)
    edges = ops.cumsum(probs, axis=-1)
    place = ops.sum(ops.cast(edges <= uniform[:, None] * edges[:, -1:], "int32"), axis=-1)
    last = ops.sum(ops.cast(probs > 0, "int32"), axis=-1) - 1
    return _pick(ids, ops.minimum(place, last)[:, None])[:, 0]


class _Live(NamedTuple):
    """The N unfinished hypotheses of each row, best first; -inf marks an empty place."""

    total: Tensor  # (B, N) summed log-probabilities
    token: Tensor  # (B, N) the token written last
    tokens: Tensor  # (B, N, T)
    log_probs: Tensor  # (B, N, T)


class _Pool(NamedTuple):
    """The N best finished hypotheses of each row, best first; -inf marks an empty place."""

    score: Tensor  # (B, N) after the length penalty
    tokens: Tensor  # (B, N, T)
    log_probs: Tensor  # (B, N, T)
    length: Tensor  # (B, N)


def beam_search(
    model: keras.Model,
    memory: Any,
    state: Any,
    done: Tensor,
    limits: Tensor,
    alpha: Tensor,
    length: int,
    beams: int,
) -> Found:
    """Beam search with a pool of finished hypotheses, Wu et al. 2016, section 7.

    Of the 2N best continuations of a row, those that end and are among the first N go into the
    pool, and the N best of the others live on. A row is done once no live hypothesis, were all
    its further tokens certain, could still beat the worst of a full pool: from log-probabilities
    of at most 0 follows score <= total / penalty(limit), so stopping there loses nothing.
    """
    memory, state = (keras.tree.map_structure(_tile(beams), x) for x in (memory, state))
    memory |= {"output": model.output_matrix()}

    def step(index: Tensor, done: Tensor, live: _Live, pool: _Pool, state: Any) -> tuple[Any, ...]:
        token = ops.reshape(live.token, (-1,))
        logits, after = model.step(token, index, state, memory)
        wider, parent = _continue(live, ops.cast(logits, "float32"), index)
        ended = ops.equal(wider.token, EOS)
        pool = _admit(pool, wider, ended & ops.logical_not(done)[:, None], index + 1, alpha)
        total, chosen = ops.top_k(ops.where(ended, -math.inf, wider.total), beams)
        ahead = _Live(total, *(_pick(part, chosen) for part in wider[1:]))
        # A row that is done keeps what it has, whatever the other rows still do.
        live = _Live(*(ops.where(_widen(done, x), x, y) for x, y in zip(live, ahead, strict=True)))
        after = keras.tree.map_structure(_reorder(_pick(parent, chosen), beams), after)
        bound = ops.max(live.total, axis=1) / _penalty(limits, alpha)
        done = done | (index + 1 >= limits) | (bound <= pool.score[:, -1])
        return index + 1, done, live, pool, same_types(after, state)

    _, _, live, pool, _ = ops.while_loop(
        lambda index, done, *_: ops.logical_and(index < length, ops.logical_not(ops.all(done))),
        step,
        (
            ops.convert_to_tensor(0, dtype="int32"),
            done,
            *_begin(done, length, beams),
            state,
        ),
    )
    return _settle(pool, live, limits, alpha)


def _begin(empty: Tensor, length: int, beams: int) -> tuple[_Live, _Pool]:
    """One live hypothesis a row, of no tokens yet; none where the source is `empty` (B,)."""
    rows = ops.shape(empty)[0]
    lost = ops.full((rows, beams), -math.inf, dtype="float32")
    first = ops.equal(ops.arange(beams), 0) & ops.logical_not(empty)[:, None]
    tokens = ops.full((rows, beams, length), PAD, dtype="int32")
    log_probs = ops.zeros((rows, beams, length), dtype="float32")
    begin = ops.full((rows, beams), BOS, dtype="int32")
    live = _Live(ops.where(first, 0.0, lost), begin, tokens, log_probs)
    return live, _Pool(lost, tokens, log_probs, ops.zeros((rows, beams), dtype="int32"))


def _continue(live: _Live, logits: Tensor, index: Tensor) -> tuple[_Live, Tensor]:
    """The 2N best continuations of each row by one token, and the beam (B, 2N) each comes from.

    At most N of them end, one for each beam, so N that do not end are always among them.
    """
    beams, length = live.tokens.shape[1:]
    vocabulary = logits.shape[-1]
    log_probs = ops.reshape(ops.log_softmax(logits), (-1, beams, vocabulary))
    totals = live.total[..., None] + log_probs + _forbidden(vocabulary)
    total, place = ops.top_k(ops.reshape(totals, (-1, beams * vocabulary)), 2 * beams)
    log_prob = _pick(ops.reshape(log_probs, (-1, beams * vocabulary)), place)
    parent, token = place // vocabulary, place % vocabulary
    here = ops.equal(ops.arange(length, dtype="int32"), index)
    tokens = ops.where(here, token[..., None], _pick(live.tokens, parent))
    log_probs = ops.where(here, log_prob[..., None], _pick(live.log_probs, parent))
    return _Live(total, token, tokens, log_probs), parent


def _admit(pool: _Pool, wider: _Live, ended: Tensor, length: Tensor, alpha: Tensor) -> _Pool:
    """The pool with those of the N best continuations that `ended`, kept at its size."""
    beams = pool.score.shape[1]
    score = ops.where(ended, wider.total / _penalty(length, alpha), -math.inf)[:, :beams]
    lengths = ops.broadcast_to(length, ops.shape(pool.length))
    new = _Pool(score, wider.tokens[:, :beams], wider.log_probs[:, :beams], lengths)
    return _best(pool, new)


def _settle(pool: _Pool, live: _Live, limits: Tensor, alpha: Tensor) -> Found:
    """The N best by score of those that ended and those that were cut at the limit.

    Where a row was done before its limit, no live hypothesis can come before the pool's.
    """
    limits = ops.broadcast_to(limits[:, None], ops.shape(pool.length))
    cut = _Pool(live.total / _penalty(limits, alpha), live.tokens, live.log_probs, limits)
    scores, tokens, log_probs, lengths = _best(pool, cut)
    real = scores > -math.inf
    return (
        ops.where(real[..., None], tokens, PAD),
        ops.where(real[..., None], log_probs, 0.0),
        ops.where(real, lengths, 0),
        scores,
    )


def _best(pool: _Pool, others: _Pool) -> _Pool:
    """The N best of both by score; of equals, the pool's."""
    joined = [ops.concatenate(pair, axis=1) for pair in zip(pool, others, strict=True)]
    score, chosen = ops.top_k(joined[0], pool.score.shape[1])
    return _Pool(score, *(_pick(part, chosen) for part in joined[1:]))


def _penalty(length: Tensor, alpha: Tensor) -> Tensor:
    """((5 + length) / 6) ** alpha, Wu et al. 2016, eq. 14."""
    return ops.power((5.0 + ops.cast(length, "float32")) / 6.0, alpha)


def _forbidden(vocabulary: int) -> Tensor:
    """(V,) to add to logits: -inf for the tokens that are no answer, else 0."""
    ids = ops.arange(vocabulary, dtype="int32")
    special = ops.equal(ids, PAD) | ops.equal(ids, BOS) | ops.equal(ids, UNK)
    return ops.where(special, ops.full((vocabulary,), -math.inf, dtype="float32"), 0.0)


def _pick(values: Tensor, index: Tensor) -> Tensor:
    """Values (B, K, ...) at index (B, J) -> (B, J, ...)."""
    rows, many, *rest = ops.shape(values)
    first = ops.arange(rows, dtype="int32")[:, None] * many
    return ops.take(ops.reshape(values, (-1, *rest)), index + first, axis=0)


def _widen(flags: Tensor, like: Tensor) -> Tensor:
    """Flags (B,) with as many axes as `like`."""
    return ops.reshape(flags, (-1, *(1,) * (len(like.shape) - 1)))


def _tile(beams: int) -> Callable[[Tensor], Tensor]:
    """(B, ...) -> (B * N, ...), the beams of a row side by side."""
    return lambda x: None if x is None else ops.repeat(x, beams, axis=0)


def _reorder(parent: Tensor, beams: int) -> Callable[[Tensor], Tensor]:
    """(B * N, ...) -> the same with each beam's part taken from its parent (B, N)."""
    first = ops.arange(ops.shape(parent)[0], dtype="int32")[:, None] * beams
    place = ops.reshape(parent + first, (-1,))
    return lambda x: None if x is None else ops.take(x, place, axis=0)


def same_types(after: Any, before: Any) -> Any:
    """A state with the number types of the one before, as loops need (mixed precision)."""
    return keras.tree.map_structure(
        lambda x, y: None if x is None else ops.cast(x, y.dtype), after, before
    )
