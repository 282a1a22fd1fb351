"""What if: hide or swap words, force attention, switch heads off, and see what changes."""

from __future__ import annotations

import re
from collections.abc import Sequence

import streamlit as st

from apps import interpretation, links, presentation, saved_models, state, widgets
from apps.components import pressable_words
from apps.labels import Reading, axes, chosen_map, from_prediction, read
from apps.markdown import plain
from apps.sections import (
    answer_view,
    continuation_what_if,
    intervention_outcome,
    intervention_words,
    writing_options,
)
from apps.sections import intervention_tools as tools
from zoo.interpret import Force, Intervention
from zoo.interpret.copying import COPY

TOOLS = ("Hide words", "Swap two", "Begin with", "Force attention", "Switch heads off")
PAIR = re.compile(r"\s*(\d{1,4})\s*:\s*(\d{1,4})\s*")


def render() -> None:
    """The page."""
    st.title("What if?", anchor=False)
    st.caption(
        "Change one thing and see what the model writes then. If the answer changes, what you "
        "changed mattered for it: a map of attention alone cannot show that."
    )
    state.begin("what-if")
    with presentation.controls():
        if (chosen := widgets.network()) is None:
            return
        task, name, beams = chosen
        if saved_models.kind(task) == "language_model":
            asked = writing_options.choose(task)
        else:
            text = widgets.text(task)
    if saved_models.kind(task) == "language_model":
        continuation_what_if.render(name, *asked)
    else:
        _of_pair(task, name, beams, text)


def _of_pair(task: str, name: str, beams: int, text: str) -> None:
    """The page for a model that reads one text and writes another."""
    if not text:
        st.info("Type something above.", icon=":material/info:")
        return
    # A notice while it waits must not move what stands below it: that would be drawn anew.
    with st.container():
        before = interpretation.predict(name, text, beams)
    if before is None:
        return
    if not before.target_pieces:
        st.info("The model wrote nothing, so there is nothing to change.", icon=":material/info:")
        return
    reading = read(from_prediction(name, before), saved_models.unit(task))
    with st.container(border=True):
        what, remark, (layer, head) = _choose(task, reading)
    if remark:
        st.warning(plain(remark), icon=":material/warning:")
    outcome = intervention_outcome.computed(name, (text, beams), before, what, beams=beams)
    if outcome is None:
        return
    intervention_outcome.show(name, outcome, what)
    changed = outcome.after.text != before.text
    links.look_closer(
        name,
        text,
        outcome.after.text,
        here="what_if",
        target=outcome.after.text if changed else None,
    )
    st.header("Where it looked", anchor=False)
    if not reading.maps:
        st.caption("There is no attention in this network, so there is no map.")
        return
    kind = _kind(reading)
    intervention_outcome.maps(name, outcome, kind=kind, layer=layer, head=head)
    if what.off:
        st.caption("A head that is switched off still has weights, but they have no effect.")


def _choose(
    task: str, reading: Reading
) -> tuple[Intervention, str | None, tuple[int | None, int | None]]:
    """All the tools, what was chosen with them, and a sentence where some of it means nothing.

    Last: the layer and head that are forced, and shown; None is all.
    """
    noun = saved_models.info(task).input_unit
    words = reading.source[:-1]  # the last is the end of the text
    tools.header()
    tabs = st.tabs(TOOLS, **state.choice("tool", TOOLS, TOOLS[0], ids=state.slug))
    with tabs[0]:
        mask = tools.mask(words, noun)
        how = st.segmented_control(
            "How",
            list(intervention_outcome.HOW_LABELS),
            required=True,
            format_func=intervention_outcome.HOW_LABELS.get,
            help=intervention_outcome.HOW_HELP,
            **state.choice(
                tools.HOW,
                list(intervention_outcome.HOW_LABELS),
                "unknown",
                labels=intervention_outcome.HOW_LABELS.get,
            ),
        )
    with tabs[1]:
        swap = tools.swap(words, noun)
    with tabs[2]:
        prefix = st.text_input(
            "What the answer must begin with",
            max_chars=300,
            help="The model continues from there. Press Enter to apply it.",
            **state.written(tools.PREFIX),
        )
    with tabs[3]:
        force, remark, which = _force(reading)
    with tabs[4]:
        kinds = {
            kind: reading.maps[kind].shape[:2]
            for kind in answer_view.KIND_LABELS
            if kind in reading.maps and kind != COPY  # which has no heads of its own
        }
        off = tools.heads_off(kinds, answer_view.KIND_LABELS)
    what = Intervention(
        mask=tuple(mask),
        how=how if mask else "unknown",
        swap=(tuple(swap),) if len(swap) == 2 else (),
        force=force,
        off=off,
        prefix=intervention_words.as_written(task, prefix),
        unit="word" if saved_models.unit(task) == "word" else "piece",
    )
    return what, remark, which


