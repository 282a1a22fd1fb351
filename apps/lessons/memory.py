"""Chapter: the one state of a recurrent network, and how much of a beginning it still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, interpretation, saved_models
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.markdown import plain

TITLE = "The memory of an RNN"
LESSON = Lesson(
    text="""
A recurrent network reads one word at a time and keeps one list of numbers, its *state*. From the
old state and the word just read it computes a new state (Elman 1990). Nothing else is kept: at the
end of the sentence, the state has to contain everything that is needed to translate it.

So the information from an early word must survive every later update. In a plain RNN, each update
multiplies the old state by the same matrix and squashes the result. Traces of early words tend to
fade, and so do the gradients that could teach the network to keep them (Bengio et al. 1994). The
LSTM has a second list of numbers, the *cell*. Gates decide what is added to it and, since Gers et
al. (2000), how much of the old content stays; what a gate does not change can survive many steps
almost unchanged (Hochreiter and Schmidhuber 1997).

Here the Simple RNN reads from left to right only. The LSTM reads in both directions, so one half of
its state reads the beginning last; that is part of its advantage.
""",
    try_this="""
Look at the chart for both lists of beginnings. Then type another continuation of the sentence, and
a longer one.
""",
    see="""
A translation starts with who did something, and that was read first. The same words follow eight
different beginnings, and the sentence is cut off after each word in turn. The lines show how much
of the probability that a network gives to the eight translations goes to the right one. At 1, it
knows which beginning it read; at the line *By chance*, it knows nothing. A falling line is a memory
that fades. A line that is at chance from the first word on has nothing to forget: the network never
learned to keep this. The text below the chart says what these two networks do.
""",
    question="""
A plain RNN has difficulty learning from a word twenty words back. Would longer training help?
""",
    answer="""
