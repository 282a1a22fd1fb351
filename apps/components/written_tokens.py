"""A text, token by token: shaded, each token pressable; text arrives as data, never as HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from apps import state

HTML = '<div class="text" role="group" dir="auto"></div>'

# As in `shaded_words`, the ground is mixed from the page's own colour. White space is kept: a
# line break of a play is a token too.
CSS = """
.text {
  font-family: var(--st-font);
  font-size: 1.02rem;
  line-height: 1.75;
  color: var(--st-text-color);
  white-space: pre-wrap;
  overflow-wrap: anywhere;
  max-height: 30rem;
  overflow-y: auto;
}
.prompt { opacity: 0.65; }
.token {
  padding: 0.1em 0;
  cursor: pointer;
  background: color-mix(
    in srgb, var(--st-primary-color) calc(var(--shade) * 46%), transparent
  );
}
.token.copied { text-decoration: underline 2px; text-underline-offset: 0.25em; }
.token[aria-pressed="true"] { outline: 2px solid var(--st-text-color); outline-offset: 1px; }
.token:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 1px; }
"""

# textContent and title take any string as text; nothing is parsed. Arrow keys move between tokens.
JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const box = parentElement.querySelector(".text");
  const focused = parentElement.activeElement?.dataset?.place;
  box.setAttribute("aria-label", data.label);
  box.replaceChildren();
  const prompt = document.createElement("span");
  prompt.className = "prompt";
  prompt.textContent = data.prompt;
  box.append(prompt);
  const buttons = data.tokens.map((token, place) => {
    const button = document.createElement("span"); // a button would not break at a line break
    button.setAttribute("role", "button");
    button.dataset.place = place;
    button.textContent = token.text === "\\n" ? "\\u21b5\\n" : token.text;
    button.style.setProperty("--shade", token.shade);
    button.className = "token" + (token.copied ? " copied" : "");
    button.title = token.title;
    button.setAttribute("aria-label", button.title);
    button.setAttribute("aria-pressed", data.chosen === place);
    button.tabIndex = place === (data.chosen ?? 0) ? 0 : -1;
    button.onclick = () => setTriggerValue("chosen", place);
    button.onkeydown = (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        return button.click();
      }
      const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
      const next = step ? buttons[place + step] : null;
      if (!next) return;
      event.preventDefault();
      button.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    };
    return button;
  });
  box.append(...buttons);
  box.querySelector(`[data-place="${focused}"]`)?.focus({ preventScroll: true });
}
"""

_mount = st.components.v2.component("attention_zoo.written_tokens", html=HTML, css=CSS, js=JS)


def show(
    prompt: str,
    tokens: Sequence[Mapping[str, Any]],
    *,
    label: str,
    key: str | None = None,
    chosen: int | None = None,
    on_choose: Callable[[int], None] | None = None,
) -> None:
    """Draw a prompt and what was written after it.

    Args:
        prompt: shown paler, before the tokens.
        tokens: records with `text`, `title` (told when pointed at), `shade` (0 to 1) and `copied`
            (underlined).
        label: what it is, for screen readers.
        key: of the component, unique on a page; None while it is still being written.
        chosen: the place of the token that is looked at.
        on_choose: told the place of a token that is pressed, before the page runs again.
    """
    data = {
        "prompt": prompt,
        "tokens": [dict(token) for token in tokens],
        "label": label,
        "chosen": chosen,
    }
    if key is None:
        _mount(data=data)
        return
    widget = state.key(key)

    def told() -> None:
        place = st.session_state[widget].get("chosen")
        if on_choose and isinstance(place, int) and 0 <= place < len(tokens):
            on_choose(place)

    _mount(data=data, key=widget, on_chosen_change=told)
