"""The one reader of parallel text: training, large files, evaluation and gold alignments use it.

A file is UTF-8, with or without a byte-order mark. Its lines end at line feeds and nowhere else,
and the carriage returns before one belong to it; any other carriage return is a space, as are the
line separators of Unicode. Texts are cleaned by `zoo.cleaning.clean`. A pair with an empty side is
left out, a first line that names the columns too, and what cannot be understood is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from training.tasks import columns, encodings, headers
from training.tasks.base import Pair
from training.tasks.columns import Layout
from zoo.cleaning import clean

POLICY = 2
"""Goes up when the same file gives other pairs than before: what was made of them is made anew."""
SAMPLE = 10_000
"""Lines at the beginning of a file by which its columns are understood."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PairFiles:
    """One file of tab-separated pairs, or two files whose lines belong together.

    Args:
        paths: the file, or source and target.
        layout: how the lines of one file are read; of two files, only whether they have a header.
    """

    paths: tuple[Path, ...]
    layout: Layout

    def numbered(
        self, starts: Sequence[int] = (0, 0), first: int = 0, count: int | None = None
    ) -> Iterator[tuple[int, Pair | None]]:
        """The cleaned pair of each line with its number; None where there is none.

        Args:
            starts: where in each file to begin, in bytes: at the beginning of a line.
            first: the number of that line, from 0.
            count: how many lines to read; None: all that all files have.

        Raises:
            ValueError: a line is not UTF-8, or not as the others are.
        """
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in self.paths]
            for file, start in zip(files, starts, strict=False):
                file.seek(start)
            for number, raw in enumerate(islice(zip(*files, strict=False), count), first):
                yield number, self.parse(raw, number)

    def at(self, numbers: Sequence[int]) -> dict[int, Pair]:
        """The pairs of these lines by their numbers, from 0; those that have none are left out."""
        found, wanted = {}, iter([*sorted(numbers), -1])
        following = next(wanted)
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in self.paths]
            for number, raw in enumerate(zip(*files, strict=False)):
                if number != following:
                    continue
                if pair := self.parse(raw, number):
                    found[number] = pair
                following = next(wanted)
                if following < 0:
                    break
        return found

    def parse(self, raw: Sequence[bytes], number: int) -> Pair | None:
        """The pair of line `number`, from 0; None for a header, and where a side is empty.

        Args:
            raw: the line of the one file, or one line of each.
            number: of the line.

        Raises:
            ValueError: it is not UTF-8, or not as the other lines are.
        """
        if number == self.layout.header:
            return None
        texts = [decode(line, number, path) for line, path in zip(raw, self.paths, strict=True)]
        if len(texts) == 1:
            if not clean(texts[0]):
                return None
            texts = list(self.layout.texts(texts[0], number + 1, self.paths[0].name))
        pair = clean(texts[0]), clean(texts[1])
        return pair if all(pair) else None


def open_pairs(paths: Sequence[Path], first_two: bool = False) -> PairFiles:
    """Looks at the first lines of the files, and says what it leaves out.

    Args:
        paths: a file of tab-separated pairs, or source and target.
        first_two: of one file, the first two columns are known to be the texts.

    Raises:
        ValueError: the files are no text in UTF-8, or it cannot be known where the texts are.
    """
    for path in paths:
        encodings.check(path)
    if len(paths) > 1:
        header = _parallel_header(paths)
        return PairFiles(tuple(paths), Layout(header=header))
    [path] = paths
    with path.open("rb") as file:
        lines = [(n, decode(raw, n, path)) for n, raw in enumerate(islice(file, SAMPLE))]
    lines = [(number, line) for number, line in lines if clean(line)]
    layout = columns.decide(lines, path.name, first_two)
    if layout.header >= 0:
        _tell_header(path.name, columns.split(lines[0][1], layout.quoted) or [lines[0][1]])
    if layout.columns != (0, 1):
        source, target = (column + 1 for column in layout.columns)
        log.warning("%s: the texts are read from columns %d and %d", path.name, source, target)
    return PairFiles((path,), layout)


def read_pairs(paths: Sequence[Path], first_two: bool = False) -> list[Pair]:
    """All pairs of one tab-separated file, or of two parallel ones; see `open_pairs`.

    Raises:
        ValueError: as `open_pairs`, or the files do not have as many lines.
    """
    files = open_pairs(paths, first_two)
    lines = shared_lines(paths, [count(path) for path in paths])
    found, left_out = [], []
    for number, pair in files.numbered(count=lines):
        if pair:
            found.append(pair)
        elif number != files.layout.header:
            left_out.append(number + 1)
    if left_out and len(paths) > 1:
        tell_blank(" and ".join(path.name for path in paths), left_out)
    return found


