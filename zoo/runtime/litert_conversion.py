"""Functions of networks as LiteRT graphs: TensorFlow's converter, from `keras.ops` to a file.

Needs TensorFlow, and Keras on it. `zoo.runtime.litert` runs what is made here.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from zoo.runtime import backend, eight_bits
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
    rounding = eight_bits.in_eight_bits() if precision == "int8" else contextlib.nullcontext()
    with backend.plain_loops(), rounding:
        traced = tf.function(function, autograph=False).get_concrete_function(**specs)
    module = tf.Module()
    # The converter finds the weights here, and nowhere else.
    module.function, module.weights = traced, [weight.value for weight in network.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], module)
    # By way of a SavedModel, which is traced again and read again, it takes twice as long. What is
    # made straight from the function lacks the names of its inputs and outputs alone.
    converter.experimental_lower_to_saved_model = False
    converter.exclude_conversion_metadata = True  # read and written once more
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if precision == "int8":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    try:
        with _quietly():
            graph = converter.convert()
    except Exception as error:
        first = str(error).strip().splitlines()[0][:300] if str(error).strip() else repr(error)
        raise ConversionError(f"LiteRT has no graph of {network.name}: {first}") from error
    given = [tensor.op.name for tensor in traced.inputs[: len(specs)]]
    return _named(graph, given, sorted(traced.structured_outputs))


def _named(graph: bytes, inputs: list[str], outputs: list[str]) -> bytes:
    """A graph with a signature: what its inputs and outputs are called, in their order."""
    from tensorflow.lite.python import schema_py_generated as schema
    from tensorflow.lite.tools import flatbuffer_utils

    def tensors(names: list[str], indices: Iterable[int]) -> list[Any]:
        made = [schema.TensorMapT() for _ in names]
        for one, name, index in zip(made, names, indices, strict=True):
            one.name, one.tensorIndex = name, int(index)
        return made

    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(graph))
    signature, main = schema.SignatureDefT(), model.subgraphs[0]
    signature.signatureKey = "serving_default"
    signature.inputs = tensors(inputs, main.inputs)
    signature.outputs = tensors(outputs, main.outputs)
    model.signatureDefs = [signature]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


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
