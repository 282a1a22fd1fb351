"""Every choice of every page, as one state of the session that is also the page's address.

A choice has a name and a text: an id, a number counted from 1, or what was typed. What is at its
default has none. All of them are in the address of every page, so that a link reproduces what
is seen, "back" takes back one choice, and a page finds what was chosen on the one before.

Widgets take part through `choice`, `flag`, `several` and `written`, whose result goes into the
widget's call: `st.selectbox("Layer", layers, **state.choice("layer", layers, 1))`. The keys of
all others are made by `key`, and no two pages share one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import streamlit as st

from apps import address
from apps.address import LINES, MAX_CHARACTERS, TEXTS, tidy
from apps.markdown import plain
from apps.session import NAMES, OUTDATED, REMEMBERED, Session

__all__ = ["MAX_CHARACTERS", "tidy"]

SESSION = "zoo.state"
"""The one key of the session state that belongs to no page."""

KEPT = ("task", "model", "text", "target")
"""What is in the address also where it is the default of the page it was chosen on: another
page's default may differ."""
_NOTHING = object()


def _session() -> Session:
    if SESSION not in st.session_state:
        sync()
    return st.session_state[SESSION]


# The run of a page ---------------------------------------------------------------------------


def sync() -> None:
    """State and address made one: first in each run, before the navigation says where it is.

    Then a page that is opened from the menu gets the whole address at once, and is one step of
    the browser's history.
    """
    arrived = SESSION not in st.session_state
    session: Session = st.session_state.setdefault(SESSION, Session())
    script, history = _run()
    params = dict(st.query_params.items())
    moved, session.script = script != session.script, script
    if arrived or history or _arrives(session, params, moved=moved):
        session.values, said = address.read(params, session.long)
        session.new = set(session.values)
        session.said, session.fresh = said, []
        session.recent.append(params)
    elif session.changed or moved:
        session.said, session.fresh = session.fresh, []
    if session.changed:
        session.recent.append(address.write(session.values, session.long))
    # From the menu a page comes without an address: it gets that of the page before, to the letter,
    # or the browser would take the two for two steps.
    if session.changed or not (params or history):
        wanted = session.recent[-1]
        if wanted != params:
            st.query_params.from_dict(wanted)
    session.changed = False
    session.synced = True


def _arrives(session: Session, params: dict[str, str], *, moved: bool) -> bool:
    """Whether `params` are a link that was followed, and not the state or what lags behind it."""
    if session.changed or not params:
        return False
    if moved:
        return params != session.recent[-1]
    return params not in session.recent


def _run() -> tuple[str, bool]:
    """Which page runs, and whether the browser's "back" or "forward" led to it."""
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx(suppress_warning=True)
    history = getattr(context, "is_history_navigation", False)
    return str(getattr(context, "page_script_hash", "")), bool(history)


def begin(page: str) -> None:
    """The page `page` begins here, under its title: with what there is to say of its address."""
    session = _session()
    if not session.synced:
        sync()
    session.synced = False
    if session.page != page:
        session.options.clear()
    session.page = page
    session.place = st.container()
    for sentence in session.said:
        _show(session, sentence)
    if address.left_out(session.values):
        session.place.caption(
            ":material/link_off: The text is too long for an address: this page shows it as long "
            "as it is open, and a link to it does not carry it."
        )


def say(sentence: str) -> None:
    """Tell the reader something about what was just entered; for callbacks."""
    _session().fresh.append(sentence)


def _show(session: Session, sentence: str) -> None:
    session.place.info(sentence, icon=":material/info:")


# Values --------------------------------------------------------------------------------------


def get(name: str) -> str | None:
    """What stands for a choice; None where it is at its default."""
    return _session().values.get(name)


def put(name: str, value: str | None, *, spare: Sequence[str] = ()) -> None:
    """Choose, and drop what that makes meaningless except `spare`; for callbacks.

    The address follows at the next run.
    """
    session = _session()
    values = session.values
    if name in REMEMBERED and session.foreign:  # it is a text of the task that the page shows
        session.foreign = False
        put("task", session.task)
    session.changed = True
    session.new.discard(name)
    if values.get(name) == value:
        return
    if name == "task":
        kept = {one: values[one] for one in REMEMBERED if one in values}
        session.of_task[values.get("task", session.task)] = kept
    for one in OUTDATED.get(name, ()):
        if one not in spare:
            values.pop(one, None)
    if name == "task":
        values.update(session.of_task.get(value or "", {}))
    if value is None:
        values.pop(name, None)
    else:
        values[name] = value


def params(**changes: str | None) -> dict[str, str]:
    """The address of what is shown, with some choices made otherwise, for a link."""
    session = _session()
    values = {**session.values, **changes}
    return address.write({k: v for k, v in values.items() if v is not None}, session.long)


def refuse(name: str, value: str, shown: str) -> None:
    """Forget a value that means nothing here; where it came with the address, say so."""
    session = _session()
    if name not in session.new:
        return  # of another model, say, and good again when that comes back
    session.new.discard(name)
    for one in (name, *(OUTDATED[name] if name == "task" else ())):
        session.values.pop(one, None)
    called = NAMES.get(name, f"the {name.rpartition('.')[2]}")
    sentence = (
        f"The address asks for {called} “{plain(address.short(value))}”, which there is not here. "
        f"Shown instead: {plain(shown)}."
    )
    session.said.append(sentence)
    if session.place is not None:
        _show(session, sentence)


