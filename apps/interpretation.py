"""What the pages of the attention lab have computed, by the models that the other pages share.

`run` asks a model for anything; the same question is answered from memory, for all readers.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from apps import inference, saved_models
from apps.markdown import plain

KEPT = 256
"""How many results are remembered, over all readers."""

_lock = threading.Lock()


@st.cache_resource(show_spinner=False)
def _results() -> OrderedDict[Hashable, Any]:
    """Results so far, the latest last."""
    return OrderedDict()


def run(name: str, question: Hashable, compute: Callable[[Any], Any]) -> Any | None:
    """`compute(loaded)` for the model `name`, from memory if the same `question` was asked.

    While it is computed the page says what is done. None, and an error on the page, where the
    model could not answer: nothing of that stays in memory.

    Args:
        name: a shipped model.
        question: all that the result depends on, besides the model; begins with what it asks.
        compute: given the model's predictor; its result must not be changed by anyone.
    """
    key = (name, saved_models.fingerprint(name), question)
    results = _results()
    # Also where nothing has to be waited for: what stands below must not move.
    waiting = st.empty()
    if key in results:
        return results[key]

    def say(step: str) -> None:
        waiting.info(f"{saved_models.label(name)}: {step} ...", icon=":material/hourglass_top:")

    try:
        with inference.turn(name, say) as loaded:
            if key not in results:  # another session may have asked the same meanwhile
                say("computing; the first time of a length it compiles")
                results[key] = compute(loaded)
        with _lock:
            while len(results) > KEPT:
                results.popitem(last=False)
        return results[key]
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
    return run(
        name, ("predict", text, beams), lambda loaded: loaded.predict([text], beams=beams)[0]
    )
