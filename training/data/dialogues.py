"""Texts with summaries: SAMSum, one's own JSON lines, sets of TensorFlow Datasets.

A line break of a text, which parts what two people say, is the sign `BREAK`: texts are one line.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.data import download, tfds
from training.tasks.base import SEED, Pair, Provenance
from zoo.cleaning import clean

BREAK = "¶"
"""Between two lines of a text."""
SAMSUM = (
    "https://raw.githubusercontent.com/vishnusharma-lab/datasets/"
    "6279d61d4c881efde9a1dde4cdd44f477023b818/samsum.zip"
)
SAMSUM_PARTS = {"train": "train", "valid": "val", "test": "test"}
NAMES = (("dialogue", "summary"), ("article", "highlights"), ("document", "summary"))
NAMES += (("text", "summary"), ("source", "target"))
"""What text and summary are called in rows, as they are looked for."""
SHOWN = 80
FORM = 'Each line must be a JSON object with both, {"dialogue": "...", "summary": "..."}'


def joined(text: str) -> str:
    """A text of several lines as one, `BREAK` between them; empty lines are left out."""
    lines = (clean(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return f" {BREAK} ".join(filter(None, lines))


def samsum() -> tuple[dict[str, list[Pair]], Provenance]:
    """SAMSum by split (Gliwa et al. 2019), and where it comes from.

    Raises:
        training.data.download.DownloadError: it can neither be found nor fetched.
        ValueError: a file is not as it should be.
    """
    files = {split: f"samsum/{part}.json" for split, part in SAMSUM_PARTS.items()}
    found = {split: download.locate([file]) for split, file in files.items()}
    if not all(found.values()):
        path = download.fetch([SAMSUM], "samsum/samsum.zip")
        contents = _of_zip(path)
    else:
        contents = {split: path.read_bytes() for split, path in found.items() if path}
    pairs = {split: _of_list(data, files[split]) for split, data in contents.items()}
    digest = hashlib.sha256()
    for split in SAMSUM_PARTS:
        digest.update(contents[split])
    return pairs, Provenance(
        corpus="SAMSum: messenger-like dialogues with summaries, written by linguists",
        url="https://arxiv.org/abs/1911.12237",
        sha256=digest.hexdigest(),
        licence="CC BY-NC-ND 4.0, for research: models trained on it are not passed on here",
        attribution="Gliwa, Mochol, Biesek and Wawer 2019",
        split_rule="official: train, val, test; a dialogue in several counts for the last",
    )


def _of_zip(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as file:
            names = {Path(name).name: name for name in file.namelist()}
            return {split: file.read(names[f"{part}.json"]) for split, part in SAMSUM_PARTS.items()}
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{path.name} has not the three files of SAMSum: {error}") from None


def _of_list(data: bytes, name: str) -> list[Pair]:
    try:
        rows = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is no JSON: {error}") from None
    if not isinstance(rows, list):
        raise ValueError(f"{name} must hold a list of dialogues with their summaries")
    return [pair for number, row in enumerate(rows, 1) if (pair := _pair(row, name, number))]


def lines(path: Path) -> list[Pair]:
    """The pairs of a file of JSON lines.

    Raises:
        ValueError: no such file, no UTF-8, no pairs, or a line that is none, with its number.
    """
    path = path.expanduser()
    if not path.is_file():
        raise ValueError(f"there is no such file. Received: path={str(path)!r}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} must be UTF-8: {error}") from None
    found = []
    for number, line in enumerate(io.StringIO(text), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise ValueError(
                f"line {number:,} of {path.name} is no JSON. {FORM}. "
                f"Received: {line.strip()[:SHOWN]!r}"
            ) from None
        if pair := _pair(row, path.name, number):
            found.append(pair)
    if not found:
        raise ValueError(f"{path.name} has no texts. {FORM}")
    return found


def _pair(row: Any, name: str, number: int) -> Pair | None:
    """A row's text and summary; None where one of them is empty, as in one row of SAMSum."""
    if not isinstance(row, Mapping):
        raise ValueError(f"row {number:,} of {name} is no object. {FORM}")
    found = next((both for both in NAMES if both[0] in row and both[1] in row), None)
    if found is None:
        known = " or ".join(" and ".join(both) for both in NAMES)
        raise ValueError(
            f"row {number:,} of {name} needs {known}. Received: {', '.join(map(str, row))[:SHOWN]}"
        )
    texts = [row[key] for key in found]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"row {number:,} of {name}: {' and '.join(found)} must be texts")
    source, target = joined(texts[0]), clean(texts[1])
    return (source, target) if source and target else None


def own(path: Path) -> tuple[dict[str, list[Pair]], Provenance]:
    """One's own file, a tenth of it for the test and a twentieth for validation."""
    from training.tasks import corpora

    pairs = lines(path)
    count = len({source for source, _ in pairs})
    if count < 20:
        raise ValueError(
            f"own data needs at least 20 different texts to be split. Received: {count} in "
            f"{path.name}"
        )
    splits = corpora.split(pairs, valid=min(1000, count // 20), test=min(3000, count // 10))
    return splits, Provenance(
        corpus=path.name,
        url="",
        sha256=corpora.checksum([path.expanduser()]),
        licence="the owner's",
        attribution="",
        split_rule=f"by text (ignoring case, punctuation), shuffled, seed {SEED}",
    )


def of_tfds(name: str) -> tuple[dict[str, list[Pair]], Provenance]:
    """A set of TensorFlow Datasets whose rows have a text and a summary.

    Raises:
        ValueError: there is no such set, or its rows have no summaries.
        training.data.download.DownloadError: it cannot be found, fetched or prepared.
    """
    from training.tasks import corpora

    builder = tfds.opened(name)
    features = set(builder.info.features)
    both = next((two for two in NAMES if set(two) <= features), None)
    if both is None:
        raise ValueError(
            f"the rows of tfds:{name} have no summaries. Received: {', '.join(sorted(features))}"
        )
    tfds.prepare(builder, name)
    splits = tfds.split_names(builder.info.splits)
    parts = {split: _of_set(builder, one, both) for split, one in splits.items() if one}
    if not parts.get("train"):
        raise ValueError(f"the train split of tfds:{name} has no rows")
    if missing := [split for split in ("valid", "test") if not parts.get(split)]:
        count = len(parts["train"])
        cut = corpora.split(
            parts["train"], valid=min(1000, count // 20), test=min(3000, count // 10)
        )
        parts = {**cut, **{s: p for s, p in parts.items() if s not in ("train", *missing)}}
    rule = "official" if not missing else f"official, but {' and '.join(missing)} cut from train"
    return parts, tfds.provenance(builder, "", rule)


def _of_set(builder: Any, split: str, both: Sequence[str]) -> list[Pair]:
    import tensorflow_datasets

    in_order = tensorflow_datasets.ReadConfig(interleave_cycle_length=1)
    rows = tensorflow_datasets.as_numpy(builder.as_dataset(split=split, read_config=in_order))
    texts = ([row[key].decode("utf-8", "replace") for key in both] for row in rows)
    pairs = ((joined(text), clean(summary)) for text, summary in texts)
    return [pair for pair in pairs if all(pair)]
