"""Writing a target token by token: greedy, beam search and sampling, once for every model.

Axes: B batch, N beams (1 for greedy and sampling), T steps the program is made for, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.inference.sampling import Generated, Sampling, draw
from zoo.inference.search import argmax, beam_search, sample, write
from zoo.layers.attention_hooks import without_maps
from zoo.runtime import backend
from zoo.tokenizer import PAD

Tensor = Any

TWO_HALVES = 16
"""Batches from this size on are answered as two halves where `backend.at_once` says so."""


def generate(
    model: keras.Model,
    source: Any,
    *,
    length: int,
    limit: int | Sequence[int] | None = None,
    beams: int = 1,
    length_penalty: float = 0.6,
    sampling: Sampling | None = None,
    seed: int | Sequence[int] = 0,
) -> Generated:
    """Let `model` write a target for each row of `source`: the whole loop is one XLA program.

    A program is compiled for each (B, S), `length`, `beams` and whether to sample; everything else
    may change from call to call at no cost. Each row's answer depends on that row alone.

    Args:
        model: a `Seq2Seq` whose variables exist.
        source: (B, S) ids, padded with PAD. A row of nothing but PAD costs no step.
        length: T, the number of steps there is room for.
        limit: number of tokens (EOS included) after which to stop, 1 to `length`; one for each
            row if a sequence. The default is `length`.
        beams: N, the width of the beam and the number of hypotheses returned; 1 is greedy.
        length_penalty: alpha of Wu et al. 2016, eq. 14; 0 compares plain log-probabilities.
        sampling: draw tokens by chance instead, with one beam.
        seed: of the draws. The draw for a token depends on the seed, the row and the position
            only, so neither on the backend nor on the other rows.

    Returns:
        `Generated`, in NumPy arrays.

    Raises:
        ValueError: arguments that make no sense.
    """
    source = np.asarray(source, dtype="int32")
    if source.ndim != 2 or 0 in source.shape:
        raise ValueError(f"`source` must be (B, S), not empty. Received: shape={source.shape}")
    _check(length, beams, length_penalty, sampling)
    limits = np.asarray(length if limit is None else limit, dtype="int32")
    if limits.shape not in ((), source.shape[:1]) or limits.min() < 1 or limits.max() > length:
        raise ValueError(
            f"`limit` must be from 1 to length={length}, one number or one a row. "
            f"Received: limit={limit}"
        )
    limits = np.broadcast_to(limits, source.shape[:1])
    run = backend.compiled(model, whole_loop, length=length, beams=beams)
    uniform = None if sampling is None else draw(seed, len(source), length)

    def answer(rows: slice) -> Generated:
        chance = () if sampling is None else _chance(sampling, uniform[rows])
        found = run(source[rows], limits[rows], np.float32(length_penalty), *chance)
        return Generated(*(ops.convert_to_numpy(part) for part in found))

    half = len(source) // 2
    if len(source) < TWO_HALVES or len(source) % 2 or backend.at_once() < 2:
        return answer(slice(None))
    with ThreadPoolExecutor(2) as threads:
        halves = threads.map(answer, (slice(half), slice(half, None)))
        return Generated(*map(np.concatenate, zip(*halves, strict=True)))


def search(
    model: keras.Model,
    source: Tensor,
    *,
    length: int,
    limit: Any = None,
    beams: int = 1,
    length_penalty: float = 0.6,
    sampling: Sampling | None = None,
    uniform: Tensor | None = None,
) -> Generated:
    """The same as `generate`, as plain `keras.ops`: to be traced into a larger program.

    Works in a `tf.function` without XLA and with unknown B and S, as exporting needs it. The
    arguments are those of `generate`, but `source` and `limit` may be tensors, and the draws of
    `sampling` are given as `uniform` (B, T), numbers in [0, 1).

    Returns:
        `Generated`, in tensors.
    """
    _check(length, beams, length_penalty, sampling)
    if (sampling is None) != (uniform is None):
        raise ValueError("`sampling` and `uniform` go together. Received: only one of them")
    source = ops.cast(source, "int32")
    limit = ops.cast(length if limit is None else limit, "int32")
    limits = ops.broadcast_to(limit, (ops.shape(source)[0],))
    chance = () if sampling is None else _chance(sampling, uniform)
    penalty = ops.convert_to_tensor(length_penalty, dtype="float32")
    return whole_loop(model, source, limits, penalty, *chance, length=length, beams=beams)


def _check(length: int, beams: int, length_penalty: float, sampling: Sampling | None) -> None:
    if length < 1:
        raise ValueError(f"`length` must be at least 1. Received: length={length}")
    if beams < 1:
        raise ValueError(f"`beams` must be at least 1. Received: beams={beams}")
    if not (math.isfinite(length_penalty) and length_penalty >= 0):
        raise ValueError(f"`length_penalty` must be >= 0. Received: {length_penalty}")
    if sampling is not None and beams > 1:
        raise ValueError(f"Sampling has no beams: use one or the other. Received: beams={beams}")


def _chance(sampling: Sampling, uniform: Any) -> tuple[Any, ...]:
    return (
        np.float32(sampling.temperature),
        np.int32(sampling.top_k),
        np.float32(sampling.top_p),
        uniform,
    )


def whole_loop(
    model: keras.Model,
    source: Tensor,
    limits: Tensor,
    alpha: Tensor,
    *chance: Tensor,
    length: int,
    beams: int,
) -> Generated:
    """What `generate` compiles: `search` of nothing but tensors, which are not checked.

    Args:
        model: anything that keeps the contract of `zoo.kinds.seq2seq.Seq2Seq`.
        chance: temperature, top_k, top_p and uniform draws, where tokens are drawn.
    """
    # Attention maps are read from `decode` afterwards.
    with without_maps():
        memory = model.encode(source)
    if isinstance(memory, dict):
        # Tiled for beams they would be large.
        memory = {name: value for name, value in memory.items() if name != "encoder"}
    limits = ops.minimum(limits, length)
    empty = ops.logical_or(ops.all(ops.equal(source, PAD), axis=1), limits < 1)
    state = model.init_state(memory, length)
    if beams > 1:
        return Generated(*beam_search(model, memory, state, empty, limits, alpha, length, beams))

    def choose(logits: Tensor, index: Tensor) -> Tensor:
        if not chance:
            return argmax(logits)
        *settings, uniform = chance
        return sample(logits, ops.take(uniform, index, axis=1), *settings)

    return Generated(*write(model, memory, state, empty, limits, alpha, length, choose))
