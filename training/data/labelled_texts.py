"""Texts with a class each: SST-2, one's own files, sets of TensorFlow Datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from training.data import download, text_corpora, text_sets, tfds
from training.data.labelled import Labelled, Splits, cut
from training.tasks.base import Provenance
from zoo.cleaning import clean

SST2 = (
    "https://raw.githubusercontent.com/awake020/pytorch_Bert_sst2/"
    "ce2ab1719d32182e6233b24b2de246bd32814fde/SST-2/{part}.tsv"
)
SST2_SHA256 = {
    "train": "e981ceb4fe6c9acd1c79851d0d091b9e78103f1f2a399ca83dda27915d41c56c",
    "dev": "84207e6be5873fb18db798cc6faec86871f5a426554650ff64a1c34e87665f6f",
    "test": "fcd46f967b7b8efd8b5398481dadf873886298d092195167af907fd532e81e1c",
}
LABEL = set("label labels class classes category sentiment target y".split())
TEXT = set(
    "content text texts sentence sentences review message comment document input phrase".split()
)
FORM = "Each line must be a text, a tab and its class; a first line may name the columns"
SHOWN = 70
"""Characters of a line in a message about it."""


def sst2() -> Splits:
    """The Stanford Sentiment Treebank in two classes (Socher et al. 2013), as GLUE has it.

    67,349 phrases of training sentences, 872 and 1,821 whole sentences.

    Raises:
        training.data.download.DownloadError: it can neither be found nor fetched.
        ValueError: a file is not as it should be.
    """
    parts = {}
    for part in ("train", "dev", "test"):
        url, relative = SST2.format(part=part), f"sst2/{part}.tsv"
        known = {url: SST2_SHA256[part]}
        path = download.locate([relative]) or download.fetch([url], relative, sha256=known)
        parts[part] = rows(path)
    names = {"0": "negative", "1": "positive"}
    classes = tuple(names.values())
    numbers = {label: number for number, label in enumerate(names)}
    made = [_numbered(parts[part], numbers, f"sst2/{part}.tsv") for part in parts]
    return Splits(classes, *made, "official: phrases of train.tsv; dev.tsv; test.tsv")


def own(paths: list[Path]) -> Splits:
    """Texts of one's own: one file that is split here, or three, for each split one.

    Raises:
        ValueError: what is wrong, with the row.
    """
    if len(paths) not in (1, 3):
        raise ValueError(
            "labels: takes one file, or three: training, validation, test. "
            f"Received: {len(paths)} files"
        )
    read = [rows(path) for path in paths]
    classes = tuple(sorted({label for _, _, label in read[0]}))
    if len(classes) < 2:
        raise ValueError(
            f"there must be two classes or more, and all {len(read[0]):,} texts of "
            f"{paths[0].name} are {classes[0]!r}"
        )
    if len(classes) > max(len(read[0]) // 2, 2):
        raise ValueError(
            f"{paths[0].name} has {len(classes):,} classes for {len(read[0]):,} texts: is the "
            f"last column the class? {FORM}"
        )
    numbers = {label: number for number, label in enumerate(classes)}
    made = [_numbered(one, numbers, path.name) for one, path in zip(read, paths, strict=True)]
    if len(made) == 3:
        return Splits(classes, *made, "as given: a file for training, validation and test each")
    return cut(made[0], classes, [text.casefold() for text in made[0].inputs])


def rows(path: Path) -> list[tuple[int, str, str]]:
    """The number of each row, from 1, with its text and the name of its class.

    Raises:
        ValueError: no such file, no UTF-8, no rows, or a row without tab, text or class.
    """
    path = path.expanduser()
    lines = text_corpora.read(path).split("\n")
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not filled:
        raise ValueError(f"{path.name} has no rows. {FORM}")
    columns, header = _columns(filled[0][1])
    found = []
    for number, line in filled[header:]:
        cells = line.split("\t")
        if len(cells) <= max(columns):
            raise ValueError(
                f"row {number:,} of {path.name} has {len(cells)} columns, not {max(columns) + 1}. "
                f"{FORM}. Received: {line[:SHOWN]!r}"
            )
        text, label = (clean(cells[column]) for column in columns)
        if not text or not label:
            what = "text" if not text else "class"
            raise ValueError(
                f"row {number:,} of {path.name} has no {what}. Received: {line[:SHOWN]!r}"
            )
        found.append((number, text, label))
    if not found:
        raise ValueError(f"{path.name} names its columns and has no rows. {FORM}")
    return found


def _columns(line: str) -> tuple[tuple[int, int], bool]:
    """The columns of text and class, and whether this first line names them."""
    cells = [clean(cell).casefold().strip('"') for cell in line.split("\t")]
    labels = [i for i, cell in enumerate(cells) if cell in LABEL]
    texts = [i for i, cell in enumerate(cells) if cell in TEXT]
    if len(labels) == 1 and len(texts) == 1:
        return (texts[0], labels[0]), True
    if len(cells) > 2:
        raise ValueError(
            f"there are {len(cells)} columns, and which are text and class cannot be known: let "
            f"the first line name them text and label. Received: {line[:SHOWN]!r}"
        )
    return (0, 1), False


def _numbered(read: list[tuple[int, str, str]], numbers: dict[str, int], name: str) -> Labelled:
    for row, _, label in read:
        if label not in numbers:
            known = ", ".join(list(numbers)[:10])
            raise ValueError(
                f"row {row:,} of {name} has the class {label[:SHOWN]!r}, which no training text "
                f"has. Known: {known}"
            )
    labels = np.array([numbers[label] for _, _, label in read], "int32")
    return Labelled([text for _, text, _ in read], labels)


def of_tfds(name: str) -> tuple[Splits, Provenance]:
    """A text set of TensorFlow Datasets whose rows have one class label.

    Splits that it does not have are cut from its training side.

    Args:
        name: of the set, and the text feature where it has several: "glue/sst2#sentence".

    Raises:
        ValueError: there is no such set, or it has no text or no class.
        training.data.download.DownloadError: it cannot be found, fetched or prepared.
    """
    dataset, _, wanted = name.partition("#")
    builder = tfds.opened(dataset)
    feature = text_sets.text_feature(builder.info.features, dataset, wanted)
    found = [key for key, one in builder.info.features.items() if hasattr(one, "num_classes")]
    if len(found) != 1:
        raise ValueError(
            f"a set to classify has one class label in each row, and tfds:{dataset} has "
            f"{len(found)}. Received: features={', '.join(builder.info.features)}"
        )
    classes = tuple(builder.info.features[found[0]].names)
    tfds.prepare(builder, dataset)
    splits = tfds.split_names(builder.info.splits)
    parts = {s: _of_set(builder, own, feature, found[0]) for s, own in splits.items() if own}
    parts = {split: part for split, part in parts.items() if len(part)}  # hidden labels: none
    if "train" not in parts:
        raise ValueError(f"the train split of tfds:{name} has no labelled rows")
    missing = [split for split in ("valid", "test") if split not in parts]
    if not missing:
        made = Splits(classes, parts["train"], parts["valid"], parts["test"], "official")
    else:
        made = cut(parts["train"], classes, [text.casefold() for text in parts["train"].inputs])
        train = made.train
        for split in {"valid", "test"} - set(missing):  # what was cut for it trains after all
            train = train.joined(getattr(made, split))
        valid, test = (parts.get(split, getattr(made, split)) for split in ("valid", "test"))
        rule = f"official, but {' and '.join(missing)} cut by chance from train, 10 % of it each"
        made = Splits(classes, train, valid, test, rule)
    return made, tfds.provenance(builder, "", made.rule)


def _of_set(builder: Any, split: str, feature: str, label: str) -> Labelled:
    import tensorflow_datasets

    in_order = tensorflow_datasets.ReadConfig(interleave_cycle_length=1)
    found = tensorflow_datasets.as_numpy(builder.as_dataset(split=split, read_config=in_order))
    both = [(clean(row[feature].decode("utf-8", "replace")), int(row[label])) for row in found]
    both = [(text, number) for text, number in both if text and number >= 0]
    return Labelled([text for text, _ in both], np.array([number for _, number in both], "int32"))
