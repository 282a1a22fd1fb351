"""The parts of the Compare page that show answers: one output, one map, and the speed of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from apps import figures, quality, saved_models
from apps.charts import base as charts
from apps.charts import quality as quality_charts
from apps.components import shaded_words
from apps.differences import differing, sentence
from apps.labels import SALIENCY, Answer, Reading, axes, chosen_map, copied
from apps.markdown import plain
from zoo.interpret.copying import COPY

KIND_LABELS = {
    "cross": "Output on input",
    "encoder": "Input on itself",
    "decoder": "Output on itself",
    COPY: "Copied from the input",
}
COPIED = "How likely each place of the input was copied in each step."
MOST_REFERENCES = 3
"""How many accepted answers are shown besides the first."""


@dataclass(frozen=True)
class Which:
    """Which map is shown: its kind; layer and head counted from 0, None is the mean over all."""

    kind: str = "cross"
    layer: int | None = None
    head: int | None = None


def heading(name: str) -> None:
    """Name of a model, at the top of its column; its kind is in a tooltip."""
    kind = saved_models.summary(name)
    st.markdown(f"### {saved_models.label(name)}", anchors=False, help=kind)


def reference(accepted: Sequence[str]) -> None:
    """What is right, beside the answers: the first reference, and some of the others."""
    first, *more = accepted
    st.markdown(f"**Reference:** {plain(first)}")
    if more:
        st.caption(f"Also accepted: {plain('; '.join(more[:MOST_REFERENCES]))}")


def output(
    answer: Answer,
    reading: Reading,
    reference: tuple[Answer, Reading],
    accepted: Sequence[str] = (),
) -> None:
    """What one model wrote, how sure it was, and where that differs from `reference`.

    `accepted`: what people accept as an answer, where that is known.
    """
    words = word_records(reading, reference[1])
    shaded_words.show(words, key=f"words.{answer.model}", nothing="(wrote nothing)")
    if reference[0].model != answer.model:
        marks = [word["differs"] for word in words]
        same = answer.text == reference[0].text
        noun = saved_models.info(saved_models.task_of(answer.model)).output_unit
        st.caption(sentence(marks, same, saved_models.label(reference[0].model), noun))
    elif len(saved_models.models(saved_models.task_of(answer.model))) == 1:
        pass  # there are no others
    elif quality.is_graded(answer.model):
        st.caption("The best model on the test set: the others are compared with it.")
    else:
        st.caption("The others are compared with it: none has been scored on a test set.")
    if answer.text in accepted:
        st.caption(":material/check: The same as a reference.")
    _copied(answer, words)
    st.markdown(_facts(answer))
    for note in answer.notes:
        st.caption(f":material/info: {plain(note)}")
    if len(answer.alternatives) > 1:
        with st.expander("All candidates"):
            st.caption("Best first. Score: log-probability divided by a penalty for length.")
            lines = [f"{plain(text)} ({score:.2f})" for text, score in answer.alternatives]
            st.markdown("\n".join(f"{rank}. {line}" for rank, line in enumerate(lines, 1)))
    if words:
        rows = [{key: word[key] for key in ("text", "probability", "differs")} for word in words]
        figures.save(lambda: charts.shaded_words(words), rows=rows, file=f"{answer.model}-output")


def _copied(answer: Answer, words: Sequence[Mapping[str, Any]]) -> None:
    """The words once more, shaded by how much of each was copied; nothing where none can be."""
    share = copied(answer, saved_models.unit(saved_models.task_of(answer.model)))
    if share is None or not words:
        return
    st.caption("The same, shaded by how much of each was copied from the input:")
    shown = [
        {
            "text": word["text"],
            "gap": word["gap"],
            "differs": False,
            "probability": round(float(one), 4),
            "title": f"{word['text']}: {percent(float(one))} copied",
        }
        for word, one in zip(words, share, strict=False)  # the closing mark is no word
    ]
    shaded_words.show(shown, key=f"copied.{answer.model}", nothing="")


def word_records(reading: Reading, reference: Reading) -> list[dict[str, Any]]:
    """The written words without the closing one: text, probability, gap before it, differs."""
    marks = differing(reading.target[: reading.length], reference.target[: reference.length])
    return [
        {
            "text": reading.target[i],
            "probability": round(float(reading.probabilities[i]), 4),
            "gap": reading.gaps[i],
            "differs": differs,
        }
        for i, differs in enumerate(marks)
    ]


def _facts(answer: Answer) -> str:
    """Speed, size and overall probability, a line each."""
    speed = []
    if answer.median is not None:
        speed.append(f"**{milliseconds(answer.median)}**")
    if answer.tokens_per_second is not None:
        speed.append(f"{answer.tokens_per_second:,.0f} tokens/s")
    if not speed and answer.stored is None:
        speed.append("not timed: the computer was busy")
    lines = [" · ".join(speed)] if speed else []
    if count := saved_models.parameters(answer.model):
        lines.append(f"{millions(count)} parameters")
    lines.append(f"{percent(answer.probability)} sure of the whole output")
    return "  \n".join(lines)


def attention(answer: Answer, reading: Reading, which: Which) -> None:
    """One model's map: attention of the chosen kind, or saliency where it has no attention."""
    label = saved_models.label(answer.model)
    kind, title = which.kind, f"{label}: {KIND_LABELS[which.kind].lower()}"
    if SALIENCY in reading.maps and not answer.attention:
        kind, title = SALIENCY, f"{label}: input saliency"
        st.markdown(f"**{label}**")
        st.caption(
            "No attention in this network. Shown instead: input saliency, gradient × input (how "
            "much the output would change with the input, times the input)."
        )
    elif kind not in reading.maps:
        st.markdown(f"**{label}**")
        st.caption(f"This network has no map of the kind “{KIND_LABELS[kind]}”.")
        return
    else:
        st.markdown(f"**{label}**")
        st.caption(COPIED if kind == COPY else _which(reading.maps[kind].shape, which))
    weights = chosen_map(reading, kind, which.layer, which.head)
    rows, columns = axes(reading, kind)
    measure = {SALIENCY: "Saliency", COPY: "Copied"}.get(kind, "Attention")
    upright = (
        saved_models.unit(saved_models.task_of(answer.model)) == "character" and kind != "decoder"
    )
    figures.show(
        charts.heat_map(weights, rows, columns, measure=measure, upright=upright),
        alt_text=charts.heat_map_alt(weights, rows, columns, title),
        rows=charts.heat_map_rows(weights, rows, columns),
        file=f"{answer.model}-{kind}",
    )


