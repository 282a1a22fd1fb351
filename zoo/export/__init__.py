"""Trained models in the formats of other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo import registry


def export(loaded: Any, folder: str | Path, **options: Any) -> Path:
    """Write a model of any kind as a TensorFlow SavedModel, the next version in `folder`.

    Args:
        loaded: what `zoo.load` gives.
        folder: where the versions of this model are.
        options: of the exporter of its kind, see `zoo.registry.KINDS`.

    Returns:
        The folder of the version.

    Raises:
        ValueError: there is no export of such a model.

    Example:
        >>> import zoo  # doctest: +SKIP
        >>> export(zoo.load("en-es-transformer"), "serving/en-es-transformer")  # doctest: +SKIP
    """
    if why := missing(loaded.config):
        raise ValueError(why)
    return registry.named(registry.KINDS[loaded.config["kind"]].exporter)(loaded, folder, **options)


def missing(config: dict[str, Any]) -> str:
    """Why there is no export of a model with this config.json; empty where there is one."""
    kind, model = config["kind"], config["model"]
    if not registry.KINDS[kind].exporter:
        return f"There is no SavedModel of the kind {kind}."
    if registry.architecture(model, kind).counted:
        return f"There is no SavedModel of a {model} model: it has counts and no network."
    return ""
