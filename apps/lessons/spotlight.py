"""Chapter: Bahdanau's attention, one written token at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, interpretation, state
from apps.labels import END_SIGN, Reading, chosen_map, from_prediction, read, shown
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.markdown import plain
from apps.sections.attention_view import steps
from apps.sections.intervention_steps import spans_of
from zoo import interpret
from zoo.interpret import Force, Intervention

TITLE = "Attention as a spotlight"
LESSON = Lesson(
    text="""
Before each word it writes, the decoder asks: which part of the input do I need now? Additive
attention (Bahdanau et al. 2015) answers with a very small network. The decoder's state and the
encoder's vector of a source word are each multiplied by a matrix, added and squashed by tanh; a
vector *v* turns the result into one number, the *energy*. A softmax turns the energies of all words
into weights that are positive and sum to 1. The mean of the words' vectors with these weights is
the *context*, and the decoder reads it together with the word it wrote last.

Every part has a gradient, so the network does not have to be told where to look: it learns that
from translations alone.

Two warnings. The encoder has read the whole sentence, so a word's vector also contains information
about its neighbours: a weight on a word is not a weight on that word alone. And whether such
weights *explain* an output is disputed (Jain and Wallace 2019; Wiegreffe and Pinter 2019). So try
what happens if you force them.
""",
    try_this="""
Step through the output with the slider. Then choose a token of the source under *Force the
spotlight*: in this one step, all of the weight goes there, whatever the energies are. The map shows
the forced row.
""",
    see="""
The source is shaded by the weights of this step. If one energy is a few units larger than the
others, softmax gives it nearly all the weight. With a forced row, check whether the token of this
step becomes less likely, and whether the output changes. If it does not, the place that the network
looked at mattered less here than the map suggests.
""",
    question="""
Add 5 to every energy of a step. What happens to the weights?
""",
    answer="""
Nothing. Softmax divides exp(*e*) by the sum of all exp(*e*); adding 5 multiplies every term, above
and below the line, by the same exp(5). Only differences of energies count: one that is 1 above
another gets *e* ≈ 2.7 times its weight.
""",
    papers=("bahdanau", "jain", "wiegreffe"),
)
SENTENCE = "She could not find the keys that she had put on the table."
LEAVE = "Leave it free"


def render() -> None:
    """The live view."""
    name = shared_views.BAHDANAU
    text, prediction = shared_views.answered(name, SENTENCE, key="spotlight.text")
    if prediction is None:
        return
    own = read(from_prediction(name, prediction), "character")  # token by token
    if not own.target:
        st.info("Nothing was written.")
        return
    shared_views.written(name, prediction, text=text)
    step = shared_views.word("The written token", own.target, key="spotlight.step")
    place = _force(own)
    outcome = None if place is None else _forced(text, step, place)
    if outcome is None:
        st.markdown("**Where it looks as it writes this token**")
        weights = chosen_map(own, "cross", None, None)
        shared_views.spotlight(own.source, weights[step], key="spotlight.source")
        _energies(text, prediction, own, step)
        _map(own, "The whole map, every step a row", text)
        return
    # The map of what is written under force: up to this step the same text, and then its own.
    bent = read(from_prediction(name, outcome.after), "character")
    st.markdown("**Where it is forced to look as it writes this token**")
    weights = chosen_map(bent, "cross", None, None)
    shared_views.spotlight(bent.source, weights[step], key="spotlight.source")
    _energies(text, prediction, own, step)
    shared_views.written(name, outcome.after, beside=prediction, title="Under force")
    first = spans_of(prediction.target_pieces, "piece")[step][0]
    shared_views.probability(own.target[step], outcome, first)
    read_piece = own.source[place]
    note = f"Row {step + 1} is forced to look at “{read_piece}”; all others are free."
    _map(bent, "The whole map under force, every step a row", text, note)


def _map(reading: Reading, title: str, text: str, note: str = "") -> None:
    st.markdown(f"**{title}**")
    if note:
        st.caption(plain(note))
    shared_views.heat_map(
        chosen_map(reading, "cross", None, None),
        reading.target,
        reading.source,
        title="Bahdanau's map under force" if note else "Bahdanau's map",
        file="learn-spotlight-map",
        caption=downloads.caption(
            f"Additive attention, token by token. {note}".strip(), shared_views.BAHDANAU, text=text
        ),
    )


def _energies(text: str, prediction: Any, own: Reading, step: int) -> None:
    def compute(loaded: Any) -> Any:
        [answer] = loaded.predict([text])
        return interpret.query_key_value(loaded, answer)["cross"].energy(0, 0)

    energy = interpretation.run(shared_views.BAHDANAU, ("energies", text), compute)
    if energy is None:
        return
    first = spans_of(prediction.target_pieces, "piece")[step][0]
    rows = [
        {"word": shown(piece, END_SIGN), "value": round(float(one), 4)}
        for piece, one in zip(steps(prediction.source_pieces), energy[first], strict=True)
    ]
    # One scale for all steps, so that they can be compared as the slider moves.
    ends = min(float(np.min(energy)), 0.0), max(float(np.max(energy)), 0.0)
    shared_views.bars(
        rows,
        title="Energies of this step, before the softmax",
        unit="energy",
        file="learn-spotlight-energies",
        caption=downloads.caption(
            f"Energies of step {step + 1}, “{own.target[step]}”, before the softmax.",
            shared_views.BAHDANAU,
            text=text,
        ),
        alt_text=f"Energy of each read token: {shared_views.spoken(rows)}.",
        domain=ends if ends[0] < ends[1] else None,
    )


def _force(own: Reading) -> int | None:
    """The place that is to be looked at, or None where attention is left free."""
    options = [LEAVE, *(f"{place} {word}" for place, word in enumerate(own.source, 1))]
    chosen = st.selectbox(
        "Force the spotlight",
        options,
        **state.choice("spotlight.force", options, LEAVE, ids=lambda one: one.partition(" ")[0]),
    )
    return options.index(chosen) - 1 if chosen in options[1:] else None


def _forced(text: str, step: int, place: int) -> Any | None:
    """The `Outcome` of looking nowhere but at one place, at one step."""
    what = Intervention(force=(Force(step, place),), unit="piece")
    return shared_views.intervened(shared_views.BAHDANAU, text, what)
