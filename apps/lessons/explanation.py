"""Chapter: whether attention explains an answer, beside two other ways to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from apps import classifying, inference
from apps.charts import labels as charts
from apps.classifying import Question
from apps.components import shaded_words
from apps.lessons import shared_views
from apps.lessons.lesson import Lesson
from apps.markdown import plain

if TYPE_CHECKING:
    from zoo.label import Label

TITLE = "Is attention an explanation?"
LESSON = Lesson(
    text="""
This LSTM reads a sentence about a film and says whether it is positive. It does not answer from
its last state, but from a weighted mean of the states at all words. The weights are attention, and
they sum to 1. So are the words with large weights the reason for the answer?

Jain and Wallace (2019) compared the weights with two other ways to ask. The *gradient* says how
much the answer would move if what was read of a word moved a little. *Occlusion* leaves a word out
and reads again. In their models attention often disagreed with both, and quite other weights gave
nearly the same answer.

Wiegreffe and Pinter (2019) replied that it depends on what is called an explanation: weights that
nobody would have learned prove little, and a plausible account need not be the only one.

One reason lies in the network. The state at a word has read all words before it. A weight says from
*where* the answer was taken, not from which word that came.
""",
    try_this="""
Type a sentence, ideally one with a *not*, a *but* or a *too*. Then change a single word.
""",
    see="""
The same sentence shaded in three ways. Below it, for the word that each way names first, how far
the answer falls without that word, beside the largest fall that any word brings about. The
last column compares the order of all words with that of occlusion, from −1 to 1.
""",
    question="""
Occlusion really leaves a word out and reads again. Why is it still not the truth about a sentence?
""",
    answer="""
Without a word the sentence may be one that nobody would write, and the network was never trained on
such. And words count together: of *bad* and *boring* each may be left out without any harm, since
the other says the same, and then neither seems to matter.
""",
    papers=("jain", "wiegreffe"),
)
MODEL = "sst2-lstm-bahdanau"
TEXT = "The plot is nothing new, but the actors are wonderful."
WAYS = {"attention": "Attention", "gradient": "Gradient × input", "occlusion": "Occlusion"}


def render() -> None:
    """The live view."""
    if not shared_views.there(MODEL):
        return
    text = shared_views.sentence(TEXT, key="explanation.text", label="A sentence about a film")
    question = Question("sst2", (MODEL,), text, "text")
    found = _asked(question)
    if found is None:
        return
    answer, words, scores = found
    st.markdown(f"Taken for **{plain(answer.name)}**: {charts.percent(answer.probability)}.")
    for way, label in WAYS.items():
        st.markdown(f"**{label}**")
        shaded_words.show(
            shaded_words.scored(words, scores[way], signed=way != "attention"),
            key=f"explanation.{way}",
            nothing="(nothing was read)",
        )
    if len(words) < 2:
        st.info("With a single word there is nothing to compare.", icon=":material/info:")
        return
    st.dataframe(
        table(words, scores),
        hide_index=True,
        column_config={
            "Falls by, nats": st.column_config.NumberColumn(format="%.2f"),
            "Same order as occlusion": st.column_config.NumberColumn(format="%.2f"),
        },
        placeholder="–",
        alt="The word each way names first, how far the answer falls without it, and the order",
    )
    st.markdown(verdict(words, scores))


def _asked(question: Question) -> tuple[Label, list[str], dict[str, np.ndarray]] | None:
    """The answer, the words, and each way's scores of them; None, and an error on the page."""
    from zoo.interpret import labels

    waiting = st.empty()

    def say(step: str) -> None:
        waiting.caption(f":material/hourglass_top: {step} ...")

    try:
        answer = classifying.answered(MODEL, question, say)
        words = classifying.words(MODEL, question, answer, say)
        scores = {
            way: classifying.scores(MODEL, question, answer, way, say)
            for way in ("gradient", "occlusion")
        }
        looked = labels.over_words(answer, labels.looked_at(answer), words)
        return answer, words, {"attention": looked, **scores}
    except Exception as error:  # the chapter's words stand, whatever happens here
        st.error(plain(inference.explain(error)), icon=":material/error:")
        return None
    finally:
        waiting.empty()


def table(words: Sequence[str], scores: Mapping[str, np.ndarray]) -> list[dict[str, object]]:
    """One line a way: the word it names first, what leaving that out does, and its order.

    Args:
        words: of the text.
        scores: (U,) of each of `WAYS`.
    """
    from zoo.interpret.faithfulness import kendall

    falls = scores["occlusion"]
    found = []
    for way, label in WAYS.items():
        first = int(np.abs(scores[way]).argmax())
        order = float(kendall(np.abs(scores[way]), np.abs(falls)))
        found.append(
            {
                "Asked by": label,
                "Names first": words[first],
                "Falls by, nats": float(falls[first]),
                "Same order as occlusion": None if way == "occlusion" or order != order else order,
            }
        )
    return found


def verdict(words: Sequence[str], scores: Mapping[str, np.ndarray]) -> str:
    """What the three ways say of the sentence, in words."""
    falls = scores["occlusion"]
    looked, felt = (int(np.abs(scores[way]).argmax()) for way in ("attention", "gradient"))
    most = int(falls.argmax())
    said = [f"Leaving out “{plain(words[most])}” costs the answer most: {falls[most]:.2f} nats."]
    if looked == most == felt:
        said.append("Attention and the gradient name the same word.")
    elif looked == most:
        said.append(f"Attention names the same word, the gradient “{plain(words[felt])}”.")
    elif looked == felt:
        said.append(
            f"Attention and the gradient name “{plain(words[looked])}”, without which it "
            f"{moved(falls[looked])}."
        )
    else:
        said.append(
            f"Attention names “{plain(words[looked])}”, without which it {moved(falls[looked])}; "
            f"the gradient “{plain(words[felt])}”, without which it {moved(falls[felt])}."
        )
    return " ".join(said)


def moved(fall: float) -> str:
    """How an answer's log-probability moves, in words."""
    if abs(fall) < 0.005:
        return "stays where it is"
    return f"{'falls' if fall > 0 else 'rises'} by {abs(fall):.2f}"
