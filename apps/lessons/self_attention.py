"""Chapter: self-attention, a sentence that looks at itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, inference, interpretation, saved_models, state
from apps.components import attention_lines
from apps.labels import SPACE_LABEL, one_map
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.markdown import plain

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
a word in the figure (or move to it with the Tab key) to see only its lines. Then let another
network read the same sentence: an encoder, or a decoder.
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
MOST_TOKENS = 120
"""Of a text that are drawn."""
LARGE = 20_000_000
"""Weights of a decoder that nobody trains on two cores: its weights are others'."""


LOOKS = ("encoder", "decoder")
"""The kinds of maps of a text that looks at itself."""
BOTH_WAYS = ("sst2-minilm", "sst2-bert")
"""Encoders that read a text for a label; the first has weights that others trained."""
BACK = "shakespeare-gpt"
"""The decoder where no larger one is installed."""


@dataclass(frozen=True)
class Reader:
    """A network whose text looks at itself.

    Args:
        called: what the page calls it.
        name: of the model.
        said: what it is, in a sentence.
    """

    called: str
    name: str
    said: str


@dataclass(frozen=True)
class Looked:
    """What a network's tokens (or words) looked at: maps (L, H, N, N)."""

    labels: list[str]
    maps: np.ndarray


def readers() -> list[Reader]:
    """The networks to choose from; the largest decoder that is installed stands for all."""
    found = [
        Reader("A translator", shared_views.TRANSFORMER, "The encoder of the translator, by words.")
    ]
    classifiers = [name for name in BOTH_WAYS if saved_models.attends(name)]
    if classifiers:
        trained = "pre-trained by others" if classifiers[0] == BOTH_WAYS[0] else "trained here"
        said = f"An encoder that judges how a text feels, {trained}: BERT's design, by tokens."
        found.append(Reader("An encoder", classifiers[0], said))
    if decoder := largest_decoder():
        said = "A decoder that continues a text: GPT's design. A token looks back, never ahead."
        found.append(Reader("A decoder", decoder, said))
    return found


def largest_decoder() -> str | None:
    """The language model with attention that has the most weights; None where there is none."""
    names = [
        name
        for task in saved_models.tasks(("language_model",))
        for name in saved_models.models(task)
        if "decoder" in saved_models.attention_heads(name)
    ]
    pretrained = [name for name in names if (saved_models.parameters(name) or 0) > LARGE]
    return max(pretrained, key=saved_models.parameters, default=BACK if BACK in names else None)


def render() -> None:
    """The live view."""
    from zoo.interpret.attention_maps import rollout

    every = readers()
    chosen = every[shared_views.one_of("Who reads", [one.called for one in every], key="self.who")]
    looked, text = _read(chosen)
    if looked is None:
        return
    st.caption(f"{plain(saved_models.label(chosen.name))}. {chosen.said}")
    rolled = st.toggle("Rollout through all layers", **state.flag("self.rollout"))
    if rolled:
        weights, what = rollout(looked.maps)[-1, 0], "rollout through all layers"
    else:
        layer, head = shared_views.layer_and_head(looked.maps.shape, key="self")
        weights = one_map(looked.maps, layer, head)
        what = shared_views.which(layer, head)
    place = shared_views.word("The word that looks", looked.labels, key="self.word")
    st.markdown("**What it looks at**" if not rolled else "**What reaches its place**")
    shared_views.spotlight(looked.labels, weights[place], key="self.spotlight")
    attention_lines.show(
        weights,
        looked.labels,
        looked.labels,
        key="self.lines",
        caption=downloads.caption(f"Self-attention, {what}.", chosen.name, text=text),
        heads=("Looks", "Is looked at"),
        file="learn-self-attention",
    )


def _read(reader: Reader) -> tuple[Looked | None, str]:
    """The reader's sentence and what it looked at; None, and why on the page, where that failed."""
    if reader.name == shared_views.TRANSFORMER:
        text, prediction = shared_views.answered(reader.name, SENTENCE, key="self.text")
        if prediction is None:
            return None, text
        own = shared_views.reading(reader.name, prediction)
        if "encoder" not in own.maps:
            st.info("Nothing was read.")
            return None, text
        return Looked(own.source, own.maps["encoder"]), text
    text = shared_views.sentence(SENTENCE, key="self.text")

    def compute(model: Any) -> Looked | None:
        answer = (
            model.predict([text], 1)[0]
            if model.kind == "language_model"
            else model.predict(text)[0]
        )
        found = [answer.attention[kind] for kind in LOOKS if kind in answer.attention]
        if not found:
            return None
        # A language model has written a token more than was asked about.
        count = min(found[0].shape[-1], MOST_TOKENS)
        # Of words the mark of their beginning says nothing here.
        labels = [label.removeprefix(SPACE_LABEL) or label for label in answer.labels[:count]]
        return Looked(labels, found[0][..., :count, :count])

    looked = interpretation.run(reader.name, ("looks", text), compute, turn=inference.answering)
    return looked, text
