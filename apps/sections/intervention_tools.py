"""The tools that What if offers on every kind of model: words hidden or swapped, heads off.

Each is a row of what can be pressed above a list, and part of the state of `apps.state`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from apps import state
from apps.components import pressable_words
from zoo.interpret import Off

MASK, HOW, SWAP, PREFIX = "mask", "how", "swap", "prefix"
FORCE, OFF = "force", "off"
DONE = (MASK, SWAP, PREFIX, FORCE, OFF)
"""The choices that say what is done."""
SWITCH = re.compile(r"(cross|encoder|decoder) (\d{1,3})(?:\.(\d{1,3}))?")
NO_ATTENTION = (
    "There is no attention in this network: all it read went through its state. You can still "
    "hide and swap words, or give the beginning of the answer."
)


def header() -> None:
    """The title of the tools, with a button that lets all of them do nothing again."""
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.markdown("**Change something**", width="content")
        st.button("Reset", icon=":material/restart_alt:", type="tertiary", on_click=_reset)


def place_id(place: int) -> str:
    """A place in a list, as the address counts."""
    return str(place + 1)


def numbered(words: Sequence[str]) -> Any:
    """Labels of places in a list, each unlike the others though words repeat."""
    return lambda place: f"{place + 1} {words[place]}" if isinstance(place, int) else str(place)


def mask(words: Sequence[str], noun: str) -> list[int]:
    """Places of the words that are hidden: pressed, or picked from the list below."""
    st.caption(f"Press the {noun}s that you want to hide from the model.")
    pressing = st.container()
    chosen = _listed(f"Hidden {noun}s, as a list", words, MASK)
    with pressing:
        pressable_words.words(
            words,
            chosen,
            key="pressed-mask",
            label=f"The {noun}s of the input; pressed ones are hidden",
            struck=True,
            on_press=setter(MASK, place_id),
        )
    return sorted(chosen)


def swap(words: Sequence[str], noun: str) -> list[int]:
    """Two places that change with each other; fewer while they are being chosen."""
    st.caption(f"Press the two {noun}s that you want to swap.")
    pressing = st.container()
    chosen = _listed(f"Swapped {noun}s, as a list", words, SWAP, most=2)

    def pressed(places: list[int]) -> None:
        # A third one takes the place of the first.
        kept = [one for one in chosen if one in places]
        setter(SWAP, place_id)([*kept, *(one for one in places if one not in kept)][-2:])

    with pressing:
        pressable_words.words(
            words,
            chosen,
            key="pressed-swap",
            label=f"The {noun}s of the input; the two pressed ones are swapped",
            on_press=pressed,
        )
    return sorted(chosen)


def _listed(label: str, words: Sequence[str], name: str, most: int | None = None) -> list[int]:
    """Places of words, at most so many, picked from a list; `name`: in the address of the page."""
    return st.multiselect(
        label,
        range(len(words)),
        format_func=numbered(words),
        max_selections=most,
        placeholder="None",
        **state.several(name, range(len(words)), ids=place_id, most=most),
    )


def heads_off(kinds: Mapping[str, tuple[int, int]], labels: Mapping[str, str]) -> tuple[Off, ...]:
    """Heads and layers that are switched off: pressed, or picked from the list below.

    Args:
        kinds: how many layers and heads there are of each kind of attention.
        labels: what the page calls each kind.
    """
    if not kinds:
        st.caption(NO_ATTENTION)
        return ()
    st.caption("Press a head, or a whole layer, to set its output to zero.")
    pressing = st.container(horizontal=True, gap="large")
    options = [
        _switch(kind, layer, head)
        for kind, (layers, heads) in kinds.items()
        for layer in range(layers)
        for head in (None, *range(heads))
        if heads > 1 or head is None
    ]
    off = st.multiselect(
        "Switched off, as a list: kind, layer, head",
        options,
        placeholder="None",
        **state.several(OFF, options),
    )
    with pressing:
        for kind, shape in kinds.items():
            with st.container(width="content"):
                st.markdown(labels[kind])
                _switches(kind, shape, off, labels[kind])
    found = [SWITCH.fullmatch(one) for one in off]
    return tuple(
        Off(one[1], int(one[2]) - 1, int(one[3]) - 1 if one[3] else None) for one in found if one
    )


def _switches(kind: str, shape: tuple[int, int], off: Sequence[str], called: str) -> None:
    """One kind's layers and heads as cells."""
    layers, heads = shape
    columns = ["all", *(str(head + 1) for head in range(heads))] if heads > 1 else ["all"]
    places = {
        _switch(kind, layer, column - 1 if column else None): (layer, column)
        for layer in range(layers)
        for column in range(len(columns))
    }
    names = {place: name for name, place in places.items()}

    def pressed(found: list[pressable_words.Cell]) -> None:
        others = [one for one in off if one not in places]
        setter(OFF, str)([*others, *(names[place] for place in found)])

    pressable_words.grid(
        [f"Layer {layer + 1}" for layer in range(layers)],
        columns,
        [places[one] for one in off if one in places],
        key=f"pressed-off-{kind}",
        label=f"{called}: heads by layer; pressed ones are switched off",
        corner="head",
        between="head",
        marks=("on", "off"),
        struck=True,
        on_press=pressed,
    )


def _switch(kind: str, layer: int, head: int | None) -> str:
    """A head, or a layer, as it is in the list and in the address."""
    return f"{kind} {layer + 1}" + ("" if head is None else f".{head + 1}")


def setter(name: str, ids: Callable[[Any], str]) -> Callable[[Sequence[Any]], None]:
    """Makes what is pressed a part of the state."""
    return lambda pressed: state.put(name, state.listed(map(ids, pressed)))


def _reset() -> None:
    """Let all tools do nothing again."""
    for name in DONE:
        state.put(name, None)
