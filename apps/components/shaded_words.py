"""Words shaded by their probability, as a small component: text arrives as data, never as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from apps import state

HTML = '<p class="words" dir="auto"></p>'

# The ground is mixed from the page's own colour, so it fits a light and a dark theme, and stays
# pale enough at 1 that the text on it keeps its contrast.
CSS = """
.words {
  margin: 0;
  font-family: var(--st-font);
  font-size: 1.05rem;
  line-height: 1.95;
  color: var(--st-text-color);
  overflow-wrap: anywhere;
}
.words.large { font-size: 1.2rem; }
.word {
  padding: 0.12em 0.22em;
  border-radius: 0.25em;
  background: color-mix(
    in srgb, var(--st-primary-color) calc(var(--probability) * 46%), transparent
  );
}
.word.for {
  background: color-mix(in srgb, #d9541e calc(var(--probability) * 50%), transparent);
}
.word.against {
  background: color-mix(in srgb, #2f6fd0 calc(var(--probability) * 50%), transparent);
}
.word.joined { padding: 0.12em 0.06em; border-radius: 0; }
.word.differs {
  text-decoration: underline dashed 2px;
  text-underline-offset: 0.28em;
}
.words.empty { opacity: 0.7; font-style: italic; }
"""

# textContent and title take any string as text; nothing is parsed.
JS = """
export default function ({ parentElement, data }) {
  const line = parentElement.querySelector(".words");
  line.replaceChildren();
  line.className = "words" + (data.words.length ? "" : " empty");
  if (!data.words.length) line.textContent = data.nothing;
  for (const word of data.words) {
    if (word.gap && line.childNodes.length) line.append(" ");
    const span = document.createElement("span");
    span.className = "word" + (word.gap ? "" : " joined") + (word.differs ? " differs" : "");
    if (word.sign) span.className += word.sign > 0 ? " for" : " against";
    span.style.setProperty("--probability", word.probability);
    span.textContent = word.text;
    span.title = word.title ?? `${word.text}: ${(100 * word.probability).toFixed(1)} %`;
    line.append(span);
  }
}
"""

_mount = st.components.v2.component("attention_zoo.shaded_words", html=HTML, css=CSS, js=JS)


def scored(words: Sequence[str], scores: Sequence[float], signed: bool) -> list[dict[str, Any]]:
    """Records of words for `show`, the strongest in the full colour.

    Args:
        words: of a text.
        scores: one of each.
        signed: whether what is below 0 speaks against; then orange is for and blue against.
    """
    largest = max((abs(float(score)) for score in scores), default=0.0) or 1e-9
    return [
        {
            "text": word,
            "probability": round(abs(float(score)) / largest, 4),
            "gap": True,
            "differs": False,
            "sign": (1 if score > 0 else -1) if signed else 0,
            "title": f"{word}: {score:+.3f}" if signed else f"{word}: {score:.3f}",
        }
        for word, score in zip(words, scores, strict=True)
    ]


def show(words: Sequence[Mapping[str, Any]], *, key: str, nothing: str) -> None:
    """Draw `words`: records with `text`, `probability`, `gap` (a space before) and `differs`.

    Those with `sign` have another colour: 1 speaks for something, -1 against it. `title` is shown
    when a word is pointed at, instead of its probability.

    `nothing` is said where there are none.
    """
    data = {"words": [dict(word) for word in words], "nothing": nothing}
    _mount(data=data, key=state.key(key))