def value(
    name: str,
    options: Sequence[Any],
    default: Any,
    *,
    ids: Callable[[Any], str] = str,
    labels: Callable[[Any], str] = str,
) -> Any:
    """The one of `options` that is chosen, by its id or its label; `default` where none is."""
    found, session = get(name), _session()
    chosen, same = default, []
    if found is not None:
        same = [option for option in options if found in (ids(option), labels(option))]
        if same:
            chosen = same[0]
            session.new.discard(name)
        else:
            refuse(name, found, labels(default))
    if name == "task":
        session.task = str(chosen)
        session.foreign = found is not None and get(name) is not None and not same
    return chosen


def remembered(name: str, make: Callable[[], Any]) -> Any:
    """Something that a page keeps for as long as the session lives, and no address knows."""
    return st.session_state.setdefault(key(name), make())


def slug(label: str) -> str:
    """What the address has for an option that has nothing but a label."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or label


# Widgets -------------------------------------------------------------------------------------


def key(name: str) -> str:
    """The key of a widget or component of this page, which no other page has."""
    return f"{_session().page or 'page'}/{name}"


def choice(
    name: str,
    options: Sequence[Any],
    default: Any,
    *,
    ids: Callable[[Any], str] = str,
    labels: Callable[[Any], str] = str,
) -> dict[str, Any]:
    """One of `options`, for a list, a slider or buttons: what makes a widget part of the state.

    Args:
        name: of the choice, in the address too.
        default: what is chosen where nothing is.
        ids: what the address has for an option.
        labels: what the page calls it; understood in an address as well.
    """
    chosen = value(name, options, default, ids=ids, labels=labels)

    def text(option: Any) -> str | None:
        if option is None or (option == default and name not in KEPT):
            return None
        return ids(option)

    return _widget(name, chosen, text, tuple(map(ids, options)))


def flag(name: str, default: bool = False) -> dict[str, Any]:
    """Yes or no, for a toggle or a checkbox."""
    return choice(
        name,
        (False, True),
        default,
        ids=lambda on: "yes" if on else "no",
        labels=lambda on: str(on).lower(),
    )


def number(name: str, default: float, least: float, most: float) -> dict[str, Any]:
    """A number from `least` to `most`, for a field that it is typed into."""
    found, shown = get(name), default
    if found is not None:
        try:
            shown = float(found)
        except ValueError:
            shown = math.nan
        if least <= shown <= most:
            _session().new.discard(name)
        else:
            shown = default
            refuse(name, found, f"{default:g}")

    def text(typed: float | None) -> str | None:
        return None if typed is None or typed == default else f"{typed:g}"

    return _widget(name, shown, text, (least, most))


def several(
    name: str,
    options: Sequence[Any] | None,
    *,
    ids: Callable[[Any], str] = str,
    most: int | None = None,
) -> dict[str, Any]:
    """Any number of `options`, for a list of several; None: whatever is typed."""
    asked = [one for one in (get(name) or "").split(",") if one]
    known = {ids(option): option for option in options} if options is not None else {}
    if options is None:
        found = asked
    else:
        found = [known[one] for one in dict.fromkeys(asked) if one in known]
        if len(found) < len(asked):
            odd = ",".join(one for one in asked if one not in known)
            refuse(name, odd, ", ".join(map(ids, found)) or "none")
            if found and name not in _session().values:
                _session().values[name] = str(listed(map(ids, found)))
    return _widget(name, found[:most], lambda chosen: listed(map(ids, chosen)), tuple(known))


def listed(ids: Any) -> str | None:
    """What the address has for several options."""
    return ",".join(one.replace(",", " ") for one in ids) or None


def written(name: str, default: str = "", *, spare: Sequence[str] = ()) -> dict[str, Any]:
    """A text that is typed. `spare`: see `put`."""
    found = get(name)
    _session().new.discard(name)

    def text(typed: str | None) -> str | None:
        return None if typed == default and name not in KEPT else tidied(name, typed)

    return _widget(name, default if found is None else found, text, (), spare=spare)


def tidied(name: str, typed: str | None) -> str:
    """A typed text as it is kept; says where that is not all of it."""
    if name not in TEXTS:
        return typed or ""
    used, remark = tidy(typed or "", lines=name in LINES)
    if remark:
        say(remark)
    return used


def seed(name: str, shown: Any, options: Hashable = ()) -> str:
    """Let the widget of this name show `shown`; its key."""
    session, widget = _session(), key(name)
    # A widget whose options are others than before may be a new one, and begins at its default.
    if st.session_state.get(widget, _NOTHING) != shown or session.options.get(widget) != options:
        st.session_state[widget] = shown
    session.options[widget] = options
    return widget


def _widget(
    name: str,
    shown: Any,
    text: Callable[[Any], str | None],
    options: Hashable,
    *,
    spare: Sequence[str] = (),
) -> dict[str, Any]:
    if not address.known(name):
        raise ValueError(f"apps.address knows no choice of that name. Received: name={name!r}")
    widget = seed(name, shown, options)
    return {"key": widget, "on_change": _took, "args": (widget, name, text, tuple(spare))}


def _took(
    widget: str, name: str, text: Callable[[Any], str | None], spare: tuple[str, ...]
) -> None:
    put(name, text(st.session_state[widget]), spare=spare)


# Pages ---------------------------------------------------------------------------------------


def register(pages: Mapping[str, Any]) -> None:
    """The pages there are, by the name of their view, for links between them."""
    _session().pages = dict(pages)


def pages() -> dict[str, Any]:
    """What `register` was given."""
    return _session().pages
