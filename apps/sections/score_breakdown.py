"""Inside one cell of a map: the query, the key, and what each unit adds to the energy.

The part of the Attention page called "Inside a cell"; BertViz calls such a view the neuron view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, figures, presentation, state
from apps.charts import attention as attention_charts
from apps.markdown import plain
from zoo.interpret import QueryKeyValue
from zoo.prediction import Prediction

LISTED = 10
"""Units that the table names."""

EXPLAINED = {
    "dot": (
        "The query stands for what the row's word is looking for, the key for what the column's "
        "word offers. They are multiplied unit by unit; the products add up to the **energy**, "
        "and softmax turns the energies of the row into weights (Vaswani et al. 2017, equation 1)."
    ),
    "additive": (
        "The query is computed from the decoder's state, the key from the encoder's vector of the "
        "column's word. In each hidden unit, tanh(query + key) is multiplied by a learned v; the "
        "sum over the units is the **energy**, and softmax turns the energies of the row into "
        "weights (Bahdanau et al. 2015, appendix A.1.2)."
    ),
}
PANELS = {
    "dot": ("query / √d", "key", "product"),
    "additive": ("query", "key", "v·tanh(q + k)"),
}


def show(
    name: str,
    found: Mapping[str, QueryKeyValue],
    prediction: Prediction,
    kind: str,
    cell: tuple[int, int],
    labels: tuple[Sequence[str], Sequence[str]],
) -> None:
    """The energy of one cell of one head, taken apart.

    Args:
        name: the model.
        found: queries, keys and values by kind of map.
        prediction: whose map it is.
        kind: of map.
        cell: layer and head, counted from 0.
        labels: of the rows and columns of such a map, over tokens.
    """
    if kind not in found:
        return
    row, column = choose_cell(labels)
    inside = found[kind]
    parts = _of_cell(inside, cell, row, column)
    flavour = "dot" if inside.energy_weights is None else "additive"
    weight = float(prediction.attention[kind][*cell, row, column])
    energies = inside.energy(*cell)[row]
    st.caption(EXPLAINED[flavour])
    # The decoder sees no step after its own: those are no part of the softmax.
    seen = row + 1 if kind == "decoder" else len(energies)
    st.markdown(sentence(labels[0][row], labels[1][column], energies[:seen], column, weight))
    order = list(range(len(parts["part"])))
    if st.toggle("Largest parts first", **state.flag("sorted")):
        order.sort(key=lambda unit: -abs(parts["part"][unit]))
    what = (
        f"The energy of {labels[0][row]} at {labels[1][column]} ({kind}, layer {cell[0] + 1}, "
        f"head {cell[1] + 1}): {energies[column]:.3f}, the sum of {len(order)} units; "
        f"the weight is {weight:.3f}."
    )
    _draw(name, parts, order, PANELS[flavour], what)


def choose_cell(labels: tuple[Sequence[str], Sequence[str]]) -> tuple[int, int]:
    """A row and a column, counted from 0; the widgets and the address count from 1."""
    chosen = []
    sides = (("Row (looks)", "row", labels[0]), ("Column (is looked at)", "column", labels[1]))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        for label, key, words in sides:
            places = range(1, len(words) + 1)
            place = st.selectbox(
                label,
                places,
                format_func=lambda place, words=words: f"{place}: {words[place - 1]}",
                width=220,
                **state.choice(key, places, 1),
            )
            chosen.append(place - 1)
    return chosen[0], chosen[1]


def sentence(row: str, column: str, seen: np.ndarray, place: int, weight: float) -> str:
    """From the energy to the weight, with numbers, as Markdown.

    Args:
        row, column: the two words.
        seen: the energies that softmax makes the row's weights of.
        place: of the column's among them, or behind them where the row cannot see it.
        weight: what softmax made of it.
    """
    words = f"**{plain(row)}** at **{plain(column)}**:"
    if place >= len(seen):
        return f"{words} that step comes later and is hidden from this one, a weight of **0**."
    rank = 1 + int((seen > seen[place]).sum())
    return (
        f"{words} energy **{seen[place]:.3f}**, number {rank} of {len(seen)} in its row (from "
        f"{seen.min():.2f} to {seen.max():.2f}); after softmax a weight of **{weight:.3f}**."
    )


def _of_cell(inside: Any, cell: tuple[int, int], row: int, column: int) -> dict[str, np.ndarray]:
    layer, head = cell
    return {
        "query": inside.query[layer, head, row],
        "key": inside.key[layer, head, column],
        "part": inside.parts(layer, head)[row, column],
    }


def records(parts: dict[str, np.ndarray], order: Sequence[int]) -> list[dict[str, Any]]:
    """A record a unit, numbered from 1, in that order."""
    return [
        {"unit": unit + 1, **{name: round(float(parts[name][unit]), 5) for name in parts}}
        for unit in order
    ]


def _draw(
    name: str,
    parts: dict[str, np.ndarray],
    order: Sequence[int],
    titles: tuple[str, str, str],
    what: str,
) -> None:
    units = [unit + 1 for unit in order]
    panels = [
        attention_charts.unit_bars(parts[part][list(order)], units, title)
        for part, title in zip(("query", "key", "part"), titles, strict=True)
    ]
    bars, listed = st.columns((2, 1), gap="medium")
    rows = records(parts, order)
    with bars:
        for part, panel in zip(("query", "key", "part"), panels, strict=True):
            alt = f"{part}, one bar a unit. {what}"
            st.altair_chart(
                presentation.drawn(panel),
                width="stretch",
                key=state.key(f"figure.inside.{part}"),
                alt=alt,
            )
        figures.save(
            attention_charts.stacked(panels),
            rows=rows,
            file=f"{name}-inside",
            caption=downloads.caption(what, name),
        )
    with listed:
        st.markdown(f"**The {min(LISTED, len(order))} units that add or take most**")
        largest = sorted(rows, key=lambda record: -abs(record["part"]))[:LISTED]
        named = dict(zip(("query", "key", "part"), titles, strict=True))
        st.dataframe(
            [{named.get(key, key): value for key, value in one.items()} for one in largest],
            hide_index=True,
            alt="The largest parts of the energy",
        )
        held = sum(one["part"] for one in largest)
        total = float(np.sum(parts["part"]))
        st.caption(f"They sum to {held:.3f} of the energy {total:.3f}; all units are in the file.")
