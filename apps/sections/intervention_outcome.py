"""What came of an intervention: both texts, each step, and both maps; the same on every page."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from apps import figures, interpretation, saved_models
from apps.charts import base as charts
from apps.components import shaded_words
from apps.labels import Reading, axes, chosen_map, from_prediction, read
from apps.markdown import plain
from apps.sections import answer_view, intervention_steps
from apps.sections.intervention_words import clauses, nats, per_piece, sentence, total, which
from zoo import interpret
from zoo.interpret import Intervention, Outcome
from zoo.prediction import Prediction

HOW_LABELS = {"unknown": "Unknown", "hidden": "Hidden", "removed": "Removed"}
HOW_HELP = (
    "Unknown: replaced by the sign for a word that the model has never seen. Hidden: it keeps its "
    "position, but nothing can look at it. Removed: taken out, and later ones move up."
)
MASKED = {"<unk>": ("?", "unknown"), "<hidden>": ("░", "hidden")}
"""What masked characters are drawn as, where columns are narrow, and what that means."""


def computed(
    name: str, asked: Hashable, before: Any, what: Intervention, **options: Any
) -> Outcome | None:
    """What the model `name` does under `what`; None, and a notice, where it cannot be done.

    Args:
        asked: what the answer `before` depends on, for the memory of answers.
        options: of `zoo.interpret.intervene`.
    """
    if what == Intervention(unit=what.unit):
        st.info("Nothing is changed yet. Press a word above.", icon=":material/info:")
        return Outcome(before, before, before, np.zeros(len(before.log_probs), "float32"))

    def compute(loaded: Any) -> Outcome | str:
        try:
            return interpret.intervene(loaded, before, what, **options)
        except ValueError as error:  # nothing is wrong with the model, so it is kept
            return str(error).partition(" Received:")[0]

    with st.container():
        found = interpretation.run(name, ("intervene", asked, what), compute)
    if isinstance(found, str):
        st.warning(f"That cannot be done. {plain(found)}", icon=":material/warning:")
        return None
    return found


def show(name: str, outcome: Outcome, what: Intervention) -> None:
    """What came of `what`, done to the model `name`: a sentence, both texts, and each step."""
    unit = saved_models.unit(saved_models.task_of(name))
    before, after = (
        read(from_prediction(name, one), unit) for one in (outcome.before, outcome.after)
    )
    if clauses(what, before):
        st.markdown(f"**{plain(sentence(outcome, what, before, unit))}**")
    _texts(name, outcome, before, after)
    intervention_steps.show(name, intervention_steps.records(outcome, unit), unit)


def _texts(name: str, outcome: Outcome, before: Reading, after: Reading) -> None:
    """Both texts side by side, shaded by probability, with what differs underlined."""
    sides = (
        ("before", "Before", before, after, outcome.before),
        ("after", "After", after, before, outcome.after),
    )
    for column, (key, title, own, other, prediction) in zip(
        st.columns(2, border=True), sides, strict=True
    ):
        with column:
            st.markdown(f"**{title}**")
            words = answer_view.word_records(own, other)
            shaded_words.show(words, key=f"outcome.{key}", nothing="(wrote nothing)")
            captions(key, prediction, prediction.notes)
            if words:
                kept = ("text", "probability", "differs")
                rows = [{field: word[field] for field in kept} for word in words]
                figures.save(
                    functools.partial(charts.shaded_words, words), rows=rows, file=f"{name}-{key}"
                )


def captions(side: str, prediction: Prediction, notes: Sequence[str]) -> None:
    """How likely one of both texts is, `side` "before" or "after", and what should be noted."""
    st.caption(
        f"Log-probability {nats(total(prediction))}, {nats(per_piece(prediction))} a token"
        + (" (with the change)" if side == "after" else "")
        + f". Underlined: different {'after' if side == 'before' else 'before'} the change."
    )
    for note in notes:
        st.caption(f":material/info: {plain(note)}")


def maps(
    name: str,
    outcome: Outcome,
    *,
    kind: str = "cross",
    layer: int | None = None,
    head: int | None = None,
    unit: str | None = None,
    kinds: Mapping[str, str] = answer_view.KIND_LABELS,
) -> None:
    """Where it looked before and where it looks after, on the same scale.

    `kind`: one that the network has; `layer`, `head`: None is the mean over all; `unit`: None is
    that of the task; `kinds`: as for `clauses`.
    """
    unit = unit or saved_models.unit(saved_models.task_of(name))
    upright = unit == "character" and kind != "decoder"
    shape = outcome.before.attention[kind].shape
    signs = MASKED.items() if unit == "character" else ()
    st.caption(
        f"{which(shape, layer, head)}. Each row looks, each column is looked at; the stronger the "
        "colour, the more of the attention goes there, from 0 to 1."
        + "".join(
            f" {sign} is {name}."
            for piece, (sign, name) in signs
            if piece in outcome.after.source_pieces
        )
    )
    sides = (("Before", outcome.before), ("After", outcome.after))
    for column, (title, prediction) in zip(st.columns(2, border=True), sides, strict=True):
        reading = read(from_prediction(name, prediction), unit)
        with column:
            st.markdown(f"**{title}**")
            if kind not in reading.maps:
                st.caption("It wrote nothing, so there is no map.")
                continue
            weights = chosen_map(reading, kind, layer, head)
            rows, columns = (
                [dict(signs).get(label, (label,))[0] for label in side]
                for side in axes(reading, kind)
            )
            alt_text = charts.heat_map_alt(
                weights, rows, columns, f"{title}: {kinds[kind].lower()}"
            )
            figures.show(
                charts.heat_map(weights, rows, columns, upright=upright),
                alt_text=alt_text,
                rows=charts.heat_map_rows(weights, rows, columns),
                file=f"{name}-{kind}-{title.lower()}",
            )
