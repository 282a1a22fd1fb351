"""Chapter: what a token is, on one series that is read in three ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from apps import (
    downloads,
    figures,
    forecasting,
    interpretation,
    quality,
    saved_models,
    state,
    stretches,
)
from apps.charts import forecasts as charts
from apps.forecasting import Question
from apps.inference import answering
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.sections import forecast_maps
from apps.sections.forecast_records import records

if TYPE_CHECKING:
    from zoo.forecast import Forecast
    from zoo.metric_info import MetricInfo

TITLE = "What is a token?"
LESSON = Lesson(
    text="""
Text comes in words, and a token is a word or a part of one. A series of numbers has no words: what
the encoder gets as its tokens must be decided, and everything else follows from that.

A token can be a *time point*, all series at one step, as in the first Transformers for series
(Zhou et al. 2021). Then there are as many tokens as steps, and the map grows with their square. A
single point says little by itself, just as a single letter does.

It can be a *patch*, some steps of one series in a row (Nie et al. 2023). There are far fewer
tokens, each has a shape, a rise or a peak, and each series is read by itself with the same weights.

Or it can be a *whole series* (Liu et al. 2024). Then attention is between series and not between
times: what happens in time is left to a linear map.

Is attention needed at all? Zeng et al. (2023) found that one linear map from the past to the future
was better than the Transformers of its time. So every figure here has such a map below it, the
floor: a ridge regression whose weights are computed in seconds.
""",
    try_this="""
Choose a stretch of the test side and a kind of token. The same stretch is read by all three
networks, which have the same encoder.
""",
    see="""
The table: how many tokens there are, how many weights one head has to compute for its map, how far
each forecast is off on this stretch, and over the whole test side. The figure: where in the past
the network looked, or, where a token is a series, at which of the others.
""",
    question="""
Patches overlap: each has 16 steps, and the next begins 8 steps later. What would be lost with
patches of a single step that do not overlap?
""",
    answer="""
Then each token would be a point of one series again: there would be as many tokens as steps, with a
map as large as that of time points, and no token would hold a shape. Longer patches make the map
smaller, and blur where in time the network looked: a weight belongs to all steps of its patch.
""",
    papers=("zhou", "nie", "liu-series", "zeng"),
)
TASK = "etth1"
KINDS = {"point": "A time point", "patch": "A patch", "variate": "A whole series"}
"""What a token is, by the last word of the architecture's name."""
FLOOR = f"{TASK}-n-linear"
FIGURE = "mse"


def models() -> dict[str, str]:
    """The models of the chapter by what a token is to them."""
    return {kind: f"{TASK}-transformer-{kind}" for kind in KINDS}


@dataclass(frozen=True)
class Line:
    """One line of the table: a model, its tokens, and its errors; None where not known."""

    label: str
    covers: str
    tokens: int | None
    here: float | None
    whole: float | None


def render() -> None:
    """The live view."""
    if not shared_views.there(*models().values(), FLOOR):
        return
    side = stretches.side(TASK)
    if side is None:
        st.info(
            "This view needs models that are not in `saved_models/` with their stored stretches, "
            "or the data.",
            icon=":material/info:",
        )
        return
    question = _question(side)
    answers = {
        name: answer
        for name in [*models().values(), FLOOR]
        if (answer := _answered(question, name)) is not None
    }
    if len(answers) < len(KINDS) + 1:
        return
    places = shared_views.one_of("A token is", list(KINDS.values()), key="tokens.kind", first=1)
    name = models()[list(KINDS)[places]]
    _figure(question, name, answers[name])
    lines = [_line(question, one, answer) for one, answer in answers.items()]
    figure = quality.figure(FIGURE, TASK)
    _table(lines, figure)
    st.markdown(verdict(lines, figure))


def _question(side: stretches.Side) -> Question:
    """The stretch that is read: from the middle unless the reader chooses another."""
    numbers = list(side.numbers)
    number = st.select_slider(
        f"Stretch of the test side, of {len(numbers):,}",
        numbers,
        format_func=_counted,
        **state.choice("tokens.window", numbers, side.usual, ids=_counted, labels=_counted),
    )
    stretch = side.stretch(number)
    last = len(stretch.columns) - 1
    names = (*models().values(), FLOOR)
    return Question(TASK, names, stretch.columns, stretch.history, last, stretch, stretch.times)


def _counted(number: int) -> str:
    return str(number + 1)


