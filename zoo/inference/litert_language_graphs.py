"""The LiteRT graphs of a language model: read, step, decode.

Traced from the network's own `read`, `step` and `decode`, so any `LanguageModel` has them. Needs
TensorFlow.

Axes: T tokens, C tokens the cache has room for, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import keras
from keras import ops

from zoo.inference.litert_folder import READ
from zoo.inference.litert_states import Traced, axes, begins, new_part, pack, place_of
from zoo.layers.attention_hooks import without_maps
from zoo.runtime.litert_conversion import Spec

if TYPE_CHECKING:
    from zoo.kinds.base import State, Tensor
    from zoo.kinds.language_model import LanguageModel


def graphs(network: LanguageModel) -> Iterator[Traced]:
    """`read` of several tokens, `step` of one, and `decode` where there is a context."""
    state = network.init_state(1, 16)
    shapes = axes(state, network.init_state(1, 24), "C")
    growing = place_of("C", shapes)
    given = {f"state_{i}": Spec(shape) for i, shape in enumerate(shapes)}
    known = {f"state_{i}": axis for i, axis in enumerate(growing)}
    # A recurrence is a loop, or a scan that is made for one length.
    length = READ if network.context is None else "T"
    numbers = {name: Spec((1,), "int32") for name in ("index", "lengths")}
    tokens = {"tokens": Spec((1, length), "int32")}
    yield Traced("read", _read(network, state), tokens | numbers | given, known)
    token = {"token": Spec((1,), "int32"), "index": numbers["index"]}
    yield Traced("step_1", _step(network, state, growing), token | given, known, begins(state))
    if network.context is not None:
        yield Traced("decode", _decode(network), tokens, {})


def _read(network: LanguageModel, state: State) -> Callable[..., dict[str, Tensor]]:
    def read(tokens: Tensor, index: Tensor, lengths: Tensor, **given: Tensor) -> dict[str, Tensor]:
        with without_maps():
            logits, after = network.read(tokens, pack(state, "state", given), index, lengths)
        flat = enumerate(keras.tree.flatten(after))
        return {"logits": logits} | {f"state_{i}": ops.cast(x, "float32") for i, x in flat}

    return read


def _step(
    network: LanguageModel, state: State, growing: list[int]
) -> Callable[..., dict[str, Tensor]]:
    def step(token: Tensor, index: Tensor, **given: Tensor) -> dict[str, Tensor]:
        with without_maps():
            logits, after = network.step(token, index, pack(state, "state", given))
        return {"logits": logits} | new_part(after, growing, index)

    return step


def _decode(network: LanguageModel) -> Callable[..., dict[str, Tensor]]:
    def decode(tokens: Tensor) -> dict[str, Tensor]:
        logits, maps = network.decode(tokens, {})
        return {"logits": logits} | {f"map_{kind}": x for kind, x in maps.items()}

    return decode
