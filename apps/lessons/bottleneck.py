"""Chapter: one vector for a whole sentence, while the sentence grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from apps import downloads, interpretation, quality, saved_models, state
from apps.charts import quality as quality_charts
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.sections import quality_by_length

TITLE = "The bottleneck"
LESSON = Lesson(
    text="""
Sutskever et al. (2014) translated with two recurrent networks: an *encoder* reads the sentence, and
a *decoder* starts writing from the encoder's last state. That state is all that the decoder knows
about the sentence: one vector, the same size for three words as for thirty. Cho et al. (2014)
measured how the quality of such a network falls as sentences get longer.

Bahdanau et al. (2015) suspected that this vector was the bottleneck. They kept one vector for *each
word* and let the decoder look at all of them again before each word it writes. The memory now grows
with the sentence, and in their experiments quality stayed the same on long sentences. The zoo's
LSTM and LSTM + attention have the same encoder and the same sizes; only the second can look back.

Note that long sentences are also rare in the training data, so both networks have had little
practice in writing them. Look at the distance between the lines, not only at how they fall.
""",
    try_this="""
Move the slider: the sentence becomes a chain of one to six short sentences, each of them easy. Read
both outputs and look for the first part that is lost.
""",
    see="""
The lines: both networks score one right translation of each chain, token by token. The higher the
line, the more likely the network finds that translation. Which network fails first? Below, the same
comparison on the whole test set, from the models' cards.
""",
    question="""
Why not simply make the one vector larger?
""",
    answer="""
It helps up to a point: Sutskever et al. used four layers of 1,000 cells. But a fixed size is always
too small for some sentence, and a larger state costs more at every step, even in short sentences.
The decoder would also still have to find the one word it needs among everything that is packed into
the vector. With attention, it can go straight to that word.
""",
    papers=("sutskever", "cho", "bahdanau"),
)
CLAUSES = (
    ("Tom bought a car", "Tom compró un coche"),
    ("Mary closed the door", "Mary cerró la puerta"),
    ("the dog is sleeping", "el perro está durmiendo"),
    ("I lost my keys", "perdí mis llaves"),
    ("we arrived late", "llegamos tarde"),
    ("he is reading the newspaper", "él está leyendo el periódico"),
)
"""Short sentences with a right translation each: what the chains are made of."""


def render() -> None:
    """The live view."""
    names = (shared_views.LSTM, shared_views.BAHDANAU)
    if not shared_views.there(*names):
        return
    count = st.slider(
        "Short sentences in the chain",
        1,
        len(CLAUSES),
        **state.choice("bottleneck.clauses", range(1, len(CLAUSES) + 1), min(3, len(CLAUSES))),
    )
    text, right = chain(count)
    st.markdown(f"*Read:* {text}  \n*A right translation:* {right}")
    for name in names:
        if (prediction := interpretation.predict(name, text)) is not None:
            shared_views.written(name, prediction, text=text)
    rows = []
    for name in names:
        found = interpretation.run(name, ("chains",), scores)
        if found is None:
            return
        rows += [
            {"model": saved_models.label(name), "x": clauses, "value": round(value, 4)}
            for clauses, value in enumerate(found, 1)
        ]
    st.markdown("**How likely the right translation is to each**")
    shared_views.draw(
        shared_views.lines(
            rows, x_title="short sentences in the chain", y_title="mean log-probability a token"
        ),
        alt_text="Mean log-probability of a token of the right translation, by the number of "
        "short sentences. "
        + "; ".join(f"{row['model']} {row['value']:.2f} at {row['x']}" for row in rows)
        + ".",
        rows=rows,
        file="learn-bottleneck",
        caption=downloads.caption(
            "Mean log-probability of a token of the right translation, by the number of short "
            "sentences in a chain.",
            *names,
        ),
    )
    _cards(names)


def _cards(names: Sequence[str]) -> None:
    """The same two on the test set, by length of the source."""
    figure = quality.first(shared_views.TASK)
    found = quality_by_length.records(shared_views.TASK, figure, "1", names)
    rows = quality_by_length.enough(found)
    if not rows:
        return
    st.markdown(f"**{figure.label} on the test set, by words of the source**")
    shared_views.draw(
        quality_charts.quality_by_length(
            rows,
            title=figure.label,
            higher_is_better=figure.higher_is_better is not False,
            unit="words",
        ),
        alt_text=f"{figure.label} by length of the source: "
        + "; ".join(f"{row['model']} {row['quality']:.1f} at {row['label']}" for row in rows)
        + ".",
        rows=rows,
        file="learn-bottleneck-cards",
        caption=downloads.caption(
            f"{figure.label} on the test set, by words of the source.", *names
        ),
    )
    st.markdown(quality_by_length.change(rows, figure, "words"))
    st.caption(f"{figure.meaning} {quality_by_length.told(found)}")


def chain(count: int) -> tuple[str, str]:
    """The first `count` clauses as one English sentence, and its Spanish translation."""

    def joined(clauses: Sequence[str], last: str) -> str:
        *first, end = clauses
        text = f"{', '.join(first)} {last} {end}" if first else end
        return f"{text[0].upper()}{text[1:]}."

    english, spanish = zip(*CLAUSES[:count], strict=True)
    return joined(english, "and"), joined(spanish, "y")


def scores(loaded: Any) -> list[float]:
    """Mean log-probability a token of each chain's translation, the shortest chain first."""
    texts, right = zip(*map(chain, range(1, len(CLAUSES) + 1)), strict=True)
    forced = loaded.predict(list(texts), target=list(right), attention=False)
    return [float(one.log_probs.mean()) for one in forced]
