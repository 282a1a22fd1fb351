"""What the LiteRT graphs of all kinds have in common: their states, traced tensor by tensor.

A graph takes and gives flat tensors called `state_0`, `state_1` and so on. Needs Keras.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
from keras import ops

from zoo.runtime.litert_conversion import ConversionError, Spec

if TYPE_CHECKING:
    from zoo.kinds.base import Tensor


class Traced(NamedTuple):
    """A graph to be converted."""

    name: str
    function: Callable[..., dict[str, Any]]
    inputs: dict[str, Spec]
    state: dict[str, int]
    """Of a step: the axis of each state tensor that grows with the tokens read; -1: none."""
    begins: Mapping[str, float] = MappingProxyType({})
    """The value of a state tensor before the first token, where it is not 0."""


def axes(one: Any, other: Any, free: str) -> list[tuple[int | str, ...]]:
    """The axes of each tensor of a nest, named `free` where the same nest of other sizes differs.

    Example:
        >>> axes((ops.zeros((1, 8)),), (ops.zeros((1, 12)),), "S")
        [(1, 'S')]
    """
    flat = keras.tree.flatten
    return [
        tuple(a if a == b else free for a, b in zip(x.shape, y.shape, strict=True))
        for x, y in zip(flat(one), flat(other), strict=True)
    ]


def place_of(free: str, shapes: Sequence[tuple[int | str, ...]]) -> list[int]:
    """Which axis of each shape is the one called `free`; -1: none."""
    return [shape.index(free) if free in shape else -1 for shape in shapes]


def begins(state: Any) -> dict[str, float]:
    """The value of each tensor of an empty state, where it is not 0."""
    flat = [np.asarray(keras.ops.convert_to_numpy(x)) for x in keras.tree.flatten(state)]
    if odd := [x for x in flat if x.size and (x != x.flat[0]).any()]:
        raise ConversionError(f"an empty state has one value. Received: {odd[0]}")
    return {f"state_{i}": float(x.flat[0]) for i, x in enumerate(flat) if x.size and x.flat[0]}


def pack(example: Any, name: str, given: dict[str, Tensor]) -> Any:
    """The tensors `name_0`, ... that a graph was given, nested and typed as `example` is."""
    flat = keras.tree.flatten(example)
    cast = [ops.cast(given[f"{name}_{i}"], x.dtype) for i, x in enumerate(flat)]
    return keras.tree.pack_sequence_as(example, cast)


def new_part(state: Any, growing: Sequence[int], index: Tensor) -> dict[str, Tensor]:
    """A state as a step gives it: of a cache only what is new, since the caller keeps the rest.

    Args:
        state: after the step.
        growing: the axis on which each of its tensors grows; -1: none.
        index: (1,), of the token that was read.
    """
    found = {}
    for i, x in enumerate(keras.tree.flatten(state)):
        if growing[i] >= 0:
            x = ops.take(x, index, axis=growing[i])
        found[f"state_{i}"] = ops.cast(x, "float32")
    return found
