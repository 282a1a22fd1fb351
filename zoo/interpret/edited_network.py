"""Networks made to answer under an intervention: heads off, rows forced, a beginning given.

All of it is one program for each size, whatever is done: what is not touched keeps gates of one
and rows of its own. Axes: B batch, L layers, H heads, T written pieces, S read pieces, D width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo.inference import generation
from zoo.inference.scoring import Found, cut
from zoo.inference.scoring import look as plain_look
from zoo.interpret.attention_maps import SIDES
from zoo.interpret.intervene import Altered, Force, Off
from zoo.layers.attention_hooks import AttentionHook, Site, query_at, use_hook, without_maps
from zoo.padding import LENGTHS, bucket, pad, shift
from zoo.prediction import Prediction
from zoo.runtime import backend
from zoo.tokenizer import PAD

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor
    from zoo.kinds.base import Maps, Memory, State, Tensor
    from zoo.kinds.seq2seq import Seq2Seq

Arrays = dict[str, dict[str, Any]]
"""By kind: `gates` (1, L, H), and, where rows may be forced, `which` (L, H, T) and `rows`."""


class Edits:
    """What is done to the attention of a network.

    Args:
        heads: layers and heads by kind, as `Network.attention_heads` gives them.
        off: heads that are switched off.
        rows: what is forced, with the pieces whose rows it is and those they look at; the weight
            is shared evenly among these.

    Raises:
        ValueError: a kind, layer or head that the network does not have.
    """

    def __init__(
        self,
        heads: Mapping[str, tuple[int, int]],
        off: Sequence[Off] = (),
        rows: Sequence[tuple[Force, list[int], list[int]]] = (),
    ):
        self.heads, self.rows = heads, rows
        self.gates = {kind: np.ones((1, *size), "float32") for kind, size in heads.items()}
        for one in off:
            self.gates[self._kind(one)][0, self._one(one, 0), self._one(one, 1)] = 0.0
        for force, _, _ in rows:
            self._kind(force)

    def gates_alone(self) -> Arrays:
        """The arrays that switch heads off, and force nothing."""
        return {kind: {"gates": gates} for kind, gates in self.gates.items()}

    def arrays(self, targets: int, sources: int) -> Arrays:
        """All arrays, for T and S with their padding."""
        found = self.gates_alone()
        sizes = {"target": targets, "source": sources}
        for kind, size in self.heads.items():
            rows, columns = (sizes[side] for side in SIDES[kind])
            found[kind]["which"] = np.zeros((*size, rows), bool)
            found[kind]["rows"] = np.zeros((*size, rows, columns), "float32")
        for force, rows, columns in self.rows:
            layer, head = self._one(force, 0), self._one(force, 1)
            shares = np.zeros((found[force.kind]["rows"].shape[-1]), "float32")
            shares[columns] = 1 / len(columns)
            for row in rows:
                found[force.kind]["which"][layer, head, row] = True
                # What is written sees nothing that comes after it.
                seen = (
                    shares * (np.arange(len(shares)) <= row) if force.kind == "decoder" else shares
                )
                found[force.kind]["rows"][layer, head, row] = seen / seen.sum()
        return found

    def _kind(self, one: Off | Force) -> str:
        if one.kind not in self.heads:
            there = ", ".join(self.heads) or "none"
            raise ValueError(f"This model's kinds of attention: {there}. Received: {one.kind!r}")
        return one.kind

    def _one(self, one: Off | Force, axis: int) -> slice:
        """A layer (axis 0) or head (1) as a slice; all of them for None."""
        name, value = (("layer", one.layer), ("head", one.head))[axis]
        count = self.heads[one.kind][axis]
        if value is None:
            return slice(None)
        if not 0 <= value < count:
            raise ValueError(
                f"{one.kind} has {count} {name}s, counted from 0. Received: {name}={value}"
            )
        return slice(value, value + 1)


class Edited:
    """A network that keeps the contract while `edits` are done to it.

    Args:
        network: any Seq2Seq.
        edits: tensors of `Edits`.
        prefix: (T,) ids that must be written first, then PAD; None: nothing must.
    """

    def __init__(self, network: Seq2Seq, edits: Arrays, prefix: Tensor | None = None):
        self.network, self.prefix = network, prefix
        self.editor = _Editor(edits)
        self.output_matrix = network.output_matrix

    def encode(self, source: Tensor) -> Memory:
        with use_hook(self.editor):
            return self.network.encode(source)

    def decode(self, target: Tensor, memory: Memory) -> tuple[Tensor, Maps]:
        with use_hook(self.editor):
            return self.network.decode(target, memory)

    def init_state(self, memory: Memory, length: int) -> State:
        return self.network.init_state(memory, length)

    def step(
        self, token: Tensor, index: Tensor, state: State, memory: Memory
    ) -> tuple[Tensor, State]:
        with use_hook(self.editor), query_at(index):
            logits, state = self.network.step(token, index, state, memory)
        if self.prefix is None:
            return logits, state
        wanted = ops.take(self.prefix, index)
        here = ops.equal(ops.arange(logits.shape[-1], dtype="int32"), wanted)
        alone = ops.where(here[None], 0.0, ops.full_like(logits, -np.inf))
        return ops.where(ops.equal(wanted, PAD), logits, alone), state


class _Editor(AttentionHook):
    """Puts forced rows in the place of the network's own, and shuts gates."""

    def __init__(self, edits: Arrays):
        self.edits = edits

    def weights(self, site: Site, weights: Tensor, index: Tensor | None) -> Tensor:
        kind, layer = site
        if "which" not in self.edits[kind]:
            return weights
        which, rows = self.edits[kind]["which"][layer], self.edits[kind]["rows"][layer]
        if index is not None:
            which = ops.take(which, index, axis=1)[:, None]
            rows = ops.take(rows, index, axis=1)[:, None]
        return ops.where(which[None, :, :, None], rows[None], weights)

    def context(self, site: Site, context: Tensor) -> Tensor:
        kind, layer = site
        gates = self.edits[kind]["gates"][:, layer]
        return context * ops.cast(gates[:, :, None, None], context.dtype)


