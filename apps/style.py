"""What every page looks like, beyond the theme of `.streamlit/config.toml`: one style sheet.

Only names that Streamlit documents or keeps for tests (`data-testid`, `st-key-`) are relied on: if
one changes, a page looks as Streamlit would have it, and a test of contrast or size says so.
"""

from __future__ import annotations

import streamlit as st

from apps.charts.base import INK, NEUTRAL

TEXT = {"light": "#141414", "dark": "#edebe8"}
"""The text colours of the two themes, where the configuration was not found."""

CSS = """
[data-testid="stApp"] { --zoo-text: light-dark(LIGHT, DARK); }

/* The page begins below the menu, not half a screen further down. */
[data-testid="stMainBlockContainer"] { padding-top: 4.25rem; padding-bottom: 4rem; }
[data-testid="stMainBlockContainer"] h1 { padding-top: 0; padding-bottom: 0.25rem; }
[data-testid="stMainBlockContainer"] > [data-testid="stVerticalBlock"] {
  position: relative;
  gap: 0.75rem;
}

/* The switch of presentation mode is beside the title where there is room. */
@media (min-width: 900px) {
  .st-key-present { position: absolute; top: 0; right: 0; width: auto; z-index: 2; }
}

/* What would take several lines is one that scrolls. */
.st-key-one-line-examples [role="radiogroup"],
.st-key-one-line-examples [data-testid="stButtonGroup"] > div {
  flex-wrap: nowrap;
  overflow-x: auto;
  padding-bottom: 0.3rem;
  scrollbar-width: thin;
}
.st-key-one-line-examples button { flex-shrink: 0; }

/* What is chosen is told by its frame, ground and weight; its colour is that of all text. */
[data-testid="stApp"] :is([role="radio"][aria-checked="true"], [role="tab"][aria-selected="true"],
  button[data-variant="pills"][data-selected="true"], [data-testid="stSliderThumbValue"]) p {
  color: var(--zoo-text);
  font-weight: 600;
}

[data-testid="stApp"] :is([data-testid="stPaginationEllipsis"], [data-testid="stSliderTickBar"] p) {
  color: var(--zoo-text);
}

/* Vega's greys are too pale on one of the two pages. */
[data-testid="stVegaLiteChart"] svg :is(.role-axis-label, .role-axis-title, .role-legend-label,
  .role-legend-title, .role-header, .role-title) text,
[data-testid="stVegaLiteChart"] svg text[fill="NEUTRAL"] {
  fill: color-mix(in srgb, var(--zoo-text) 74%, transparent);
}
[data-testid="stVegaLiteChart"] svg text[fill="INK"] { fill: var(--zoo-text); }

/* On a phone a long word breaks, and what cannot break scrolls in its own box. */
[data-testid="stMarkdownContainer"] { overflow-wrap: anywhere; }
[data-testid="stMarkdownContainer"] table { display: block; overflow-x: auto; }
[data-testid="stVegaLiteChart"] { max-width: 100%; overflow-x: auto; }
"""


def css() -> str:
    """The style sheet, with the colours of the themes."""
    found = CSS.replace("NEUTRAL", NEUTRAL).replace("INK", INK)
    for theme, otherwise in TEXT.items():
        colour = st.get_option(f"theme.{theme}.textColor") or otherwise
        found = found.replace(theme.upper(), colour)
    return found


def apply() -> None:
    """Put the style sheet on the page."""
    st.html(f"<style>{css()}</style>")
