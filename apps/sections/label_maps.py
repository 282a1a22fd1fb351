"""What spoke for a class: words, pixels or steps shaded by attention, gradient and occlusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from apps import classifying, downloads, figures, inference, quality, saved_models, state, widgets
from apps.charts import labels as charts
from apps.classifying import Question
from apps.components import shaded_words
from apps.markdown import plain
from apps.sections import chosen_map

if TYPE_CHECKING:
    from zoo.label import Label

WAYS = {
    "attention": "Attention",
    "rollout": "Attention rollout",
    "gradient": "Gradient × input",
    "occlusion": "Occlusion",
}
MEANS = {
    "attention": "How much of the attention of what is classified went to each {unit}, mean of all "
    "layers and heads unless one is chosen.",
    "rollout": "Attention carried through all layers (Abnar and Zuidema 2020): how much of each "
    "{unit} reaches what is classified.",
    "gradient": "Gradient of the class's log-probability times what was read: how much a small "
    "change of each {unit} would matter.",
    "occlusion": "How far the class's log-probability falls when the {unit} is hidden: {how}.",
}
HIDDEN = {
    "text": "the word is left out",
    "image": "a square becomes like the border of the image",
    "series": "a stretch becomes the mean of the series",
}
UNITS = {"text": "word", "image": "part of the image", "series": "step"}
ABREAST = 4
"""Pictures in a row."""


def section(question: Question, answers: Mapping[str, Label]) -> None:
    """The section of the page: one way for all models, then the maps of one."""
    st.header("What spoke for it", anchor=False)
    attending = [name for name, answer in answers.items() if answer.attention]
    ways = [
        way
        for way in WAYS
        if way in ("gradient", "occlusion")
        or (attending and (way == "attention" or _deep(answers, attending)))
    ]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        way = st.segmented_control(
            "Shaded by",
            ways,
            required=True,
            format_func=WAYS.get,
            **state.choice("shade", ways, ways[0], labels=WAYS.get),
        )
        layer = head = None
        if way == "attention":
            shapes = [next(iter(answers[name].attention.values())).shape for name in attending]
            layer, head = (
                widgets.layer_or_head(
                    part,
                    max(shape[axis] for shape in shapes),
                    all_of_them="Mean of all",
                    width=150,
                )
                for axis, part in enumerate(("layer", "head"))
            )
    if question.reads == "text":
        _texts(question, answers, way, layer, head)
    else:
        _pictures(question, answers, way, layer, head)
    unit = UNITS[question.reads]
    said = MEANS[way].format(unit=unit, how=HIDDEN[question.reads])
    if way in ("gradient", "occlusion"):
        said += " Orange speaks for the class, blue against it."
    st.caption(f"{said} The strongest of each model has the full colour.")
    if attending:
        _map(question, {name: answers[name] for name in attending}, layer, head)


def _deep(answers: Mapping[str, Label], names: list[str]) -> bool:
    """Whether some model has a map through which attention can be rolled out."""
    return any("encoder" in answers[name].attention for name in names)


def _scores(
    question: Question,
    name: str,
    answer: Label,
    way: str,
    layer: int | None,
    head: int | None,
) -> tuple[list[str] | None, np.ndarray] | str:
    """The scores of one model and, of a text, its words; a sentence where there are none."""
    from zoo.interpret import labels

    if way in ("attention", "rollout") and not answer.attention:
        return "It has no attention; gradient and occlusion say more."
    waiting = st.empty()
    called = plain(saved_models.label(name))

    def say(step: str) -> None:
        waiting.caption(f":material/hourglass_top: {called}: {step} ...")

    try:
        if way in ("attention", "rollout"):
            shape = next(iter(answer.attention.values())).shape
            chosen = {
                "layer": layer if layer is not None and layer < shape[0] else None,
                "head": head if head is not None and head < shape[1] else None,
            }
            rolled = way == "rollout"
            looked = labels.looked_at(answer, rollout=rolled, **({} if rolled else chosen))
            if question.reads == "text":
                words = classifying.words(name, question, answer, say)
                return words, labels.over_words(answer, looked, words)
            places = looked[answer.ahead :]
            if answer.grid:
                return None, places.reshape(answer.grid)
            return None, over_steps(places, len(answer.input))
        scores = classifying.scores(name, question, answer, way, say)
        read = question.reads == "text"
        return (classifying.words(name, question, answer, say) if read else None), scores
    except Exception as error:  # the answers stand, whatever happens here
        return inference.explain(error)
    finally:
        waiting.empty()


def over_steps(places: np.ndarray, steps: int) -> np.ndarray:
    """(T,) the weight of each step of a series, of patches of equal length."""
    size = -(-steps // len(places))
    return np.repeat(places / size, size)[:steps]


def _texts(
    question: Question,
    answers: Mapping[str, Label],
    way: str,
    layer: int | None,
    head: int | None,
) -> None:
    """The text as each model read it, one below the other."""
    if way in ("attention", "rollout"):
        without = [
            plain(saved_models.label(name)) for name in answers if not answers[name].attention
        ]
        answers = {name: answer for name, answer in answers.items() if answer.attention}
        if without:
            st.caption(f"{', '.join(without)}: no attention; gradient and occlusion say more.")
    for name, answer in answers.items():
        with st.container(border=True):
            st.markdown(
                f"**{plain(saved_models.label(name))}**: {plain(answer.name)}, "
                f"{charts.percent(answer.probability)}"
            )
            found = _scores(question, name, answer, way, layer, head)
            if isinstance(found, str):
                st.caption(f"{plain(found)}")
                continue
            words, scores = found
            shaded_words.show(
                shaded_words.scored(words or [], scores, way in ("gradient", "occlusion")),
                key=f"shaded.{name}",
                nothing="There are no words.",
            )
            if way in ("attention", "rollout"):
                rest = 1.0 - float(scores.sum())
                if rest > 0.05:
                    st.caption(f"{100 * rest:.0f} % went to the token in front of the text.")


def _pictures(
    question: Question,
    answers: Mapping[str, Label],
    way: str,
    layer: int | None,
    head: int | None,
) -> None:
    """The image or the series for each model, shaded."""
    names = list(answers)
    for begin in range(0, len(names), ABREAST):
        part = names[begin : begin + ABREAST]
        slots = st.columns(ABREAST if question.reads == "image" else 2, gap="medium")
        if question.reads != "image":
            slots = [*slots, *st.columns(2, gap="medium")]
        for name, slot in zip(part, slots, strict=False):
            with slot:
                _picture(question, name, answers[name], way, layer, head)


def _picture(
    question: Question, name: str, answer: Label, way: str, layer: int | None, head: int | None
) -> None:
    label = saved_models.label(name)
    st.markdown(f"**{plain(label)}**: {plain(answer.name)}, {charts.percent(answer.probability)}")
    found = _scores(question, name, answer, way, layer, head)
    if isinstance(found, str):
        st.caption(plain(found))
        return
    _, scores = found
    if question.reads == "image":
        height, width = answer.input.shape[:2]
        chart = charts.picture(answer.input, scores).properties(height=round(200 * height / width))
        rows = charts.shade_rows(scores, height, width)
    else:
        chart = charts.curve(answer.input, scores)
        rows = [
            {"step": step + 1, "value": float(answer.input[step, 0]), "weight": float(score)}
            for step, score in enumerate(scores)
        ]
    place = np.unravel_index(int(np.abs(scores).argmax()), scores.shape)
    where = ", ".join(
        f"{called} {one + 1}" for called, one in zip(_axes(scores), place, strict=True)
    )
    said = f"{label}: {answer.name}. {WAYS[way]}; the strongest is {where}."
    figures.show(
        chart,
        alt_text=said,
        rows=rows,
        file=f"{name}-{way}",
        caption=downloads.caption(said, name),
    )


def _axes(scores: np.ndarray) -> tuple[str, ...]:
    return ("row", "column") if scores.ndim == 2 else ("step",)


def _map(
    question: Question, answers: Mapping[str, Label], layer: int | None, head: int | None
) -> None:
    """All heads of one model, and the chosen one: who looked at whom."""
    st.subheader("The maps", anchor=False)
    best = quality.best_first(question.task, list(answers))[0]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        name = widgets.model(list(answers), default=best)
    answer = answers[name]
    [(kind, maps)] = list(answer.attention.items())[:1]
    rows = answer.labels if kind == "encoder" else ["the answer"]
    chosen = chosen_map.of(maps, layer, head, rows, answer.labels)
    what = {
        "text": "token",
        "image": "patch, by row and column",
        "series": "stretch of steps",
    }[question.reads]
    if kind == "pooling":
        said = f"The row is what is classified, each column a {what}."
    else:
        said = f"Each row is a {what} that looks, each column one that is looked at."
        said += (
            " The mean of all rows' states is classified."
            if answer.classified is None
            else " The state of the first row is classified."
        )
    chosen_map.draw(name, chosen, said, key="label")