Not much. On its way back, the gradient is multiplied once per word by how much each update passes
on. If these factors are mostly below 1, almost nothing is left after twenty words (it *vanishes*);
if they are mostly above 1, it *explodes*. Longer training does not change these factors. What helps
is another path: the cell of an LSTM, or attention, which reaches every word in one step.
""",
    papers=("elman", "bengio", "hochreiter", "gers"),
)
BEGINNINGS = {
    "Tom, my father, nobody …": (
        ("Tom", "Tom"),
        ("Mary", "Mary"),
        ("My father", "Mi padre"),
        ("My sister", "Mi hermana"),
        ("The dog", "El perro"),
        ("The teacher", "El profesor"),
        ("Nobody", "Nadie"),
        ("Everyone", "Todos"),
    ),
    "My father, my mother, my dog …": (
        ("My father", "Mi padre"),
        ("My mother", "Mi madre"),
        ("My brother", "Mi hermano"),
        ("My sister", "Mi hermana"),
        ("My uncle", "Mi tío"),
        ("My son", "Mi hijo"),
        ("My daughter", "Mi hija"),
        ("My dog", "Mi perro"),
    ),
}
"""English beginnings and how their translations begin. Of the second list only one word differs."""
SENTENCE = "wanted to learn how to swim in the sea before the summer"
MOST = 20
"""Words that are read after a beginning."""
CHANCE = "By chance"


def render() -> None:
    """The live view."""
    names = (shared_views.RNN, shared_views.LSTM)
    if not shared_views.there(*names):
        return
    options = list(BEGINNINGS)
    chosen = options[shared_views.one_of("The sentence begins with", options, key="memory.list")]
    typed = shared_views.sentence(SENTENCE, key="memory.text", label="and goes on with")
    words = typed.rstrip(" .!?").split()[:MOST]
    if not words:
        st.info("Write at least one word.")
        return
    if len(typed.split()) > MOST:
        st.info(f"Only the first {MOST} words were read.", icon=":material/info:")
    shares = {}
    for name in names:
        found = interpretation.run(
            name,
            ("kept", chosen, tuple(words)),
            lambda loaded: kept(loaded, BEGINNINGS[chosen], words),
        )
        if found is None:
            return
        shares[saved_models.label(name)] = found
    _chart(names, chosen, words, shares)
    st.markdown("**What each writes**")
    starts = [english for english, _ in BEGINNINGS[chosen]]
    start = starts[
        shared_views.word("One of the beginnings", starts, key="memory.begin", slider=False)
    ]
    text = f"{start} {' '.join(words)}."
    for name, column in zip(names, st.columns(2), strict=True):
        with column:
            if (prediction := interpretation.predict(name, text)) is not None:
                shared_views.written(name, prediction)


def _chart(
    names: Sequence[str], chosen: str, words: Sequence[str], shares: Mapping[str, np.ndarray]
) -> None:
    chance = 1 / len(BEGINNINGS[chosen])
    places = [f"{place} {word}" for place, word in enumerate(words, 1)]
    lines = {**shares, CHANCE: np.full(len(words), chance)}
    rows = [
        {"model": label, "x": place, "value": round(float(share), 4)}
        for label, found in lines.items()
        for place, share in zip(places, found, strict=True)
    ]
    st.markdown("**How well the beginning is remembered after each word**")
    shared_views.draw(
        shared_views.lines(
            rows,
            x_title="read since the beginning, up to this word",
            y_title="share of the right one, 0 to 1",
            order=places,
            domain=(0, 1),
        ),
        alt_text="Share of the probability that the right one of "
        f"{len(BEGINNINGS[chosen])} beginnings gets after each word. "
        + " ".join(
            f"{label}: {shared_views.spoken([r for r in rows if r['model'] == label], 'x')}."
            for label in shares
        )
        + f" By chance {chance:.2f}.",
        rows=rows,
        file="learn-memory",
        caption=downloads.caption(
            f"Share of the right one of {len(BEGINNINGS[chosen])} beginnings ({chosen}) after "
            f"each word of “{' '.join(words)}”.",
            *names,
        ),
    )
    st.markdown(told(shares, words, chance))


def told(shares: Mapping[str, np.ndarray], words: Sequence[str], chance: float) -> str:
    """What the lines of two networks show, in Markdown: the numbers, and who is ahead where."""
    (one, first), (other, second) = shares.items()
    text = (
        f"After “{plain(words[0])}” the right one of the beginnings gets {first[0]:.0%} from the "
        f"{one} and {second[0]:.0%} from the {other}"
    )
    many = len(words)
    if many > 1:
        text += f"; after all {many} words {first[-1]:.0%} and {second[-1]:.0%}"
    text += f". By chance it would get {chance:.0%}."
    ahead = int(np.sum(np.asarray(second) > np.asarray(first)))
    behind = int(np.sum(np.asarray(first) > np.asarray(second)))
    best, count = (other, ahead) if ahead >= behind else (one, behind)
    where = "after every word" if count == many else f"after {count} of {many} words"
    text += f" **The {best} remembers the beginning better {where}.**" if count else ""
    for label, found in shares.items():
        if np.max(found) < 1.5 * chance:
            text += f" The {label} is near chance throughout: it never learned to keep this."
    return text.replace("%", " %")


def kept(loaded: Any, beginnings: Sequence[tuple[str, str]], words: Sequence[str]) -> np.ndarray:
    """(words,) the share of the right translation in the probability of all `beginnings`.

    Each beginning is read with the first `n` of `words`; each of the translations is then scored
    as what is written first. The mean over the beginnings.
    """
    sources, targets = zip(*beginnings, strict=True)
    many = len(beginnings)
    found = []
    for count in range(1, len(words) + 1):
        read = [f"{one} {' '.join(words[:count])}." for one in sources for _ in targets]
        forced = loaded.predict(read, target=list(targets) * many, attention=False)
        # Without the end of the sequence: the translation goes on.
        scores = np.array([float(np.sum(one.log_probs[:-1], dtype="float64")) for one in forced])
        scores = scores.reshape(many, many)
        likely = np.exp(scores - scores.max(axis=1, keepdims=True))
        found.append(float(np.mean(np.diag(likely) / likely.sum(axis=1))))
    return np.array(found)
