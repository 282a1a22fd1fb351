"""Chapter: the one state of a recurrent network, and how far back it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from apps import exports, shipped
from apps.lab import computed
from apps.lessons import parts
from apps.lessons.lesson import Lesson

TITLE = "Memory lane of an RNN"
LESSON = Lesson(
    text="""
A recurrent network reads one word at a time and keeps one list of numbers, its *state*. With each
word it makes a new state from the old one and the word just read (Elman 1990). Nothing else is
kept: when the sentence is over, the state has to hold all that will be needed to translate it.

So whatever was learnt of an early word must survive every later update. In a plain RNN each update
sends the old state through the same matrix and squashes the result. Traces of early words tend to
fade, and so do the gradients that could teach the network to keep them (Bengio et al. 1994). The
LSTM carries a second list along, the *cell*. Gates decide what is added to it and, since Gers et
al. (2000), how much of the old content stays; what a gate leaves alone can pass many steps nearly
unchanged (Hochreiter and Schmidhuber 1997).

Here the Simple RNN reads from left to right only, the LSTM in both directions at once.
""",
    try_this="""
Move the slider: that word is replaced by the *unknown* word. Hide an early word, then a late one.
Then write a longer sentence.
""",
    see="""
Each line leaves zero where the hidden word is read: before it both readings are the same. Where a
line falls, later words wash the change away; where it stays up, a trace is left. Compare how the
lines run rather than how high they are, for the two states are not made alike. An LSTM *can* keep a
word for long; whether it does is up to what paid in training. And a trace is not yet a memory that
serves: below stands what each network makes of it.
""",
    question="""
A plain RNN finds it hard to learn from what stood twenty words ago. Would training for longer help?
""",
    answer="""
Hardly. On its way back the gradient is multiplied once per word by how much each update passes
on. If those factors are mostly below 1, what arrives after twenty words is next to nothing (it
*vanishes*); mostly above 1, it *explodes*. More of the same training has the same factors. What
helps is another path: the cell of an LSTM, or attention, which reaches every word in one step.
""",
    papers=("elman", "bengio", "hochreiter", "gers"),
)
SENTENCE = "Tom told me that he wanted to learn how to swim."


def render() -> None:
    """The live view."""
    if not parts.there(parts.RNN, parts.LSTM):
        return
    text = parts.sentence(SENTENCE, key="memory.text")
    before = {name: computed.predict(name, text) for name in (parts.RNN, parts.LSTM)}
    if None in before.values():
        return
    words = parts.reading(parts.RNN, before[parts.RNN]).source
    if len(words) < 2:
        st.info("Write at least one word.")
        return
    place = parts.word("The word that is hidden", words[:-1], key="memory.word")
    rows = []
    for name in before:
        pieces = before[name].source_pieces
        apart = computed.run(
            name,
            ("reach", text, place),
            lambda loaded, pieces=pieces: distances(loaded, pieces, place),
        )
        if apart is None:
            return
        rows += [
            {"model": shipped.label(name), "x": f"{i} {word}", "value": round(float(far), 4)}
            for i, (word, far) in enumerate(zip(words, apart, strict=True), 1)
        ]
    st.markdown("**How different the state is after each word**")
    parts.draw(
        parts.lines(
            rows,
            x_title="read so far, up to this word",
            y_title="distance, 0 to 1",
            order=[f"{i} {word}" for i, word in enumerate(words, 1)],
            domain=(0, 1),
        ),
        alt_text=f"Distance of the states with and without the word {words[place]}. "
        + " ".join(
            f"{shipped.label(name)}: "
            f"{parts.spoken([r for r in rows if r['model'] == shipped.label(name)], 'x')}."
            for name in before
        ),
        rows=rows,
        file="learn-memory",
        caption=exports.caption(
            f"How different the state is after each word with “{words[place]}” hidden.",
            *before,
            text=text,
        ),
    )
    st.caption(
        "The distance of two states is the length of their difference over the sum of their "
        "lengths: 0 when they are the same, 1 when they point in opposite directions."
    )
    st.markdown("**What each writes, with the word and without it**")
    _outputs(text, before, place)


def _outputs(text: str, before: dict[str, Any], place: int) -> None:
    from zoo.interventions import Intervention

    for name, column in zip(before, st.columns(2), strict=True):
        with column:
            outcome = parts.intervened(name, text, Intervention(mask=(place,)))
            parts.written(name, before[name], text=text)
            if outcome is not None:
                title = f"{shipped.label(name)}, the word hidden"
                parts.written(name, outcome.after, beside=before[name], title=title)


def distances(loaded: Any, pieces: Sequence[str], place: int) -> np.ndarray:
    """(words,) how far the state after each word moves as the word at `place` is hidden.

    The state after a word is what the decoder would begin with if the sentence ended there:
    |a - b| / (|a| + |b|) of the two readings' states a and b, all of them in one batch.
    """
    from keras import ops

    from zoo.prediction import word_spans
    from zoo.tokenizer import PAD, UNK

    ids = loaded.source_tokenizer.ids(pieces)
    spans = word_spans(pieces)
    hidden = [*ids]
    hidden[slice(*spans[place])] = [UNK] * (spans[place][1] - spans[place][0])
    rows = np.full((2 * len(spans), len(ids)), PAD, "int32")
    for row, (_, end) in enumerate(spans):
        rows[row, :end] = ids[:end]
        rows[len(spans) + row, :end] = hidden[:end]
    parts_of_state = loaded.model.encode(ops.convert_to_tensor(rows))["state"]
    state = np.concatenate([ops.convert_to_numpy(part) for part in parts_of_state], axis=-1)
    whole, without = np.split(state.astype("float64"), 2)
    sizes = (np.linalg.norm(one, axis=-1) for one in (whole, without))
    return np.linalg.norm(whole - without, axis=-1) / np.maximum(sum(sizes), 1e-12)
