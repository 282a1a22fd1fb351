"""What is to be said of several models' answers: each note once, with whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from apps import saved_models
from apps.markdown import plain


def show(answers: Mapping[str, Any]) -> None:
    """The `notes` of the answers, by name of the model; where all have one, no names."""
    whose: dict[str, list[str]] = {}
    for name, answer in answers.items():
        for note in answer.notes:
            whose.setdefault(note, []).append(saved_models.label(name))
    for note, labels in whose.items():
        who = "" if len(labels) == len(answers) else f"{plain(', '.join(labels))}: "
        st.caption(f":material/info: {who}{plain(note)}")
