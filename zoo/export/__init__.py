"""Trained models in the formats of other runtimes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

MODULES = {
    "seq2seq": "zoo.export.saved_model",
    "language_model": "zoo.export.language_model",
}
"""Of each kind: the module whose `export` writes its SavedModel."""


def export(loaded: Any, folder: str | Path, **options: Any) -> Path:
    """Write a model of any kind as a TensorFlow SavedModel, the next version in `folder`.

    Args:
        loaded: what `zoo.load` gives.
        folder: where the versions of this model are.
        options: of the `export` in the module of its kind.

    Returns:
        The folder of the version.

    Raises:
        ValueError: no export for this kind of model.

    Example:
        >>> import zoo  # doctest: +SKIP
        >>> export(zoo.load("en-es-transformer"), "serving/en-es-transformer")  # doctest: +SKIP
    """
    kind = loaded.config.get("kind", "seq2seq")
    if kind not in MODULES:
        raise ValueError(
            f"There is a SavedModel of {', '.join(MODULES)} models. Received: kind={kind!r}"
        )
    return import_module(MODULES[kind]).export(loaded, folder, **options)
