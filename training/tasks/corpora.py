"""Parallel corpora: finding or fetching their files, and splitting their pairs."""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.data import download, tfds
from training.tasks.base import SEED, Pair, Provenance
from zoo.cleaning import clean

MANYTHINGS = "https://www.manythings.org/anki/{code}-eng.zip"
MIRRORS = {"spa": "https://storage.googleapis.com/download.tensorflow.org/data/spa-eng.zip"}
# of the text files whose content is known: that of the TensorFlow and Keras tutorials (2018-05)
KNOWN_SHA256 = {
    MIRRORS["spa"]: "6ec60e212f812ee3430f7568ea6f33b6fb080e32193c5952e8da0ee8ba45574c",
}
# two-letter codes -> those in the file names of manythings.org; three-letter codes pass through
CODES = dict(
    pair.split(":")
    for pair in """
    af:afr ar:ara az:aze be:bel bg:bul bn:ben ca:cat cs:ces da:dan de:deu el:ell eo:epo es:spa
    et:est eu:eus fi:fin fr:fra gl:glg he:heb hi:hin hr:hrv hu:hun hy:hye id:ind is:isl it:ita
    ja:jpn ka:kat ko:kor la:lat lt:lit lv:lvs mk:mkd mr:mar ms:zsm nb:nob nl:nld pl:pol pt:por
    ro:ron ru:rus sk:slk sl:slv sq:sqi sr:srp sv:swe ta:tam th:tha tl:tgl tr:tur uk:ukr ur:urd
    vi:vie yi:yid zh:cmn
    """.split()
)
MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw/{name}.gz"
MULTI30K_LANGUAGES = ("en", "de", "fr", "cs")
MULTI30K_PARTS = {"train": "train", "valid": "val", "test": "test_2016_flickr"}

_NO_LETTER = re.compile(r"[\W_]+")


def key(text: str) -> str:
    """What two sentences share when they differ only in case, spacing or punctuation."""
    return _NO_LETTER.sub(_marks, text.casefold()).strip() or text


def _marks(found: re.Match[str]) -> str:
    """A space for what is no letter; vowel signs and tone marks, which tell words apart, stay."""
    run = found.group()
    marks = "".join(c for c in run if unicodedata.category(c)[0] == "M")
    return marks if len(marks) == len(run) else f"{marks} "


def manythings_code(language: str) -> str:
    """The three-letter code of a language. Raises ValueError for one that is not listed."""
    if len(language) == 3:
        return language
    if language not in CODES:
        raise ValueError(
            f"ManyThings languages are {', '.join(sorted(CODES))}, or a three-letter code of "
            f"manythings.org/anki. Received: language={language!r}"
        )
    return CODES[language]


def tatoeba(code: str) -> Path:
    """The text file of a ManyThings pair, e.g. spa.txt, found or fetched."""
    name = f"{code}.txt"
    found = download.locate([f"tatoeba-{code}/{name}", f"{code}-eng/{name}", name])
    if found:
        return found
    urls = [MIRRORS[code]] if code in MIRRORS else []
    urls.append(MANYTHINGS.format(code=code))
    return download.fetch(
        urls, f"tatoeba-{code}/{name}", member=name, sha256={u: KNOWN_SHA256.get(u) for u in urls}
    )


def multi30k(part: str, language: str) -> Path:
    """One text file of Multi30k, e.g. train.de, found or fetched."""
    name = f"{part}.{language}"
    found = download.locate([f"multi30k/{name}"])
    return found or download.fetch([MULTI30K.format(name=name)], f"multi30k/{name}")


def split(pairs: Sequence[Pair], *, valid: int, test: int) -> dict[str, list[Pair]]:
    """Splits by the first side: all pairs whose first sides have one `key` go together.

    `valid` and `test` count distinct first sides. Depends on the set of sentences only, not on
    the order of the file. Training keeps that order; the held-out splits are in random order, so
    that their beginnings are fair samples.
    """
    sentences: dict[str, set[str]] = {}
    for first, _ in pairs:
        sentences.setdefault(key(first), set()).add(first)
    keys = sorted(sentences)
    random.Random(f"{SEED}-pairs").shuffle(keys)
    part: dict[str, str] = {}
    waiting = iter(keys)
    for name, size in (("test", test), ("valid", valid)):
        taken = 0
        while taken < size and (next_key := next(waiting, None)) is not None:
            taken += len(sentences[next_key])
            part[next_key] = name
    splits: dict[str, list[Pair]] = {"train": [], "valid": [], "test": []}
    for pair in pairs:
        splits[part.get(key(pair[0]), "train")].append(pair)
    rank = {sentence: place for place, sentence in enumerate(keys)}
    for name, size in (("test", test), ("valid", valid)):
        rows = sorted(splits[name], key=lambda pair: rank[key(pair[0])])
        kept = set(list(dict.fromkeys(first for first, _ in rows))[:size])  # the last key may
        splits[name] = [pair for pair in rows if pair[0] in kept]  # have brought too many
    return splits


def checksum(paths: Iterable[Path]) -> str:
    """SHA-256 of the files' bytes, one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def tensorflow_dataset(name: str) -> tuple[dict[str, list[Pair]], Provenance]:
    """A translation set of TensorFlow Datasets: pairs by split, and where they come from.

    Raises DownloadError when the package is missing, ValueError for a set that is no translation.
    """
    builder = tfds.opened(name)
    features = builder.info.supervised_keys or ()
    if len(features) != 2 or not set(features) <= set(builder.info.features):
        raise ValueError(f"a translation set has two texts a row. Received: tfds:{name}")
    tfds.prepare(builder, name)
    import tensorflow_datasets

    raw = {
        split_name: [
            (clean(row[features[0]].decode()), clean(row[features[1]].decode()))
            for row in tensorflow_datasets.as_numpy(builder.as_dataset(split=split_name))
        ]
        for split_name in builder.info.splits
    }
    pairs = official(raw)
    digest = hashlib.sha256()
    for rows in pairs.values():
        digest.update("\n".join("\t".join(pair) for pair in sorted(rows)).encode())
    rule = "official where given, else by source sentence"
    return pairs, tfds.provenance(builder, digest.hexdigest(), rule)


def official(raw: dict[str, list[Pair]]) -> dict[str, list[Pair]]:
    """Named splits as "train", "valid", "test"; what is missing is cut from train by source."""
    names = tfds.split_names(raw)
    pairs = {name: [p for p in rows if all(p)] for name, rows in raw.items()}
    found = {name: pairs[own] if own else [] for name, own in names.items()}
    missing = {name: 0 if found[name] else 1_000 for name in ("valid", "test")}
    cut = split(found["train"], **missing)
    return {name: cut[name] if name == "train" or missing[name] else found[name] for name in found}
