"""A trained model as LiteRT graphs, which answer without TensorFlow and Keras."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import registry
from zoo.export import folders, litert_readme
from zoo.inference import litert_making
from zoo.saving import write_aside

if TYPE_CHECKING:
    from zoo.inference.litert_making import Loaded


def missing(config: Mapping[str, Any]) -> str:
    """Why there are no LiteRT graphs of a model with this config.json; empty where there are."""
    return registry.without_graphs(config)


def export(
    loaded: Loaded, folder: str | Path, precision: str = "float32", example: str = ""
) -> Path:
    """Write `loaded` into `folder`: graphs, tokenizers, configuration, card and README.

    Args:
        loaded: the model, which came from a folder.
        folder: where to; what a former export left there is replaced when this one is complete.
        precision: of the weights, "float32" or "int8".
        example: a text that the README asks for.

    Returns:
        The folder.

    Raises:
        ValueError: the model is of another kind, or its network cannot be converted
            (`zoo.runtime.litert_conversion.ConversionError`).
        FileExistsError: there is something else in `folder`.
    """
    if why := missing(loaded.config):
        raise ValueError(why)
    folder = Path(folder)
    with folders.replaced(folder, "graphs.json", "graphs") as aside:
        litert_making.make(loaded, aside, precision)
        folders.copy_files(loaded, aside, "config.json", "card.json")
        text = litert_readme.write(loaded, aside, precision, example)
        write_aside(aside / "README.md", text.encode())
    return folder
