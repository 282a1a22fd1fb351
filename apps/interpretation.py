"""What the pages of the attention lab have computed, by the models that the other pages share.

`run` asks a model for anything; the same question is answered from memory, for all readers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from apps import inference, memory, saved_models
from apps.markdown import plain


def run(
    name: str,
    question: Hashable,
    compute: Callable[[Any], Any],
    turn: Callable[..., Any] = inference.turn,
) -> Any | None:
    """`compute(loaded)` for the model `name`, from memory if the same `question` was asked.

    While it is computed the page says what is done. None, and an error on the page, where the
    model could not answer: nothing of that stays in memory.

    Args:
        name: a shipped model.
        question: all that the result depends on, besides the model; begins with what it asks.
        compute: given the model's predictor; its result must not be changed by anyone.
        turn: `inference.answering` where LiteRT's will do, which only answers and scores.
    """
    key = memory.key(name, question)
    # Also where nothing has to be waited for: what stands below must not move.
    waiting = st.empty()
    if (found := memory.get(key)) is not None:
        return found

    def say(step: str) -> None:
        waiting.info(f"{saved_models.label(name)}: {step} ...", icon=":material/hourglass_top:")

    try:
        with turn(name, say) as loaded:
            if (found := memory.get(key)) is None:  # or another session has asked the same
                say("computing; the first time of a length it compiles")
                found = memory.put(key, compute(loaded))
        return found
    except Exception as error:
        st.error(
            f"{saved_models.label(name)} could not answer. {plain(inference.explain(error))}",
            icon=":material/error:",
        )
        return None
    finally:
        waiting.empty()


def predict(name: str, text: str, beams: int = 1) -> Any | None:
    """The model's `Prediction` of one text, with its maps."""
    question = ("predict", text, beams)
    key = memory.key(name, question)
    # Where LiteRT answers, nothing is waited for. Whatever is wrong there, Keras says it better.
    if memory.get(key) is None:
        with contextlib.suppress(Exception):
            if (found := inference.predicted(name, text, beams)) is not None:
                memory.put(key, found)
    return run(name, question, lambda loaded: loaded.predict([text], beams=beams)[0])