def _which(shape: tuple[int, ...], which: Which) -> str:
    """Which layer and head of how many a map shows."""
    layers, heads = shape[:2]
    if layers * heads == 1:
        return "Attention, its only layer and head."

    def part(what: str, index: int | None, count: int) -> str:
        if index is None or index >= count:
            return f"mean of {count} {what}s" if count > 1 else f"one {what}"
        return f"{what} {index + 1} of {count}"

    return f"Attention, {part('layer', which.layer, layers)}, {part('head', which.head, heads)}."


def speed(answers: Mapping[str, Answer]) -> None:
    """A table and a bar chart of latency, in the order of the columns."""
    timed = [answer for answer in answers.values() if answer.median is not None]
    if not timed:
        return
    st.header("How fast each was", anchor=False)
    runs = max(len(answer.milliseconds) for answer in timed)
    st.caption(
        "Text in, text out, one sentence at a time: the median"
        + (f" of {runs} warm runs" if runs else "")
        + "; the thick line reaches from the fastest to the slowest run. Loading and the first "
        "run, which compiles the model, are not counted."
    )
    table, bars = st.columns(2, gap="medium")
    rows = [speed_record(answer) for answer in timed]
    with table:
        st.dataframe(
            [{header: row[key] for key, header in SPEED_COLUMNS.items()} for row in rows],
            hide_index=True,
            column_config={
                "Median ms": st.column_config.NumberColumn(format="%.1f"),
                "Tokens/s": st.column_config.NumberColumn(format="localized"),
                "Parameters": st.column_config.NumberColumn(format="localized"),
                "MB on disk": st.column_config.NumberColumn(format="%.1f"),
            },
            placeholder="–",
            alt="Latency, output length and size of each model",
        )
    with bars:
        described = ", ".join(f"{row['model']} {row['median']:.1f} ms" for row in rows)
        figures.show(
            quality_charts.latency_bars(rows),
            alt_text=f"Median time to answer: {described}.",
            rows=rows,
            file="latency",
        )


SPEED_COLUMNS = {
    "model": "Model",
    "median": "Median ms",
    "tokens_per_second": "Tokens/s",
    "tokens": "Tokens written",
    "parameters": "Parameters",
    "megabytes": "MB on disk",
}


def speed_record(answer: Answer) -> dict[str, Any]:
    """What the table, the chart and the CSV say about the speed of one answer."""
    runs = answer.milliseconds or (answer.median,)
    return {
        "model": saved_models.label(answer.model),
        "median": round(answer.median, 2),
        "low": round(min(runs), 2),
        "high": round(max(runs), 2),
        "tokens_per_second": round(answer.tokens_per_second or 0),
        "tokens": len(answer.target_pieces),
        "parameters": saved_models.parameters(answer.model),
        "megabytes": saved_models.megabytes(answer.model),
    }


def milliseconds(value: float) -> str:
    """A duration as people read it."""
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms"


def millions(count: int) -> str:
    """A number of parameters as people read it."""
    return f"{count / 1e6:.1f} M" if count >= 1e5 else f"{count:,}"


def percent(probability: float) -> str:
    """A probability as people read it; 0 and 100 % are kept for what is really none and all."""
    if 0 < probability < 0.01:
        return "Under 1 %"
    if 0.99 < probability < 1:
        return "Over 99 %"
    return f"{100 * probability:.0f} %"
