"""What became of each step of a text under an intervention: records, a chart and a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from apps import figures
from apps.charts import base as charts
from apps.labels import from_prediction, read
from zoo.interpret import Outcome

COLUMNS = {
    "unit": "Written",
    "before": "Log-probability before",
    "under": "With the change",
    "difference": "Difference",
    "kl": "KL (nats)",
}


def records(outcome: Outcome, unit: str) -> list[dict[str, Any]]:
    """Each word (or token, for `unit` "character") that was written before, a record each.

    Log-probabilities and KL are added up over the tokens of a word. `under`: the log-probability
    under the intervention, given the same words before it.
    """
    reading = read(from_prediction("", outcome.before), unit)
    spans = spans_of(outcome.before.target_pieces, unit)
    sums = {
        "before": outcome.before.log_probs,
        "under": outcome.forced.log_probs,
        "difference": outcome.difference,
        "kl": outcome.kl,
    }
    return [
        {
            "step": step + 1,
            "unit": label,
            # Plus zero: -0.0 would be shown with its sign.
            **{name: round(float(np.sum(array[a:b])), 4) + 0.0 for name, array in sums.items()},
        }
        for step, (label, (a, b)) in enumerate(zip(reading.target, spans, strict=True))
    ]


def spans_of(pieces: Sequence[str], unit: str) -> list[tuple[int, int]]:
    """Begin and end of each unit among the tokens, as `apps.labels.read` cuts them."""
    from zoo.prediction import unit_spans

    return unit_spans(pieces, unit)


def kl_bars(rows: Sequence[dict[str, Any]], *, upright: bool = False) -> alt.Chart:
    """How far the expectation moved at each written unit: `rows` of `records`, in order."""
    digits = charts.CATEGORY_DIGITS
    data = pd.DataFrame(
        [{**row, "place": f"{row['step']:0{digits}d}{row['unit']}"} for row in rows],
        columns=["step", "unit", "before", "under", "difference", "kl", "place"],
    )
    most = max([0.1, *(row["kl"] for row in rows)])
    axis = alt.Axis(
        labelExpr=f"slice(datum.label, {digits})",
        labelAngle=0 if upright else -50,
        labelLimit=90,
        labelOverlap="greedy" if len(rows) > 40 else False,
        title=None,
        ticks=False,
    )
    return (
        alt.Chart(data)
        .mark_bar(color=charts.RAMP[6])
        .encode(
            x=alt.X("place:N", sort=None, axis=axis),
            y=alt.Y("kl:Q", title="KL (nats)", scale=alt.Scale(domain=[0, most])),
            tooltip=[
                alt.Tooltip("unit:N", title="Written"),
                alt.Tooltip("kl:Q", title="KL (nats)", format=".3f"),
                alt.Tooltip("before:Q", title="Log-probability before", format=".3f"),
                alt.Tooltip("under:Q", title="With the change", format=".3f"),
            ],
        )
        .properties(height=150, autosize=charts.FIT, padding=charts.PADDING)
    )


def kl_alt(rows: Sequence[dict[str, Any]]) -> str:
    """The bars in words: the strongest few."""
    strongest = sorted(rows, key=lambda row: -row["kl"])[: charts.SPOKEN]
    said = "; ".join(f"{row['unit']} {row['kl']:.2f}" for row in strongest)
    return f"How much the prediction changed at each step, KL in nats, most first: {said}."


def show(name: str, rows: list[dict[str, Any]], unit: str) -> None:
    """What became of each step of the text before: a chart and a table."""
    st.header("Step by step", anchor=False)
    st.caption(
        "The text from before, scored again with the change: how likely each step is after the "
        "same steps, and how much the prediction there has changed as a whole (KL divergence: a "
        "distance between two probability distributions; 0 means no change). Log-probabilities "
        "and KL are in nats, the unit of natural logarithms."
    )
    bars, table = st.columns(2, gap="medium")
    with bars:
        figures.show(
            kl_bars(rows, upright=unit == "character"),
            alt_text=kl_alt(rows),
            rows=rows,
            file=f"{name}-kl",
        )
    with table:
        st.dataframe(
            [{header: row[field] for field, header in COLUMNS.items()} for row in rows],
            hide_index=True,
            height="auto" if len(rows) <= 12 else 460,
            column_config={
                header: st.column_config.NumberColumn(format="%.3f")
                for field, header in COLUMNS.items()
                if field != "unit"
            },
            alt="Log-probability of each step before and with the change, and their difference",
        )
