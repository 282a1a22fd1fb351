"""The view as one value, and its way into the address bar and back: a link reproduces the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from zoo.tokenizer import clean

KINDS = ("cross", "encoder", "decoder")
BEAMS = (1, 2, 4, 5)
MAX_CHARACTERS = 2000
"""The most of a typed text that is read; any model stops long before, and an address must fit."""

WIDGET = "compare."
"""What the keys of the widgets that edit the view begin with."""

_VIEW, _WRITTEN, _CHANGED = "view", "view.written", "view.changed"


@dataclass(frozen=True)
class View:
    """Everything that decides what the Compare page shows.

    `text` None stands for the task's first example, `max_length` None for the models' own cap;
    `layer` and `head` count from 0, None is the mean over all. `here`: run the models also where
    a stored answer exists.
    """

    task: str
    text: str | None = None
    beams: int = 1
    max_length: int | None = None
    kind: str = "cross"
    layer: int | None = None
    head: int | None = None
    here: bool = False

    def params(self) -> dict[str, str]:
        """Query parameters of this view; what is left at its default is left out."""
        found = {"task": self.task}
        if self.text is not None:
            found["text"] = self.text
        if self.beams != 1:
            found["beams"] = str(self.beams)
        if self.max_length is not None:
            found["max"] = str(self.max_length)
        if self.kind != "cross":
            found["map"] = self.kind
        if self.layer is not None:
            found["layer"] = str(self.layer + 1)
        if self.head is not None:
            found["head"] = str(self.head + 1)
        if self.here:
            found["run"] = "here"
        return found


def parse(params: Mapping[str, str], tasks: Sequence[str]) -> View:
    """The view an address asks for; what it gets wrong falls back to the default.

    Raises:
        ValueError: there are no tasks to choose from.
    """
    if not tasks:
        raise ValueError(f"at least one task is needed. Received: tasks={tasks!r}")
    task = params.get("task", "")
    beams = _number(params.get("beams")) or 1
    kind = params.get("map", "cross")
    text = params.get("text")
    return View(
        task=task if task in tasks else tasks[0],
        text=None if text is None or task not in tasks else tidy(text)[0],
        beams=beams if beams in BEAMS else 1,
        max_length=_number(params.get("max")),
        kind=kind if kind in KINDS else "cross",
        layer=_minus_one(_number(params.get("layer"))),
        head=_minus_one(_number(params.get("head"))),
        here=params.get("run") == "here",
    )


def tidy(text: str) -> tuple[str, str | None]:
    """The text that is really used, and a sentence for the reader where that is not all of it."""
    cleaned = clean(text)
    if len(cleaned) <= MAX_CHARACTERS:
        return cleaned, None
    return (
        cleaned[:MAX_CHARACTERS].rstrip(),
        f"Your text has {len(cleaned):,} characters; only the first {MAX_CHARACTERS:,} were read.",
    )


def current(tasks: Sequence[str]) -> View:
    """The view of this session; a changed address (a link, the back button) replaces it."""
    session = st.session_state
    params = dict(st.query_params)
    clicked = session.pop(_CHANGED, False)  # then the address lags behind, and must not win
    moved = bool(params) and params != session.get(_WRITTEN) and not clicked
    if _VIEW not in session or moved:
        session[_VIEW] = parse(params, tasks)
        session[_WRITTEN] = params
        forget_widgets()
    if session[_VIEW].task not in tasks:  # its folders went away while the page was open
        session[_VIEW] = View(tasks[0])
        forget_widgets()
    return session[_VIEW]


def change(view: View) -> None:
    """Make `view` the current one; callbacks call this, the address follows at the next run."""
    st.session_state[_VIEW] = view
    st.session_state[_CHANGED] = True


def forget_widgets() -> None:
    """Let every widget of the page take its value from the view again."""
    for key in list(st.session_state):
        if str(key).startswith(WIDGET):
            del st.session_state[key]


def write(view: View) -> None:
    """Put `view` into the address bar."""
    params = view.params()
    if dict(st.query_params) != params:
        st.query_params.from_dict(params)
    st.session_state[_WRITTEN] = params


def _number(text: str | None) -> int | None:
    """A positive number as people write it in an address; anything else is None."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 6:
        return None
    return int(text) or None


def _minus_one(number: int | None) -> int | None:
    return None if number is None else number - 1
