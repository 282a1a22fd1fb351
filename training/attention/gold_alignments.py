"""Gold word alignments: sentences with what people say goes together, read from the data folder.

They are never fetched and never part of this repository: put them where `Alignments.files` says,
under the folder that ZOO_DATA_DIR names.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data import download
from training.tasks.base import Example, Provenance
from training.tasks.corpora import checksum
from training.tasks.reading import read_lines, read_rows
from zoo.cleaning import clean
from zoo.interpret.alignment import Gold, Link

GOLDEN, HANSARDS = "align_golden_enes_enfr", "align_hansards_enfr"

_PHARAOH = re.compile("([0-9]+)([-p])([0-9]+)")
_NAACL = re.compile(r"([0-9]+)\s+([0-9]+)\s+([0-9]+)(?:\s+([SP]))?(?:\s+[0-9.]+)?")


@dataclass(frozen=True)
class AlignedPair:
    """Two sentences, as words (or characters), and the links between them.

    Raises ValueError for a link outside the sentences.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    gold: Gold

    def __post_init__(self) -> None:
        for source, target in self.gold.possible:
            if not (0 <= source < len(self.source) and 0 <= target < len(self.target)):
                raise ValueError(
                    f"a link leaves the sentence of {len(self.source)} and {len(self.target)} "
                    f"words. Received: {source}-{target}, counted from 0"
                )


@dataclass(frozen=True)
class Alignments:
    """One set of gold alignments: `files` under a data folder, and what reads them."""

    files: tuple[str, ...]
    reader: Callable[[Sequence[Path]], list[AlignedPair]]
    languages: tuple[str, str]
    corpus: str
    url: str
    licence: str

    def paths(self) -> list[Path]:
        """Where the files are. Raises DownloadError for the first that is missing."""
        return [_locate(name) for name in self.files]

    def read(self) -> list[AlignedPair]:
        """The sentences, always in the same order.

        Raises:
            DownloadError: a file is not there.
            ValueError: a file is not what it should be; the message names file and line.
        """
        return self.reader(self.paths())

    def provenance(self) -> Provenance:
        """Where it comes from, with the checksum of the files. Raises DownloadError."""
        return Provenance(
            corpus=self.corpus,
            url=self.url,
            sha256=checksum(self.paths()),
            licence=self.licence,
            attribution=self.corpus,
            split_rule="all of it is a test set: nothing is trained on it",
        )


def read(name: str) -> list[AlignedPair]:
    """The sentences of one of `SETS`. Raises as `Alignments.read` does, and for another name."""
    if name not in SETS:
        raise ValueError(f"gold alignments are {', '.join(SETS)}. Received: name={name!r}")
    return SETS[name].read()


def from_example(example: Example) -> AlignedPair:
    """The true alignment of a task's example, between characters.

    A link is sure where a written character comes from one read character (a digit), and possible
    where it comes from several (the letters of a month's name): to have looked at any of them is
    right. Raises ValueError when the truth is not known.
    """
    if example.alignment is None:
        raise ValueError(f"the example has no true alignment. Received: {example.source!r}")
    sure, possible = set(), set()
    for target, sources in enumerate(example.alignment):
        links = {(source, target) for source in sources}
        possible |= links
        if len(links) == 1:
            sure |= links
    gold = Gold(frozenset(sure), frozenset(possible))
    return AlignedPair(tuple(example.source), tuple(example.references[0]), gold)


def parse_pharaoh(line: str, *, first: int = 0) -> Gold:
    """Links as `0-1 2p3`: source, target; "-" is sure and "p" possible.

    `first`: the number of the first word, 0 or 1. Raises ValueError for anything else.
    """
    sure, possible = set(), set()
    for link in line.split():
        match = _PHARAOH.fullmatch(link)
        if not match:
            raise ValueError(f"links are written 0-1 or 2p3. Received: {link!r}")
        source, kind, target = match.groups()
        (sure if kind == "-" else possible).add((int(source) - first, int(target) - first))
    return Gold(frozenset(sure), frozenset(possible))


def format_pharaoh(gold: Gold) -> str:
    """The line that `parse_pharaoh` reads, from 0, sorted."""
    kinds = ((link, "-" if link in gold.sure else "p") for link in sorted(gold.possible))
    return " ".join(f"{source}{kind}{target}" for (source, target), kind in kinds)


def read_pharaoh(text: Path, links: Path, *, first: int = 0) -> list[AlignedPair]:
    """Sentences as `a b ||| c d`, as fast_align and awesome-align have them, and Pharaoh links.

    Raises ValueError that names file and line.
    """
    found = []
    for number, (sentence, line) in read_rows((text, links)):
        source, bar, target = sentence.partition("|||")
        if not bar or "|||" in target:
            raise ValueError(
                f"line {number} of {text.name} must be two sentences with ||| between them. "
                f"Received: {sentence[:80]!r}"
            )
        with _at(links, number):
            gold = parse_pharaoh(line, first=first)
            found.append(AlignedPair(tuple(source.split()), tuple(target.split()), gold))
    return found


