"""Chapter: self-attention, a sentence that looks at itself."""

from __future__ import annotations

import streamlit as st

from apps import exports, state
from apps.answers import chosen_map
from apps.lab import computed, lines
from apps.lessons import parts
from apps.lessons.lesson import Lesson

TITLE = "Self-attention"
LESSON = Lesson(
    text="""
Attention need not wait for a decoder: a sentence can look at itself. From each word's vector three
others are made: a *query* (what do I look for?), a *key* (what can I be found by?) and a *value*
(what do I hand on?). The score of two words is the dot product of one's query and the other's key,
divided by the square root of their width so that it does not grow with it. Softmax makes weights
of the scores, and each word adds to its own vector a mixture of all values (Vaswani et al. 2017).

In one layer every word can hear every other, near or far; a recurrent network needs as many steps
as there are words between them. Layers are stacked, so from the second on a *word* means a mixture
made at its place. To follow what reaches a place through all layers, Abnar and Zuidema (2020) count
each layer as half attention, half the word itself, and multiply: *rollout*.
""",
    try_this="""
Pick a word with the slider and go through the layers and heads. Then switch rollout on. Point at a
word in the figure (or reach it with the Tab key) to see its lines alone.
""",
    see="""
Some heads look at the word itself or the one beside it, others at the full stop or the end sign,
which often serves as a place to look at when there is nothing to fetch. Which ones occur here, this
model's maps tell. Rollout shows where a place got its content by the weights alone; what the values
and the feed-forward layers did with it is not in the weights.
""",
    question="""
Why are the scores divided by the square root of the width?
""",
    answer="""
If the parts of query and key are about independent, with variance 1, their product's sum over *d*
units has variance *d*: scores of wide heads are large. Softmax of large scores puts nearly all
weight on one word, and its gradient is then next to zero. Divided by √*d*, scores keep a
variance of 1 at any width (Vaswani et al. 2017, section 3.2.1).
""",
    papers=("vaswani", "abnar"),
)
SENTENCE = "The old man sat by the window and read the newspaper."


def render() -> None:
    """The live view."""
    from zoo.aggregate import rollout

    name = parts.TRANSFORMER
    if not parts.there(name):
        return
    text = parts.sentence(SENTENCE, key="self.text")
    prediction = computed.predict(name, text)
    if prediction is None:
        return
    own = parts.reading(name, prediction)
    if "encoder" not in own.maps:
        st.info("Nothing was read.")
        return
    rolled = st.toggle("Rollout through all layers", **state.flag("self.rollout"))
    if rolled:
        weights, what = rollout(own.maps["encoder"])[-1, 0], "rollout through all layers"
    else:
        layer, head = parts.layer_and_head(own.maps["encoder"].shape, key="self")
        weights, what = chosen_map(own, "encoder", layer, head), parts.which(layer, head)
    place = parts.word("The word that looks", own.source, key="self.word")
    st.markdown("**What it looks at**" if not rolled else "**What reaches its place**")
    parts.spotlight(own.source, weights[place], key="self.spotlight")
    lines.show(
        weights,
        own.source,
        own.source,
        key="self.lines",
        caption=exports.caption(f"Self-attention of the encoder, {what}.", name, text=text),
        heads=("Looks", "Is looked at"),
        file="learn-self-attention",
    )
