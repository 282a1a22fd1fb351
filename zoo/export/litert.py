"""A trained model as LiteRT graphs, which answer without TensorFlow and Keras."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import registry
from zoo.export import litert_readme
from zoo.inference import litert_making
from zoo.saving import write_aside

if TYPE_CHECKING:
    from zoo.inference.litert_making import Loaded


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
    if why := registry.without_graphs(loaded.config):
        raise ValueError(why)
    if loaded.path is None:
        raise ValueError(f"{loaded.name} did not come from a folder: save it first")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / "graphs.json").is_file():
        raise FileExistsError(f"{folder} is not empty and holds no graphs: give another --out")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".aside-") as made:
        aside = Path(made) / "graphs"
        aside.mkdir()
        litert_making.make(loaded, aside, precision)
        endings = registry.KINDS[loaded.config["kind"]].files
        kept = {name for name in loaded.config["tokenizers"].values() if name.endswith(endings)}
        for name in {"config.json", "card.json", *kept}:
            if (loaded.path / name).is_file():
                shutil.copyfile(loaded.path / name, aside / name)
        write_aside(
            aside / "README.md", litert_readme.write(loaded, aside, precision, example).encode()
        )
        if folder.exists():
            shutil.rmtree(folder)
        aside.rename(folder)
    return folder
