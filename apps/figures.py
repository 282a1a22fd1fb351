"""A chart on the page with what belongs to it: words for screen readers, and files to take away."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import streamlit as st

from apps import charts

Rows = Sequence[Mapping[str, Any]]


def show(chart: alt.Chart | alt.LayerChart, *, alt_text: str, rows: Rows, file: str) -> None:
    """Draw `chart` over the width of its container, with a menu that saves it.

    Args:
        chart: what to draw.
        alt_text: what it shows, in words.
        rows: its data, for the CSV file.
        file: name of the saved files without ending; also the key, so unique on a page.
    """
    st.altair_chart(chart, width="stretch", key=f"figure.{file}", alt=alt_text)
    save(chart, rows=rows, file=file)


def save(chart: alt.Chart | alt.LayerChart, *, rows: Rows, file: str) -> None:
    """The menu alone: PNG, SVG and CSV, each made only when asked for."""
    files = (
        ("Picture (PNG)", "png", "image/png", functools.partial(charts.picture, chart, "png")),
        ("Picture (SVG)", "svg", "image/svg+xml", functools.partial(charts.picture, chart, "svg")),
        ("Numbers (CSV)", "csv", "text/csv", functools.partial(as_csv, rows)),
    )
    with st.popover("Save", icon=":material/download:", type="tertiary", key=f"save.{file}"):
        for label, ending, mime, make in files:
            st.download_button(
                label,
                data=make,
                file_name=f"{file}.{ending}",
                mime=mime,
                key=f"{ending}.{file}",
                on_click="ignore",
                width="stretch",
            )


def as_csv(rows: Rows) -> bytes:
    """Records as a CSV file with a header line, UTF-8 with the mark that spreadsheets look for."""
    if not rows:
        return b""
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode("utf-8-sig")
