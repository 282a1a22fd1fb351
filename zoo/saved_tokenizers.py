"""The tokenizers of a model folder, and what else makes numbers of inputs: read and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zoo import class_inputs, saving, tokenizer_files
from zoo.class_inputs import ClassInput
from zoo.normalizer import Normalizer
from zoo.saving import ModelFolderError
from zoo.text_tokenizers import TextTokenizer
from zoo.tokenizer import Tokenizer


def read_tokenizers(folder: Path, config: dict[str, Any]) -> tuple[Tokenizer, Tokenizer]:
    """Source and target tokenizer, sizes checked; the same object when nothing differs."""
    files, normalizers = config["tokenizers"], saving.read_normalizers(folder, config)
    read: list[Tokenizer] = []
    for side in ("source", "target"):
        file = files[side]
        try:
            tokenizer = Tokenizer.load(folder / file, normalizers[side])
        except FileNotFoundError as error:
            raise ModelFolderError(f"{folder} has no {file}") from error
        except (OSError, ValueError) as error:
            raise ModelFolderError(f"{folder / file} is damaged: {error}") from error
        wanted = config["hyperparameters"].get(f"{side}_vocabulary")
        if tokenizer.size != wanted:
            raise ModelFolderError(
                f"{folder / file} has {tokenizer.size} tokens; the model has {wanted}"
            )
        read.append(tokenizer)
    source, target = read
    same = files["source"] == files["target"] and source.normalizer == target.normalizer
    return source, source if same else target


def read_text_tokenizer(folder: Path, config: dict[str, Any]) -> TextTokenizer:
    """The tokenizer of a language model, its size checked."""
    path = folder / config["tokenizers"]["text"]
    try:
        tokenizer = tokenizer_files.load(path)
    except FileNotFoundError as error:
        raise ModelFolderError(f"{folder} has no {path.name}") from error
    except (OSError, ValueError) as error:
        raise ModelFolderError(f"{path} is damaged: {error}") from error
    wanted = config["hyperparameters"].get("vocabulary")
    if tokenizer.size != wanted:
        raise ModelFolderError(f"{path} has {tokenizer.size} tokens; the model has {wanted}")
    return tokenizer


def read_class_input(folder: Path, config: dict[str, Any]) -> ClassInput:
    """How a classifier reads its inputs, checked against its network and its classes."""
    path = folder / config["tokenizers"]["input"]
    given = config.get("normalizers", {}).get("input", ())
    sizes = saving.read_hyperparameters(folder, config)
    try:
        reader = class_inputs.load(path, getattr(sizes, "max_length", 0), Normalizer(given))
    except FileNotFoundError as error:
        raise ModelFolderError(f"{folder} has no {path.name}") from error
    except (OSError, ValueError, TypeError) as error:
        raise ModelFolderError(f"{path} is damaged: {error}") from error
    shape, _ = sizes.arrays()
    wanted = getattr(sizes, "vocabulary", None) or int(np.prod(shape))
    if reader.reads not in sizes.reads or reader.size != wanted:
        raise ModelFolderError(
            f"{path} has {reader.size} {reader.reads} inputs; the model has {wanted}"
        )
    names = config.get("classes")
    right = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not right or len(set(names)) != len(names) or len(names) != sizes.classes:
        raise ModelFolderError(
            f"{folder / 'config.json'} must name {sizes.classes} classes, each once"
        )
    return reader
