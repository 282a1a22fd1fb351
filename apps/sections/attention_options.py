"""What the Attention page's readers choose: a model, its answer, which maps of it, and how shown.

Every choice is part of the state of `apps.state`, and so of the address.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from apps import interpretation, links, presentation, saved_models, state, widgets
from apps.components import shaded_words
from apps.continuing import Options
from apps.labels import SALIENCY
from apps.markdown import plain
from apps.sections import (
    answer_view,
    attention_view,
    continuation_maps,
    intervention_words,
    writing_options,
)
from apps.sections.attention_view import Look
from apps.sections.continuation_maps import Part
from zoo import interpret
from zoo.interpret import QueryKeyValue
from zoo.interpret.copying import COPY
from zoo.prediction import Prediction, piece_labels, piece_spans

VIEWS = {
    "heads": "All heads, one large",
    "two": "Two side by side",
    "steps": "Step by step",
    "cell": "Inside a cell",
}
UNITS = {"word": "Words", "piece": "Tokens"}
DIRECTIONS = {
    "cross": "Each row is one {unit} of the output, each column one {unit} of the input.",
    "encoder": "Each row is one {unit} of the input, each column one that it looks at.",
    "decoder": (
        "Each row is the step that wrote one {unit}, each column the same or an earlier step, "
        "which it looks at."
    ),
    COPY: (
        "Each row is one {unit} of the output, each column one {unit} of the input, which was "
        "copied with that probability; a row adds up to that of copying at all."
    ),
    SALIENCY: "Each row is one {unit} of the output, each column one {unit} of the input.",
}
OF_TEXT = {
    "decoder": (
        "Each row is one token that was read, each column the same or an earlier one, which it "
        "looks at; what follows the row's token is predicted from there."
    ),
    SALIENCY: "Each row is one token that was written, each column one that was read before it.",
}
"""The same where a text is continued."""
STRONGER = "The stronger the colour, the more it {was}: from 0 to 1, the same scale for all maps."


@dataclass(frozen=True)
class Asked:
    """What the reader asked: a model, its answer, and how its maps are to be shown.

    `part`: of a language model, its continuation and which of its tokens are shown.
    """

    name: str
    text: str
    question: tuple
    prediction: Prediction
    view: str
    kind: str
    unit: str
    hide_end: bool
    hide_punctuation: bool
    weigh: bool
    part: Part | None = None

    @property
    def task(self) -> str:
        return saved_models.task_of(self.name)

    @property
    def upright(self) -> bool:
        """Whether column labels are single characters."""
        letters = saved_models.unit(self.task) == "character"
        return self.unit == "piece" and self.kind != "decoder" and letters

    @property
    def direction(self) -> str:
        """How to read rows, columns and colours."""
        was = {SALIENCY: "mattered", COPY: "was copied"}.get(self.kind, "was looked at")
        if self.part is not None:
            return f"{OF_TEXT[self.kind]} {STRONGER.format(was=was)} ↵ is a line break, ␣ a space."
        unit = "word" if self.unit == "word" else "token"
        letters = saved_models.info(self.task).input_unit == "character" and unit == "token"
        signs = " ↵ is the end, ␣ a space." if letters else ""
        return f"{DIRECTIONS[self.kind].format(unit=unit)} {STRONGER.format(was=was)}{signs}"


def ask() -> Asked | None:
    """The choices above the views, and the model's answer; None where there is none."""
    with presentation.controls():
        if (chosen := widgets.network(attention=True)) is None:
            return None
        task, name, beams = chosen
        if saved_models.kind(task) == "language_model":
            asked = writing_options.choose(task)
        else:
            asked = _texts(task)
    if saved_models.kind(task) == "language_model":
        return _of_text(task, name, *asked)
    return _of_pair(task, name, beams, *asked)


def _of_text(task: str, name: str, prompt: str, options: Options) -> Asked | None:
    """Of a language model: what it wrote after a prompt."""
    part = continuation_maps.part(name, prompt, options)
    if part is None:
        return None
    kinds = list(part.answer.attention)
    shown = _map_options(task, kinds, of_text=True)
    if not part.prediction(shown["kind"]).target_pieces:
        st.info("Nothing was written after these tokens: choose later ones.")
        return None
    prediction = part.whole.prediction(shown["kind"])
    question = ("continue", prompt, options)
    return Asked(name, prompt, question, prediction, part=part, **shown)


