"""Time series as arrays: a CSV file with a column of times, read and checked row by row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.data import text_corpora

SENTINEL = -9999.0
"""What weather stations write where there is no value."""
NO_VALUE = ("", "nan", "na", "n/a", "null", "none", "?", "-")
LEAST_STEPS = 20
MISSING = ("refuse", "previous", "as published")
_NUMBER = re.compile(r"-?\d+(\.\d+)?$")
SECONDS = "datetime64[s]"


@dataclass(frozen=True)
class Series:
    """Some series over the same N steps.

    Args:
        columns: names of the C series.
        values: (N, C) float64.
        times: (N,) datetime64, None where time is a plain number or is not told.
        step: seconds between two rows; None where that is not told, or differs.
        filled: how many values were missing, and were replaced by the one before.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    times: np.ndarray | None = None
    step: float | None = None
    filled: int = 0


def read_table(path: Path, encoding: str = "utf-8") -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a CSV file, with the separator that its header has.

    Raises:
        ValueError: no such file, no text, no rows, or a row of another length: it is named.
    """
    if encoding == "utf-8":
        text = text_corpora.read(Path(path).expanduser())
    else:
        text = Path(path).read_bytes().decode(encoding)
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=mark) if row]
    if len(rows) < 2 or first.count(mark) == 0:
        raise ValueError(
            "a table has a header and rows, with commas, semicolons or tabs between columns. "
            f"Received: {len(rows)} rows, the first is {first[:80]!r}, in {Path(path).name}"
        )
    head = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(head):
            raise ValueError(
                f"line {number:,} of {Path(path).name} has {len(row)} columns, the header has "
                f"{len(head)}: write each line with as many. Received: {mark.join(row)[:80]!r}"
            )
    return head, rows[1:]


def read_csv(
    path: Path,
    time: str | None,
    target: Sequence[str] = (),
    missing: str = "refuse",
) -> Series:
    """Series of one's own: a column of times and columns of numbers.

    Args:
        path: of the file.
        time: the column of times, ISO 8601 (2020-01-31 or 2020-01-31 10:00:00) or numbers; None:
            the rows are steps of the same length.
        target: the columns to forecast; none: all that are not the time.
        missing: "refuse", or "previous": values and steps that are not there repeat the one before.

    Raises:
        ValueError: each fault with its row and what to do: no such column, text or no value where a
            number should be, times that are out of order, twice or not evenly spaced, a series that
            never changes, too few rows.
    """
    name = Path(path).name
    head, rows = read_table(path)
    wanted = _columns(head, time, target, name)
    numbers = [_numbers([row[head.index(c)] for row in rows], c, name) for c in wanted]
    values = np.stack(numbers, axis=-1)  # (N, C)
    times = None
    if time is not None:
        times = _times([row[head.index(time)] for row in rows], time, name)
        _check_order(times, rows, time, head, name)
    values, times, step, filled = _evenly(values, times, wanted, missing, name)
    if len(values) < LEAST_STEPS:
        raise ValueError(
            f"a series must have at least {LEAST_STEPS} rows, and {name} has {len(values)}"
        )
    for column, series in zip(wanted, values.T, strict=True):
        if np.ptp(series) == 0:
            raise ValueError(
                f"{column} of {name} is {series[0]:g} in every row: there is nothing to forecast; "
                "leave it out with --target"
            )
    known = times if times is not None and times.dtype.kind == "M" else None
    return Series(tuple(wanted), values, known, step, filled)


def fill(values: np.ndarray, absent: np.ndarray) -> np.ndarray:
    """(N, C) values with those that are `absent` replaced by the one before, else the next one.

    Example:
        >>> values = np.array([[1.0], [np.nan], [3.0]])
        >>> fill(values, np.isnan(values)).ravel().tolist()
        [1.0, 1.0, 3.0]
    """
    places = np.where(absent, 0, np.arange(len(values))[:, None])
    places = np.maximum.accumulate(places, axis=0)
    found = np.take_along_axis(values, places, axis=0)
    first = np.argmin(absent, axis=0)  # what is before it has none before it
    for column, begin in enumerate(first):
        found[:begin, column] = values[begin, column]
    return found


def _columns(head: list[str], time: str | None, target: Sequence[str], name: str) -> list[str]:
    listed = ", ".join(head)
    twice = sorted({c for c in head if head.count(c) > 1})
    if twice:
        raise ValueError(f"{name} has two columns called {twice[0]!r}: give each a name of its own")
    if time is not None and time not in head:
        raise ValueError(f"--time: {name} has no column {time!r}; it has {listed}")
    for column in target:
        if column not in head:
            raise ValueError(f"--target: {name} has no column {column!r}; it has {listed}")
        if column == time:
            raise ValueError(f"--target: {column!r} is the column of times")
    found = list(target) or [c for c in head if c != time]
    if not found:
        raise ValueError(f"{name} has no column to forecast beside {time!r}")
    return found


def _numbers(cells: list[str], column: str, name: str) -> np.ndarray:
    """One column as float64, NaN where there is no value."""
    try:
        found = np.array(cells, dtype="float64")
    except ValueError:
        found = np.empty(len(cells))
        for row, cell in enumerate(cells):
            text = cell.strip()
            try:
                found[row] = np.nan if text.lower() in NO_VALUE else float(text)
            except ValueError:
                hint = ""
                if re.fullmatch(r"-?[\d.]*\d,\d+", text):
                    hint = "; decimals have a point"
                raise ValueError(
                    f"line {row + 2:,} of {name}, column {column}: {cell[:40]!r} is no number"
                    f"{hint}; name the columns to forecast with --target, and that of times with "
                    "--time"
                ) from None
    infinite = np.flatnonzero(np.isinf(found))
    if len(infinite):
        raise ValueError(
            f"line {infinite[0] + 2:,} of {name}, column {column}: the value is infinite"
        )
    return found


def _times(cells: list[str], column: str, name: str) -> np.ndarray:
    """(N,) datetime64 or, where all are plain numbers, float64."""
    texts = [cell.strip() for cell in cells]
    if all(_NUMBER.match(text) and len(text.split(".")[0].lstrip("-")) != 8 for text in texts):
        return np.array(texts, dtype="float64")
    found = np.empty(len(texts), SECONDS)
    for row, text in enumerate(texts):
        try:
            day = re.fullmatch(r"(\d{4})(\d\d)(\d\d)", text)
            plain = "-".join(day.groups()) if day else text.replace(" ", "T", 1).rstrip("Z")
            found[row] = np.datetime64(plain, "s")
            if np.isnat(found[row]):
                raise ValueError
        except ValueError:
            raise ValueError(
                f"line {row + 2:,} of {name}, column {column}: {text[:40]!r} is no time; write "
                "2020-01-31 or 2020-01-31 10:00:00"
            ) from None
    return found


def _check_order(
    times: np.ndarray, rows: list[list[str]], column: str, head: list[str], name: str
) -> None:
    """Raises ValueError where two rows have the same time, or a row comes before the one above."""
    gaps = np.diff(times).astype("float64")
    if len(gaps) and (gaps <= 0).any():
        row = int(np.flatnonzero(gaps <= 0)[0]) + 1
        shown = rows[row][head.index(column)].strip()
        if gaps[row - 1] == 0:
            raise ValueError(
                f"lines {row + 2:,} and {row + 1:,} of {name} have the same time, {shown}: leave "
                "one of them out"
            )
        raise ValueError(
            f"line {row + 2:,} of {name} ({shown}) is before the line above it: sort the rows by "
            f"{column}"
        )


def _evenly(
    values: np.ndarray,
    times: np.ndarray | None,
    columns: list[str],
    missing: str,
    name: str,
) -> tuple[np.ndarray, np.ndarray | None, float | None, int]:
    """Values and times with even steps and no gaps, seconds a step, how many were filled in."""
    how = "; --missing previous repeats the value before"
    step: float | None = None
    if times is not None and len(times) > 1:
        gaps = np.diff(times).astype("float64")
        usual = float(np.median(gaps))
        calendar = _is_calendar(times)
        if not calendar:
            step = usual if times.dtype.kind == "M" else None
            odd = np.flatnonzero(gaps != usual)
            whole = gaps[odd] % usual == 0
            if len(odd) and not whole.all():
                row = int(odd[~whole][0])
                raise ValueError(
                    f"steps are not even: from line {row + 2:,} to {row + 3:,} of {name} it is "
                    f"{_said(gaps[row], times)}, and usually {_said(usual, times)}; average the "
                    "values over equal steps first"
                )
            if len(odd) and missing != "previous":
                row, count = int(odd[0]), int(gaps[odd[0]] / usual) - 1
                raise ValueError(
                    f"{count:,} steps of {_said(usual, times)} are missing after line {row + 2:,} "
                    f"of {name}{how}"
                )
            if len(odd):
                places = np.round((times - times[0]).astype("float64") / usual).astype(int)
                wide = np.full((places[-1] + 1, values.shape[1]), np.nan)
                wide[places] = values
                values = wide
                unit = np.timedelta64(int(usual), "s") if times.dtype.kind == "M" else usual
                times = times[0] + np.arange(len(values)) * unit
    absent = np.isnan(values)
    if absent.any() and missing != "previous":
        row, column = map(int, np.argwhere(absent)[0])
        raise ValueError(f"line {row + 2:,} of {name}, column {columns[column]}, has no value{how}")
    if absent.all(axis=0).any():
        empty = columns[int(np.flatnonzero(absent.all(axis=0))[0])]
        raise ValueError(f"{empty} of {name} has no values at all")
    filled = int(absent.sum())
    return (fill(values, absent) if filled else values), times, step, filled


def _is_calendar(times: np.ndarray) -> bool:
    """Whether each step is the same number of months."""
    if times.dtype.kind != "M":
        return False
    months = times.astype("datetime64[M]")
    within = (times - months.astype(SECONDS)).astype("float64")
    gaps = np.diff(months.astype("int64"))
    return bool(
        len(gaps) and gaps[0] > 0 and (gaps == gaps[0]).all() and (within == within[0]).all()
    )


def _said(gap: float, times: np.ndarray) -> str:
    """A step in words."""
    if times.dtype.kind != "M":
        return f"{gap:g}"
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if gap >= size:
            return f"{gap / size:g} {word}"
    return f"{gap:g} seconds"
