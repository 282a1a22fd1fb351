"""Chapter: cross-attention, Bahdanau's and the Transformer's on the same axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, interpretation, saved_models
from apps.labels import Reading, chosen_map
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson

TITLE = "Cross-attention"
LESSON = Lesson(
    text="""
The decoder of the Transformer (Vaswani et al. 2017) also has to read the source. It uses the
mechanism of the previous chapter: queries come from the words written so far, keys and values from
the encoder. This is *cross-attention*, and it does the same job as Bahdanau's attention. Three
things are different.

- The score is a dot product, not a small network. Luong et al. (2015) had compared such scores
  within recurrent networks.
- There are several heads in each of several layers, so several maps where Bahdanau's network
  has one.
- The query is made by self-attention over all words written so far, not by a recurrent state.

Both answer the same question, *where in the source?*, so their maps can be drawn on the same axes.
For that, both have to write the same words: one network is made to produce the other's translation
and scores it word by word, as if it had written it itself (*forced decoding*).
""",
    try_this="""
Choose whose translation both have to write. Then switch from the Transformer's mean over all heads
to single heads, and look for the head whose map is closest to Bahdanau's.
""",
    see="""
Each row is a word of the output, each column a word of the input, and the scale is the same. The
number under the maps is the weight that both put on the same places, averaged over rows: 1 for
equal maps, 0 if they never look at the same word. The mean of many heads is often paler than any
one of them. Similar maps show that two networks look at the same places, not that these are the
right ones.
""",
    question="""
A head's row puts nearly all weight on the full stop or the end of the source. Does that word
come from there?
""",
    answer="""
That alone does not show it. A softmax must put its weight somewhere, and a head that has nothing to
fetch for this word can put it on a place whose value vector is short: much weight, little content,
as Kobayashi et al. (2020) found in BERT. Another head, or a lower layer, may have fetched the word.
Before you believe it, weight the map by the values, or switch the head off (next chapter).
""",
    papers=("bahdanau", "luong", "vaswani", "kobayashi"),
)
SENTENCE = "My sister, who lives in Boston, is a doctor."


def render() -> None:
    """The live view."""
    names = (shared_views.BAHDANAU, shared_views.TRANSFORMER)
    if not shared_views.there(*names):
        return
    text = shared_views.sentence(SENTENCE, key="cross.text")
    labels = [saved_models.label(name) for name in names]
    whose = shared_views.one_of(
        "Both write what was written by", labels, key="cross.whose", first=1
    )
    own = interpretation.predict(names[whose], text)
    if own is None:
        return
    if not own.text:
        st.info("Nothing was written.")
        return
    shared_views.written(names[whose], own, text=text)
    readings = [_forced(name, text, own.text) for name in names]
    if None in readings:
        return
    layer, head = shared_views.layer_and_head(readings[1].maps["cross"].shape, key="cross")
    chosen = ((0, 0), (layer, head))  # Bahdanau's has but one
    maps = [chosen_map(one, "cross", *of) for one, of in zip(readings, chosen, strict=True)]
    columns = st.columns(2)
    for name, one, of, weights, column in zip(names, readings, chosen, maps, columns, strict=True):
        what = f"Cross-attention, {shared_views.which(*of)}"
        with column:
            st.markdown(f"**{saved_models.label(name)}**")
            shared_views.heat_map(
                weights,
                one.target,
                one.source,
                title=f"{saved_models.label(name)}: {what}",
                file=f"learn-cross-{name}",
                caption=downloads.caption(f"{what}.", name, text=text),
            )
    if maps[0].shape == maps[1].shape:
        st.metric("Weight on the same places", f"{common(*maps):.2f}")


def _forced(name: str, text: str, target: str) -> Reading | None:
    """The model's maps as it is made to write `target`."""

    def compute(loaded: Any) -> Any:
        return loaded.predict([text], target=[target])[0]

    found = interpretation.run(name, ("forced", text, target), compute)
    return None if found is None else shared_views.reading(name, found)


def common(one: np.ndarray, other: np.ndarray) -> float:
    """Mean over rows of sum_s min(a, b): 1 less the total variation distance of two maps (T, S)."""
    return float(np.minimum(one, other).sum(axis=-1).mean())
