"""Three ways to compute how a written token depends on each read one, of every Seq2Seq, batched.

Gradient x input, integrated gradients and occlusion. None needs attention, so these are also what
attention can be held against. Axes: S read tokens, T written tokens, D width, R rows of a batch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo.layers.attention_hooks import without_maps
from zoo.runtime import backend
from zoo.tokenizer import BOS, PAD, UNK

if TYPE_CHECKING:
    from zoo.kinds.base import Tensor
    from zoo.kinds.seq2seq import Seq2Seq

TOLERANCE = 0.01
"""Integrated gradients are refined until they miss no more than this share of the difference."""

ROUNDING = 1e-4
"""Nats below which a miss is taken for float32's: a share of almost nothing cannot be reached."""

ROWS_AT_ONCE = 64
"""The most gradients of one batch; more keep no processor busier."""

NUMBERS_AT_ONCE = 2**24
"""About how many numbers the largest arrays of a batch may hold, so that memory stays bounded."""


def gradient_times_input(network: Seq2Seq, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Gradient of each written token's log-probability by the source embeddings, times these.

    Denil, Demiraj and de Freitas 2014 (arXiv:1412.6815), summed over the width and signed.

    Args:
        network: any Seq2Seq.
        source, target: (1, S) and (1, T) ids, padded with PAD.

    Returns:
        (T, S) float32 without padding.
    """
    many, size = _lengths(source, target)
    scores = np.zeros((many, size))
    # A path from zero to the source, of which only the end is looked at.
    path = _Path(network, source, target, "zero", rows=target.shape[1])
    path.add(np.arange(many), np.ones(many), scores)
    return scores.astype("float32")


def integrated_gradients(
    network: Seq2Seq,
    source: np.ndarray,
    target: np.ndarray,
    baseline: str = "unknown",
    steps: int = 32,
    max_steps: int = 864,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Gradients along the straight way from a baseline, averaged, times the way.

    Sundararajan, Taly and Yan 2017 (arXiv:1703.01365), equation 3, by the midpoint rule. The
    scores of a written token add up to the difference between its log-probabilities at both ends.
    A token whose scores miss it by more than `TOLERANCE` is taken again with three times the
    points, the third of them that are known already kept.

    The baseline is a source of as many tokens, all unknown (`</s>` too): what occlusion puts in
    one place, put in all. The alternative, embeddings of zero, is nothing a network has ever read,
    and on the way from there what normalises or saturates changes all at once, near the beginning:
    two of the shipped translators then took three to nine times the points.

    Args:
        network: any Seq2Seq.
        source, target: (1, S) and (1, T) ids, padded with PAD.
        baseline: `unknown` or `zero`.
        steps, max_steps: points to begin with, and the most there may be.

    Returns:
        scores (T, S) and differences (T,), float32 without padding, and the most steps taken.
    """
    many, size = _lengths(source, target)
    path = _Path(network, source, target, baseline)
    everything, ignored = np.arange(many), np.zeros((many, size))
    ends = [path.add(everything, np.full(many, end), ignored) for end in (1.0, 0.0)]
    difference = ends[0] - ends[1]
    sums, scores = np.zeros((many, size)), np.zeros((many, size))
    left, points = everything, (np.arange(steps) + 0.5) / steps
    while True:
        path.add(np.repeat(left, len(points)), np.tile(points, len(left)), sums)
        scores[left] = sums[left] / steps
        missed = np.abs(scores.sum(axis=-1) - difference)
        left = left[missed[left] > allowed(difference)[left]]
        if not len(left) or 3 * steps > max_steps:
            break
        steps *= 3
        # Of each three, the one in the middle is a point of the rule before.
        points = (np.arange(steps)[np.arange(steps) % 3 != 1] + 0.5) / steps
    return scores.astype("float32"), difference.astype("float32"), steps


def allowed(difference: np.ndarray) -> np.ndarray:
    """How many nats the scores may miss each difference by."""
    return np.maximum(TOLERANCE * np.abs(difference), ROUNDING)


def occlusion(
    network: Seq2Seq, source: np.ndarray, target: np.ndarray, leave_out: bool = False
) -> np.ndarray:
    """How far each written token's log-probability falls as each read token is hidden.

    Zeiler and Fergus 2014 (arXiv:1311.2901) hid patches of images; Li, Monroe and Jurafsky 2016
    (arXiv:1612.08220) left out words. All are scored in one batch unless that is too large.

    Args:
        network: any Seq2Seq.
        source, target: (1, S) and (1, T) ids, padded with PAD.
        leave_out: take the token away and let the later ones move up, instead of replacing it by
            the unknown token. An only token is replaced all the same.

    Returns:
        (T, S) float32 without padding: log p with the token less log p without it.
    """
    many, size = _lengths(source, target)
    if not many:
        return np.zeros((0, size), "float32")
    # As many rows as fit the padded source, for one program serves all that are padded so.
    rows = np.repeat(source, source.shape[1] + 1, axis=0)
    for piece in range(size):
        if leave_out and size > 1:
            rows[1 + piece, :size] = [*np.delete(source[0, :size], piece), PAD]
        else:
            rows[1 + piece, piece] = UNK
    log_probs = log_probs_after(network, rows, target)[: 1 + size, :many]
    return (log_probs[0] - log_probs[1:]).T.astype("float32")


def log_probs_after(network: Seq2Seq, sources: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The log-probability of each token of one target after each of many sources.

    Args:
        network: any Seq2Seq.
        sources, target: (R, S) and (1, T) ids, padded with PAD. Of one R there is one program.

    Returns:
        (R, T) float32, of padding too; in one batch unless that is too large.
    """
    rows = len(sources)
    at_once = rows_at_once(target.shape[1] * network.config.target_vocabulary, rows)
    run = backend.traced(network, _log_probs)
    found = []
    for start in range(0, rows, at_once):
        some = sources[start : start + at_once]
        some = np.pad(some, ((0, at_once - len(some)), (0, 0)), mode="edge")
        found.append(ops.convert_to_numpy(run(some, target)))
    return np.concatenate(found)[:rows]


class _Path:
    """The straight way of the source embeddings from a baseline to what they are.

    Args:
        network, source, target: as in `integrated_gradients`.
        baseline: `unknown` or `zero`.
        rows: the most gradients of a batch, where fewer will be asked for than would fit.
    """

    def __init__(
        self,
        network: Seq2Seq,
        source: np.ndarray,
        target: np.ndarray,
        baseline: str,
        rows: int = ROWS_AT_ONCE,
    ):
        self.pair = source, target
        self.kept = np.float32(baseline == "unknown")
        self.run = backend.traced(network, _along_path)
        # Logits, and what additive attention keeps of each step for the way back.
        config = network.config
        numbers = config.target_vocabulary + source.shape[1] * config.embedding_size
        self.rows = rows_at_once(target.shape[1] * numbers, min(rows, ROWS_AT_ONCE))

    def add(self, places: np.ndarray, parts: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """Go `parts` (N,) of the way, and take the gradients of the written tokens `places` (N,).

        These, times the way and summed over the width, are added to `sums` (T, S) at their place.

        Returns:
            (N,) the tokens' log-probabilities there.
        """
        values = []
        for start in range(0, len(places), self.rows):
            here = slice(start, start + self.rows)
            empty = (0, self.rows - len(places[here]))
            padded = (np.pad(places[here], empty), np.pad(parts[here], empty))
            found = self.run(
                *self.pair, padded[0].astype("int32"), padded[1].astype("float32"), self.kept
            )
            value, product = (ops.convert_to_numpy(x)[: len(places[here])] for x in found)
            np.add.at(sums, places[here], product[:, : sums.shape[1]])
            values.append(value)
        return np.concatenate([np.zeros(0), *values])


def _lengths(source: np.ndarray, target: np.ndarray) -> tuple[int, int]:
    """T and S without padding."""
    return int((target != PAD).sum()), int((source != PAD).sum())


def rows_at_once(numbers: int, most: int) -> int:
    """How many rows of so many numbers one batch may have."""
    return max(1, min(most, NUMBERS_AT_ONCE // numbers))


def _along_path(
    network: Seq2Seq, source: Tensor, target: Tensor, places: Tensor, parts: Tensor, kept: Tensor
) -> tuple[Tensor, Tensor]:
    """Log-probabilities (R,) of the tokens at `places` (R,), and gradient x way (R, S).

    `kept` is the share of the unknown token's embedding in the baseline: 1, or 0 for zero.
    """
    rows = places.shape[0]
    embedded = network.source_embedding(source)
    unknown = network.source_embedding(ops.full_like(source, UNK))
    begin = ops.cast(kept, embedded.dtype) * unknown
    way = embedded - begin
    points = begin + ops.cast(parts, embedded.dtype)[:, None, None] * way
    sources, read = (ops.repeat(ids, rows, axis=0) for ids in (source, _read(target)))
    # (R, V): the one token of each row.
    chosen = ops.one_hot(ops.take(target[0], places), network.config.target_vocabulary)

    def log_probs(points: Tensor) -> Tensor:
        with replaced_embedding(network.source_embedding, points), without_maps():
            logits, _ = network.decode(read, network.encode(sources))
        own = ops.take_along_axis(logits, places[:, None, None], axis=1)[:, 0]
        return ops.sum(ops.log_softmax(own, axis=-1) * chosen, axis=-1)

    values, gradient = values_and_gradient(log_probs, points)
    return values, ops.sum(ops.cast(gradient * way, "float32"), axis=-1)


def _log_probs(network: Seq2Seq, sources: Tensor, target: Tensor) -> Tensor:
    """(R, T): the log-probability of each token of `target` (1, T) after each of `sources`."""
    rows = sources.shape[0]
    read, written = (ops.repeat(ids, rows, axis=0) for ids in (_read(target), target))
    with without_maps():
        logits, _ = network.decode(read, network.encode(sources))
    log_probs = ops.log_softmax(logits, axis=-1)
    return ops.take_along_axis(log_probs, written[:, :, None], axis=-1)[:, :, 0]


def _read(target: Tensor) -> Tensor:
    """What the decoder reads to write `target` (1, T): BOS, then all but the last."""
    return ops.concatenate([ops.full_like(target[:, :1], BOS), target[:, :-1]], axis=1)


class replaced_embedding:  # noqa: N801 - reads as a statement
    """Within it, the first time that an embedding layer is asked it gives `embedded` instead.

    Where it is asked for more tokens, `embedded` are the last ones of each row.

    Only in this thread: a program that another one traces meanwhile, of the same network, reads
    the true embedding.
    """

    _one_at_a_time = threading.Lock()

    def __init__(self, layer: keras.layers.Layer, embedded: Tensor):
        self.layer, self.embedded, self.used = layer, embedded, False

    def __enter__(self) -> None:
        self._one_at_a_time.acquire()
        original, thread = self.layer.call, threading.get_ident()

        def call(ids: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            # A shared embedding is asked for the target next.
            if self.used or threading.get_ident() != thread:
                return original(ids, *args, **kwargs)
            self.used = True
            before = ids.shape[1] - self.embedded.shape[1]
            if before:
                first = original(ids[:, :before], *args, **kwargs)
                return ops.concatenate([first, self.embedded], axis=1)
            return self.embedded

        self.layer.call = call

    def __exit__(self, *error: object) -> None:
        del self.layer.call
        self._one_at_a_time.release()


def values_and_gradient(function: Callable[[Tensor], Tensor], at: Tensor) -> tuple[Tensor, Tensor]:
    """`function(at)` (R,) and the gradient of its sum: each row's own, rows being independent."""
    if keras.backend.backend() == "jax":
        import jax

        def summed(at: Tensor) -> tuple[Tensor, Tensor]:
            values = function(at)
            return ops.sum(values), values

        (_, values), gradient = jax.value_and_grad(summed, has_aux=True)(at)
        return values, gradient
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(at)
        values = function(at)
    return values, tape.gradient(values, at)
