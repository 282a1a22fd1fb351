"""The dashboard: page settings and navigation. Start it with `streamlit run apps/dashboard.py`.

Places with models of one's own go behind the script's `--`:
`streamlit run apps/dashboard.py -- --models runs --models elsewhere/model`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts the script's own folder on the path, not the repository.
ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from apps import model_places, one_look, presentation, state, style, turns  # noqa: E402
from apps.views import (  # noqa: E402
    attention,
    attention_scores,
    compare,
    leaderboard,
    learn,
    runs,
    score_your_text,
    speed,
    what_if,
)

# A new page is a module with a `render()` and one line here.
PAGES = {
    page.__name__.rpartition(".")[2]: st.Page(
        page.render, title=title, icon=f":material/{icon}:", url_path=path, default=not i
    )
    for i, (page, title, icon, path) in enumerate(
        (
            (compare, "Compare", "compare", "home"),
            (attention, "Attention", "visibility", "attention"),
            (what_if, "What if", "experiment", "what-if"),
            (score_your_text, "Your target", "edit_note", "your-target"),
            (attention_scores, "Scores", "fact_check", "scores"),
            (learn, "Learn", "school", "learn"),
            (leaderboard, "Leaderboard", "leaderboard", "leaderboard"),
            (speed, "Speed", "speed", "speed"),
            (runs, "Runs", "show_chart", "runs"),
        )
    )
}
# The first page is that of the bare address, and has one of its own as well.
OWN = st.Page(
    lambda: compare.render(),
    title="Compare",
    icon=":material/compare:",
    url_path="compare",
    visibility="hidden",
)
model_places.use(sys.argv[1:])
model_places.refresh()
state.sync()
state.register(PAGES)
# Before the navigation, which would fetch the page's icon from elsewhere for the browser's tab.
st.set_page_config(
    page_icon=str(Path(__file__).with_name("icon.svg")),
    layout="wide",
    initial_sidebar_state="collapsed",
)
page = st.navigation([*PAGES.values(), OWN], position="top")
st.set_page_config(page_title=f"{page.title} · Attention Zoo")
style.apply()
place = presentation.bar()
with turns.drawing(), one_look.looking():
    page.run()
presentation.link(place)
