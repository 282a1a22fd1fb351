"""Which columns of a file of tab-separated lines are the texts; what cannot be known is refused."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from training.tasks import headers
from zoo.cleaning import clean

log = logging.getLogger(__name__)
SHOWN = 3  # lines in a message
_FIELD = re.compile(r'"((?:[^"]|"")*)"(?=\t|\Z)|([^\t"][^\t]*|)(?=\t|\Z)')
_ATTRIBUTION = re.compile(r"cc[ -]?by|cc0|tatoeba|attribution|licen[cs]e", re.IGNORECASE)
WHAT_TO_DO = (
    "Leave two columns, source and target (for example: cut -f1,2 FILE > pairs.tsv), or let the "
    "first line name them: source, target"
)


@dataclass(frozen=True)
class Layout:
    """How the lines of a file are read.

    Args:
        columns: which are source and target, from 0.
        width: how many columns a line has; blank ones at its end do not count.
        least: how many it must have at least.
        numbers: the columns that hold a whole number in every line.
        quoted: whether fields are in quotation marks as in CSV, one inside them being doubled.
        header: the number of the line that names the columns, from 0; -1: there is none.
    """

    columns: tuple[int, int] = (0, 1)
    width: int = 2
    least: int = 2
    numbers: tuple[int, ...] = ()
    quoted: bool = False
    header: int = -1

    def texts(self, line: str, number: int, name: str) -> tuple[str, str]:
        """Source and target of a line, not yet cleaned.

        Args:
            line: without its end.
            number: of the line, from 1, for messages.
            name: of the file, for messages.

        Raises:
            ValueError: the line is not as the others are.
        """
        cells = split(line, self.quoted)
        if cells is None:
            raise ValueError(
                f"line {number} of {name} opens a quotation mark that it does not close as the "
                f'lines before it do ("he said ""yes"""). Received: {line[:80]!r}'
            )
        if len(cells) == 1:
            raise ValueError(f"line {number} of {name} has no tab. Received: {line[:80]!r}")
        cells = without_blank_end(cells, self.width)
        if not self.least <= len(cells) <= self.width:
            raise ValueError(
                f"line {number} of {name} has {len(cells)} columns, others have {self.width}; a "
                f"tab inside a text must be replaced by a space. Received: {line[:80]!r}"
            )
        for column in self.numbers:
            if not headers.is_number(clean(cells[column])):
                raise ValueError(
                    f"line {number} of {name} has no whole number in column {column + 1}, as the "
                    f"others have. Received: {line[:80]!r}"
                )
        return cells[self.columns[0]], cells[self.columns[1]]


def split(line: str, quoted: bool) -> list[str] | None:
    """The fields of a line; None where one opens a quotation mark and does not close it."""
    if not quoted:
        return line.split("\t")
    fields = _fields(line)
    if fields is None:
        return None
    return [text.replace('""', '"') if in_quotes else text for in_quotes, text in fields]


def _fields(line: str) -> list[tuple[bool, str]] | None:
    """Each field, whether it is in quotation marks, and what is between them."""
    found, position = [], 0
    while True:
        match = _FIELD.match(line, position)
        if match is None:
            return None
        in_quotes = match[1] is not None
        found.append((in_quotes, match[1] if in_quotes else match[2]))
        position = match.end() + 1
        if position > len(line):
            return found


def without_blank_end(cells: Sequence[str], width: int) -> list[str]:
    """The cells without blank ones at the end, as long as there are more than `width`."""
    kept = list(cells)
    while len(kept) > width and not clean(kept[-1]):
        kept.pop()
    return kept


def are_quoted(lines: Sequence[str]) -> bool:
    """Whether the fields of these lines are quoted as CSV does it.

    Quotation marks are also part of texts, so they must be everywhere (every text of every line
    but the first, which may be a header), or every field with one must be quoted and some of them
    have a doubled one inside.
    """
    rows = [_fields(line) for line in (lines[1:] or lines)]
    if not rows or any(row is None for row in rows):
        return False
    fields = [field for row in rows for field in row or () if field[1].strip()]
    if any('"' in text for in_quotes, text in fields if not in_quotes):
        return False
    texts = [in_quotes for in_quotes, text in fields if not headers.is_number(text.strip())]
    everywhere = len(rows) > 1 and all(texts) and bool(texts)
    return everywhere or any('""' in text for in_quotes, text in fields if in_quotes)


