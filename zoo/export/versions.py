"""A new version of a SavedModel: its functions, written aside, numbered when it is complete."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

Answer = dict[str, tf.Tensor]
Signatures = dict[str, Callable[..., Answer]]


def function(traced: Callable[..., Any], *specs: tf.TensorSpec) -> Callable[..., Any]:
    """`traced` as a function of tensors, of which the graph has one, whatever calls it."""
    return tf.function(traced, input_signature=specs, autograph=False)


def signature(**inputs: tuple[Sequence[int | None], Any]) -> Callable[..., Any]:
    """A decorator: a function of named tensors, each given by its shape and type."""
    specs = [tf.TensorSpec(shape, kind, name) for name, (shape, kind) in inputs.items()]
    return tf.function(input_signature=specs, autograph=False)


def written_with() -> str:
    """The packages that write a SavedModel and their versions, for its README."""
    return f"TensorFlow {tf.__version__} and Keras {keras.__version__}"


def check(length_cap: int | None) -> None:
    """Whether an export can be written, and with this `length_cap`.

    Raises:
        ValueError: Keras runs on another backend than TensorFlow, or `length_cap` is below 2.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Only the TensorFlow backend writes a SavedModel: set KERAS_BACKEND=tensorflow. "
            f"Received: KERAS_BACKEND={keras.backend.backend()!r}"
        )
    if length_cap is not None and length_cap < 2:
        raise ValueError(f"length_cap must be at least 2. Received: length_cap={length_cap}")


def write(
    network: keras.Model,
    folder: str | Path,
    graph: Callable[[], tuple[tf.Module, Signatures]],
    beside: Callable[[Path], None],
) -> Path:
    """Write the next version, `folder/1`, `folder/2`, ..., for TensorFlow Serving.

    Args:
        network: the model's, whose layers are in the graph.
        folder: where the versions of this model are.
        graph: makes what is saved: a module that owns weights and tables, and its functions.
        beside: writes the other files into the folder of the SavedModel.

    Returns:
        The folder of the version. It appears under its number only when it is complete.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    # A server takes only folders that are numbers, so it does not see this one.
    aside = Path(tempfile.mkdtemp(dir=folder, prefix=".aside-"))
    try:
        with _without_cudnn(network):
            module, signatures = graph()
            tf.saved_model.save(module, str(aside), signatures=signatures)
        beside(aside)
        aside.chmod(0o755)
        return publish(aside, folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def publish(aside: Path, folder: Path) -> Path:
    """Rename to the number after the highest one there is."""
    while True:
        numbers = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
        version = folder / str(max(numbers, default=0) + 1)
        try:
            return aside.rename(version)
        except OSError:
            # Another process has taken the number: take the next one.
            if not version.exists():
                raise


@contextlib.contextmanager
def _without_cudnn(network: Any) -> Iterator[None]:
    """Recurrent layers in plain TensorFlow: where there is a GPU, Keras would write kernels into
    the graph that no machine without one can run.
    """
    layers = [layer for layer in network._flatten_layers() if hasattr(layer, "use_cudnn")]
    before = [layer.use_cudnn for layer in layers]
    try:
        for layer in layers:
            layer.use_cudnn = False
        yield
    finally:
        for layer, value in zip(layers, before, strict=True):
            layer.use_cudnn = value
