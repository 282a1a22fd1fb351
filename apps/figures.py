"""A view on the page with what belongs to it: words for screen readers, and files to take away."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from apps import downloads, presentation, state
from apps.charts import base as charts

Rows = Sequence[Mapping[str, Any]]
Maker = Callable[[], str | bytes]
Chart = alt.Chart | alt.LayerChart | alt.VConcatChart


def show(
    chart: Chart,
    *,
    alt_text: str,
    rows: Rows,
    file: str,
    caption: str = "",
) -> None:
    """Draw `chart` over the width of its container, with a menu that saves it.

    Args:
        chart: what to draw.
        alt_text: what it shows, in words.
        rows: its data, for the CSV file.
        file: name of the saved files without ending; also the key, so unique on a page.
        caption: what the saved files say under it; `alt_text` unless given.
    """
    st.altair_chart(
        presentation.drawn(chart), width="stretch", key=state.key(f"figure.{file}"), alt=alt_text
    )
    save(chart, rows=rows, file=file, caption=caption or alt_text)


def save(
    chart: Chart | Callable[[], Chart],
    *,
    rows: Rows,
    file: str,
    caption: str = "",
) -> None:
    """The menu alone, for a chart, or for what draws it when a file is asked for."""

    def drawn() -> Chart:
        return chart() if callable(chart) and not isinstance(chart, alt.TopLevelMixin) else chart

    menu(
        file,
        png=lambda: charts.picture(drawn(), "png", caption),
        svg=lambda: charts.picture(drawn(), "svg", caption),
        rows=rows,
        page=lambda: _page(drawn(), file, caption),
    )


def menu(
    file: str, *, png: Maker, svg: Maker, rows: Rows | Callable[[], Rows], page: Maker
) -> None:
    """What can be saved, each file made only when asked for.

    Args:
        file: its name without ending, unique on a page.
        png, svg, page: make the picture, and an HTML page that needs no network.
        rows: records for the CSV file, or what makes them.
    """
    files = (
        ("Picture (PNG)", "png", "image/png", png),
        ("Picture (SVG)", "svg", "image/svg+xml", svg),
        ("Numbers (CSV)", "csv", "text/csv", functools.partial(_csv, rows)),
        ("Page by itself (HTML)", "html", "text/html", page),
    )
    with st.popover(
        "Save", icon=":material/download:", type="tertiary", key=state.key(f"save.{file}")
    ):
        for label, ending, mime, make in files:
            st.download_button(
                label,
                data=make,
                file_name=f"{file}.{ending}",
                mime=mime,
                key=state.key(f"{ending}.{file}"),
                on_click="ignore",
                width="stretch",
            )


def matrix(weights: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> None:
    """A map (T, S) as a table to unfold, for those who would rather read or hear its numbers."""
    names = [f"{place} {word}" for place, word in enumerate(columns, 1)]  # repeated words differ
    frame = pd.DataFrame(np.asarray(weights, dtype=float).round(3), columns=names)
    frame.insert(0, "", [f"{place} {word}" for place, word in enumerate(rows, 1)])
    with st.expander("The same as a table", icon=":material/table:"):
        st.dataframe(frame, hide_index=True, alt="The weights as a table")


def table(rows: Rows) -> None:
    """Records as a table to unfold."""
    with st.expander("The same as a table", icon=":material/table:"):
        st.dataframe(list(rows), hide_index=True, placeholder="–", alt="The numbers as a table")


def _csv(rows: Rows | Callable[[], Rows]) -> bytes:
    return as_csv(rows() if callable(rows) else rows)


def as_csv(rows: Rows) -> bytes:
    """Records as a CSV file with a header line, UTF-8 with the mark that spreadsheets look for."""
    if not rows:
        return b""
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode("utf-8-sig")


def _page(chart: alt.Chart | alt.LayerChart, file: str, caption: str) -> str:
    return downloads.chart_page(charts.exportable(chart), title=file, caption=caption)
