"""Scrolls the page to its top when another chapter is opened: the button to it is at the end."""

from __future__ import annotations

import streamlit as st

# Only a change scrolls: a page that runs again leaves the reader in place.
JS = """
export default function ({ parentElement, data }) {
  const root = parentElement.querySelector(".top");
  const before = root.shown;
  root.shown = data.shown;
  if (before === undefined || before === data.shown) return;
  const page = document.querySelector("[data-testid=stMain]") ?? document.scrollingElement;
  page.scrollTo({ top: 0, behavior: "instant" });
}
"""

_mount = st.components.v2.component(
    "attention_zoo.scroll_to_top",
    html='<span class="top" aria-hidden="true"></span>',
    js=JS,
)


def to_top(shown: int | str, *, key: str) -> None:
    """Scroll to the top of the page whenever `shown` is another than before."""
    _mount(data={"shown": shown}, key=key)
