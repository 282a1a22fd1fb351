"""What the heads of a language model look for, as the Attention page tells it under their maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from apps import inference, interpretation, state

if TYPE_CHECKING:
    from zoo.interpret.head_roles import HeadRoles

SHOWN = 40
"""Heads that are listed at most."""


def show(name: str, on_select: Callable[[int, int], None]) -> None:
    """A list of the heads that have a role, best first; choosing one calls `on_select`."""
    from zoo.interpret.head_roles import MARKED, ROLES, roles_of_heads

    st.header("What heads look for", anchor=False)
    found = interpretation.run(name, ("head roles",), roles_of_heads, inference.answering)
    if found is None:
        return
    st.caption(
        "Measured on random tokens that come twice, where nothing helps but to look back "
        "(Olsson et al. 2022): the mean weight that a head gives to the place its role names. "
        f"Listed from {MARKED} on."
    )
    st.markdown(verdict(found))
    rows = listed(found)
    if not rows:
        return

    key = state.key("head_roles")

    def chosen() -> None:
        picked = st.session_state[key]["selection"]["rows"]
        if picked:
            row = rows[picked[0]]
            on_select(row["Layer"] - 1, row["Head"] - 1)

    st.dataframe(
        rows,
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(rows) < 10 else 380,
        column_config={"Weight": st.column_config.ProgressColumn(min_value=0, max_value=1)},
        alt="Heads with what they look for",
    )
    st.caption("  \n".join(f"*{role}*: {what}" for role, what in ROLES.items()))


def listed(found: HeadRoles) -> list[dict[str, Any]]:
    """The rows of the list."""
    return [
        {"Layer": layer + 1, "Head": head + 1, "Role": role, "Weight": round(score, 2)}
        for layer, head, role, score in found.named()[:SHOWN]
    ]


def verdict(found: HeadRoles) -> str:
    """Whether it has heads that copy, in a sentence."""
    named = [one for one in found.named() if one[2] == "induction"]
    best = found.scores["induction"]
    if not named:
        return (
            f"No head of this model does induction (the most is {best.max():.2f}): it does not go "
            "on from what it has read before by looking it up."
        )
    layer, head, _, score = named[0]
    some = "One head does" if len(named) == 1 else f"{len(named)} heads do"
    return (
        f"{some} induction, foremost head {head + 1} of layer {layer + 1} ({score:.2f}): after a "
        "token that came before, it looks at what followed then, and so can copy it."
    )
