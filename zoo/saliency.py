"""Input saliency: which read pieces a written piece depends on, for models without attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.attention import without_maps

if TYPE_CHECKING:
    from zoo.seq2seq import Seq2Seq, Tensor


def gradient_times_input(
    network: Seq2Seq, source: np.ndarray, target_in: np.ndarray, target_out: np.ndarray
) -> np.ndarray:
    """|gradient x input| of each written piece's log-probability, of one pair.

    Denil, Demiraj and de Freitas 2014 (arXiv:1412.6815). The pair is repeated T times, so that
    one backward pass of a batch gives all T gradients.

    Args:
        network: any Seq2Seq.
        source: (1, S) ids.
        target_in, target_out: (1, T) ids, what the decoder reads and writes.

    Returns:
        (T, S) float32, not normalised.
    """
    run = backend.compiled(network, _gradient_times_input)
    return np.abs(ops.convert_to_numpy(run(source, target_in, target_out)))


def _gradient_times_input(
    network: Seq2Seq, source: Tensor, target_in: Tensor, target_out: Tensor
) -> Tensor:
    steps = target_out.shape[1]
    sources, targets = (ops.repeat(ids, steps, axis=0) for ids in (source, target_in))
    embedded = network.source_embedding(sources)

    def summed(embedded: Tensor) -> Tensor:
        """Sum over the T copies of copy t's log-probability of piece t."""
        with replaced_embedding(network, embedded), without_maps():
            logits, _ = network.decode(targets, network.encode(sources))
        places = ops.arange(steps, dtype="int32")[:, None, None]
        own = ops.take_along_axis(logits, places, axis=1)[:, 0]
        chosen = ops.one_hot(target_out[0], network.config.target_vocabulary)
        return ops.sum(ops.log_softmax(own, axis=-1) * chosen)

    return ops.sum(_gradient(summed, embedded) * embedded, axis=-1)


class replaced_embedding:  # noqa: N801 - reads as a statement
    """Within it, the first time `network` embeds its source it gets `embedded` instead."""

    def __init__(self, network: Seq2Seq, embedded: Tensor):
        self.layer, self.embedded, self.used = network.source_embedding, embedded, False

    def __enter__(self) -> None:
        original = self.layer.call

        def call(ids: Tensor, *args: Any, **kwargs: Any) -> Tensor:
            if self.used:  # a shared embedding is asked for the target next
                return original(ids, *args, **kwargs)
            self.used = True
            return self.embedded

        self.layer.call = call

    def __exit__(self, *error: object) -> None:
        del self.layer.call


def _gradient(function: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(function)(at)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    return tape.gradient(value, at)
