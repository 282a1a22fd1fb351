"""A network that answers under edits: heads off, rows of attention forced, a beginning given.

All of it is one program for each size, whatever is edited: what is left alone has gates of one and
keeps rows of its own. Axes: B batch, L layers, H heads, T target tokens, S source tokens, V
vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from zoo.inference import generation, scoring
from zoo.interpret.edits import Arrays
from zoo.layers.attention_hooks import AttentionHook, Site, query_at, use_hook, without_maps
from zoo.padding import pad
from zoo.runtime import backend
from zoo.tokenizer import PAD

if TYPE_CHECKING:
    from zoo.kinds.base import Maps, Memory, State, Tensor
    from zoo.kinds.seq2seq import Seq2Seq


class EditedNetwork:
    """A network that keeps the contract while `edits` are done to it.

    Args:
        network: any Seq2Seq.
        edits: tensors, as `Edits.arrays` or `Edits.gates_alone` gives them.
        prefix: (T,) ids that must be written first, then PAD; None: nothing must.
    """

    def __init__(self, network: Seq2Seq, edits: Arrays, prefix: Tensor | None = None):
        self.network, self.prefix = network, prefix
        self.editor = Editor(edits)
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


class Editor(AttentionHook):
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
    """`zoo.inference.generation.generate` under edits, greedy or with beams; in NumPy arrays."""
    begin = pad([prefix], length)[0]
    limits = np.full(len(source), limit, "int32")
    run = backend.traced(network, _generate, length=length, beams=beams)
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
    edited = EditedNetwork(network, edits, prefix)
    return generation.whole_loop(edited, source, limits, penalty, length=length, beams=beams)


def score(
    network: Seq2Seq, source: Tensor, target_in: Tensor, target_out: Tensor, edits: Arrays
) -> tuple[Tensor, Maps]:
    """`zoo.inference.scoring.score` under edits; to be compiled."""
    return scoring.score(EditedNetwork(network, edits), source, target_in, target_out)


def compare(
    network: Seq2Seq,
    source: Tensor,
    altered: Tensor,
    target_in: Tensor,
    target_out: Tensor,
    edits: Arrays,
) -> tuple[Tensor, Tensor, Tensor, Maps]:
    """One target after a source, and after an altered source under edits; to be compiled.

    Args:
        network: any Seq2Seq.
        source, altered: (B, S) ids, padded with PAD.
        target_in, target_out: (B, T) ids that the decoder reads, and those whose probability is
            asked for.
        edits: as in `EditedNetwork`.

    Returns:
        (B, T) log-probabilities without and with edits, (B, T) the divergence of what is expected
        with edits from what is expected without, and the maps with edits.
    """
    with without_maps():
        logits, _ = network.decode(target_in, network.encode(source))
    edited = EditedNetwork(network, edits)
    new_logits, maps = edited.decode(target_in, edited.encode(altered))
    before, under = (ops.log_softmax(x, axis=-1) for x in (logits, new_logits))
    kl = ops.sum(ops.exp(before) * (before - under), axis=-1)
    picked = (
        ops.take_along_axis(x, target_out[:, :, None], axis=-1)[:, :, 0] for x in (before, under)
    )
    return *picked, ops.maximum(kl, 0.0), maps
