"""What a model computed on the way to an answer: candidates of each step, queries, keys and values.

Axes: L layers, H heads, T target tokens, S source tokens (T or S for self-attention), d units of a
head (or of Bahdanau's hidden layer).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo.continuation import Continuation
from zoo.interpret import continuations
from zoo.layers.attention import AdditiveAttention
from zoo.layers.attention_hooks import AttentionHook, Site, use_hook
from zoo.padding import shift
from zoo.prediction import AXES, Prediction
from zoo.runtime import backend

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.inference.seq2seq import Seq2SeqPredictor
    from zoo.kinds.base import Tensor
    from zoo.kinds.language_model import LanguageModel
    from zoo.kinds.seq2seq import Seq2Seq


@dataclass(frozen=True, eq=False)
class Candidates:
    """At each step, the likeliest tokens, and how likely the written one was among all.

    Args:
        pieces: T lists of k tokens as text, the likeliest first.
        probabilities: (T, k) float32.
        rank: (T,) int, the place of the written token among all, counted from 1.
        entropy: (T,) float32, of the whole distribution, in bits.
    """

    pieces: list[list[str]]
    probabilities: np.ndarray
    rank: np.ndarray
    entropy: np.ndarray


@dataclass(frozen=True, eq=False)
class QueryKeyValue:
    """What the weights of one kind of attention were computed from, in every layer and head.

    Args:
        query: (L, H, T, d) float32; of a Transformer already divided by sqrt(d).
        key: (L, H, S, d) float32.
        value_norms: (L, H, S) float32, the length of what each position would add if all weight
            went there: ||f(x)|| of Kobayashi et al. 2020 (arXiv:2004.10102).
        energy_weights: (d,) v of additive attention; None for scaled dot products.
        covered: (L, H, T, S) float32, what earlier steps looked at; None without coverage.
        covered_weights: (d,), what coverage is multiplied by.
    """

    query: np.ndarray
    key: np.ndarray
    value_norms: np.ndarray
    energy_weights: np.ndarray | None = None
    covered: np.ndarray | None = None
    covered_weights: np.ndarray | None = None

    def parts(self, layer: int, head: int) -> np.ndarray:
        """(T, S, d): what each unit adds to the energy.

        `q k / sqrt(d)` of a Transformer (Vaswani et al. 2017, equation 1), `v tanh(q + k)` of
        Bahdanau's attention (2015, appendix A.1.2), with coverage `v tanh(q + k + w c)` (See et al.
        2017, equation 11).
        """
        query, key = self.query[layer, head][:, None], self.key[layer, head][None]
        if self.energy_weights is None:
            return query * key
        inner = query + key  # (T, S, d)
        if self.covered is not None:
            inner = inner + self.covered[layer, head][:, :, None] * self.covered_weights
        return self.energy_weights * np.tanh(inner)

    def energy(self, layer: int, head: int) -> np.ndarray:
        """(T, S): what softmax makes the weights of, where nothing is masked."""
        return self.parts(layer, head).sum(axis=-1)


def candidates(model: Seq2SeqPredictor, answer: Prediction, k: int = 5) -> Candidates:
    """The `k` likeliest tokens at each of the T steps of an answer, given what it wrote before.

    Args:
        model: what `zoo.load` gives.
        answer: one of its answers.
        k: how many tokens.

    Raises:
        ValueError: k below 1 or above the size of the vocabulary.

    Example:
        >>> import zoo.interpret
        >>> model = zoo.load("dates-lstm-bahdanau")
        >>> [answer] = model.predict(["17 March 1998"])
        >>> zoo.interpret.candidates(model, answer, k=3).probabilities.shape
        (11, 3)
    """
    size = model.target_tokenizer.size
    if not 1 <= k <= size:
        raise ValueError(f"k must be from 1 to {size}. Received: k={k}")
    source, target = model.answer_ids(answer)
    run = backend.traced(model.model, _candidates, k=k)
    found = run(source, shift(target), target)
    many = len(answer.target_pieces)
    probabilities, ids, rank, entropy = (ops.convert_to_numpy(x)[0, :many] for x in found)
    pieces = [model.target_tokenizer.pieces(row) for row in ids]
    return Candidates(pieces, probabilities, rank, entropy)


def _candidates(
    network: Seq2Seq, source: Tensor, target_in: Tensor, target_out: Tensor, *, k: int
) -> tuple[Tensor, ...]:
    logits, _ = network.decode(target_in, network.encode(source))
    log_probs = ops.log_softmax(logits, axis=-1)
    probabilities = ops.exp(log_probs)
    best, ids = ops.top_k(probabilities, k)
    own = ops.take_along_axis(log_probs, target_out[:, :, None], axis=-1)
    rank = 1 + ops.sum(ops.cast(log_probs > own, "int32"), axis=-1)
    entropy = -ops.sum(probabilities * log_probs, axis=-1) / float(np.log(2))
    return best, ids, rank, entropy


def query_key_value(
    model: Seq2SeqPredictor | LanguageModelPredictor, answer: Prediction | Continuation
) -> dict[str, QueryKeyValue]:
    """The queries, keys and values behind the attention maps of an answer, by kind of map.

    Args:
        model: what `zoo.load` gives.
        answer: one of its answers.

    Returns:
        As many kinds as `model.attention_heads` has, over all tokens read for a continuation; {}
        for an empty answer.

    Example:
        >>> import zoo.interpret
        >>> model = zoo.load("dates-lstm-bahdanau")
        >>> [answer] = model.predict(["17 March 1998"])
        >>> inner = zoo.interpret.query_key_value(model, answer)["cross"]
        >>> inner.energy(layer=0, head=0).shape == answer.attention["cross"].shape[2:]
        True
    """
    if not model.attention_heads:
        return {}
    if isinstance(answer, Continuation):
        ids, sizes = continuations.padded(model, answer)
    elif not answer.target_pieces:
        return {}
    else:
        source, target = model.answer_ids(answer)
        ids = (source, shift(target))
        sizes = {"source": len(answer.source_pieces), "target": len(answer.target_pieces)}
    run = backend.traced(model.model, _query_key_value)
    found = keras.tree.map_structure(ops.convert_to_numpy, run(*ids))
    return {
        kind: QueryKeyValue(
            parts["query"][:, :, : sizes[AXES[kind][0]]],
            parts["key"][:, :, : sizes[AXES[kind][1]]],
            parts["norms"][:, :, : sizes[AXES[kind][1]]],
            parts.get("energy"),
            _covered(parts, sizes),
            parts.get("covered_weights"),
        )
        for kind, parts in found.items()
    }


def _covered(parts: dict[str, np.ndarray], sizes: dict[str, int]) -> np.ndarray | None:
    """(L, H, T, S): the weights of earlier steps, without padding; None without coverage."""
    if "covered" not in parts:
        return None
    return parts["covered"][:, :, : sizes["target"], : sizes["source"]]


def _query_key_value(
    network: Seq2Seq | LanguageModel, *ids: Tensor
) -> dict[str, dict[str, Tensor]]:
    """`ids`: (1, S) and (1, T) of source and target, or the (1, N) of one text."""
    recorder = _Recorder()
    with use_hook(recorder):
        *source, target = ids
        network.decode(target, network.encode(*source) if source else {})
    found: dict[str, dict[str, Any]] = {}
    for kind in network.attention_heads:
        layers = [recorder.seen[site] for site in sorted(recorder.seen) if site[0] == kind]
        stacked = {name: ops.stack([one[name] for one in layers]) for name in layers[0]}
        found[kind] = {
            # Vectors of the layer are the same for every row; all else is one row's.
            name: stacked[name][0] if name in VECTORS else ops.cast(stacked[name][:, 0], "float32")
            for name in stacked
        }
    return found


VECTORS = ("energy", "covered_weights")


class _Recorder(AttentionHook):
    """Keeps what attention tells, each (1, H, T or S, ...)."""

    def __init__(self) -> None:
        self.seen: dict[Site, dict[str, Any]] = {}

    def observe(self, site: Site, layer: keras.layers.Layer, **tensors: Any) -> None:
        query, key, value = (
            ops.cast(tensors[name], "float32") for name in ("query", "key", "value")
        )
        if isinstance(layer, AdditiveAttention):
            found = {"query": query[:, None], "key": key[:, None]}
            found["norms"] = ops.norm(value, axis=-1)[:, None]
            found["energy"] = ops.cast(layer.energy.kernel, "float32")[:, 0]
            if "covered" in tensors:  # (B, T, S) -> (B, 1, T, S)
                found["covered"] = ops.cast(tensors["covered"], "float32")[:, None]
                weights = layer.covered_projection.kernel  # (1, U)
                found["covered_weights"] = ops.cast(weights, "float32")[0]
        else:
            matrix = ops.reshape(layer.output_projection.kernel, (layer.heads, -1, layer.width))
            added = ops.matmul(value, ops.cast(matrix, "float32")[None])
            found = {"query": query, "key": ops.transpose(key, (0, 1, 3, 2))}
            found["norms"] = ops.norm(added, axis=-1)
        self.seen[site] = found
