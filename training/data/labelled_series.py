"""Series with a class each: two sets of the UCR archive (Dau et al. 2019)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.data.labelled import Labelled, Splits, inside

RULE = (
    "official of the UCR archive, train and test; there is no third, so validation is on the "
    "training side and shows only what is learnt"
)


def ucr(name: str, names: dict[str, str]) -> Splits:
    """A set of the archive that comes with sktime.

    Args:
        name: of its folder, "ArrowHead".
        names: of the classes, by what the file calls them.

    Raises:
        training.data.download.DownloadError: sktime, which has the data, is not installed.
    """
    parts = []
    for part in ("TRAIN", "TEST"):
        file = f"datasets/data/{name}/{name}_{part}.ts"
        parts.append(inside("sktime", "sktime", file, lambda path: read(path, list(names))))
    train, test = parts
    return Splits(tuple(names.values()), train, train, test, RULE)


def read(path: Path, classes: list[str]) -> Labelled:
    """The series of a .ts file, one channel: `1.0,2.0,...:class` a line after `@data`.

    Raises:
        ValueError: another class, or series of several lengths.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    start = next(i for i, line in enumerate(lines) if line.strip().lower() == "@data") + 1
    series, labels = [], []
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip():
            continue
        values, _, label = line.strip().rpartition(":")
        if label not in classes:
            raise ValueError(f"line {number} of {path.name} has the class {label!r}")
        series.append(np.array(values.split(","), "float32"))
        labels.append(classes.index(label))
    if len({len(one) for one in series}) != 1:
        raise ValueError(f"the series of {path.name} have several lengths, or there are none")
    return Labelled(np.stack(series)[..., None], np.array(labels, "int32"))