def read_rows(paths: Sequence[Path], header: bool = False) -> list[tuple[int, tuple[str, ...]]]:
    """The cleaned lines of parallel files that belong together, each row with its number from 1.

    Rows that are blank in all files are among them, unless they end the files.

    Args:
        paths: the files.
        header: whether a first line that is a header is left out.

    Raises:
        ValueError: a file is no text in UTF-8, or the files do not have as many lines.
    """
    lines = [read_lines(path) for path in paths]
    stop = shared_lines(paths, [count(path) for path in paths])
    first = _parallel_header(paths) + 1 if header else 0
    rows = list(enumerate(zip(*lines, strict=False), 1))[first:stop]
    return [(number, tuple(map(clean, row))) for number, row in rows]


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without their ends, not cleaned; blank ones at the end too.

    Raises:
        ValueError: it is no text in UTF-8; the message names file and line.
    """
    encodings.check(path)
    with path.open("rb") as file:
        return [decode(raw, number, path) for number, raw in enumerate(file)]


def decode(raw: bytes, number: int, path: Path) -> str:
    """The text of line `number`, from 0, without its end and without a byte-order mark.

    Raises:
        ValueError: it is not UTF-8; the message names the line and what it looks like.
    """
    try:
        text = raw.decode("utf-8" if number else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"a corpus must be UTF-8 text ({error.reason}). It looks like {encodings.guess(raw)}. "
            f"Received: line {number + 1} of {path.name}"
        ) from None
    return text.rstrip("\r\n")


def count(path: Path, every: int = 0) -> tuple[int, int, list[int]]:
    """How many lines a file has, how many up to the last that is not blank, and where parts begin.

    Args:
        path: the file.
        every: the lines of a part; 0: it has none.

    Returns:
        lines; lines without the blank ones at the end; the bytes at which lines 0, `every`,
        2 `every`, ... begin.
    """
    marks, position, lines, filled = [], 0, 0, 0
    with path.open("rb") as file:
        for number, line in enumerate(file):
            if every and number % every == 0:
                marks.append(position)
            position += len(line)
            lines = number + 1
            if line.strip():
                filled = lines
    return lines, filled, marks


def shared_lines(paths: Sequence[Path], counts: Sequence[Sequence]) -> int:
    """How many lines parallel files have in common: up to the last that is not blank in all.

    Args:
        paths: the files.
        counts: of each, its lines and its lines without the blank ones at the end.

    Raises:
        ValueError: one ends before another one's last line with a text.
    """
    stop = max(filled for _, filled, *_ in counts)
    check_parallel(paths, [min(lines, stop) for lines, *_ in counts])
    return stop


def check_parallel(paths: Sequence[Path], lines: Sequence[int]) -> None:
    """Raises ValueError where parallel files differ in their numbers of lines."""
    if len(set(lines)) > 1:
        found = " and ".join(
            f"{path.name} with {count:,}" for path, count in zip(paths, lines, strict=True)
        )
        number = "two " if len(paths) == 2 else ""
        raise ValueError(f"{number}parallel files must have as many lines. Received: {found}")


def _parallel_header(paths: Sequence[Path]) -> int:
    """0 where the first lines of parallel files are a header, and then says so; else -1.

    Raises ValueError for a file of several columns.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path in paths]
        sides = [
            [decode(raw, n, path) for n, raw in enumerate(islice(file, SAMPLE))]
            for file, path in zip(files, paths, strict=True)
        ]
    for lines, path in zip(sides, paths, strict=True):
        columns.check_single(lines, path.name)
    rows = [[clean(line) for line in row] for row in zip(*sides, strict=False)]
    if not rows or not all(rows[0]) or not headers.is_header(rows):
        return -1
    _tell_header(" and ".join(path.name for path in paths), rows[0])
    return 0


def _tell_header(name: str, cells: Sequence[str]) -> None:
    shown = ", ".join(repr(clean(cell).strip('"')) for cell in cells)
    log.warning("%s: the first line looks like a header and is left out: %s", name, shown)


def tell_blank(name: str, numbers: Sequence[int]) -> None:
    """Says that lines of parallel files are left out, because one of them is blank there."""
    lines = f"{len(numbers):,} lines are" if len(numbers) > 1 else "1 line is"
    log.warning(
        "%s: %s left out because a side is blank (the first: line %d)", name, lines, numbers[0]
    )
