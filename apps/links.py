"""From an answer to the pages that look inside it, with the whole question carried along."""

from __future__ import annotations

import streamlit as st

from apps import saved_models, state
from apps.session import OF_ANSWER, OF_TEXT

OF_CONTINUATION = {"compare": "Compare", "attention": "Attention", "what_if": "What if"}
"""The pages that look at a continuation."""
CLOSER = {
    "attention": "Attention",
    "what_if": "What if",
    "score_your_text": "Your target",
}
"""The pages that look inside one answer."""


def to_continuation(name: str, *, here: str) -> None:
    """Links from a continuation of the model `name` to the other pages that look at one.

    Prompt and options are part of every address.
    """
    pages = state.pages()
    wanted = {p: label for p, label in OF_CONTINUATION.items() if p != here and p in pages}
    if name not in saved_models.networks(saved_models.task_of(name)) or not wanted:
        return
    question = {"task": saved_models.task_of(name), "model": saved_models.id_of(name)}
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        st.caption("Look closer:", width="content")
        for page, label in wanted.items():
            params = state.params(**question)
            st.page_link(pages[page], label=label, icon=None, query_params=params)


def look_closer(
    name: str,
    text: str,
    answer: str,
    *,
    here: str = "",
    target: str | None = None,
    elsewhere: bool = False,
) -> None:
    """Links from an answer of the model `name` to `text` to every page that looks inside one.

    Args:
        answer: what it wrote: where Your target begins, unless there is a target already.
        here: the page itself, which needs no link.
        target: what the model was made to write, where that is not the reader's own.
        elsewhere: `text` is another than that of the pages about one question, so that what was
            done there to its words stays behind.
    """
    pages = state.pages()
    wanted = {page: label for page, label in CLOSER.items() if page != here and page in pages}
    if not wanted:
        return
    model = saved_models.id_of(name)
    if elsewhere:
        behind, target = OF_TEXT, target or ""
    else:
        behind = OF_ANSWER if state.get("model") != model else ()
    question = {
        **dict.fromkeys(behind),
        "task": saved_models.task_of(name),
        "text": text,
        "model": model,
        "target": (target if target is not None else state.get("target")) or None,
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="xxsmall"):
        st.caption("Look closer:", width="content")
        for page, label in wanted.items():
            begun = {"target": question["target"] or answer} if page == "score_your_text" else {}
            st.page_link(
                pages[page],
                label=label,
                icon=None,
                query_params=state.params(**{**question, **begun}),
            )
