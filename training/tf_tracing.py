"""TensorFlow's program for a step of training, made before the first step. JAX needs none of this.

Keras has a step traced for the shape of its first batch, and for any shape from the second one on.
A run that goes on has another first batch than the run it goes on from, and would end with weights
that differ in the last bit. One program for any shape also is 100 MB and many seconds less.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from training import checkpoint
from training.data.batches import make_batch
from training.data.parts import cut, even
from training.distributed.devices import ONE, Devices
from training.objectives.base import StepSpec
from zoo.runtime.host_memory import give_back
from zoo.tokenizer import EOS


def trace_step(network: Any, on: Devices = ONE, spec: StepSpec | None = None) -> None:
    """Make the program that `train_on_batch` of the compiled `network` will run.

    `spec`: of the arrays of a step; None: of a network that reads a source and a target of any
    shape.
    """
    if keras.backend.backend() != "tensorflow":
        return
    if on.strategy is None:
        _trace_once(network, spec, on.parts)
    elif spec:
        return  # all batches have one shape: the first step is traced for it
    else:
        _trace_twice(network, on)
    give_back()


def _trace_once(network: Any, spec: StepSpec | None = None, parts: int = 1) -> None:
    """One program; it takes a batch in so many parts, which TensorFlow can run side by side."""
    import tensorflow as tf

    free = ((None, None), "int32")
    spec = spec or StepSpec((free, free), free, ((None, None), "float32"))
    parts = min(parts, spec.rows) if spec.rows else parts
    counts: list[int | None] = [None] * parts
    if spec.rows:
        counts = [part.stop - part.start for part in even(spec.rows, parts)]
    signature = [_signature(spec, rows) for rows in counts]
    # What is padded: its second axis and no other is free.
    ids = [array.shape.as_list() == [None, None] for array in tf.nest.flatten(signature[0])]

    def one_step(*cut_batch: Any) -> dict[str, Any]:
        if parts == 1:
            return network.train_step(cut_batch[0])
        variables = [variable.value for variable in network.trainable_variables]
        losses, gradients = [], []
        for inputs, target_out, weights in cut_batch:
            with tf.GradientTape() as tape:
                # A sum over tokens, so that of all parts is that of the batch.
                outputs = network(inputs, training=True)
                loss = network.compute_loss(inputs, target_out, outputs, weights)
            losses.append(loss)
            gradients.append(tape.gradient(loss, variables))
        sums = [tf.add_n(of_one) for of_one in zip(*gradients, strict=True)]
        network.optimizer.apply(sums, network.trainable_variables)
        return {"loss": tf.add_n(losses)}

    program = tf.function(
        one_step, input_signature=signature, jit_compile=network.jit_compile, autograph=False
    )
    program.get_concrete_function()

    def run(data: Iterator[Any]) -> dict[str, Any]:
        batch = _at_least(parts, next(data))
        if parts == 1:
            return program(batch)
        cuts = cut(keras.tree.flatten(batch), ids, parts)
        return program(*(keras.tree.pack_sequence_as(batch, arrays) for arrays in cuts))

    network.train_function = run


def _signature(spec: StepSpec, rows: int | None) -> tuple[Any, ...]:
    """The arrays of a step for TensorFlow, with so many rows; None: any number."""
    import tensorflow as tf

    def described(array: Any) -> Any:
        if isinstance(array[-1], str):
            return tf.TensorSpec((rows, *array[0][1:]), array[1])
        return tuple(map(described, array))

    return tuple(map(described, (spec.inputs, spec.target_out, spec.weights)))


def _at_least(rows: int, batch: Any) -> Any:
    """A batch of fewer rows with copies of its last one that count nothing; others as they are."""
    inputs, target_out, weights = batch
    missing = rows - len(target_out)
    if missing <= 0:
        return batch

    def filled(array: Any) -> Any:
        return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])

    weights = np.concatenate([weights, np.zeros((missing, *weights.shape[1:]), weights.dtype)])
    return keras.tree.map_structure(filled, inputs), filled(target_out), weights


def _trace_twice(network: Any, on: Devices) -> None:
    """Over several devices: take two small steps, and undo them."""
    from training.loop import step

    wanted = checkpoint.variables(network)
    before = [np.asarray(variable).copy() for variable in wanted]
    for size in (2, 3):
        rows = [[EOS] * size] * (size * on.count)
        step(network, make_batch(rows, rows), on)
    for variable, value in zip(wanted, before, strict=True):
        variable.assign(value)
