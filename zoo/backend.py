"""Compiling a function of a model on the backend in use (TensorFlow or JAX), once for each model.

The rest of the zoo is written in `keras.ops`; what differs between the backends is kept here.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Hashable
from typing import Any

import keras
from keras import ops

Program = Callable[..., Any]

# Neither side keeps a model alive: the key is weak, and a program holds its model weakly too.
_programs: weakref.WeakKeyDictionary[keras.Model, dict[Hashable, Program]] = (
    weakref.WeakKeyDictionary()
)
_lock = threading.Lock()


def compiled(model: keras.Model, function: Callable[..., Any], **static: Hashable) -> Program:
    """`function(model, *tensors, **static)`, compiled by XLA as `program(*tensors)`.

    Asking again with the same model, function and static values returns the same program, which
    is itself compiled once for each combination of input shapes. Values of the tensors (numbers
    included: they are converted) never lead to another compilation, and neither do new weights:
    TensorFlow reads the variables where they are, JAX gets them as arguments.

    Args:
        model: a model whose variables exist. It is not kept alive by its programs.
        function: a function of a module, neither a lambda nor a method: it is part of the key.
            It takes and returns nested tensors, and changes no variable.
        static: options that shape the program, hashable.

    Raises:
        ValueError: the Keras backend is neither TensorFlow nor JAX.
    """
    key = (function, tuple(sorted(static.items())))
    with _lock:
        programs = _programs.setdefault(model, {})
        if key not in programs:
            programs[key] = _compile(weakref.ref(model), function, static)
        return programs[key]


def _compile(
    reference: weakref.ref[keras.Model], function: Callable[..., Any], static: dict[str, Hashable]
) -> Program:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        run = _tensorflow(reference, function, static)
    elif backend == "jax":
        run = _jax(reference, function, static)
    else:
        raise ValueError(
            f"KERAS_BACKEND must be 'tensorflow' or 'jax'. Received: KERAS_BACKEND={backend!r}"
        )

    def program(*tensors: Any) -> Any:
        # A plain number would be a constant of the program for TensorFlow.
        return run(*keras.tree.map_structure(ops.convert_to_tensor, tensors))

    return program


def _model(reference: weakref.ref[keras.Model]) -> keras.Model:
    model = reference()
    if model is None:
        raise ReferenceError("The model of this compiled program no longer exists.")
    return model


def _tensorflow(
    reference: weakref.ref[keras.Model], function: Callable[..., Any], static: dict[str, Hashable]
) -> Program:
    import tensorflow as tf

    def traced(*tensors: Any) -> Any:
        return function(_model(reference), *tensors, **static)

    # A trace for each shape is what we want; TensorFlow would warn of it at the fifth.
    tf.get_logger().addFilter(_no_word_of_retracing)
    return tf.function(traced, jit_compile=True, autograph=False)


def _no_word_of_retracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()


def _jax(
    reference: weakref.ref[keras.Model], function: Callable[..., Any], static: dict[str, Hashable]
) -> Program:
    import jax

    def traced(values: list[Any], *tensors: Any) -> Any:
        model = _model(reference)
        # Without the scope the weights would be constants of the program: compiled in, and old
        # as soon as training goes on.
        with keras.StatelessScope(state_mapping=zip(model.variables, values, strict=True)):
            return function(model, *tensors, **static)

    traced_once = jax.jit(traced)

    def run(*tensors: Any) -> Any:
        return traced_once([variable.value for variable in _model(reference).variables], *tensors)

    return run