def _answered(question: Question, name: str) -> Forecast | None:
    """The forecast of one model; None, and an error on the page, where that failed."""
    asked = ("lesson", question.columns, forecasting.digest(question.history))
    by_name = {one: question.history[:, at] for at, one in enumerate(question.columns)}
    return interpretation.run(name, asked, lambda model: model.predict(by_name)[0], answering)


def _figure(question: Question, name: str, answer: Forecast) -> None:
    """Where the network looked: in time, or at which series."""
    [maps] = list(answer.maps(question.column).values())[:1]
    mean = np.asarray(maps, "float32").mean(axis=(0, 1))
    layers, heads = maps.shape[:2]
    said = f"{saved_models.label(name)}: mean of {layers} layers and {heads} heads."
    if not answer.spans:
        labels = forecast_maps.labelled((), answer)
        shared_views.heat_map(
            mean,
            labels,
            labels,
            title=said,
            file="learn-tokens-map",
            caption=downloads.caption(said, name),
        )
        return
    steps = len(answer.history)
    drawn = records(question, answer, steps)
    shades = charts.shade_rows(
        [one["x"] for one in drawn],
        charts.over_steps(mean.mean(axis=0), answer.spans, steps),
    )
    figures.show(
        charts.looked(drawn, shades, title=question.called),
        alt_text=f"{said} {charts.described(drawn, saved_models.label(name), question.called)}",
        rows=[{**one, "x": str(one["x"])} for one in drawn],
        file="learn-tokens-looked",
        caption=downloads.caption(said, name),
    )


def _line(question: Question, name: str, answer: Forecast) -> Line:
    """What the table says of one model; its error here is over all series."""
    found = [
        forecasting.errors(name, answer, question.stretch, column)[FIGURE]
        for column in range(len(question.columns))
    ]
    kind = next((kind for kind, one in models().items() if one == name), "")
    tokens = None
    if answer.attention:
        tokens = next(iter(answer.attention.values())).shape[-1]
    return Line(
        saved_models.label(name),
        covers(answer, KINDS.get(kind, "")),
        tokens,
        float(np.mean(found)),
        quality.value(quality.measured(name, "1"), FIGURE),
    )


def covers(answer: Forecast, token: str) -> str:
    """What one token of a forecast's network holds, in words."""
    if not token:
        return "no tokens"
    series, steps = len(answer.columns), len(answer.history)
    if not answer.spans:
        return f"1 series, {steps:,} steps"
    first, last = answer.spans[0]
    alone = len(next(iter(answer.attention.values()))) > 1
    length = last - first + 1
    return f"{1 if alone else series} series, {length:,} {'step' if length == 1 else 'steps'}"


def _table(lines: Sequence[Line], figure: MetricInfo) -> None:
    rows: list[Mapping[str, Any]] = [
        {
            "Model": line.label,
            "A token holds": line.covers,
            "Tokens": line.tokens,
            "Weights of a map": None if line.tokens is None else line.tokens**2,
            f"{figure.label} here": line.here,
            f"{figure.label}, test side": line.whole,
        }
        for line in lines
    ]
    decimals = st.column_config.NumberColumn(format=f"%.{figure.digits}f")
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            f"{figure.label} here": decimals,
            f"{figure.label}, test side": decimals,
            "Weights of a map": st.column_config.NumberColumn(format="localized"),
        },
        placeholder="–",
        alt="Tokens, size of the map and errors of each network, and of the floor",
    )


def verdict(lines: Sequence[Line], figure: MetricInfo) -> str:
    """What the figures show, in words; `lines`: those of the networks, then the floor's."""
    *networks, floor = lines
    known = [line for line in networks if line.tokens]
    most, least = (pick(known, key=lambda line: line.tokens) for pick in (max, min))
    text = (
        f"{most.label} has {most.tokens:,} tokens, {least.label} {least.tokens:,}: "
        f"{most.tokens**2 / least.tokens**2:,.0f} times as many weights in a map."
    )
    scored = [line for line in networks if line.whole is not None]
    if floor.whole is None or not scored:
        return text
    better = [line for line in scored if line.whole < floor.whole]
    best = min(scored, key=lambda line: line.whole)
    listed = ", ".join(f"{line.label} ({figure.text(line.whole)})" for line in better)
    told = f"below the error of the floor, {floor.label} ({figure.text(floor.whole)})"
    if not better:
        text += (
            f" Over the whole test side none is {told}; the best, {best.label}, has "
            f"{figure.text(best.whole)}."
        )
    else:
        text += f" Over the whole test side {len(better)} of {len(scored)} are {told}: {listed}."
    return text
