"""The dashboard: page settings and navigation. Start it with `streamlit run apps/dashboard.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

# Streamlit puts the script's own folder on the path, not the repository.
ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from apps.views import compare, leaderboard, speed  # noqa: E402

st.set_page_config(
    page_title="Attention Zoo",
    page_icon=str(Path(__file__).with_name("icon.svg")),
    layout="wide",
    initial_sidebar_state="collapsed",
)

# A new page is a module with a `render()` and one line here.
PAGES = [
    st.Page(
        compare.render,
        title="Compare",
        icon=":material/compare:",
        url_path="compare",
        default=True,
    ),
    st.Page(
        leaderboard.render,
        title="Leaderboard",
        icon=":material/leaderboard:",
        url_path="leaderboard",
    ),
    st.Page(speed.render, title="Speed", icon=":material/speed:", url_path="speed"),
]
st.navigation(PAGES, position="top").run()
