"""What every source of pre-trained weights gives, and what is said where there is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from zoo.text_tokenizers import TextTokenizer


class PretrainedError(ValueError):
    """Pre-trained weights are missing, damaged or of another network; the message says which."""


class Pretrained(Protocol):
    """A network that others trained, without what it was trained to say.

    `kind`, `model`: of the architecture that takes the weights. `sizes`: its hyper-parameters,
    without those that a task decides. `normalizer`: what texts go through before `tokenizer`.
    """

    name: str
    kind: str
    model: str
    sizes: Mapping[str, Any]
    normalizer: tuple[Mapping[str, Any], ...]
    tokenizer: TextTokenizer
    sha256: str

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights by the names that `zoo.saving.named_weights` has for them."""


class Held:
    """What a source whose weights are in memory already has in common: `_arrays`, by our names."""

    _arrays: dict[str, np.ndarray]

    @cached_property
    def sha256(self) -> str:
        return sum_of_arrays(self._arrays)

    def arrays(self) -> dict[str, np.ndarray]:
        return dict(self._arrays)


@dataclass(frozen=True)
class Package:
    """A Python package that carries weights.

    Args:
        name: of the model, in commands.
        label: on pages.
        modules: names of packages that carry the same files, the first to be asked for.
        folder: where the files are in each.
        install: the command that brings it.
        about: what it is, where it comes from and its licence.
    """

    name: str
    label: str
    modules: tuple[str, ...]
    folder: str
    install: str
    about: str

    def find(self) -> Path | None:
        """The folder of its files; None where no such package is installed."""
        from importlib import metadata

        for module in self.modules:
            # Asked without importing it: its own needs, PyTorch among them, may be missing.
            try:
                files = metadata.files(module) or []
            except metadata.PackageNotFoundError:
                continue
            inside = f"{module.replace('-', '_')}/{self.folder}".rstrip("/")
            for file in files:
                if str(file.parent).replace("\\", "/") == inside:
                    return Path(str(file.locate())).parent
        return None

    def missing(self) -> PretrainedError:
        """What is said where it is not installed."""
        return PretrainedError(f"the weights of {self.label} are not installed: {self.install}")


def sum_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sum_of_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of weights with their names, in whatever order they are."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(name.encode() + np.ascontiguousarray(array, "<f4").tobytes())
    return found.hexdigest()


def read_weights(path: Path, name: str) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file of the model `name`.

    Raises:
        PretrainedError: it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(path)
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise PretrainedError(f"{path.name} of {name} is damaged: {error}") from None


def read_config(path: Path, name: str) -> dict[str, Any]:
    """The fields of config.json of the model `name`, as Hugging Face writes it.

    Raises:
        PretrainedError: it cannot be read.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PretrainedError(f"{path.name} of {name} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise PretrainedError(f"{path.name} of {name} must have fields")
    return found


def check_fields(
    config: Mapping[str, Any], wanted: Mapping[str, Any], name: str, kind: str
) -> None:
    """Raise PretrainedError where fields of a config.json are not those of a `kind`."""
    for field, value in wanted.items():
        if config.get(field) != value:
            raise PretrainedError(
                f"{name} is no {kind} that the zoo can load: {field} must be {value}. "
                f"Received: {str(config.get(field))[:80]!r}"
            )


def sizes_of(config: Mapping[str, Any], names: Mapping[str, str], name: str) -> dict[str, Any]:
    """The sizes of a config.json under the zoo's names.

    Raises:
        PretrainedError: one is missing, or no size.
    """
    if not all(type(config.get(key)) is int and config[key] > 0 for key in names):
        raise PretrainedError(f"config.json of {name} must have {', '.join(names)}")
    return {ours: config[theirs] for theirs, ours in names.items()}


def array_of(weight: Any) -> np.ndarray:
    """A weight of Keras in float32."""
    return np.asarray(weight, "float32")