def _texts(task: str) -> tuple[str, str]:
    """What is read, and what the reader would have written, side by side."""
    read, written = st.columns(2, gap="medium")
    with read:
        text = widgets.text(task, with_target=True)
    with written:
        output = widgets.target(
            task,
            label="Your own output",
            height=68,
            placeholder="Empty: what the model writes",
            help="The model is made to write this, and the maps show how it does so.",
            max_chars=state.MAX_CHARACTERS,
        )
    return text, output


def _of_pair(task: str, name: str, beams: int, text: str, output: str) -> Asked | None:
    """Of a model that reads one text and writes another: what it wrote."""
    if not text:
        st.info("Type something above.", icon=":material/info:")
        return None
    output = intervention_words.as_written(task, output)
    question = ("forced", text, output) if output else ("predict", text, beams)
    prediction = (
        interpretation.run(
            name, question, lambda loaded: loaded.predict([text], target=[output])[0]
        )
        if output
        else interpretation.predict(name, text, beams)
    )
    if prediction is None:
        return None
    _say_answer(prediction)
    if presentation.explained():
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.caption(
                ("Your output" if output else "What it wrote")
                + ", each token shaded by how sure the model was of it.",
                width="content",
            )
            links.look_closer(name, text, prediction.text, here="attention")
    if not prediction.target_pieces:
        st.info("Nothing was written, so there is no attention to show. Type something above.")
        return None
    kinds = [kind for kind in answer_view.KIND_LABELS if kind in prediction.attention]
    options = _map_options(task, kinds)
    return Asked(name, text, question, prediction, **options)


def forced(asked: Asked, name: str) -> Asked | None:
    """The same, of the model `name` made to write what the first one wrote; None where it failed.

    Of a model without such maps it is saliency that is asked for.
    """
    question = ("forced", asked.text, asked.prediction.text)
    prediction = interpretation.run(
        name,
        question,
        lambda loaded: loaded.predict([asked.text], target=[asked.prediction.text])[0],
    )
    if prediction is None:
        return None
    kind = "cross" if asked.kind == SALIENCY else asked.kind
    kind = kind if kind in prediction.attention else SALIENCY
    return replace(
        asked,
        name=name,
        question=question,
        prediction=prediction,
        kind=kind,
        weigh=asked.weigh and kind != SALIENCY,
    )


def _say_answer(prediction: Prediction) -> None:
    pieces = prediction.target_pieces
    spans = piece_spans(pieces)
    sure = np.exp([min(prediction.log_probs[a:b].sum(), 0.0) for a, b in spans])
    words = attention_view.shades(piece_labels(pieces, spans), sure)
    shaded_words.show(words, key="answer", nothing="(wrote nothing)")
    for note in prediction.notes:
        st.caption(f":material/info: {plain(note)}")


def _map_options(task: str, kinds: list[str], *, of_text: bool = False) -> dict[str, Any]:
    """Which maps, over what, and what is hidden of them.

    `kinds`: of map that there are. `of_text`: of a text that was continued, over tokens.
    """
    default = "piece" if saved_models.unit(task) == "character" else "word"
    left_out = (*(() if kinds else ("cell",)), *(("steps",) if of_text else ()))
    views = [view for view in VIEWS if view not in left_out]
    with st.container(horizontal=True, vertical_alignment="center"):
        view = st.segmented_control(
            "View",
            views,
            required=True,
            format_func=VIEWS.get,
            label_visibility="collapsed",
            **state.choice("view", views, "heads", labels=VIEWS.get),
        )
        # What is copied has no queries and keys to look into.
        shown = [one for one in kinds if one != COPY] if view == "cell" else kinds
        kind = widgets.map_kind(shown, label_visibility="collapsed") if kinds else SALIENCY
        with st.popover("Options", icon=":material/tune:"):
            unit = "piece"
            if not of_text:
                unit = st.segmented_control(
                    "Over",
                    list(UNITS),
                    required=True,
                    format_func=UNITS.get,
                    **state.choice("unit", list(UNITS), default, labels=UNITS.get),
                    help="Tokens are what the model reads and writes: word parts, characters or "
                    "sounds.",
                )
            hide_end = not of_text and st.checkbox("Hide the end mark", **state.flag("end"))
            hide_punctuation = st.checkbox("Hide punctuation", **state.flag("marks"))
            weigh = st.checkbox(
                "Weight by the values",
                help=attention_view.WEIGHTED,
                disabled=kind in (COPY, SALIENCY),
                **state.flag("weigh"),
            )
            weigh = weigh and kind not in (COPY, SALIENCY)
    if not kinds:
        st.info(
            "This network has no attention. Shown instead is **input saliency**: how much each "
            "token of the input mattered to each token of the output, as gradient × input (how "
            "much the output would change with the input, times the input itself), each row "
            "scaled to a sum of 1.",
            icon=":material/info:",
        )
    return {
        "view": view,
        "kind": kind,
        "unit": unit,
        "hide_end": hide_end,
        "hide_punctuation": hide_punctuation,
        "weigh": weigh,
    }


