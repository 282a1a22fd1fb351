"""Chapter: self-attention, a sentence that looks at itself."""

from __future__ import annotations

import streamlit as st

from apps import downloads, state
from apps.components import attention_lines
from apps.labels import chosen_map
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson

TITLE = "Self-attention"
LESSON = Lesson(
    text="""
Attention does not need a decoder: the words of a sentence can also look at each other. Three
vectors are computed from the vector of each word: a *query* (what am I looking for?), a *key* (how
can I be found?) and a *value* (what do I pass on?). The score of two words is the dot product of
the query of one and the key of the other, divided by the square root of their width so that it does
not grow with the width. Softmax turns the scores into weights, and each word adds the weighted sum
of all values to its own vector (Vaswani et al. 2017).

In one layer, every word gets information from every other word, near or far; a recurrent network
needs as many steps as there are words between them. Layers are stacked, so from the second layer on
a *word* is really a mixture computed at that word's position. To follow what reaches a position
through all layers, Abnar and Zuidema (2020) treat each layer as half attention and half the word
itself, and multiply the layers: *rollout*.
""",
    try_this="""
Choose a word with the slider and go through the layers and heads. Then switch rollout on. Point at
a word in the figure (or move to it with the Tab key) to see only its lines.
""",
    see="""
Some heads look at the word itself or at its neighbour, others at the full stop or the end sign,
which often serve as a place to look at when there is nothing to fetch. The maps show which kinds
this model has. Rollout shows, judging by the weights alone, where the content of a position came
from; it does not show what the values and the feed-forward layers did with it.
""",
    question="""
Why are the scores divided by the square root of the width?
""",
    answer="""
If the elements of query and key are roughly independent, with variance 1, their dot product over
*d* units has variance *d*: wide heads have large scores. The softmax of large scores puts nearly
all weight on one word, and its gradient is then almost zero. Divided by √*d*, scores keep a
variance of 1 at any width (Vaswani et al. 2017, section 3.2.1).
""",
    papers=("vaswani", "abnar"),
)
SENTENCE = "The old man sat by the window and read the newspaper."


def render() -> None:
    """The live view."""
    from zoo.interpret.attention_maps import rollout

    name = shared_views.TRANSFORMER
    text, prediction = shared_views.answered(name, SENTENCE, key="self.text")
    if prediction is None:
        return
    own = shared_views.reading(name, prediction)
    if "encoder" not in own.maps:
        st.info("Nothing was read.")
        return
    rolled = st.toggle("Rollout through all layers", **state.flag("self.rollout"))
    if rolled:
        weights, what = rollout(own.maps["encoder"])[-1, 0], "rollout through all layers"
    else:
        layer, head = shared_views.layer_and_head(own.maps["encoder"].shape, key="self")
        weights, what = chosen_map(own, "encoder", layer, head), shared_views.which(layer, head)
    place = shared_views.word("The word that looks", own.source, key="self.word")
    st.markdown("**What it looks at**" if not rolled else "**What reaches its place**")
    shared_views.spotlight(own.source, weights[place], key="self.spotlight")
    attention_lines.show(
        weights,
        own.source,
        own.source,
        key="self.lines",
        caption=downloads.caption(f"Self-attention of the encoder, {what}.", name, text=text),
        heads=("Looks", "Is looked at"),
        file="learn-self-attention",
    )
