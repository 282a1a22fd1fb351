"""Chapter: position codes, and a Transformer without them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, interpretation, saved_models, state
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson

TITLE = "Positions"
LESSON = Lesson(
    text="""
Self-attention compares vectors and mixes them; the position of a vector plays no part. If two words
swap places, their results swap places too, and nothing else changes: by itself, the encoder cannot
see the order. (The decoder can, a little: each of its words sees only the words before it, and that
alone lets a network learn something about position, Haviv et al. 2022.)

So a code for the position is added to each word's vector before the first layer. The code of
Vaswani et al. (2017, section 3.5) is not learned: each pair of its numbers is the sine and the
cosine of one clock hand. The first hand turns fastest, and each one after it more slowly. Together
they show the time, which here is the position. The dot product of two codes depends only on the
distance between the positions, so one matrix can find *three words before me* anywhere in the
sentence.

Learned codes worked about equally well in that paper; others put the distance into the score itself
(Shaw et al. 2018).
""",
    try_this="""
Choose a clock hand and a position. Then swap two words of the sentence.
""",
    see="""
The second figure: the codes of nearby positions are similar, and the similarity falls, in waves,
with the distance. The bars: how much the encoder's vector of each word changes when the two words
are swapped. The same weights are used once with position codes and once without. Without codes,
the swap makes no difference to any word, and every bar is zero up to rounding.
""",
    question="""
Codes can be computed for any position. So will a Transformer translate sentences that are longer
than any it was trained on?
""",
    answer="""
