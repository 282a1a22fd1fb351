"""One token of a continuation: what else might have been written, and where the model looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from apps import continuing, figures, inference, saved_models, state, widgets
from apps.charts import attention as attention_charts
from apps.components import written_tokens
from apps.markdown import plain

if TYPE_CHECKING:
    from apps.continuing import Written

LOOKED_BACK = 60
"""How many of the last tokens the view of where a token looked shows."""


def choose(name: str, place: int) -> None:
    """Look at token `place`, from 0, of what the model `name` wrote."""
    state.put("place", f"{saved_models.id_of(name)}.{place + 1}")


def chosen(name: str) -> int | None:
    """The token of a model's continuation that is looked at, from 0; None where it is another's."""
    model, _, number = (state.get("place") or "").rpartition(".")
    return int(number) - 1 if model == saved_models.id_of(name) and number.isdigit() else None


def show(prompt: str, found: dict[str, Written]) -> None:
    """What is known of the chosen token; nothing where none is chosen, or it is not there."""
    for name, written in found.items():
        place, tokens = chosen(name), written.continuation.tokens
        if place is None or not 0 <= place < len(tokens):
            continue
        st.subheader(f"Token {place + 1} of {saved_models.label(name)}", anchor=False)
        before = prompt + "".join(one.text for one in tokens[:place])
        own, counted = st.columns(2, gap="large")
        with own:
            named = tokens[place].candidates
            _candidates("What it might have written", name, named, tokens[place].label)
        with counted:
            _counted(name, list(found), before, tokens[place].label)
        _looked(name, written, place)


def _counted(name: str, names: Sequence[str], before: str, label: str) -> None:
    """What the first n-gram model among `names` has counted after the same text."""
    others = [one for one in names if saved_models.family_of(one) == "ngram" and one != name]
    if not others:
        return
    try:
        named = continuing.candidates(others[0], before)
    except Exception as error:  # what is wrong with one model must not take the page down
        st.caption(plain(inference.explain(error)))
        return
    _candidates("What the n-gram would write here", others[0], named, label)


def _candidates(title: str, name: str, named: Sequence[tuple[str, float]], written: str) -> None:
    rows = [
        {"place": place, "piece": label, "probability": chance, "written": label == written}
        for place, (label, chance) in enumerate(named, 1)
    ]
    listed = "; ".join(f"{row['piece']} {row['probability']:.3f}" for row in rows)
    st.markdown(f"**{title}**")
    figures.show(
        attention_charts.candidate_bars(rows),
        alt_text=f"The {len(rows)} most likely tokens: {listed}.",
        rows=[{"model": name, **row} for row in rows],
        file=f"{name}-candidates",
    )


def _looked(name: str, written: Written, place: int) -> None:
    """The tokens before, shaded by how much of the attention went there."""
    answer = written.continuation
    maps = answer.attention.get("decoder")
    if maps is None:
        st.caption(f"{saved_models.label(name)} has no attention: it cannot look back.")
        return
    row = len(answer.labels) - len(answer.tokens) + place
    if row < 0:
        st.caption("This token was written before the part of the text that the maps cover.")
        return
    st.markdown("**Where it looked when it wrote this**")
    weights = _mean(maps[:, :, row, : row + 1])
    first = max(row + 1 - LOOKED_BACK, 0)
    most = max(float(weights[first:].max()), 1e-9)
    seen = zip(answer.labels[first : row + 1], weights[first:], strict=True)
    written_tokens.show(
        "… " if first else "",
        [
            {
                "text": "\n" if label == "↵" else label.replace("␣", " "),
                "title": f"{label}: {100 * float(weight):.1f} % of the attention",
                "shade": round(float(weight) / most, 3),
                "copied": False,
            }
            for label, weight in seen
        ],
        label="The tokens before, shaded by attention",
        key="looked",
    )
    outside = float(np.sum(weights[:first]))
    st.caption(
        f"The strongest colour is {100 * most:.0f} % of the attention"
        + (f"; {100 * outside:.0f} % went further back than is shown." if first else ".")
    )


def _mean(maps: np.ndarray) -> np.ndarray:
    """(L, H, S) -> (S,): one layer and head, or the mean of all, as the reader chooses."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for axis, kind in enumerate(("layer", "head")):
            one = widgets.layer_or_head(
                kind, maps.shape[axis], all_of_them="Mean of all", width=150
            )
            if one is not None:
                maps = np.take(maps, [one], axis=axis)
    return maps.mean(axis=(0, 1))
