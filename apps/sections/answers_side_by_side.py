"""Test answers of two models side by side, those on which they differ most first."""

from __future__ import annotations

from typing import Any

import streamlit as st

from apps import links, quality, saved_models, state
from apps.markdown import plain

MAX_BROWSED = 500
RIGHT = "100 where right, 0 where wrong"
NOT_GRADES = ("log_prob", "length", "index")
"""Numbers in a record of predictions.json that say nothing of how good the answer is."""


def section(task: str) -> None:
    """The two models that the reader chooses, and a table of their answers."""
    names = [name for name in reversed(saved_models.models(task)) if saved_models.predictions(name)]
    if len(names) < 2:
        return
    st.header("Where two models differ most", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        one = _model("One model", "one", names)
        other = _model("Another", "other", [name for name in names if name != one])
        orders = ("widest", "one", "other")
        ahead = st.selectbox(
            "Show first",
            orders,
            format_func={
                "widest": "Where they differ most",
                "one": f"Where {saved_models.label(one)} is ahead",
                "other": f"Where {saved_models.label(other)} is ahead",
            }.get,
            width=280,
            **state.choice("ahead", orders, "widest"),
        )
    rows = side_by_side(saved_models.predictions(one), saved_models.predictions(other), ahead)
    if not rows:
        st.caption("These two models have no test input in common.")
        return
    labels = (saved_models.label(one), saved_models.label(other))
    shown = [
        {
            "Input": row["source"],
            labels[0]: row["one"],
            labels[1]: row["other"],
            "Accepted": row["references"],
            f"Score, {labels[0]}": row["one_score"],
            f"Score, {labels[1]}": row["other_score"],
        }
        for row in rows[:MAX_BROWSED]
    ]
    number = st.column_config.NumberColumn(format="%.0f", width="small")
    picked = st.dataframe(
        shown,
        hide_index=True,
        column_config={f"Score, {label}": number for label in labels},
        height=min(420, 38 + 35 * len(shown)),
        alt=f"Test inputs with the outputs of {labels[0]} and {labels[1]}",
        key=state.key(f"browse.{one}.{other}.{ahead}"),
        on_select="rerun",
        selection_mode="single-row",
    )
    key = graded(saved_models.predictions(one)[0])
    what = f"{quality.figure(key, task).label} of the one output" if key else RIGHT
    st.caption(f"{len(rows):,} test inputs. Score: {what}. Select a row to look closer at it.")
    for place in picked.selection.rows[:1]:
        row = rows[place]
        for name, answer in ((one, row["one"]), (other, row["other"])):
            st.markdown(f"**{saved_models.label(name)}:** {plain(str(answer))}")
            links.look_closer(name, str(row["source"]), str(answer), elsewhere=True)


def _model(label: str, key: str, names: list[str]) -> str:
    return st.selectbox(
        label,
        names,
        format_func=saved_models.label,
        width=200,
        **state.choice(key, names, names[0], ids=saved_models.id_of),
    )


def side_by_side(
    one: list[dict[str, Any]], other: list[dict[str, Any]], ahead: str = "widest"
) -> list[dict[str, Any]]:
    """The inputs both models answered, sorted by how far their scores lie apart.

    Args:
        one, other: records of predictions.json.
        ahead: "widest" for the distance either way; "one" or "other" for a lead of that model.

    Ties (both right, both wrong) are broken by how differently sure the two were.
    """
    answered = {entry.get("source"): entry for entry in other}
    rows = []
    for entry in one:
        partner = answered.get(entry.get("source"))
        if partner is None:
            continue
        rows.append(
            {
                "source": entry.get("source"),
                "one": entry.get("prediction"),
                "other": partner.get("prediction"),
                "references": " / ".join(map(str, entry.get("references") or [])),
                "one_score": score(entry),
                "other_score": score(partner),
                "surer": (entry.get("log_prob") or 0.0) - (partner.get("log_prob") or 0.0),
            }
        )
    sign = {"one": 1.0, "other": -1.0}.get(ahead)

    def lead(row: dict[str, Any]) -> tuple[float, bool, float]:
        apart = row["one_score"] - row["other_score"]
        surer = row["surer"]
        if sign is None:
            return abs(apart), row["one"] != row["other"], abs(surer)
        return sign * apart, row["one"] != row["other"], sign * surer

    return sorted(rows, key=lead, reverse=True)


def score(entry: dict[str, Any]) -> float:
    """The graded figure where the record has one, else 100 for right and 0 for wrong."""
    if (key := graded(entry)) is not None:
        return float(entry[key])
    return 100.0 if entry.get("correct") else 0.0


def graded(entry: dict[str, Any]) -> str | None:
    """The figure that a record is graded by, such as "chrf" or "rouge1"; None: right or wrong."""
    return next(
        (
            key
            for key, value in entry.items()
            if key not in NOT_GRADES and isinstance(value, int | float) and type(value) is not bool
        ),
        None,
    )
