"""Chapter: causal attention, a language model that never looks ahead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from apps import downloads, interpretation, state
from apps.components import attention_lines, written_tokens
from apps.labels import one_map
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson

TITLE = "Causal attention: GPT"
LESSON = Lesson(
    text="""
A language model predicts what comes next, at every place of a text at once. In a Transformer each
token could look at all others, also at the one it is to predict, and would learn to copy. So the
scores of later tokens are set to minus infinity before the softmax: their weights are exactly zero
(Vaswani et al. 2017, section 3.2.3). This is the *causal mask*, and a stack of such layers is a
*decoder-only* Transformer, GPT (Radford et al. 2018): the translator's encoder and cross-attention
are gone.

One pass over a text of *n* tokens then trains *n* predictions, where a recurrent network has to
take *n* steps one after the other. What was computed for a token never changes when more text
follows, so keys and values can be kept while the model writes (the *KV cache*): each new token
costs one row of the map, not the whole map.

The price: no token is read in the light of what follows it. BERT, which looks both ways, can use
all of a given text, and cannot write one.
""",
    try_this="""
Choose the token that looks, with the slider: everything to its right stays empty, in every layer
and head. Then change the end of the text in the second field.
""",
    see="""
Up to the place where the two texts part, all predictions are the same to the last digit; behind it
they differ. Where the model would look ahead, they would differ everywhere. Many heads look mostly
at the token itself or at the one before; some put much weight on the first token, which often
serves as a place to look at when there is nothing to fetch.
""",
    question="""
Why must the mask be applied before the softmax, and not by setting weights to zero after it?
""",
    answer="""
After the softmax the weights of a row no longer sum to 1 when some are deleted, and, worse, the
others have been scaled by all scores, later ones included: their sizes would tell something of what
comes next. Minus infinity before the softmax leaves the later tokens out of the sum itself.
""",
    papers=("vaswani", "radford"),
)
MODEL = "shakespeare-gpt"
SENTENCE = "What is thy name, my lord?"
OTHER = "What is thy name, fair queen?"
MOST = 60
"""Characters of the two texts."""


@dataclass(frozen=True)
class Reading:
    """A text as the model reads it.

    Args:
        labels: (N,) its tokens, the start token before the first.
        weights: (L, H, N, N) where each looked.
        log_probs: (N - 1,) of each token after the first, given those before it.
    """

    labels: list[str]
    weights: np.ndarray
    log_probs: np.ndarray


def render() -> None:
    """The live view."""
    if not shared_views.there(MODEL):
        return
    text = _typed("A text", "causal.text", SENTENCE)
    own = _read(text)
    if own is None:
        return
    layer, head = shared_views.layer_and_head(own.weights.shape, key="causal")
    weights = one_map(own.weights, layer, head)
    what = shared_views.which(layer, head)
    middle = len(own.labels) // 2
    place = shared_views.word("The token that looks", own.labels, key="causal.word", first=middle)
    st.markdown("**What it looks at**")
    most = max(float(weights[place].max()), 1e-9)
    written_tokens.show(
        "",
        _shaded(own.labels, weights[place] / most, weights[place]),
        label="The text, shaded by where the token looks",
        key="causal.spotlight",
    )
    attention_lines.show(
        weights,
        own.labels,
        own.labels,
        key="causal.lines",
        caption=downloads.caption(f"Causal self-attention, {what}.", MODEL, text=text),
        heads=("Looks", "Is looked at"),
        file="learn-causal-attention",
    )
    _compared(text, own)


def _typed(label: str, key: str, default: str) -> str:
    typed = st.text_input(label, max_chars=MOST, **state.written(key, default))
    return typed if typed and typed.strip() else default


def _read(text: str) -> Reading | None:
    """What the model computes for a text; None, and an error on the page, where that failed."""

    def compute(model: Any) -> Reading:
        [answer] = model.predict(text, 1)
        log_probs = model.log_probs(text)
        labels = answer.labels[-len(log_probs) - 1 :]
        return Reading(labels, answer.attention["decoder"], log_probs)

    return interpretation.run(MODEL, ("read", text), compute)


def _shaded(labels: Sequence[str], shades: np.ndarray, weights: np.ndarray) -> list[dict[str, Any]]:
    """Tokens as `written_tokens` draws them."""
    return [
        {
            "text": label.replace("␣", " ").replace("↵", "\n"),
            "title": f"{label}: {100 * float(weight):.1f} %",
            "shade": round(float(shade), 3),
            "copied": False,
        }
        for label, shade, weight in zip(labels, shades, weights, strict=True)
    ]


def _compared(text: str, own: Reading) -> None:
    """The predictions of two texts that begin alike."""
    st.markdown("**What follows cannot change what came before**")
    other_text = _typed("The same text with another end", "causal.other", OTHER)
    other = _read(other_text)
    if other is None:
        return
    same = shared(text, other_text)
    for key, one in (("own", own), ("other", other)):
        chances = np.exp(np.minimum(one.log_probs, 0.0))
        labels = one.labels[1:]
        written_tokens.show(
            "",
            _shaded(labels, chances, chances),
            label="A text, shaded by how likely each token was",
            key=f"causal.shaded.{key}",
        )
    st.markdown(verdict(own.log_probs, other.log_probs, same))
    st.caption("Shaded by the probability that the model gave each token before it read it.")


def shared(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    found = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        found += 1
    return found


def verdict(one: np.ndarray, other: np.ndarray, same: int) -> str:
    """How far the predictions of two texts lie apart before they part, as Markdown.

    Args:
        one, other: log-probabilities of the tokens.
        same: how many tokens the two have in common at their beginning.
    """
    if not same:
        return "The two texts differ from the first token on: there is nothing to compare."
    apart = float(np.abs(one[:same] - other[:same]).max())
    said = "the same to the last digit" if apart < 1e-6 else f"at most {apart:.1e} nats apart"
    tokens = "token, its prediction is" if same == 1 else f"{same} tokens, all predictions are"
    first = f"The texts share their first {tokens} **{said}**"
    if min(len(one), len(other)) == same:
        return f"{first}."
    chances = [100 * math.exp(min(float(each[same]), 0.0)) for each in (one, other)]
    return (
        f"{first}. At the next token, where they part, the model gave what follows "
        f"{chances[0]:.1f} % in the first and {chances[1]:.1f} % in the second."
    )
