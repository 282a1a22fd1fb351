"""What several pages let their readers choose, each choice part of the page's address.

Every widget is bound to the address (`bind="query-params"`), so that a link reproduces the page.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from apps import panels, shipped, state

NO_MODELS = (
    "There are no trained models in `saved_models/` yet. "
    "`python -m training.train --help` says how to train one."
)
BEAM_HELP = (
    "Greedy takes the likeliest piece at each step; a beam of N keeps the N likeliest outputs so "
    "far and returns the best whole one."
)
BEAM_LABELS = {1: "Greedy", 2: "Beam 2", 4: "Beam 4", 5: "Beam 5"}


def task() -> str | None:
    """One of the tasks with shipped models; None, and a notice, where there are none."""
    tasks = shipped.tasks()
    if not tasks:
        st.info(NO_MODELS)
        return None
    return st.segmented_control(
        "Task",
        tasks,
        default=_named("task", tasks, tasks[0]),
        required=True,
        format_func=lambda task: shipped.TASK_LABELS.get(task, task),
        bind="query-params",
        key="task",
    )


def _named(key: str, ids: Sequence[str], otherwise: str) -> str:
    """The id that the address names, else `otherwise`.

    A widget writes, and knows, only its labels there.
    """
    named = st.query_params.get(key)
    return named if key not in st.session_state and named in ids else otherwise


def model(names: Sequence[str], *, default: str | None = None, key: str = "model") -> str:
    """One of some shipped models of one task. In the address it goes by its family's name."""
    families = [shipped.family_of(name) for name in names]
    first = shipped.family_of(default) if default in names else families[0]
    chosen = st.segmented_control(
        "Model" if key == "model" else "Second model",
        families,
        default=_named(key, families, first),
        required=True,
        format_func=lambda family: shipped.FAMILY_LABELS.get(family, family),
        bind="query-params",
        key=key,
    )
    return names[families.index(chosen if chosen in families else first)]


def text(task: str, *, label: str | None = None, key: str = "text") -> str:
    """What the models are to read, tidied; notices say where it is not what was typed.

    An empty one becomes the task's first example.
    """
    examples = shipped.example_sources(task)
    typed = st.text_area(
        label or shipped.PROMPTS.get(task, "Your text"),
        value=examples[0] if examples else "",
        height=80,
        bind="query-params",
        key=f"{key}.{task}",
        placeholder=shipped.HINTS.get(task),
        help=f"At most {state.MAX_CHARACTERS:,} characters are read. Ctrl+Enter reads it.",
    )
    used, remark = state.tidy(typed or "")
    if remark:
        st.info(remark, icon=":material/info:")
    return used or (examples[0] if examples else "")


def beams() -> int:
    """Width of the search; 1 is greedy."""
    return st.segmented_control(
        "Decoding",
        state.BEAMS,
        default=1,
        required=True,
        format_func=BEAM_LABELS.get,
        bind="query-params",
        key="beams",
        help=BEAM_HELP,
    )


def map_kind(kinds: Sequence[str]) -> str:
    """One of the kinds of map that there are; asked only where there are several."""
    if len(kinds) == 1:
        return kinds[0]
    return st.segmented_control(
        "Map",
        kinds,
        default=kinds[0],
        required=True,
        format_func=panels.KIND_LABELS.get,
        bind="query-params",
        key="map",
    )