def _force(
    reading: Reading,
) -> tuple[tuple[Force, ...], str | None, tuple[int | None, int | None]]:
    """Rows of cross-attention that are forced, and a sentence where the list is not understood.

    Last: the layer and head that they are forced in; None is all.
    """
    if "cross" not in reading.maps:
        st.caption(tools.NO_ATTENTION)
        return (), None, (None, None)
    st.caption(
        "Each row is a step of the answer before the change. Press the one place that this step "
        "must look at: all its weight then goes there. The force stays on that step of the "
        "output, whatever the model then writes in it."
    )
    layer, head = _layer_and_head(reading.maps["cross"].shape[:2])
    pressing = st.container()
    rows, columns = axes(reading, "cross")
    typed = st.multiselect(
        "Forced rows, as a list: number written : number read",
        [],
        accept_new_options=True,
        **state.several(tools.FORCE, None),
        placeholder="None; 2:1 makes the second token of the output look at the first of the input",
    )
    good = _pairs(typed, len(rows), len(columns))
    remark = None
    if len(good) < len(typed):
        remark = (
            f"Forced rows are numbers such as 2:1, up to {len(rows)}:{len(columns)} here; "
            "the others were left out."
        )
    with pressing:
        pressable_words.grid(
            rows,
            columns,
            good,
            key="pressed-force",
            label="Attention of the answer before the change, one row for each step; pressed cells "
            "are forced",
            weights=chosen_map(reading, "cross", layer, head),
            exclusive=True,
            slanted=any(len(column) > 2 for column in columns),
            on_press=tools.setter(tools.FORCE, lambda pair: f"{pair[0] + 1}:{pair[1] + 1}"),
        )
    force = tuple(Force(*pair, layer=layer, head=head) for pair in good)
    return force, remark, (layer, head)


def _pairs(typed: Sequence[str], rows: int, columns: int) -> list[pressable_words.Cell]:
    """Cells from the list's "2:1", counted from 0; what is no cell of the map is left out."""
    matches = [match for match in map(PAIR.fullmatch, typed) if match]
    pairs = [(int(match[1]) - 1, int(match[2]) - 1) for match in matches]
    return [pair for pair in pairs if 0 <= pair[0] < rows and 0 <= pair[1] < columns]


def _layer_and_head(shape: tuple[int, int]) -> tuple[int | None, int | None]:
    """Which layer and head are forced, and shown in the maps; None is all of them."""
    with st.container(horizontal=True):
        layer, head = (
            widgets.layer_or_head(
                name,
                count,
                all_of_them="All",
                width=130,
                help="Where rows are forced, and which map is shown: for all, the mean.",
            )
            for name, count in zip(("layer", "head"), shape, strict=True)
        )
    return layer, head


def _kind(reading: Reading) -> str:
    """Which kind of map is compared, where the network has more than one."""
    kinds = [kind for kind in answer_view.KIND_LABELS if kind in reading.maps]
    return widgets.map_kind(kinds)
