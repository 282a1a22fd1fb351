"""Attention: every map of one answer, one head large, two compared, step by step, taken apart."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import streamlit as st

from apps import downloads, saved_models, state, widgets
from apps.components import attention_grid, attention_lines
from apps.labels import SALIENCY
from apps.sections import (
    answer_view,
    attention_comparison,
    attention_options,
    attention_view,
    decoding_steps,
    head_roles,
    score_breakdown,
)
from apps.sections.attention_comparison import Side
from apps.sections.attention_options import Asked
from zoo.interpret.copying import COPY

# Titles of the two columns of words: those that look, those that are looked at.
HEADS = {
    "cross": ("Output", "Input"),
    "encoder": ("Input: looks", "Input: is looked at"),
    "decoder": ("Output: looks", "Output: is looked at"),
    COPY: ("Output", "Input"),
    SALIENCY: ("Output", "Input"),
}
AGAINST = {"model": "Another model", "head": "Another head"}
OF_TEXT = {
    "decoder": ("Looks", "Is looked at"),
    SALIENCY: ("Written", "Read before"),
}
HIDDEN = "Everything is hidden: show the end mark or the punctuation under Options."


def render() -> None:
    """The page."""
    st.title("Attention, up close", anchor=False)
    st.caption(
        "Every layer and head for one answer: where did the network look in each step? The "
        "address of this page always leads back to what you see now."
    )
    state.begin("attention")
    asked = attention_options.ask()
    if asked is None:
        return
    maps = attention_options.maps(asked)
    if maps is None:
        return
    {"heads": _heads, "two": _two, "steps": _steps, "cell": _cell}[asked.view](asked, maps)


def _pick(layer: int, head: int) -> None:
    """A cell of the grid was picked: the lists say so, and the address."""
    state.put("layer", str(layer + 1))
    state.put("head", str(head + 1))
    state.put("way", None)


def _heads(asked: Asked, maps: np.ndarray) -> None:
    """Every head small, one map large as lines and as cells."""
    every = attention_options.look(asked, maps)
    if not every.maps.size:
        st.info(HIDDEN)
        return
    direction = asked.direction
    caption = functools.partial(downloads.caption, text=asked.text)
    if every.several:
        st.header("All layers and heads", anchor=False)
        place = st.container()
        st.caption(direction)
    way, layer, head = attention_options.one(asked, maps)
    if every.several:
        what = f"Every layer and head: {answer_view.KIND_LABELS[asked.kind].lower()}. {direction}"
        with place:
            attention_grid.show(
                every.maps,
                key="grid",
                rows=every.rows,
                columns=every.columns,
                selected=(layer, head) if way == "one" else None,
                on_select=_pick,
                caption=caption(what, asked.name),
                file=f"{asked.name}-{asked.kind}-heads",
            )
    large = attention_options.combined(asked, maps, way, layer, head)
    said = attention_options.which(asked, maps.shape, way, layer, head)
    st.caption(f"{said} {direction if not every.several else ''}")
    if large.note:
        st.caption(f":material/visibility_off: {large.note}")
    title = f"{saved_models.label(asked.name)}. {said}"
    as_lines, as_cells = st.columns(2, gap="large")
    with as_lines:
        attention_lines.show(
            large.maps[0, 0],
            large.rows,
            large.columns,
            key="lines",
            heads=(OF_TEXT if asked.part else HEADS)[asked.kind],
            caption=caption(f"{said} {large.note} A line is as wide as its weight.", asked.name),
            file=f"{asked.name}-{asked.kind}-lines",
        )
    with as_cells:
        attention_comparison.one_map(
            large,
            file=f"{asked.name}-{asked.kind}-map",
            title=title,
            caption=caption(f"{said} {direction} {large.note}", asked.name),
            upright=asked.upright,
        )
    if asked.part and asked.kind == "decoder":
        head_roles.show(asked.name, _pick)


def _two(asked: Asked, maps: np.ndarray) -> None:
    """The same words, two maps, and where they differ."""
    way, layer, head = attention_options.one(asked, maps)
    # Another language model cannot be made to write the same: its tokens may be others.
    others = [name for name in saved_models.models(asked.task) if name != asked.name]
    others = [] if asked.part else others
    options = ["model"] if others else []
    options += ["head"] if maps.shape[0] * maps.shape[1] > 1 else []
    if not options:
        st.info(
            "There is nothing to compare with: this is the only model of its task, and it has one "
            "head.",
            icon=":material/info:",
        )
        return
    against = st.segmented_control(
        "Compare with",
        options,
        required=True,
        format_func=AGAINST.get,
        **state.choice("against", options, options[0], labels=AGAINST.get),
    )
    other, other_maps = _other_model(asked, others) if against == "model" else (asked, maps)
    if other is None:
        return
    units = [(one.prediction.source_pieces, one.prediction.target_pieces) for one in (asked, other)]
    if units[0] != units[1]:
        # Cut at its longest, or written in other tokens than its text is cut into: then the
        # first is made to write its text too, so that both write the same.
        again = attention_options.forced(asked, asked.name)
        maps_again = None if again is None else attention_options.maps(again)
        if again is None or maps_again is None:
            return
        asked, maps = again, maps_again
    first = _side(asked, maps, way, layer, head)
    second = _side(other, other_maps, *_second_choice(other_maps))
    if not first.look.maps.size:
        st.info(HIDDEN)
        return
    for note in dict.fromkeys(filter(None, (first.look.note, second.look.note))):
        st.caption(f":material/visibility_off: {note}")
    attention_comparison.show(first, second, asked.text, asked.direction, upright=asked.upright)


def _side(asked: Asked, maps: np.ndarray, way: str, layer: int, head: int) -> Side:
    return Side(
        asked.name,
        saved_models.label(asked.name),
        attention_options.which(asked, maps.shape, way, layer, head),
        attention_options.combined(asked, maps, way, layer, head),
    )


def _second_choice(maps: np.ndarray) -> tuple[str, int, int]:
    """Way, layer and head of the second map: one head, or the mean of all."""
    layers, heads = maps.shape[:2]
    if layers * heads == 1:
        return "one", 0, 0
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        ways = ["one", "all"]
        way = st.selectbox(
            "Second map",
            ways,
            format_func=attention_view.WAYS.get,
            width=180,
            **state.choice("way2", ways, "one", labels=attention_view.WAYS.get),
        )
        off = way == "all"
        layer = attention_options.number(
            "layer2", f"Second layer of {layers}", layers, disabled=off
        )
        head = attention_options.number("head2", f"Second head of {heads}", heads, disabled=off)
    return way, layer - 1, head - 1


def _other_model(asked: Asked, others: Sequence[str]) -> tuple[Asked | None, np.ndarray]:
    """Another model made to write what the first one wrote, and its maps; None: it has none."""
    none = None, np.zeros((0, 0, 0, 0))
    name = widgets.model(others, default=f"{asked.task}-lstm-bahdanau", key="model2")
    second = attention_options.forced(asked, name)
    if second is None:
        return none
    label = saved_models.label(name)
    st.caption(f"{label} was made to write the same output, word for word.")
    if second.kind == SALIENCY and asked.kind in ("encoder", "decoder"):
        st.info(f"{label} has no map of the kind “{answer_view.KIND_LABELS[asked.kind]}”.")
        return none
    if second.kind == SALIENCY:
        st.caption(f"{label} has no attention, so its input saliency is shown.")
    maps = attention_options.maps(second)
    return none if maps is None else (second, maps)


def _steps(asked: Asked, maps: np.ndarray) -> None:
    """One step of the writing at a time."""
    if asked.kind not in ("cross", SALIENCY):
        st.info(
            f"This view shows where the output looked in the input: choose the map "
            f"“{answer_view.KIND_LABELS['cross']}”.",
            icon=":material/info:",
        )
        return
    way, layer, head = attention_options.one(asked, maps)
    one = attention_view.combined(
        maps, way, layer, head, encoder=asked.prediction.attention.get("encoder")
    )
    said = attention_options.which(asked, maps.shape, way, layer, head)
    decoding_steps.show(asked.name, asked.question, asked.prediction, one[0, 0], said)


def _cell(asked: Asked, maps: np.ndarray) -> None:
    """One energy, taken apart. Always over tokens: those are what the network computes with."""
    _, layer, head = attention_options.one(asked, maps, ways=False)
    pieces = attention_view.look(asked.prediction, maps, asked.kind, "step")
    found = attention_options.internals(asked)
    if found is None:
        return
    score_breakdown.show(
        asked.name,
        found,
        asked.prediction,
        asked.kind,
        (layer, head),
        (pieces.rows, pieces.columns),
    )
