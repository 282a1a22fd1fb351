"""How much each token read matters to each one that a language model wrote: gradient x input.

Axes: T tokens written, N tokens read, V vocabulary, D hidden size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from zoo.continuation import Continuation
from zoo.interpret import gradients
from zoo.interpret.continuations import network_of, padded_size, read_and_written
from zoo.interpret.gradients import replaced_embedding, values_and_gradient
from zoo.kinds.language_model import logits_at
from zoo.layers.attention_hooks import without_maps
from zoo.padding import LENGTHS, bucket
from zoo.runtime import backend

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.kinds.base import Tensor
    from zoo.kinds.language_model import LanguageModel


def gradient_times_input(model: LanguageModelPredictor, answer: Continuation) -> np.ndarray:
    """Gradient of each written token's log-probability by the embeddings read, times these.

    Denil, Demiraj and de Freitas 2014 (arXiv:1412.6815), summed over the width and signed.

    Returns:
        (T, N) float32: 0 for tokens behind the one that was written.
    """
    network = network_of(model)
    read, written = read_and_written(model, answer)
    if not written:
        return np.zeros((0, len(read)), "float32")
    size, many = padded_size(model, len(read)), bucket(len(written), LENGTHS)
    tokens = np.zeros((1, size), "int32")
    tokens[0, : len(read)] = read
    # Some rows at a time: each has the states of every place, and a map of each head and layer.
    maps = max((layers * heads for layers, heads in model.attention_heads.values()), default=0)
    # What the layers keep of a place: as many numbers as their matrices have columns in all.
    inner = network.count_params() - network.embedding.count_params()
    widest = max(inner // network.config.hidden_size, network.config.hidden_size, maps * size)
    rows = gradients.rows_at_once(max(size * widest, network.config.vocabulary), many)
    first, run = len(read) - len(written), backend.traced(network, _saliency)
    found = []
    for start in range(0, len(written), rows):
        follow = np.resize(np.asarray(written[start : start + rows], "int32"), rows)
        places = np.minimum(first + start + np.arange(rows), size - 1).astype("int32")
        found.append(ops.convert_to_numpy(run(tokens, places, follow)))
    return np.concatenate(found)[: len(written), : len(read)]


def _saliency(network: LanguageModel, tokens: Tensor, places: Tensor, follow: Tensor) -> Tensor:
    """(T, N) gradient x input of what follows (T,) at places (T,) of tokens (1, N)."""
    rows = places.shape[0]
    every = ops.repeat(tokens, rows, axis=0)  # (T, N): each row has a gradient of its own
    embedded = network.embedding(every)  # (T, N, D)

    def log_probs(points: Tensor) -> Tensor:
        with replaced_embedding(network.embedding, points), without_maps(), logits_at(places):
            logits, _ = network.decode(every, {})  # (T, 1, V)
        known = ops.log_softmax(logits[:, 0], axis=-1)  # (T, V)
        picked = ops.take_along_axis(known, follow[:, None], axis=-1)
        return picked[:, 0]

    _, gradient = values_and_gradient(log_probs, embedded)
    return ops.sum(ops.cast(gradient * embedded, "float32"), axis=-1)