def read_naacl(source: Path, target: Path, links: Path) -> list[AlignedPair]:
    """Two texts, a sentence a line, and links as `sentence source target S|P`, counted from 1.

    The format of the shared task of Mihalcea and Pedersen 2003. Without S or P a link is sure; a
    confidence behind it is not read; word 0 means no word, and such a link is left out.
    Raises ValueError that names file and line.
    """
    rows = read_rows((source, target))
    sentences = [(tuple(a.split()), tuple(b.split())) for _, (a, b) in rows]
    marked: list[dict[str, set[Link]]] = [{"S": set(), "P": set()} for _ in sentences]
    for number, line in enumerate(map(clean, read_lines(links)), 1):
        if not line:
            continue
        match = _NAACL.fullmatch(line)
        if not match:
            raise ValueError(
                f"line {number} of {links.name} must be sentence, source, target, S or P. "
                f"Received: {line[:80]!r}"
            )
        sentence, first, second = map(int, match.groups()[:3])
        inside = 1 <= sentence <= len(sentences)
        sizes = [len(words) for words in sentences[sentence - 1]] if inside else []
        if not inside or first > sizes[0] or second > sizes[1]:
            raise ValueError(
                f"line {number} of {links.name} names a sentence or word that is not there. "
                f"Received: {line[:80]!r}"
            )
        if first and second:
            marked[sentence - 1][match[4] or "S"].add((first - 1, second - 1))
    return [
        AlignedPair(*words, Gold(frozenset(of["S"]), frozenset(of["P"])))
        for words, of in zip(sentences, marked, strict=True)
    ]


def read_jsonl(paths: Sequence[Path]) -> list[AlignedPair]:
    """Lines of {"src_words", "tgt_words", "alignment": [[source, target], ...]}, all links sure.

    Raises ValueError that names file and line.
    """
    found = []
    for path in paths:
        for number, line in enumerate(read_lines(path), 1):
            if line.strip():
                with _at(path, number):
                    found.append(_json(line))
    return found


def _json(line: str) -> AlignedPair:
    row = json.loads(line)
    try:
        words = [tuple(row[key]) for key in ("src_words", "tgt_words")]
        links = frozenset((source, target) for source, target in row["alignment"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"a line holds src_words, tgt_words and alignment ({type(error).__name__}: {error}). "
            f"Received: {line[:80]!r}"
        ) from None
    strings = all(isinstance(word, str) for side in words for word in side)
    if not strings or any(type(index) is not int for link in links for index in link):
        raise ValueError(f"words are strings, links are numbers. Received: {line[:80]!r}")
    cleaned = [tuple(clean(word) for word in side) for side in words]
    if not all(word for side in cleaned for word in side):
        raise ValueError(f"no word is blank. Received: {line[:80]!r}")
    return AlignedPair(*cleaned, Gold(links))


@contextlib.contextmanager
def _at(path: Path, number: int) -> Iterator[None]:
    """A ValueError within it is told with the file and the line."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"line {number} of {path.name}: {error}") from None


def _locate(relative: str) -> Path:
    found = download.locate([relative])
    if found is None:
        raise download.DownloadError(
            f"no gold alignments {relative}: they are not fetched. "
            f"Put the file at {download.data_folders()[0] / relative}"
        )
    return found


def _golden(language: str, code: str) -> Alignments:
    return Alignments(
        files=tuple(f"{GOLDEN}/{code}_golden.{part}.jsonl" for part in ("train", "valid")),
        reader=read_jsonl,
        languages=("en", code),
        corpus=f"Golden Collection English-{language} (INESC-ID; first 100 sentences of Europarl)",
        url="https://www.hlt.inesc-id.pt/w/Word_Alignments",
        licence="no copyright restriction stated",
    )


def _hansards(part: str) -> Alignments:
    return Alignments(
        files=tuple(f"{HANSARDS}/{part}.{end}" for end in ("e", "f", "wa.nonullalign")),
        reader=lambda paths: read_naacl(*paths),
        languages=("en", "fr"),
        corpus=f"Hansards English-French, {part} set of the HLT-NAACL 2003 workshop (Och and Ney)",
        url="http://www.cs.unt.edu/~rada/wpt",
        licence="none stated",
    )


def _awesome(languages: tuple[str, str], corpus: str) -> Alignments:
    name = f"{HANSARDS}/awesome_{''.join(languages)}"
    return Alignments(
        files=(f"{name}.src-tgt", f"{name}.gold"),
        reader=lambda paths: read_pharaoh(*paths, first=1),
        languages=languages,
        corpus=f"{corpus}, as awesome-align has it",
        url="https://github.com/neulab/awesome-align",
        licence="none stated (code: BSD-3-Clause)",
    )


SETS: dict[str, Alignments] = {
    "golden-en-es": _golden("Spanish", "es"),
    "golden-en-fr": _golden("French", "fr"),
    "hansards-en-fr": _hansards("test"),
    "hansards-en-fr-dev": _hansards("dev"),
    "awesome-en-fr": _awesome(("en", "fr"), "Hansards English-French, test set"),
    "awesome-ro-en": _awesome(("ro", "en"), "Romanian-English, test set"),
}
"""The gold alignments there are, by name."""
