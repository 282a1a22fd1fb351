"""Models in memory, one copy of each for all readers of the dashboard, and answers from them.

Answers come from LiteRT where a model has graphs for it: nothing is compiled and several readers
are answered at a time. What needs gradients or interventions is computed by Keras, one at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import streamlit as st

from apps import memory, model_places, saved_models, turns
from apps.labels import Answer, from_prediction, from_record
from zoo import interpret
from zoo.loading import usual_precision

RUNS = 3
"""Warm runs behind a latency: enough for a median, few enough not to be waited for."""

RUNTIME = "ZOO_RUNTIME"
"""The variable that, set to `keras`, leaves LiteRT out."""

# Held while a model computes on Keras and while an answer is timed: one at a time, for everyone.
_ENGINE = threading.Lock()
_prepared: set[tuple[str, str]] = set()
"""Models for which LiteRT need not be waited for any more."""
_at_work = 0
_counting = threading.Lock()


@contextlib.contextmanager
def _working() -> Iterator[None]:
    """Counts who is at work, within it."""
    global _at_work
    with _counting:
        _at_work += 1
    try:
        yield
    finally:
        with _counting:
            _at_work -= 1


@st.cache_resource(max_entries=12, show_spinner=False)
def _model(name: str, fingerprint: str) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow prints remarks in the terminal
    import zoo
    from zoo.saving import MissingTablesError

    place = saved_models.folder(name) if saved_models.is_own(name) else name
    try:
        loaded = zoo.load(place)
    except MissingTablesError:
        from training import counting

        counting.rebuild(saved_models.folder(name))
        loaded = zoo.load(place)
    _settle()
    return loaded


@st.cache_resource(max_entries=24, show_spinner=False)
def _on_litert(name: str, fingerprint: str) -> Any | None:
    """The model on LiteRT; None where it has no graphs and none can be made."""
    import zoo
    from zoo import registry
    from zoo.runtime.litert import GraphError

    config = saved_models.config(name)
    if os.environ.get(RUNTIME) == "keras" or (config and registry.without_graphs(config)):
        return None
    try:
        place = saved_models.folder(name) if saved_models.is_own(name) else name
        return zoo.load(place, runtime="litert", precision=precision(name))
    except GraphError as error:
        logging.getLogger(__name__).info("%s is answered by Keras: %s", name, error)
        return None


def precision(name: str) -> str:
    """Of the weights that a model answers with on LiteRT."""
    return usual_precision(saved_models.folder(name))


def _settle() -> None:
    """Keep the garbage collector from looking through what stays.

    Streamlit has it look through everything after each run of a page, and TensorFlow and its
    graphs are very many objects: a good part of the time of every click. It also has Keras forget
    its session then, which collects once more, and which a model that stays does not need.
    """
    import keras

    keras.backend.clear_session = lambda free_memory=True: None
    gc.collect()
    gc.freeze()


def computed(
    name: str,
    text: str,
    *,
    beams: int,
    max_length: int | None,
    say: Callable[[str], None] = lambda step: None,
) -> Answer:
    """The model's answer to `text`, computed here; the same question is answered from memory.

    Args:
        say: told what is being done, for a page that waits.

    Raises:
        Exception: whatever went wrong; nothing of it stays in a cache, so trying again is a
            fresh start.
    """
    fingerprint = saved_models.fingerprint(name)
    key = memory.key(name, "answer", text, beams, max_length)
    if (answer := memory.get(key)) is not None:
        return answer
    if (loaded := _ready(name, fingerprint, say)) is not None:
        with _working():
            return memory.put(key, _answer(name, loaded, text, beams, max_length, say))
    say("waiting for its turn")
    with turns.waiting():
        _ENGINE.acquire()
    try:
        # Another session may have asked the same while this one waited.
        if (answer := memory.get(key)) is not None:
            return answer
        return memory.put(key, _compute(name, fingerprint, text, beams, max_length, say))
    except Exception:
        _model.clear(name, fingerprint)
        raise
    finally:
        _ENGINE.release()


def _ready(name: str, fingerprint: str, say: Callable[[str], None]) -> Any | None:
    """`_on_litert`, and a word about the wait where it takes one."""
    if (name, fingerprint) not in _prepared:
        say("preparing it, once on this computer")
        with turns.waiting():
            _on_litert(name, fingerprint)
        _prepared.add((name, fingerprint))
    return _on_litert(name, fingerprint)


@contextlib.contextmanager
def answering(name: str, say: Callable[[str], None]) -> Iterator[Any]:
    """A model that answers and scores texts: on LiteRT beside others, else in `turn`.

    Args:
        say: as `turn` has it.

    Raises:
        Exception: whatever went wrong.
    """
    if (loaded := _ready(name, saved_models.fingerprint(name), say)) is not None:
        with _working():
            yield loaded
        return
    with turn(name, say) as loaded:
        yield loaded


@contextlib.contextmanager
def undisturbed(loaded: Any) -> Iterator[bool]:
    """Whether no other answer is computed meanwhile, so that this one can be timed.

    `loaded`: the model, of `turn` or `answering`.
    """
    if not hasattr(loaded, "runtime"):  # of `turn`, in which no other is at work
        yield True
        return
    free = _at_work == 1 and _ENGINE.acquire(blocking=False)
    try:
        yield free
    finally:
        if free:
            _ENGINE.release()


def predicted(name: str, text: str, beams: int) -> Any | None:
    """The `Prediction` of one text by LiteRT, at once; None where that cannot answer."""
    loaded = _on_litert(name, saved_models.fingerprint(name))
    return None if loaded is None else loaded.predict([text], beams=beams)[0]


def with_saliency(answer: Answer, text: str, say: Callable[[str], None]) -> Answer:
    """The answer to `text` of a model without attention, with its input saliency: gradients.

    Raises:
        Exception: whatever went wrong; nothing of it stays in a cache.
    """
    key = memory.key(answer.model, "saliency", text, tuple(answer.target_pieces))
    if (found := memory.get(key)) is None:
        with turn(answer.model, say) as loaded:
            say("measuring its input saliency; the first time it compiles")
            saliency = interpret.saliency(loaded, answer)
        found = memory.put(key, saliency)
    return dataclasses.replace(answer, saliency=found)


@contextlib.contextmanager
def turn(name: str, say: Callable[[str], None]) -> Iterator[Any]:
    """The loaded model, and no other at work, for as long as the block runs.

    Args:
        say: told what is being done, at least twice a second while others are at work, so that
            a page whose reader has left can end there.

    Raises:
        Exception: whatever went wrong; the model is then loaded anew the next time.
    """
    fingerprint = saved_models.fingerprint(name)
    say("waiting for its turn")
    while not _ENGINE.acquire(blocking=False):
        # The page is told twice a second, for which it has to have its turn.
        with turns.waiting():
            taken = _ENGINE.acquire(timeout=0.5)
        if taken:
            break
        say("waiting for its turn")
    try:
        say("loading the model")
        yield _model(name, fingerprint)
    except Exception:
        _model.clear(name, fingerprint)
        raise
    finally:
        _ENGINE.release()


def _compute(
    name: str,
    fingerprint: str,
    text: str,
    beams: int,
    max_length: int | None,
    say: Callable[[str], None],
) -> Answer:
    """The answer of Keras."""
    say("loading the model")
    loaded = _model(name, fingerprint)
    say("first run, which compiles it")
    return _answer(name, loaded, text, beams, max_length, say)


def _answer(
    name: str,
    loaded: Any,
    text: str,
    beams: int,
    max_length: int | None,
    say: Callable[[str], None],
) -> Answer:
    """An answer, and how long it took: where no other is at work."""
    options = {"beams": beams, "max_length": max_length}
    prediction = loaded.predict([text], **options)[0]
    milliseconds = []
    with undisturbed(loaded) as free:
        if free:
            say(f"timing {RUNS} warm runs")
        for _ in range(RUNS if free else 0):
            timed = loaded.predict([text], attention=False, **options)[0]
            milliseconds.append(1000 * timed.seconds)
    return from_prediction(name, prediction, milliseconds=milliseconds)


@st.cache_resource(show_spinner=False, max_entries=12)
def warm(names: tuple[str, ...], text: str) -> threading.Thread | None:
    """Load these models in the background, once, and let them compile what `text` needs.

    Readers look at stored answers first; when they type something of their own, it is not the
    first text the models read. `ZOO_WARM=off` leaves it until then.
    """
    if os.environ.get("ZOO_WARM") == "off" or not names or not text:
        return None
    thread = threading.Thread(target=_warm, args=(names, text), name="warm", daemon=True)
    thread.start()
    return thread


def _warm(names: tuple[str, ...], text: str) -> None:
    answers = {}
    for name in names:
        # What is wrong with a model is told where it is asked.
        with contextlib.suppress(Exception):
            if (loaded := _on_litert(name, saved_models.fingerprint(name))) is not None:
                [answers[name]] = loaded.predict([text])
    for name in names:
        # One at a time: whoever asks meanwhile waits for one model at most.
        with contextlib.suppress(Exception), _ENGINE:
            loaded = _model(name, saved_models.fingerprint(name))
            prediction = answers.get(name) or loaded.predict([text])[0]
            if not prediction.attention:
                interpret.saliency(loaded, prediction)
            _settle()


def stored(name: str, text: str, *, beams: int, max_length: int | None) -> Answer | None:
    """The answer kept for one of the examples, or None: not kept, or damaged.

    A stored answer was free to be as long as the model's cap, so it answers for no other limit.
    """
    if max_length is not None:
        return None
    for record in saved_models.examples(name):
        if record.get("source") == text and record.get("beams", 1) == beams:
            try:
                return from_record(name, record)
            except ValueError:
                return None
    return None


def explain(error: Exception) -> str:
    """One plain sentence about what went wrong, without a trace or a path of this machine."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    reason = reason.replace(f"{saved_models.folders.saved_models_path()}/", "saved_models/")
    for own in model_places.scan().folders.values():
        reason = reason.replace(str(own.folder), own.shown)
    return reason if len(reason) <= 300 else f"{reason[:300]} ..."