def maps(asked: Asked) -> np.ndarray | None:
    """(L, H, T, S) over tokens; None, and an error on the page, where that failed."""
    if asked.kind == SALIENCY:
        answer = asked.part.answer if asked.part else asked.prediction
        saliency = interpretation.run(
            asked.name,
            ("saliency", asked.question),
            lambda loaded: interpret.saliency(loaded, answer),
        )
        if saliency is None:
            return None
        return attention_view.maps_of(asked.prediction, asked.kind, saliency=saliency)
    norms = None
    if asked.weigh:
        found = internals(asked)
        if found is None:
            return None
        norms = {kind: one.value_norms for kind, one in found.items()}
    return attention_view.maps_of(asked.prediction, asked.kind, norms=norms)


def internals(asked: Asked) -> dict[str, QueryKeyValue] | None:
    """Queries, keys, values by kind of map; None, and an error on the page, where that failed."""
    answer = asked.part.answer if asked.part else asked.prediction
    return interpretation.run(
        asked.name,
        ("query_key_value", asked.question),
        lambda loaded: interpret.query_key_value(loaded, answer),
    )


def look(asked: Asked, maps: np.ndarray) -> Look:
    """Maps over tokens as the reader wants them shown."""
    prediction, outside = asked.prediction, ""
    if asked.part:
        prediction, maps = asked.part.prediction(asked.kind), asked.part.cut(maps, asked.kind)
        outside = asked.part.outside(maps)
    found = attention_view.look(
        prediction,
        maps,
        asked.kind,
        asked.unit,
        hide_end=asked.hide_end,
        hide_punctuation=asked.hide_punctuation,
    )
    return replace(found, note=f"{outside} {found.note}".strip()) if outside else found


def one(asked: Asked, maps: np.ndarray, *, ways: bool = True) -> tuple[str, int, int]:
    """Way, layer and head (counted from 0) that the reader chose for the large map."""
    layers, heads = maps.shape[:2]
    if layers * heads == 1:
        for what in ("layer", "head"):
            state.value(what, (1,), 1)
        return "one", 0, 0
    way = "one"
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        if ways:
            options = attention_view.ways(asked.kind, asked.prediction.attention)
            way = st.selectbox(
                "Show large",
                options,
                format_func=attention_view.WAYS.get,
                width=180,
                **state.choice("way", options, "one", labels=attention_view.WAYS.get),
            )
        used = {"layer": way in ("one", "heads", "rollout"), "head": way in ("one", "layers")}
        found = [
            number(what, f"{what.capitalize()} of {many}", many, disabled=not used[what])
            for what, many in (("layer", layers), ("head", heads))
        ]
    return way, found[0] - 1, found[1] - 1


def number(key: str, label: str, many: int, *, disabled: bool = False) -> int:
    """A layer or head, counted from 1 as the address does."""
    numbers = range(1, many + 1)
    return st.selectbox(
        label, numbers, disabled=disabled, width=110, **state.choice(key, numbers, 1)
    )


def combined(asked: Asked, maps: np.ndarray, way: str, layer: int, head: int) -> Look:
    """The one map that `way` makes of all of them, as it is shown."""
    one = attention_view.combined(
        maps,
        way,
        layer,
        head,
        encoder=asked.prediction.attention.get("encoder"),
        square=asked.kind in ("encoder", "decoder"),
    )
    return look(asked, one)


def which(asked: Asked, shape: tuple[int, ...], way: str, layer: int, head: int) -> str:
    """Which map of how many is shown, in a sentence."""
    if asked.kind == SALIENCY:
        return "Input saliency, gradient × input."
    if asked.kind == COPY:
        return f"{answer_view.KIND_LABELS[COPY]}."
    kind = "Self-attention" if asked.part else answer_view.KIND_LABELS[asked.kind]
    if shape[0] * shape[1] == 1:
        said = f"{kind}: its only layer and head."
    else:
        parts = [f"layer {layer + 1} of {shape[0]}"] if way in ("one", "heads", "rollout") else []
        parts += [f"head {head + 1} of {shape[1]}"] if way in ("one", "layers") else []
        where = f", {', '.join(parts)}" if parts else ""
        said = f"{kind}{where}. {attention_view.WAY_LINES[way]}"
        if way == "rollout" and asked.kind == "cross":
            said += attention_view.ROLLED_CROSS
    return f"{said} {attention_view.WEIGHTED}" if asked.weigh else said
