"""One attention map that a reader chose of many: all layers and heads small, and that one large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from apps import downloads, figures, state, widgets
from apps.charts import base
from apps.components import attention_grid
from apps.markdown import plain

MOST_WEIGHTS = 150_000
"""Weights that the view of all heads draws; of larger maps the one that is chosen is drawn."""


@dataclass(frozen=True)
class Map:
    """One map that the reader chose.

    Args:
        every: (L, H, T, S) of all layers and heads.
        one: (T, S) of those chosen.
        rows, columns: T and S labels.
        said: which it is, in words.
    """

    every: np.ndarray
    one: np.ndarray
    rows: list[str]
    columns: list[str]
    said: str


def ask(maps: np.ndarray) -> tuple[int | None, int | None]:
    """Layer and head, None for the mean of all; asked only where there are several."""
    layer, head = (
        widgets.layer_or_head(part, maps.shape[axis], all_of_them="Mean of all", width=150)
        for axis, part in enumerate(("layer", "head"))
    )
    return layer, head


def of(
    maps: np.ndarray,
    layer: int | None,
    head: int | None,
    rows: Sequence[str],
    columns: Sequence[str],
) -> Map:
    """The map of a layer and head, None for the mean of all; what there is not is passed over."""
    layer = None if layer is None or layer >= maps.shape[0] else layer
    head = None if head is None or head >= maps.shape[1] else head
    some = maps if layer is None else maps[layer : layer + 1]
    some = some if head is None else some[:, head : head + 1]
    parts = [
        f"mean of {count} {part}s" if at is None and count > 1 else f"{part} {(at or 0) + 1}"
        for part, at, count in (("layer", layer, maps.shape[0]), ("head", head, maps.shape[1]))
    ]
    return Map(
        np.asarray(maps, "float32"),
        np.asarray(some, "float32").mean(axis=(0, 1)),
        list(rows),
        list(columns),
        ", ".join(parts),
    )


def draw(name: str, chosen: Map, what: str, *, key: str) -> None:
    """All heads where they are small enough, and the chosen map large.

    Args:
        name: of the model.
        chosen: the map.
        what: how to read its rows and columns.
        key: of the figures, unique on a page.
    """
    rows, columns = len(chosen.rows), len(chosen.columns)
    left, right = st.columns(2, gap="large")
    several = chosen.every.shape[0] * chosen.every.shape[1] > 1
    if several and chosen.every.size <= MOST_WEIGHTS:
        with left:
            st.markdown("**All layers and heads**")
            attention_grid.show(
                chosen.every,
                key=f"{key}.grid",
                rows=chosen.rows,
                columns=chosen.columns,
                on_select=_pick,
                caption=downloads.caption(f"Every layer and head. {what}", name),
                file=f"{name}-heads",
            )
    else:
        right = left
    with right:
        st.markdown(f"**{plain(chosen.said.capitalize())}: {rows:,} × {columns:,}**")
        if max(rows, columns) <= base.SPOKEN:
            figures.show(
                base.heat_map(chosen.one, chosen.rows, chosen.columns),
                alt_text=base.heat_map_alt(chosen.one, chosen.rows, chosen.columns, chosen.said),
                rows=base.heat_map_rows(chosen.one, chosen.rows, chosen.columns),
                file=f"{name}-map",
                caption=downloads.caption(f"{chosen.said}. {what}", name),
            )
        else:
            largest = max(float(chosen.one.max()), 1e-9)
            attention_grid.show(
                chosen.one[None, None] / largest,
                key=f"{key}.map",
                rows=chosen.rows,
                columns=chosen.columns,
                caption=downloads.caption(f"{chosen.said}, over its largest weight. {what}", name),
                file=f"{name}-map",
            )
            st.caption(f"Over its largest weight, {largest:.3f}, which is drawn as 1.")
    st.caption(what)


def _pick(layer: int, head: int) -> None:
    """A cell of the grid was picked: the lists say so, and the address."""
    state.put("layer", str(layer + 1))
    state.put("head", str(head + 1))
