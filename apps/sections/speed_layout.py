"""What the sections of the page Speed share: commands, anchors, charts in pairs, tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from apps import state
from apps.sections import speed_data
from apps.sections.speed_data import Results

DRAW = "python -m benchmarks.speed.curves"
MEASURE = "python -m benchmarks.speed.run"


def anchor(section: str, name: str) -> str:
    """The anchor of a finding in a section."""
    return f"{section}-{speed_data.file_name(name)}"


def titled(group: Sequence[Mapping[str, Any]]) -> str:
    """What the curves of one measure are called."""
    return str(group[0].get("title") or group[0]["measure"])


def curves_command(results: Results) -> str:
    """The command that measured the curves, or that would."""
    return str(results.curves.get("command") or DRAW)


def in_pairs(drawn: Sequence[Callable[[], None]]) -> None:
    """Two side by side where there is room; one under the other, in order, where there is not."""
    for place in range(0, len(drawn), 2):
        for draw, column in zip(drawn[place : place + 2], st.columns(2, gap="large"), strict=False):
            with column:
                draw()


def as_table(rows: Sequence[Mapping[str, Any]], *, file: str, alt: str) -> None:
    """The figures of a chart as a table, folded in; `file`: the chart's."""
    with st.expander("As a table", key=state.key(f"table.{file}")):
        st.dataframe(list(map(dict, rows)), hide_index=True, placeholder="–", alt=alt)
