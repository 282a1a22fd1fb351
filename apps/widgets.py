"""What several pages let their readers choose: task, model, text, decoding, map.

Each choice is part of the state of `apps.state`, and so of the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from apps import quality, saved_models, state
from apps.markdown import plain
from apps.sections import answer_view

NO_MODELS = (
    "There are no trained models in `saved_models/` yet, nor in another place that was given "
    "(`make dashboard MODELS=runs`). `python -m training.train --help` says how to train one."
)
TEXTS = ("seq2seq", "language_model")
"""The kinds of models that write a text: what the pages about texts know."""
KINDS = (*TEXTS, "forecaster", "classifier")
"""The kinds of models that the pages about any model know."""
BEAMS = (1, 2, 4, 5)
BEAM_HELP = (
    "Greedy writes the most likely token in each step; a beam of N keeps the N most likely outputs "
    "so far and returns the best complete one."
)
BEAM_LABELS = {1: "Greedy", 2: "Beam 2", 4: "Beam 4", 5: "Beam 5"}
BUTTONS = 6
"""Models beyond which a list takes less room than a row of buttons."""
MOST = 8
"""Models that are compared until a reader chooses others."""
ABREAST = 5
"""Columns that are wide enough to read on one line of a page."""
CLOSEST = {"lstm": ("lstm-bahdanau",), "simple-rnn": ("lstm", "lstm-bahdanau")}
"""What to show where there is no model of a family: the most similar ones, in order."""


def task(*, label_visibility: str = "visible", kinds: tuple[str, ...] = ("seq2seq",)) -> str | None:
    """One of the tasks with models of these kinds; None, and a notice, where there are none."""
    saved_models.refresh()
    tasks = saved_models.tasks(kinds)
    if not tasks:
        st.info(NO_MODELS)
        return None
    return st.segmented_control(
        "Task",
        tasks,
        required=True,
        format_func=_task_label,
        label_visibility=label_visibility,
        **state.choice("task", tasks, tasks[0], labels=_task_label),
    )


def kind_shown(kinds: tuple[str, ...] = KINDS) -> str:
    """The kind of the task that `task` will show where it offers those of `kinds`."""
    saved_models.refresh()
    tasks = saved_models.tasks(kinds)
    if not tasks:
        return kinds[0]
    return saved_models.kind(state.value("task", tasks, tasks[0], labels=_task_label))


def _task_label(task: str) -> str:
    return saved_models.task_label(task)


def model(names: Sequence[str], *, default: str | None = None, key: str = "model") -> str:
    """One of some models of one task. In the address it goes by `shipped.id_of`.

    The one chosen on another page is kept; where it is not among `names`, the most similar one.
    """
    ids = {saved_models.id_of(name): name for name in names}
    first = saved_models.id_of(default) if default in names else next(iter(ids))
    asked = state.get(key)
    if asked in saved_models.labels() and asked not in ids:
        families = [saved_models.family_of(name) for name in names]
        closest = next((one for one in (asked, *CLOSEST.get(asked, ())) if one in families), None)
        if closest:
            first = saved_models.id_of(names[families.index(closest)])

    def label(one: str) -> str:
        return saved_models.label(ids[one]) if one in ids else one

    kept = state.choice(key, list(ids), first, labels=label)
    title = "Model" if key == "model" else "Second model"
    if len(ids) > BUTTONS:
        chosen = st.selectbox(title, list(ids), format_func=label, width=320, **kept)
    else:
        chosen = st.segmented_control(title, list(ids), required=True, format_func=label, **kept)
    return ids.get(chosen, ids[first])


def several_models(task: str) -> list[str]:
    """Which models of a task are compared; asked only where some are the user's own.

    Until something is chosen: the shipped ones and the newest others, `MOST` in all.
    """
    names = saved_models.models(task)
    if not any(map(saved_models.is_own, names)):
        return names
    newest = sorted(
        names, key=lambda name: (saved_models.is_own(name), -saved_models.written(name))
    )
    usual = set(newest[:MOST])
    chosen = st.multiselect(
        "Models",
        names,
        format_func=saved_models.label,
        placeholder="All" if len(names) <= MOST else f"The shipped ones and the newest, {MOST}",
        help="Only these are asked. Nothing chosen: as the field says.",
        **state.several("models", names, ids=saved_models.id_of),
    )
    return [name for name in names if name in (chosen or usual)]


def columns(names: Sequence[str]) -> dict[str, Any]:
    """A column with a border for each model, in as many rows as they need."""
    rows = 1 if len(names) <= ABREAST else -(-len(names) // (ABREAST - 1))
    each = -(-len(names) // rows) if names else 1
    found: dict[str, Any] = {}
    for place in range(0, len(names), each):
        part = names[place : place + each]
        found.update(zip(part, st.columns(each, border=True), strict=False))
    return found


def best(task: str, *, attention: bool = False) -> str:
    """The model that is shown until another is chosen: the best on the test set.

    `attention`: the best of those that have attention, if any has.
    """
    names = quality.best_first(task)
    having = [name for name in names if saved_models.attends(name)]
    return (having if attention and having else names)[0]


def best_network(task: str, *, attention: bool = False) -> str:
    """The same among the networks of `task`."""
    names = quality.best_first(task, saved_models.networks(task))
    having = [name for name in names if saved_models.attends(name)]
    return (having if attention and having else names)[0]


def network(*, attention: bool = False) -> tuple[str, str, int] | None:
    """Task, one of its networks, and how wide it searches, side by side.

    None, and a notice, where there is none. `attention`: begin with one that has attention, as
    language models always do.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        chosen = task(kinds=TEXTS)
        if chosen is None:
            return None
        continues = saved_models.kind(chosen) == "language_model"
        names = saved_models.networks(chosen)
        if names:
            first = best_network(chosen, attention=attention or continues)
            name = model(names, default=first)
            width = 1 if continues else beams()
    if not names:
        st.info("This task has no network: in a table of counts there is nothing to look into.")
        return None
    return chosen, name, width


