"""Trained models by name or path: reads a model folder and gives the predictor of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.cleaning import clean
from zoo.inference.litert_folder import DESCRIPTION

RUNTIMES = ("", "litert")
LARGE = 100_000_000
"""Bytes of a weights file, in half precision, from which on LiteRT usually has eight bits."""


def usual_precision(folder: Path) -> str:
    """Of LiteRT's weights, where none is asked for: those of a large model fill the memory."""
    from zoo import saving

    try:
        size = (folder / saving.WEIGHTS).stat().st_size
        # An adapter's file is small, whatever the size of its base.
        weights = saving.read_card(folder).get("parameters")
    except (OSError, ValueError):  # what is wrong is told by who loads it
        return "float32"
    whole = 2 * weights if isinstance(weights, int) else 0
    return "int8" if max(size, whole) > LARGE else "float32"


def load(name_or_path: str | Path, runtime: str = "", precision: str = "float32") -> Any:
    """The shipped model called so, or the one in the folder at a path.

    A name is looked up among the shipped models only; anything that holds a path separator, or
    begins with a dot, is a path, and so is every `Path`.

    Args:
        name_or_path: of the model.
        runtime: "" for Keras; "litert" for LiteRT graphs, which need neither Keras nor TensorFlow
            once they are made. A folder that has nothing but graphs is run by LiteRT.
        precision: of LiteRT's weights, "float32" or "int8".

    Returns:
        the predictor of its kind: `Seq2SeqPredictor`, `LanguageModelPredictor`, `LiteRTSeq2Seq`.

    Raises:
        ModelFolderError: the folder is missing or damaged, with what is wrong.
        ValueError: no such name, the message lists those there are; no such runtime.
        zoo.runtime.litert.GraphError: no graphs, or damaged ones, or no LiteRT.
    """
    from zoo import registry, saving, shipped

    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or any(c in text for c in "/\\") or text[:1] == "."
    if is_path:
        folder = Path(name_or_path)
    elif text in shipped.folders():
        folder = shipped.saved_models_path() / text
    else:
        listed = ", ".join(shipped.names()) or "none"
        raise ValueError(
            f"Unknown model. Shipped: {listed}; or give a path such as ./{clean(text)[:80]}. "
            f"Received: {text[:80]!r}"
        )
    if runtime not in RUNTIMES:
        listed = ", ".join(map(repr, RUNTIMES))
        raise ValueError(f"runtime is one of {listed}. Received: runtime={runtime!r}")
    config = saving.read_config(folder)
    known = {
        "name": text if not is_path else folder.resolve().name,
        "card": saving.read_card(folder),
    }
    entry = registry.architecture(config["model"], config["kind"])
    exported = (folder / DESCRIPTION).is_file()
    if (runtime and not entry.counted) or (exported and not (folder / saving.WEIGHTS).is_file()):
        from zoo.inference import litert_making
        from zoo.inference.litert_folder import GraphFolder

        graphs = (
            GraphFolder.read(folder) if exported else litert_making.find(folder, config, precision)
        )
        made = registry.named(registry.KINDS[config["kind"]].on_litert)
        return made.from_folder(folder, config, graphs, **known)
    made = registry.named(entry.predictor or registry.KINDS[config["kind"]].predictor)
    return made.from_folder(folder, config, **known)
