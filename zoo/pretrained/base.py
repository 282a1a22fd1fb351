"""What every source of pre-trained weights gives, and what is said where there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
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
