"""Products in eight bits whose inputs have few values that are far larger than the others.

A LiteRT graph in int8 rounds each row of a product's input to 256 steps between its least and its
largest value. Where these are a hundred times the usual, as after a gate or in the last layer of a
pre-trained language model (Dettmers et al. 2022, arXiv:2208.07339, section 3), little is left of
the others. The product of what rounding leaves costs almost nothing: reading the weights, not
multiplying, takes the time of a step, and both rows need them once.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

from keras import ops

Tensor = Any

_in_eight_bits = contextvars.ContextVar("in_eight_bits", default=False)
STEPS = 255
"""Between the least and the largest value of a row."""
SMALLEST = 1e-30
"""A step of rows of nothing but 0."""


@contextlib.contextmanager
def in_eight_bits() -> Iterator[None]:
    """Within, graphs are made whose products round their inputs."""
    before = _in_eight_bits.set(True)
    try:
        yield
    finally:
        _in_eight_bits.reset(before)


def product(multiply: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """`multiply(x)`; within `in_eight_bits` the sum of the products of `x` rounded and of the rest.

    Args:
        multiply: linear; (2 B, ..., D) -> (2 B, ..., U).
        x: (B, ..., D).

    Returns:
        (B, ..., U).
    """
    if not _in_eight_bits.get():
        return multiply(x)
    coarse = rounded(x)
    both = multiply(ops.concatenate([coarse, x - coarse], axis=0))  # (2 B, ..., U)
    of_coarse, of_rest = ops.split(both, 2, axis=0)  # (B, ..., U) each
    return of_coarse + of_rest


def rounded(x: Tensor) -> Tensor:
    """(..., D), each row in steps that its rounding to eight bits leaves as they are.

    Example:
        >>> rounded(ops.array([[-1.0, 0.001, 254.0]])).numpy().tolist()
        [[-0.99609375, 0.0, 253.0078125]]
    """
    low = ops.minimum(ops.min(x, axis=-1, keepdims=True), 0.0)  # (..., 1)
    high = ops.maximum(ops.max(x, axis=-1, keepdims=True), 0.0)
    # One step more than there are: both ends are reached, whichever way they are rounded, and the
    # graph finds the same least and largest value, and so the same steps.
    size = ops.maximum((high - low) / (STEPS + 1), SMALLEST)
    least = ops.round(low / size)
    return ops.clip(ops.round(x / size), least, least + STEPS) * size
