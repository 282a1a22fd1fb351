"""Token by token: at each step of writing, where the model looked and what else it might have put.

The part of the Attention page called "Step by step".
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, figures, interpretation, saved_models, state
from apps.charts import attention as attention_charts
from apps.charts import base as charts
from apps.components import shaded_words
from apps.labels import END_LABEL, shown
from apps.markdown import plain
from apps.sections.attention_view import shades, steps
from zoo import interpret
from zoo.prediction import Prediction

CANDIDATES = 5


def show(
    name: str, asked: Hashable, prediction: Prediction, weights: np.ndarray, which: str
) -> None:
    """One step of the writing of `prediction`, chosen by its number.

    Args:
        name: the model.
        asked: the question that `prediction` answers, for the memory of results.
        weights: (T, S) over tokens.
        which: which map that is, in words.
    """
    found = interpretation.run(
        name,
        ("candidates", CANDIDATES, asked),
        lambda loaded: interpret.candidates(
            loaded, prediction, min(CANDIDATES, loaded.target_tokenizer.size)
        ),
    )
    if found is None:
        return
    many = len(prediction.target_pieces)
    step = choose_step(many)
    sure = np.exp(np.minimum(prediction.log_probs, 0.0))
    written = shades(steps(prediction.target_pieces), sure)
    st.markdown("**Written so far**")
    so_far = [{**word, "differs": place == step} for place, word in enumerate(written[: step + 1])]
    shaded_words.show(so_far, key="sofar", nothing="(nothing yet)")
    st.caption(
        "Shaded by how sure the model was of each token; underlined: the token of this step. "
        + sentence(found, step, written[step]["text"])
    )
    read, chances = st.columns(2, gap="medium")
    with read:
        _read(name, prediction, weights, step, which)
    with chances:
        _candidates(found, step, name, prediction)


def choose_step(many: int) -> int:
    """A step, counted from 0; the widget and the address count from 1."""
    steps = range(1, many + 1)
    if many < 2:
        state.value("step", steps, 1)
        st.caption("Only one token was written.")
        return 0
    step = st.slider(
        "Step",
        min_value=1,
        max_value=many,
        **state.choice("step", steps, 1),
        help="The arrow keys move it. Each step writes one token; the last one writes the end.",
    )
    return step - 1


def sentence(found: Any, step: int, piece: str) -> str:
    """How likely the written token was among all, and how undecided the model."""
    rank = int(found.rank[step])
    place = "the most likely token" if rank == 1 else f"number {rank:,} of all tokens"
    return (
        f"“{plain(piece)}” was {place}. The model was as undecided as between about "
        f"{2 ** float(found.entropy[step]):,.1f} equally likely tokens "
        f"(entropy {float(found.entropy[step]):.2f} bits)."
    )


def records(found: Any, step: int, wrote: str) -> list[dict[str, Any]]:
    """The candidates of a step, the likeliest first.

    Args:
        found: `zoo.interpret.Candidates`.
        step: counted from 0.
        wrote: the token that was written.
    """
    likeliest = zip(found.pieces[step], found.probabilities[step], strict=True)
    return [
        {
            "place": place,
            "piece": shown(piece, END_LABEL),
            "probability": round(float(chance), 5),
            "written": piece == wrote,
        }
        for place, (piece, chance) in enumerate(likeliest, 1)
    ]


def _read(name: str, prediction: Prediction, weights: np.ndarray, step: int, which: str) -> None:
    st.markdown("**Where it looked**")
    pieces, row = steps(prediction.source_pieces), weights[step : step + 1]
    shaded_words.show(shades(pieces, row[0]), key="context", nothing="(nothing was read)")
    names = [shown(piece, END_LABEL) for piece in pieces]
    wrote = [shown(steps(prediction.target_pieces)[step], END_LABEL)]
    best = int(np.argmax(row[0]))
    st.caption(
        f"The stronger the colour, the more it was looked at. {which} "
        f"Most: {plain(names[best])}, {row[0, best]:.2f}."
    )
    rows = charts.heat_map_rows(row, wrote, names)
    figures.save(
        charts.heat_map(row, wrote, names),
        rows=rows,
        file=f"{name}-looked-{step + 1}",
        caption=downloads.caption(f"Step {step + 1}. {which}", name),
    )
    figures.table([{key: cell[key] for key in ("read", "weight")} for cell in rows])


def _candidates(found: Any, step: int, name: str, prediction: Prediction) -> None:
    st.markdown("**What it could have written**")
    rows = records(found, step, prediction.target_pieces[step])
    listed = "; ".join(f"{row['piece']} {row['probability']:.3f}" for row in rows)
    what = f"The {len(rows)} most likely tokens at step {step + 1}: {listed}."
    figures.show(
        attention_charts.candidate_bars(rows),
        alt_text=what,
        rows=[{"model": name, "step": step + 1, **row} for row in rows],
        file=f"{name}-step-{step + 1}",
        caption=downloads.caption(f"{what}\nWritten: “{prediction.text}”", name),
    )
    if not any(row["written"] for row in rows):
        st.caption(f"{saved_models.label(name)} wrote none of these here.")
