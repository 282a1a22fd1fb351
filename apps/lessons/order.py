"""Chapter: what order means to a network, and how sentences of many lengths share a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from apps import interpretation, saved_models, state, widgets
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson

TITLE = "Order and variable length"
LESSON = Lesson(
    text="""
*Tom loves Mary* and *Mary loves Tom* contain the same words. A network that only added up its words
could not tell them apart. A recurrent network (Elman 1990) gets order for free: its state after
*Tom loves* differs from its state after *loves Tom*. A Transformer reads all words at once, and it
knows their order only from a code that is added to each word (chapter 8).

Sentences also differ in length, while a computer works on rectangles. A batch of sentences is a
table as wide as its longest row; the shorter rows are filled up with *padding*, a token without
meaning. Padding must not change any answer. A recurrent layer skips it and keeps its state.
Attention gives it a weight of exactly zero: its score is set to a huge negative number before the
softmax (Vaswani et al. 2017 hide the words still to be written in the same way). Both are called
*masking*. A forgotten mask raises no error and only makes the answers worse, so it is worth a test.
""",
    try_this="""
Swap two words; choose another model. Then move the lower slider: the sentence is read again in a
wider and wider table, as if the other sentences of the batch became longer and longer.
""",
    see="""
Underlined: what the swap changed in the output. Does the output follow the new order, or does the
network write what it saw more often in training? The last figure is the largest change in the
log-probability of any written token. Rounding alone causes about a millionth; a forgotten mask
would cause far more.
""",
    question="""
A batch holds 31 sentences of 10 tokens and one of 100. How much of the table is padding, and what
would you do about it?
""",
    answer="""
32 rows of 100 places are 3,200, of which 31 × 90 = 2,790 are padding: 87 %. Put sentences of
about the same length into the same batch (*bucketing*), and limit a batch by its number of tokens
instead of its number of sentences. The zoo's training does both.
""",
    papers=("elman", "vaswani"),
)
SENTENCE = "Tom loves Mary."
PADDING = (0, 4, 16, 64, 256)


def render() -> None:
    """The live view."""
    names = saved_models.models(shared_views.TASK)
    if not names and not shared_views.there(shared_views.TRANSFORMER):
        return
    name = widgets.model(names, default=shared_views.TRANSFORMER)
    if not shared_views.there(name):
        return
    text = shared_views.sentence(SENTENCE, key="order.text")
    before = interpretation.predict(name, text)
    if before is None:
        return
    words = shared_views.reading(name, before).source[:-1]
    if (pair := shared_views.swapped(words, "order")) is None:
        return
    one, other = pair
    _swapped(name, text, before, one, other)
    _padded(name, before)


def _swapped(name: str, text: str, before: Any, one: int, other: int) -> None:
    from zoo.interpret import Intervention

    shared_views.written(name, before, title="As it was", text=text)
    outcome = shared_views.intervened(name, text, Intervention(swap=((one, other),)))
    if outcome is not None:
        shared_views.written(name, outcome.after, beside=before, title="With both swapped")
        change = float(outcome.difference.sum())
        likelier = f"{abs(change):.1f} nats {'more' if change > 0 else 'less'} likely"
        same = "The text is another." if outcome.changed else "The text stays the same."
        st.caption(f"{same} The swap makes the text as it was {likelier}.")


def _padded(name: str, before: Any) -> None:
    """The same answer, scored alone and in a wider table."""
    st.markdown("**What padding changes**")
    more = st.select_slider(
        "Columns of padding", PADDING, **state.choice("order.padding", PADDING, 16)
    )
    pieces = before.source_pieces, before.target_pieces
    change = interpretation.run(
        name,
        ("padding", before.text, *map(tuple, pieces), more),
        lambda loaded: padding(loaded, *pieces, more),
    )
    if change is None:
        return
    with st.container(horizontal=True):
        st.metric("Tokens of the sentence", len(before.source_pieces))
        st.metric("Columns of the table", len(before.source_pieces) + more)
        st.metric("Largest change, nats", f"{change:.0e}" if change else "0")


def padding(loaded: Any, source: Sequence[str], target: Sequence[str], more: int) -> float:
    """By how many nats `more` columns of padding change any written token's log-probability."""
    from keras import ops

    from zoo.layers.attention_hooks import without_maps
    from zoo.padding import pad, shift

    read, written = loaded.source_tokenizer.ids(source), loaded.target_tokenizer.ids(target)
    found = []
    for columns in (len(read), len(read) + more):
        with without_maps():
            memory = loaded.model.encode(pad([read], columns))
            logits, _ = loaded.model.decode(shift(pad([written], len(written))), memory)
        log_probs = ops.convert_to_numpy(ops.log_softmax(logits, axis=-1))[0]
        found.append(log_probs[range(len(written)), written])
    return float(np.abs(found[1] - found[0]).max(initial=0.0))