def decide(lines: Sequence[tuple[int, str]], name: str, first_two: bool = False) -> Layout:
    """How a file is read, by its first lines.

    Args:
        lines: those that are not blank, with their numbers from 0.
        name: of the file, for messages.
        first_two: the texts are known to be in the first two columns, whatever stands behind.

    Raises:
        ValueError: it cannot be known which columns are the texts.
    """
    quoted = are_quoted([line for _, line in lines])
    rows = [[clean(cell) for cell in split(line, quoted) or [line]] for _, line in lines]
    width = max((len(without_blank_end(row, 2)) for row in rows), default=2)
    width = max(width, 2)
    rows = [without_blank_end(row, width) for row in rows]
    header = lines[0][0] if headers.is_header(rows) else -1
    body = list(zip([number for number, _ in lines], rows, strict=True))[header >= 0 :]
    narrow = next((number for number, row in body if len(row) < 2), None)
    if narrow is not None:
        _refuse_without_tab(lines, narrow, name, all(len(row) < 2 for _, row in body))
    rest = {"quoted": quoted, "header": header}
    if first_two and not _tatoeba(body):
        return Layout(width=max(width, 1_000), **rest)
    if width == 3 and body and all(_is_attribution(row) for _, row in body):
        return Layout(width=3, **rest)
    widths = Counter(len(row) for _, row in body)
    if len(widths) > 1:
        usual = widths.most_common(1)[0][0]
        number, odd = next((n + 1, len(row)) for n, row in body if len(row) != usual)
        _refuse(lines, f"{name} has {usual} columns in most lines and {odd} in line {number}")
    if width <= 2:
        _check_two(lines, body, name)
        return Layout(**rest)
    if _tatoeba(body):
        return Layout(columns=(1, 3), width=4, least=4, numbers=(0, 2), **rest)
    named = header >= 0 and len(rows[0]) == width
    found = headers.roles(rows[0]) if named else None
    if found is None:
        numbers = [i + 1 for i in range(width) if _all_numbers(body, i)]
        only = f" (only whole numbers in {', '.join(map(str, numbers))})" if numbers else ""
        _refuse(lines, f"{name} has {width} columns{only}, and which are the texts cannot be known")
    return Layout(columns=found, width=width, least=width, **rest)


Body = Sequence[tuple[int, Sequence[str]]]


def _all_numbers(body: Body, column: int) -> bool:
    return bool(body) and all(
        column < len(row) and headers.is_number(row[column]) for _, row in body
    )


def _tatoeba(body: Body) -> bool:
    """Tatoeba's own download: id, text, id, text."""
    are = [_all_numbers(body, column) for column in range(4)]
    return are == [True, False, True, False] and all(len(row) == 4 for _, row in body)


def _is_attribution(row: Sequence[str]) -> bool:
    """Whether the third of at most three columns says whose the texts are, or is not there."""
    return len(row) < 3 or not row[2] or bool(_ATTRIBUTION.search(row[2]))


def _check_two(lines: Sequence[tuple[int, str]], body: Body, name: str) -> None:
    """Raises ValueError where one of two columns only counts the lines; tells two of numbers."""
    if all(_all_numbers(body, column) for column in range(2)):
        log.warning("%s: both columns hold nothing but whole numbers", name)
    for column in range(2):
        if _all_numbers(body, column) and not _all_numbers(body, 1 - column):
            numbers = [int(row[column]) for _, row in body]
            if len(numbers) > 2 and all(b > a for a, b in pairwise(numbers)):
                _refuse(
                    lines,
                    f"{name} has rising whole numbers in column {column + 1}, which look like ids, "
                    "and texts in the other only",
                    "Each line must be a source text, a tab and a target text; where the numbers "
                    "are one of the texts, give two files (files:SOURCE_PATH,TARGET_PATH)",
                )


def check_single(lines: Sequence[str], name: str) -> None:
    """Raises ValueError where a file of one text a line seems to be one of several columns."""
    filled = [line for line in lines if clean(line)]
    if len(filled) > 1 and all("\t" in line.strip() for line in filled):
        _refuse(
            list(enumerate(filled)),
            f"{name} has a tab in every line, and one text a line is wanted",
            "A file of pairs, source, tab, target, is trained on as tsv:PATH; to have its columns "
            "in files of their own: cut -f1 FILE > source.txt; cut -f2 FILE > target.txt",
        )


def _refuse_without_tab(
    lines: Sequence[tuple[int, str]], number: int, name: str, everywhere: bool
) -> None:
    line = next(text for n, text in lines if n == number)
    message = f"line {number + 1} of {name} has no tab. Received: {line[:80]!r}"
    if everywhere and len(lines) > 1:
        signs = [sign for sign in ",;|" if all(sign in text for _, text in lines)]
        hint = f"; its columns seem to be separated by {signs[0]!r}" if signs else ""
        message += f"; no line has one{hint}. Each line must be source, tab, target"
    raise ValueError(message)


def _refuse(lines: Sequence[tuple[int, str]], what: str, do: str = WHAT_TO_DO) -> None:
    shown = "; ".join(repr(text[:70]) for _, text in lines[:SHOWN])
    raise ValueError(f"{what}. {do}. Received, as its first lines: {shown}")
