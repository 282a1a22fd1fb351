"""Learn: fourteen short chapters through the ideas of attention, each with something to change."""

from __future__ import annotations

import streamlit as st

from apps import state
from apps.lessons import (
    bottleneck,
    causal,
    cross_attention,
    explanation,
    heads,
    lesson,
    memory,
    order,
    parallelism,
    positions,
    pretraining,
    scroll,
    self_attention,
    spotlight,
    tokens,
    versatility,
)

CHAPTERS = (
    memory,
    order,
    bottleneck,
    spotlight,
    self_attention,
    cross_attention,
    heads,
    positions,
    parallelism,
    pretraining,
    causal,
    tokens,
    versatility,
    explanation,
)
"""In the order in which they are to be read: each may rely on those before it."""


def render() -> None:
    """The page."""
    st.title("Learn", anchor=False)
    st.caption(
        "Fourteen short chapters on what attention is and what it is for. Each shows trained "
        "networks at work: change something and see what happens."
    )
    state.begin("learn")
    many = len(CHAPTERS)
    with st.container(horizontal=True, vertical_alignment="center"):
        number = st.pagination(
            many,
            max_visible_pages=None,
            width="content",
            **state.choice("chapter", range(1, many + 1), 1),
        )
        with st.popover("All chapters", icon=":material/toc:", type="tertiary"):
            for place, chapter in enumerate(CHAPTERS, 1):
                _button(place, f"{place}. {chapter.TITLE}", key=f"all.{place}")
        scroll.to_top(number, key=state.key("top"))
    st.progress(number / many)
    chapter = CHAPTERS[number - 1]
    st.header(f"{number}. {chapter.TITLE}", anchor=False)
    lesson.show(chapter.LESSON, chapter.render)
    _neighbours(number)


def _neighbours(number: int) -> None:
    """Back and on, at the end of a chapter."""
    back, on = st.columns(2)
    if number > 1:
        with back:
            title = CHAPTERS[number - 2].TITLE
            _button(number - 1, f"Back: {title}", key="back", icon=":material/arrow_back:")
    if number < len(CHAPTERS):
        with on:
            title = CHAPTERS[number].TITLE
            _button(number + 1, f"Next: {title}", key="next", icon=":material/arrow_forward:")


def _button(number: int, label: str, *, key: str, icon: str | None = None) -> None:
    st.button(label, key=state.key(key), icon=icon, width="stretch", on_click=_go, args=(number,))


def _go(number: int) -> None:
    state.put("chapter", str(number) if number > 1 else None)