Not reliably. The code of position 200 can be computed, but if training sentences ended at 50, no
weight was ever adjusted to it, or to distances that large. Vaswani et al. hoped that sine and
cosine codes would work for longer inputs; Press et al. (2022) found that they work poorly there,
and that scores which fall with the distance work better.
""",
    papers=("vaswani", "shaw", "haviv", "press"),
)
SENTENCE = "Tom loves Mary."
SHOWN = 64
"""Positions that are drawn."""


def render() -> None:
    """The live view."""
    if not shared_views.there(shared_views.TRANSFORMER):
        return
    width = (
        saved_models.config(shared_views.TRANSFORMER).get("hyperparameters", {}).get("width", 192)
    )
    _codes(width)
    _without()


def _codes(width: int) -> None:
    from zoo.layers.positions import sinusoids

    codes = sinusoids(SHOWN, width)
    hands = width // 2
    hand = st.slider(
        f"Clock hand, of {hands} in a code of {width} numbers",
        1,
        hands,
        **state.choice("positions.hand", range(1, hands + 1), min(8, hands)),
    )
    waves = [
        {"model": label, "x": position, "value": round(float(codes[position, column]), 4)}
        for label, column in (("sine", 2 * hand - 2), ("cosine", 2 * hand - 1))
        for position in range(SHOWN)
    ]
    turn = 2 * np.pi * 10_000 ** (2 * (hand - 1) / width)
    shared_views.draw(
        shared_views.lines(waves, x_title="position", y_title="in the code", domain=(-1, 1)),
        alt_text=f"Sine and cosine of hand {hand} over {SHOWN} positions: "
        f"one turn takes {turn:,.1f} positions.",
        rows=waves,
        file="learn-positions-hand",
        caption=downloads.caption(
            f"Sine and cosine {hand} of {hands} in a code of {width} numbers."
        ),
    )
    st.caption(f"This hand turns once in {turn:,.1f} positions.")
    place = st.slider("A place", 0, SHOWN - 1, **state.choice("positions.place", range(SHOWN), 20))
    likeness = codes @ codes[place] / hands
    least = min(0.0, float((codes @ codes.T).min()) / hands)  # one scale for every place
    rows = [
        {"model": f"likeness to the code of {place}", "x": x, "value": round(float(one), 4)}
        for x, one in enumerate(likeness)
    ]
    shared_views.draw(
        shared_views.lines(
            rows, x_title="position", y_title="likeness, 1 is equal", domain=(least, 1.0)
        ),
        alt_text=f"Dot product of the code of place {place} with every code, 1 for itself: "
        f"{likeness[min(place + 1, SHOWN - 1)]:.2f} one place on, least {likeness.min():.2f}.",
        rows=rows,
        file="learn-positions-likeness",
        caption=downloads.caption(f"Dot product of position codes with that of place {place}."),
    )


def _without() -> None:
    text = shared_views.sentence(SENTENCE, key="positions.text")
    before = interpretation.predict(shared_views.TRANSFORMER, text)
    if before is None:
        return
    words = shared_views.reading(shared_views.TRANSFORMER, before).source[:-1]
    if (pair := shared_views.swapped(words, "positions")) is None:
        return
    one, other = pair
    pieces = before.source_pieces
    found = interpretation.run(
        shared_views.TRANSFORMER,
        ("moved", text, one, other),
        lambda loaded: moved(loaded, pieces, one, other),
    )
    if found is None:
        return
    for (label, file), apart in zip(
        (("With position codes", "with"), ("The same weights, no codes", "without")),
        found,
        strict=True,
    ):
        rows = [
            {"word": word, "value": round(float(far), 6)}
            for word, far in zip(words, apart, strict=False)
        ]
        shared_views.bars(
            rows,
            title=label,
            unit="moved, 0 to 1",
            file=f"learn-positions-{file}",
            alt_text=f"{label}: how far each word's vector moves: {shared_views.spoken(rows)}.",
            domain=(0, 1),
            caption=downloads.caption(
                f"{label}: how far each word's vector moves as words {one + 1} and {other + 1} "
                "change places.",
                shared_views.TRANSFORMER,
                text=text,
            ),
        )
    st.caption(
        f"The most that any word moves without codes: {found[1].max():.0e}. Of each word its "
        "values for cross-attention are compared: the length of their difference over the sum "
        "of their lengths."
    )


def moved(loaded: Any, pieces: list[str], one: int, other: int) -> tuple[np.ndarray, np.ndarray]:
    """(words,) how far each word's vectors move as two words are swapped; and without codes.

    A word is compared with itself where it now stands: |a - b| / (|a| + |b|).
    """
    from zoo.prediction import word_spans

    spans = word_spans(pieces)
    ids = np.asarray(loaded.source_tokenizer.ids(pieces))
    order = list(range(len(spans)))
    order[one], order[other] = order[other], order[one]
    places = [place for word in order for place in range(*spans[word])]
    now = np.argsort(places)  # where each token of the sentence stands after the swap
    apart = []
    for network in (loaded.model, without_codes(loaded.model)):
        first, second = values(network, np.stack([ids, ids[places]]))
        apart.append(_distances(first, second[now], spans))
    return apart[0], apart[1]


def without_codes(network: Any) -> Any:
    """A Transformer of the same weights to which no position is told."""
    from zoo.building import build

    config = dataclasses.replace(network.config, positions="none")
    blind = build("transformer", config)
    blind.set_weights(network.get_weights())
    return blind


def values(network: Any, sources: np.ndarray) -> np.ndarray:
    """(B, S, LD): of each token, the values that cross-attention reads in every layer."""
    from keras import ops

    crossed = network.encode(ops.convert_to_tensor(sources.astype("int32")))["cross"]
    layers = [ops.convert_to_numpy(layer[1]) for layer in crossed]  # (B, H, S, D/H) each
    each = np.concatenate(layers, axis=1).transpose(0, 2, 1, 3)
    return each.reshape(*each.shape[:2], -1).astype("float64")


def _distances(one: np.ndarray, other: np.ndarray, spans: list[tuple[int, int]]) -> np.ndarray:
    def size(vectors: np.ndarray) -> np.ndarray:
        return np.array([np.linalg.norm(vectors[a:b]) for a, b in spans])

    return size(one - other) / np.maximum(size(one) + size(other), 1e-12)
