"""Trained models by name or path: reads a model folder and gives the predictor of its kind."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from zoo.cleaning import clean


def load(name_or_path: str | Path) -> Any:
    """The shipped model called so, or the one in the folder at a path.

    A name is looked up among the shipped models only; anything that holds a path separator, or
    begins with a dot, is a path, and so is every `Path`.

    Returns:
        the predictor of its kind: `Seq2SeqPredictor`, `LanguageModelPredictor`.

    Raises:
        ModelFolderError: the folder is missing or damaged, with what is wrong.
        ValueError: no such name; the message lists those there are.
    """
    from zoo import registry, saving, shipped

    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or any(c in text for c in "/\\") or text[:1] == "."
    if is_path:
        folder = Path(name_or_path)
    elif text in shipped.folders():
        folder = shipped.saved_models_path() / text
    else:
        known = ", ".join(shipped.names()) or "none"
        raise ValueError(
            f"Unknown model. Shipped: {known}; or give a path such as ./{clean(text)[:80]}. "
            f"Received: {text[:80]!r}"
        )
    config = saving.read_config(folder)
    entry = registry.architecture(config["model"], config["kind"])
    module, _, name = (entry.predictor or registry.KINDS[config["kind"]].predictor).partition(":")
    return getattr(importlib.import_module(module), name).from_folder(
        folder,
        config,
        name=text if not is_path else folder.resolve().name,
        card=saving.read_card(folder),
    )
