"""How likely a given target is, and where a model looks as it reads it.

Axes: B batch, S source tokens, T target tokens, V vocabulary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras import ops

if TYPE_CHECKING:
    from zoo.kinds.base import Maps, Tensor
    from zoo.kinds.seq2seq import Seq2Seq


def score(
    model: Seq2Seq, source: Tensor, target_in: Tensor, target_out: Tensor
) -> tuple[Tensor, Maps]:
    """How likely a target is after a source, and where the model looks as it reads both.

    To be compiled: `zoo.runtime.backend.compiled(network, score)`.

    Args:
        model: a `Seq2Seq`, or what keeps its `encode` and `decode`.
        source: (B, S) ids, padded with PAD.
        target_in: (B, T) ids that the decoder reads, BOS first.
        target_out: (B, T) ids whose probability is asked for.

    Returns:
        (B, T) natural logarithms of the probability of each token of `target_out`, and the maps.
    """
    logits, maps = model.decode(target_in, model.encode(source))
    log_probs = ops.log_softmax(logits, axis=-1)  # (B, T, V)
    picked = ops.take_along_axis(log_probs, target_out[:, :, None], axis=-1)
    return picked[:, :, 0], maps
