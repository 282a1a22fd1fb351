"""Texts at which a continuation stops: found in what was written, or perhaps begun at its end."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence

from zoo.continuation import Token


def checked(stop: str | Sequence[str]) -> tuple[str, ...]:
    """One text or several as a tuple.

    Raises:
        ValueError: an empty text, or what is none.
    """
    stops = (stop,) if isinstance(stop, str) and stop else tuple(stop)
    if not all(isinstance(text, str) and text for text in stops):
        raise ValueError(f"stop must be texts that are not empty. Received: {stop!r}")
    return stops


def until(tokens: Sequence[Token], stops: tuple[str, ...]) -> tuple[str, int]:
    """The text before the first stop text, and how many tokens it is made of.

    The first is the one that was complete first, so that no later token changes the answer.
    """
    text = "".join(token.text for token in tokens)
    edges = list(itertools.accumulate(len(token.text) for token in tokens))
    found = [
        (bisect.bisect_left(edges, at + len(stop)), at)
        for stop in stops
        if (at := text.find(stop)) >= 0
    ]
    if not found:
        return text, len(tokens)
    _, end = min(found)
    return text[:end], bisect.bisect_right(edges, end)


def held(tokens: Sequence[Token], stops: tuple[str, ...]) -> int:
    """How many of the last tokens may turn out to be the beginning of a stop text."""
    text = "".join(token.text for token in tokens)
    longest = max(
        (n for stop in stops for n in range(1, len(stop)) if text.endswith(stop[:n])), default=0
    )
    length, held = 0, 0
    while held < len(tokens) and length < longest:
        held += 1
        length += len(tokens[-held].text)
    return held


def is_stopped(tokens: Sequence[Token], stops: tuple[str, ...]) -> bool:
    """Whether one of the stop texts was written."""
    return until(tokens, stops)[1] < len(tokens)