def generate(
    network: Seq2Seq,
    source: np.ndarray,
    edits: Arrays,
    prefix: Sequence[int] = (),
    *,
    length: int,
    limit: int,
    beams: int = 1,
    length_penalty: float = 0.6,
) -> generation.Generated:
    """`zoo.inference.generation.generate` under an intervention; in NumPy arrays."""
    begin = pad([prefix], length)[0]
    limits = np.full(len(source), limit, "int32")
    run = backend.compiled(network, _generate, length=length, beams=beams)
    found = run(source, limits, np.float32(length_penalty), begin, edits)
    return generation.Generated(*(ops.convert_to_numpy(part) for part in found))


def _generate(
    network: Seq2Seq,
    source: Tensor,
    limits: Tensor,
    penalty: Tensor,
    prefix: Tensor,
    edits: Arrays,
    *,
    length: int,
    beams: int,
) -> generation.Generated:
    edited = Edited(network, edits, prefix)
    return generation.whole_loop(edited, source, limits, penalty, length=length, beams=beams)


def answer(
    loaded: Seq2SeqPredictor,
    altered: Altered,
    edits: Edits,
    prefix: Sequence[int],
    beams: int,
    max_length: int | None,
) -> Prediction:
    """What the model writes, with the log-probabilities and maps it has under the intervention."""
    limit = min(max_length or loaded.max_target_length, loaded.max_target_length)
    length = bucket(limit, LENGTHS)
    source = pad([altered.ids], bucket(len(altered.ids), LENGTHS))
    made = generate(
        loaded.model,
        source,
        edits.arrays(length, source.shape[1]),
        prefix,
        length=length,
        limit=max(limit, len(prefix) + 1),
        beams=beams,
    )
    found = Found.of(made, 0)
    written = found.tokens[0]
    target = pad([written], bucket(len(written), LENGTHS))
    arrays = edits.arrays(target.shape[1], source.shape[1])
    run = backend.compiled(loaded.model, look)
    log_probs, maps = _numpy(run(source, shift(target), target, arrays))
    # What has to be written costs a search nothing: its own numbers are not the model's.
    found.log_probs[0] = log_probs[0, : len(written)]
    return loaded.assemble((altered.ids, altered.pieces, []), found, maps)


def look(
    network: Seq2Seq, source: Tensor, target_in: Tensor, target_out: Tensor, edits: Arrays
) -> tuple[Tensor, Maps]:
    """As `zoo.inference.seq2seq.look`, under an intervention."""
    return plain_look(Edited(network, edits), source, target_in, target_out)


def compare(
    loaded: Seq2SeqPredictor,
    ids: Sequence[int],
    altered: Altered,
    prediction: Prediction,
    edits: Edits,
) -> tuple[Prediction, np.ndarray, np.ndarray]:
    """The text of `prediction` scored without and with the intervention.

    Returns:
        it under the intervention; its log-probabilities (T,) without; and (T,) the divergence of
        what is expected at each piece with from without.
    """
    size = bucket(max(len(ids), len(altered.ids)), LENGTHS)
    written = loaded.target_tokenizer.ids(prediction.target_pieces)
    target = pad([written], bucket(len(written), LENGTHS))
    run = backend.compiled(loaded.model, _compare)
    sources = (pad([one], size) for one in (ids, altered.ids))
    arrays = edits.arrays(target.shape[1], size)
    before, under, kl, maps = _numpy(run(*sources, shift(target), target, arrays))
    many = len(written)
    sizes = {"S": len(altered.ids), "T": many}
    forced = replace(
        prediction,
        source_pieces=altered.pieces,
        log_probs=under[0, :many],
        attention=cut(maps, 0, sizes),
        score=float(under[0, :many].sum()),
        alternatives=[],
        notes=[],
    )
    return forced, before[0, :many], kl[0, :many]


def _compare(
    network: Seq2Seq,
    source: Tensor,
    altered: Tensor,
    target_in: Tensor,
    target_out: Tensor,
    edits: Arrays,
) -> tuple[Tensor, Tensor, Tensor, Maps]:
    with without_maps():
        logits, _ = network.decode(target_in, network.encode(source))
    edited = Edited(network, edits)
    new_logits, maps = edited.decode(target_in, edited.encode(altered))
    before, under = (ops.log_softmax(x, axis=-1) for x in (logits, new_logits))
    kl = ops.sum(ops.exp(before) * (before - under), axis=-1)
    picked = (
        ops.take_along_axis(x, target_out[:, :, None], axis=-1)[:, :, 0] for x in (before, under)
    )
    return *picked, ops.maximum(kl, 0.0), maps


def _numpy(found: Any) -> Any:
    return keras.tree.map_structure(ops.convert_to_numpy, found)
