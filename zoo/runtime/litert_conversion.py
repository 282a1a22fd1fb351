"""Functions of networks as LiteRT graphs: TensorFlow's converter, from `keras.ops` to a file.

Needs TensorFlow, and Keras on it. `zoo.runtime.litert` runs what is made here.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from zoo.runtime import backend
from zoo.runtime.litert import PRECISIONS


class ConversionError(ValueError):
    """A function that has no LiteRT graph; the message says which and why."""


@dataclass(frozen=True)
class Spec:
    """An input of a graph: its axes, with a name where one is free, and its type."""

    axes: tuple[int | str, ...]
    dtype: str = "float32"


def convert(
    network: keras.Model,
    function: Callable[..., Mapping[str, Any]],
    inputs: Mapping[str, Spec],
    precision: str = "float32",
) -> bytes:
    """`function(**inputs)` -> outputs by name, as the bytes of a `.tflite` file.

    Args:
        network: whose weights the function reads.
        function: of tensors, by the names of `inputs`, in `keras.ops`.
        inputs: what it takes.
        precision: one of `PRECISIONS`.

    Raises:
        ConversionError: another backend than TensorFlow; another precision; an operation that
            LiteRT does not have.
    """
    if keras.backend.backend() != "tensorflow":
        raise ConversionError(
            "LiteRT graphs are made with TensorFlow. "
            f"Received: KERAS_BACKEND={keras.backend.backend()!r}"
        )
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise ConversionError(f"precision is one of {known}. Received: precision={precision!r}")
    import tensorflow as tf

    specs = {
        name: tf.TensorSpec([n if isinstance(n, int) else None for n in one.axes], one.dtype, name)
        for name, one in inputs.items()
    }
    with backend.plain_loops():
        traced = tf.function(function, autograph=False).get_concrete_function(**specs)
    module = tf.Module()
    # The converter finds the weights here, and nowhere else.
    module.function, module.weights = traced, [weight.value for weight in network.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], module)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    try:
        with _quietly():
            return converter.convert()
    except Exception as error:
        first = str(error).strip().splitlines()[0][:300] if str(error).strip() else repr(error)
        raise ConversionError(f"LiteRT has no graph of {network.name}: {first}") from error


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without the converter's remarks, which say nothing that a person could act on."""
    logger = logging.getLogger("tensorflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)