def text(task: str, *, label: str | None = None, with_target: bool = False) -> str:
    """What the models are to read, tidied; notices say where it is not what was typed.

    An empty one becomes the task's opening example. `with_target`: the page shows the reader's
    own output too, which then outlives a change of the text.
    """
    opening = saved_models.opening(task) or ""
    typed = st.text_area(
        label or saved_models.info(task).prompt,
        height=68,
        placeholder=saved_models.info(task).hint or None,
        help=f"At most {state.MAX_CHARACTERS:,} characters are read. Ctrl+Enter reads it.",
        **state.written("text", opening, spare=("target",) if with_target else ()),
    )
    return typed or opening


def example_texts(label: str, examples: Sequence[str], text: str | None) -> None:
    """Texts to press, on one line; `text`: the one that is read now."""
    key = state.seed("example.text", text if text in examples else None, tuple(examples))
    with st.container(key="one-line-examples"):  # which scrolls, see `apps.style`
        st.pills(
            label,
            examples,
            key=key,
            format_func=plain,
            on_change=_example_chosen,
            args=(key,),
            label_visibility="collapsed",
        )


def _example_chosen(key: str) -> None:
    if (text := st.session_state[key]) is not None:
        state.put("text", text)


def target(task: str, *, label: str, widget: Any = st.text_area, **options: Any) -> str:
    """The output that the reader would have the model write; empty where there is none."""
    return widget(label, **options, **state.written("target")) or ""


def beams() -> int:
    """Width of the search; 1 is greedy."""
    return st.segmented_control(
        "Decoding",
        BEAMS,
        required=True,
        format_func=BEAM_LABELS.get,
        help=BEAM_HELP,
        **state.choice("beams", BEAMS, 1, labels=BEAM_LABELS.get),
    )


def map_kind(kinds: Sequence[str], *, label_visibility: str = "visible") -> str:
    """One of the kinds of map that there are; asked only where there are several."""
    if len(kinds) == 1:
        return state.value("map", kinds, kinds[0], labels=answer_view.KIND_LABELS.get)
    return st.segmented_control(
        "Map",
        kinds,
        required=True,
        format_func=answer_view.KIND_LABELS.get,
        label_visibility=label_visibility,
        **state.choice("map", kinds, kinds[0], labels=answer_view.KIND_LABELS.get),
    )


def layer_or_head(name: str, count: int, *, all_of_them: str, **options: Any) -> int | None:
    """One of `count` layers or heads, counted from 0; None is all of them.

    Asked only where there are several.
    """
    numbers = range(count + 1)
    if count == 1:
        state.value(name, numbers, 0)
        return None
    chosen = st.selectbox(
        options.pop("label", name.capitalize()),
        numbers,
        format_func=lambda number: str(number or all_of_them),
        **options,
        **state.choice(name, numbers, 0),
    )
    return chosen - 1 if chosen else None
