"""A CSV file that a reader brings: read and checked as for a training; its faults in words."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from training.data import series

if TYPE_CHECKING:
    from zoo.forecast import Forecast

ON_A_PAGE = (
    ("--missing previous repeats the value before", "“Fill gaps” repeats the value before"),
    (
        "name the columns to forecast with --target, and that of times with --time",
        "choose other columns, or the column of times",
    ),
    ("leave it out with --target", "leave it out"),
    ("--target: ", ""),
    ("--time: ", ""),
)
"""What the messages of a command say, and what they say on a page."""
MEGABYTES = 20
"""The largest file."""


class SeriesError(ValueError):
    """What is wrong with a file, in one sentence."""


@st.cache_data(max_entries=8, show_spinner=False)
def columns(data: bytes, name: str) -> tuple[str, ...]:
    """The columns of a file. Raises SeriesError where it is no table."""
    with _file(data, name) as path:
        return tuple(_faults(series.read_table, path)[0])


@st.cache_data(max_entries=8, show_spinner=False)
def read(
    data: bytes, name: str, time: str | None, target: Sequence[str], missing: str
) -> series.Series:
    """The series in a file.

    Args:
        data: its bytes.
        name: of the file, as the messages call it.
        time, target, missing: as `training.data.series.read_csv` has them.

    Raises:
        SeriesError: the fault, with its row.
    """
    with _file(data, name) as path:
        return _faults(series.read_csv, path, time, target, missing)


@contextlib.contextmanager
def _file(data: bytes, name: str) -> Iterator[Path]:
    """The bytes as a file of that name for as long as the block runs."""
    # Whatever a browser calls it, the file stays in its folder.
    name = PurePosixPath(name.replace("\\", "/").replace("\0", "")).name.strip(". ")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (name[-60:] or "file.csv")
        path.write_bytes(data)
        yield path


def _faults(work: Any, *args: Any) -> Any:
    try:
        return work(*args)
    except (ValueError, OSError) as error:
        said = str(error)
        for command, page in ON_A_PAGE:
            said = said.replace(command, page)
        raise SeriesError(said[:1].upper() + said[1:]) from None


def likely_time(data: bytes, name: str) -> str | None:
    """The first column that holds times in order; None where none does."""
    for column in columns(data, name)[:3]:
        others = [one for one in columns(data, name) if one != column]
        try:
            # A column of plain numbers is a series, unless it is called otherwise.
            found = read(data, name, column, others[:1], "previous")
        except SeriesError:
            continue
        if found.times is not None:
            return column
    return None


def ahead(found: series.Series, horizon: int) -> np.ndarray | None:
    """The times of the steps that follow a series; None where time is not told.

    Example:
        >>> times = np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "datetime64[s]")
        >>> ahead(series.Series(("a",), np.zeros((3, 1)), times), 2).astype(str).tolist()
        ['2020-04-01T00:00:00', '2020-05-01T00:00:00']
    """
    if found.times is None or len(found.times) < 2:
        return None
    steps, last = np.arange(1, horizon + 1), found.times[-1]
    if found.step is not None:
        return last + (steps * round(found.step)).astype("timedelta64[s]")
    months = found.times.astype("datetime64[M]")
    within = last - months[-1].astype("datetime64[s]")
    return (months[-1] + steps * (months[-1] - months[-2])).astype("datetime64[s]") + within


def rows(answers: Mapping[str, Forecast]) -> list[dict[str, Any]]:
    """Forecasts as records for a CSV file: a line a model, series and step.

    Args:
        answers: forecasts by what the models are called.
    """
    found = []
    for label, answer in answers.items():
        for place, column in enumerate(answer.columns):
            for step in range(len(answer.mean)):
                told = None if answer.times is None else str(answer.times[step])
                line = {"model": label, "series": column, "step": step + 1, "time": told}
                line["mean"] = float(f"{answer.mean[step, place]:.6g}")
                for level, value in zip(answer.levels, answer.quantiles[step, place], strict=True):
                    line[f"q{level:g}"] = float(f"{value:.6g}")
                found.append(line)
    return found
