"""A file of the reader's own on Compare: its columns, how models take them, and a download."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from apps import figures, forecasting, own_series, saved_models, state
from apps.forecasting import Question
from apps.json_values import mapping
from apps.markdown import plain
from apps.own_series import SeriesError

if TYPE_CHECKING:
    from training.data.series import Series
    from zoo.forecast import Forecast
    from zoo.scaler import Scaler

NO_TIME = "None: the rows are even steps"
HELP = (
    "A table with a header, commas, semicolons or tabs between columns, and one row a step, the "
    f"oldest first. At most {own_series.MEGABYTES} MB. It is read in memory and not kept."
)


def choose(task: str, names: tuple[str, ...]) -> Question | None:
    """The controls; None, and a sentence on the page, until there is something to forecast."""
    scaler = scaler_of(names)
    if scaler is None:
        st.info("None of these models says which series it forecasts.", icon=":material/info:")
        return None
    columns = scaler.columns
    upload, picked = st.columns([2, 3], gap="medium")
    with upload:
        file = st.file_uploader(
            "A CSV file",
            ["csv", "tsv", "txt"],
            key=state.key("own.file"),
            max_upload_size=own_series.MEGABYTES,
            help=HELP,
        )
    if file is None:
        with picked:
            _wanted(names, columns)
        return None
    try:
        with picked:
            return _question(task, names, columns, file.getvalue(), file.name)
    except SeriesError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None


def scaler_of(names: Sequence[str]) -> Scaler | None:
    """The series of some models of one task, by the first scaler that can be read."""
    from zoo.inference.forecaster_base import read_scaler
    from zoo.saving import ModelFolderError

    for name in names:
        try:
            return read_scaler(saved_models.folder(name), saved_models.config(name))
        except (ModelFolderError, KeyError, OSError):
            continue
    return None


def _wanted(names: Sequence[str], columns: Sequence[str]) -> None:
    """What a file has to have."""
    alone = [saved_models.label(name) for name in names if forecasting.each_alone(name)]
    steps = lookback(names)
    text = f"At least {steps:,} rows are needed. All models forecast " if steps else ""
    text += f"{len(columns)} columns, taken as {plain(', '.join(columns))}."
    if alone and len(columns) > 1:
        text += f" Any single column: {plain(', '.join(alone))}, which read each series by itself."
    st.caption(f":material/info: {text}")


def lookback(names: Sequence[str]) -> int:
    """The steps that the model which reads most of them reads; 0 where none says so."""
    sizes = (mapping(saved_models.config(name).get("hyperparameters")) for name in names)
    return max((one for size in sizes if isinstance(one := size.get("lookback"), int)), default=0)


def _question(
    task: str, names: tuple[str, ...], columns: tuple[str, ...], data: bytes, name: str
) -> Question | None:
    """What is asked of the models with a file; raises SeriesError."""
    head = own_series.columns(data, name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        likely = own_series.likely_time(data, name)
        options = [NO_TIME, *head]
        time = st.selectbox(
            "Column of times",
            options,
            index=options.index(likely) if likely else 0,
            key=state.key(f"own.time.{name}"),
            width=230,
        )
        fill = st.toggle(
            "Fill gaps",
            key=state.key("own.fill"),
            help="Values and steps that are not there repeat the one before.",
        )
    others = [one for one in head if one != time]
    known = all(one in others for one in columns)
    chosen = st.multiselect(
        f"Columns: one, or {len(columns)}" if len(columns) > 1 else "Column",
        others,
        default=list(columns) if known else others[:1],
        max_selections=len(columns),
        key=state.key(f"own.columns.{name}.{time}"),
    )
    if len(chosen) not in (1, len(columns)):
        st.info(
            f"Choose one column, or {len(columns)} for all models. Chosen: {len(chosen)}.",
            icon=":material/info:",
        )
        return None
    found = own_series.read(
        data,
        name,
        None if time == NO_TIME else time,
        tuple(chosen),
        "previous" if fill else "refuse",
    )
    _said(names, columns, chosen, found)
    single = len(chosen) == 1 and (len(columns) > 1 or chosen[0] != columns[0])
    if single and not any(map(forecasting.each_alone, names)):
        st.info("None of these models reads a single series by itself.", icon=":material/info:")
        return None
    return _asked(task, names, tuple(chosen) if single else columns, found, single=single)


def _asked(
    task: str, names: tuple[str, ...], columns: tuple[str, ...], found: Series, *, single: bool
) -> Question:
    """The question, its history cut to what the models and the charts can use."""
    column = 0
    if len(columns) > 1:
        picked = st.selectbox(
            "Series", columns, width=220, **state.choice("series", columns, columns[-1])
        )
        column = columns.index(picked)
    horizons = [
        one
        for name in names
        if isinstance(
            one := mapping(saved_models.config(name).get("hyperparameters")).get("horizon"), int
        )
    ]
    ahead = own_series.ahead(found, max(horizons, default=1))
    times = None if ahead is None else np.concatenate([found.times, ahead])
    return Question(task, names, columns, found.values, column, times=times, single=single)


def _said(
    names: Sequence[str], columns: Sequence[str], chosen: Sequence[str], found: Series
) -> None:
    """How the file was taken."""
    parts = [f"{len(found.values):,} steps"]
    if found.filled:
        parts.append(f"{found.filled:,} missing values repeat the one before")
    if len(chosen) == len(columns) and list(chosen) != list(columns):
        pairs = (f"{own} as {one}" for own, one in zip(chosen, columns, strict=True))
        parts.append(f"taken: {', '.join(pairs)}")
    scaler = scaler_of(names)
    trained = scaler.step if scaler else None
    if trained and found.step and trained != found.step:
        parts.append(
            f"the models were trained on steps of {seconds(trained)}, and those of the file are "
            f"{seconds(found.step)}"
        )
    st.caption(f":material/info: {plain('; '.join(parts))}.")


def seconds(count: float) -> str:
    """A duration in the largest unit of which there is at least one."""
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if count >= size:
            many = count / size
            return f"{many:g} {word}{'' if many == 1 else 's'}"
    return f"{count:g} seconds"


def download(question: Question, answers: Mapping[str, Forecast]) -> None:
    """The forecasts as a CSV file: mean and quantiles of every model, series and step."""

    def made() -> bytes:
        timed = {}
        for name, answer in answers.items():
            begin = len(question.history)
            times = question.times
            known = None if times is None else times[begin : begin + len(answer.mean)]
            timed[saved_models.label(name)] = dataclasses.replace(answer, times=known)
        return figures.as_csv(own_series.rows(timed))

    st.download_button(
        "Download the forecasts (CSV)",
        data=made,
        file_name="forecasts.csv",
        mime="text/csv",
        icon=":material/download:",
        key=state.key("own.download"),
        on_click="ignore",
    )
