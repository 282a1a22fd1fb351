"""The LiteRT graphs of a network that writes a target: encode, step, score.

Traced from the network's own `encode`, `step` and `decode`, so any `Seq2Seq` has them. Needs
TensorFlow; `zoo.inference.litert_folder` writes and reads the files.

Axes: S source tokens, T target tokens, C tokens the cache has room for, N rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo.inference.litert_folder import BATCH, BATCH_ROWS, BEAM_ROWS, BLOCK, NEVER
from zoo.inference.litert_states import Traced, axes, new_part, pack, place_of
from zoo.inference.scoring import score
from zoo.layers.attention_hooks import without_maps
from zoo.runtime.litert_conversion import Spec
from zoo.tokenizer import BOS, EOS, PAD, UNK

if TYPE_CHECKING:
    from zoo.kinds.base import State, Tensor
    from zoo.kinds.seq2seq import Seq2Seq


def graphs(network: Seq2Seq, maps: bool = True) -> Iterator[Traced]:
    """`encode`, `step` of one row, of several, and of several with a source each, and `score`.

    `maps`: whether `score` gives them.
    """
    memory, state, growing = shapes(network)
    yield Traced("encode", _encode(network, growing), {"source": Spec((1, "S"), "int32")}, {})
    known = {f"state_{i}": axis for i, axis in enumerate(growing)}
    step = _step(network, memory[0], state[0], growing)
    for name, rows, sources in (
        ("step_1", 1, 1),
        (f"step_{BEAM_ROWS}", BEAM_ROWS, 1),
        (BATCH, BATCH_ROWS, BATCH_ROWS),
    ):
        inputs = {"token": Spec((rows,), "int32"), "index": Spec((1,), "int32")}
        inputs |= {f"memory_{i}": Spec((sources, *axes[1:])) for i, axes in enumerate(memory[1])}
        inputs |= {f"state_{i}": Spec((rows, *axes[1:])) for i, axes in enumerate(state[1])}
        yield Traced(name, step, inputs, known)
    ids = {"source": "S", "target_in": "T", "target_out": "T"}
    yield Traced(
        "score", _score(network, maps), {n: Spec((1, axis), "int32") for n, axis in ids.items()}, {}
    )


def shapes(network: Seq2Seq) -> tuple[tuple[Any, list], tuple[Any, list], list[int]]:
    """Memory and state of one row, each as an example and its axes, and where a state grows."""

    def look(source: int, room: int) -> tuple[Any, Any]:
        ids = np.full((1, source), EOS, "int32")
        with without_maps():
            memory = {k: v for k, v in network.encode(ids).items() if k != "encoder"}
        return memory, network.init_state(memory, room)

    (memory, state), (longer, wider), (_, more) = look(8, 16), look(12, 16), look(8, 24)
    # What a state says of each place of the source is as long as that; a cache grows.
    state_axes = [
        tuple("S" if a == "S" else b for a, b in zip(*both, strict=True))
        for both in zip(axes(state, wider, "S"), axes(state, more, "C"), strict=True)
    ]
    return (memory, axes(memory, longer, "S")), (state, state_axes), place_of("C", state_axes)


def _encode(network: Seq2Seq, growing: list[int]) -> Callable[..., dict[str, Tensor]]:
    def encode(source: Tensor) -> dict[str, Tensor]:
        with without_maps():
            memory = network.encode(source)
        memory = {name: value for name, value in memory.items() if name != "encoder"}
        state = keras.tree.flatten(network.init_state(memory, 1))
        found = {
            f"memory_{i}": ops.cast(x, "float32") for i, x in enumerate(keras.tree.flatten(memory))
        }
        # A cache begins empty; any other state is the encoder's.
        begun = {f"state_{i}": x for i, x in enumerate(state) if growing[i] < 0}
        return found | {name: ops.cast(x, "float32") for name, x in begun.items()}

    return encode


def _step(
    network: Seq2Seq, memory: Any, state: State, growing: list[int]
) -> Callable[..., dict[str, Tensor]]:
    def step(token: Tensor, index: Tensor, **given: Tensor) -> dict[str, Tensor]:
        with without_maps():
            # A memory of one row is the same for all rows of the state.
            logits, after = network.step(
                token, index[0], pack(state, "state", given), pack(memory, "memory", given)
            )
        return scores(logits) | new_part(after, growing, index)

    return step


def scores(logits: Tensor) -> dict[str, Tensor]:
    """What a search reads of the logits (N, V): computed here, where all of V is in the cache.

    Returns:
        `logits` (N, V'), V rounded up to whole blocks, with `NEVER` at tokens that are no answer;
        `most` (N, V' / BLOCK), the largest of each block; `normalizer` (N, 1), which makes
        log-probabilities of logits: log of the sum of their exponentials.
    """
    logits = ops.cast(logits, "float32")
    size = logits.shape[-1]
    padded = -(-size // BLOCK) * BLOCK
    never = np.zeros((1, padded), "float32")
    never[0, [PAD, BOS, UNK]] = never[0, size:] = NEVER
    top = ops.max(logits, axis=-1, keepdims=True)  # (N, 1)
    total = ops.sum(ops.exp(logits - top), axis=-1, keepdims=True)  # (N, 1)
    if padded > size:
        logits = ops.pad(logits, ((0, 0), (0, padded - size)))
    logits = logits + never
    blocks = ops.reshape(logits, (-1, padded // BLOCK, BLOCK))
    return {
        "logits": logits,
        "most": ops.max(blocks, axis=-1),
        "normalizer": top + ops.log(total),
    }


def _score(network: Seq2Seq, maps: bool) -> Callable[..., dict[str, Tensor]]:
    def both(source: Tensor, target_in: Tensor, target_out: Tensor) -> dict[str, Tensor]:
        with nullcontext() if maps else without_maps():
            log_probs, found = score(network, source, target_in, target_out)
        return {"log_probs": log_probs, **{f"map_{kind}": x for kind, x in found.items() if maps}}

    return both
