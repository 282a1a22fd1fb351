"""Trained models by name or path: reads a model folder and gives the predictor of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.cleaning import clean

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.inference.seq2seq import Seq2SeqPredictor


def load(name_or_path: str | Path) -> Seq2SeqPredictor | LanguageModelPredictor:
    """The shipped model called so, or the one in the folder at a path.

    A name is looked up among the shipped models only; anything that holds a path separator, or
    begins with a dot, is a path, and so is every `Path`.

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
    known = {
        "name": text if not is_path else folder.resolve().name,
        "config": config,
        "card": saving.read_card(folder),
        "path": folder,
    }
    if registry.architecture(config["model"], config["kind"]).counted:
        from zoo.inference.ngram import NGramPredictor

        tables = saving.read_tables(folder, config)
        return NGramPredictor(
            tables=tables, tokenizer=saving.read_text_tokenizer(folder, config), **known
        )
    network = saving.read_network(folder, config)
    if config["kind"] == "language_model":
        from zoo.inference.language_model import LanguageModelPredictor

        tokenizer = saving.read_text_tokenizer(folder, config)
        return LanguageModelPredictor(network=network, tokenizer=tokenizer, **known)
    from zoo.inference.seq2seq import Seq2SeqPredictor

    source, target = saving.read_tokenizers(folder, config)
    return Seq2SeqPredictor(
        network=network, source_tokenizer=source, target_tokenizer=target, **known
    )
