"""Chapter: pre-training, seen from a decoder that is a language model already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, interpretation, saved_models, state
from apps.json_values import mapping
from apps.labels import shown
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.markdown import plain
from apps.sections import label_counts

TITLE = "Pre-training"
LESSON = Lesson(
    text="""
Almost every network in this zoo started from random weights: what a translator here knows about
Spanish it learned from the same few sentence pairs as translation.

Text without labels exists in huge amounts. *Pre-training* uses it: a network first learns a task
that needs none, and then, starting from those weights, the one it is meant for (*fine-tuning*). GPT
predicts the next word (Radford et al. 2018). BERT hides some words and predicts them from both
sides (Devlin et al. 2019). For translation, Liu et al. (2020) let encoder and decoder repair
damaged text; the gain was largest where there were few pairs.

What that saves can be counted. The first figure is of an encoder that had learned from much text
(MiniLM, Wang et al. 2020), tuned on a few labelled sentences, beside the same encoder from random
weights. Not all weights need change: LoRA (Hu et al. 2021) learns two narrow matrices beside each
large one, about one weight in seventy.

A translator's decoder is a small language model itself. It gives a probability to each possible
next token, *given the tokens so far and the source*; averaged over many sources, its answers depend
on the tokens so far alone.
""",
    try_this="""
Type the beginning of the output yourself, in Spanish. What would come next for this source, and
what for any source?
""",
    see="""
On the left, the candidates should follow from the source. On the right, they show what comes next
in Spanish of this kind, whatever the sentence is about: do they fit the grammar of the beginning,
and how spread out are they? This is the kind of knowledge that pre-training provides, from far more
text. A rare beginning fits hardly any of the sources tried here; then the right side shows little
more than the source that fits best, and the number under it is close to 1.
""",
    question="""
Why can GPT learn from every word of a text at once, but BERT only from those it hides?
""",
    answer="""
GPT's mask lets each position see only the words before it, so every position can be asked for the
next word without seeing the answer. In BERT, every position sees the whole sentence. If a word were
not hidden, its own position, and every other, would see the answer. So BERT is asked for about 15 %
of the tokens at a time, and in return it can look in both directions.
""",
    papers=("radford", "devlin", "liu", "wang-minilm", "hu"),
)
SENTENCE = "Tom does not want to learn how to swim."
BEGINNING = "Tom no"
SHOWN = 6
SOURCES = 250
"""Sentences that represent any source."""
AT_ONCE = 50


def render() -> None:
    """The live view."""
    st.markdown("**How many labels does pre-training save?**")
    label_counts.show()
    st.markdown("**What a decoder knows before it reads a source**")
    name = shared_views.TRANSFORMER
    if not shared_views.there(name):
        return
    pairs = mapping(mapping(saved_models.card(name).get("data")).get("examples"))
    if isinstance(pairs.get("train"), int):
        st.caption(f"This Transformer has learned from {pairs['train']:,} sentence pairs.")
    text = shared_views.sentence(SENTENCE, key="pretraining.text")
    beginning = st.text_input(
        "The output begins with",
        max_chars=40,
        **state.written("pretraining.beginning", BEGINNING),
    )
    beginning = " ".join((beginning or "").split())
    left, right = st.columns(2)
    with left:
        st.markdown("**This source**")
        _this(text, beginning)
    with right:
        st.markdown("**Any source**")
        _any(beginning)


def _this(text: str, beginning: str) -> None:
    """What follows the beginning when this sentence is read."""
    from zoo.interpret import Intervention

    outcome = shared_views.intervened(
        shared_views.TRANSFORMER, text, Intervention(prefix=beginning)
    )
    found = _mixed((text,), beginning)
    if outcome is None or found is None:
        return
    _draw(found, "this", f"What may follow “{beginning}” with this source.", text)
    st.caption(f"It goes on: {plain(outcome.after.text)}")


def _any(beginning: str) -> None:
    """What follows it whatever is read, as far as sentences of the test set show that."""
    records = saved_models.predictions(shared_views.TRANSFORMER)
    sources = [one["source"] for one in records if isinstance(one.get("source"), str)]
    kind = "test" if sources else "example"
    sources = sources or saved_models.example_sources(shared_views.TASK) or [SENTENCE]
    found = _mixed(tuple(dict.fromkeys(sources))[:SOURCES], beginning)
    if found is None:
        return
    _draw(found, "any", f"What may follow “{beginning}” with any of {found.sources} sources.")
    st.caption(
        f"Mixed over {found.sources} {kind} sentences, each counted by how likely it makes the "
        f"beginning (as if {found.counting:.1f} counted alike)."
    )


def _mixed(sources: tuple[str, ...], beginning: str) -> Mixture | None:
    return interpretation.run(
        shared_views.TRANSFORMER,
        ("mixture", sources, beginning),
        lambda loaded: mixture(loaded, sources, beginning),
    )


def _draw(found: Mixture, file: str, caption: str, text: str = "") -> None:
    rows = [
        {"word": piece, "value": round(probability, 4)} for piece, probability in found.candidates
    ]
    shared_views.bars(
        rows,
        title="What may come next",
        unit="probability",
        file=f"learn-pretraining-{file}",
        alt_text=f"The most likely next tokens: {shared_views.spoken(rows)}.",
        domain=(0, 1),
        caption=downloads.caption(caption, shared_views.TRANSFORMER, text=text),
    )


@dataclass(frozen=True)
class Mixture:
    """The `SHOWN` likeliest next tokens with their probabilities, mixed over `sources` sentences.

    `counting`: the number of sentences, counted alike, whose weights would be as spread out.
    """

    candidates: list[tuple[str, float]]
    sources: int
    counting: float


def mixture(loaded: Any, sources: Sequence[str], beginning: str) -> Mixture:
    """p(next | beginning) = sum_s p(next | beginning, s) p(s | beginning), all s alike before.

    So p(s | beginning) is in proportion to p(beginning | s).
    """
    begun = loaded.target_tokenizer.encode(beginning)[: loaded.max_target_length]
    batches = [
        _next(loaded, sources[start : start + AT_ONCE], begun)
        for start in range(0, len(sources), AT_ONCE)
    ]
    likely, each = (np.concatenate(one) for one in zip(*batches, strict=True))
    weights = np.exp(likely - likely.max())
    weights /= weights.sum()
    mixed = weights @ each
    best = np.argsort(-mixed)[:SHOWN]
    pieces = loaded.target_tokenizer.pieces(best)
    counting = float(np.exp(-(weights * np.log(np.maximum(weights, 1e-300))).sum()))
    candidates = [
        (shown(piece), float(mixed[place])) for piece, place in zip(pieces, best, strict=True)
    ]
    return Mixture(candidates, len(sources), counting)


def _next(
    loaded: Any, sources: Sequence[str], begun: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """log p(beginning | s) (B,) and p(next | beginning, s) (B, V), in one pass.

    `begun`: ids of the beginning and the end of the sentence, which is not counted.
    """
    from keras import ops

    from zoo.layers.attention_hooks import without_maps
    from zoo.padding import pad, shift

    read = [loaded.source_tokenizer.encode(one)[: loaded.max_source_length] for one in sources]
    with without_maps():
        memory = loaded.model.encode(pad(read, max(map(len, read))))
        logits, _ = loaded.model.decode(shift(pad([begun] * len(read), len(begun))), memory)
    log_probs = ops.convert_to_numpy(ops.log_softmax(logits, axis=-1))
    step = len(begun) - 1
    likely = log_probs[:, range(step), begun[:step]].sum(axis=-1, dtype="float64")
    return likely, np.exp(log_probs[:, step])
