"""The prompts of a call while a language model continues them, and how it is to do so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from zoo.continuation import Token
from zoo.inference.sampling import Sampling
from zoo.inference.stop_texts import is_stopped
from zoo.padding import ROWS


@dataclass
class Row:
    """One prompt while it is continued."""

    number: int  # among the prompts of the call
    prompt: str
    read: list[int]  # what was read of it, the start token first where there is one
    notes: list[str]
    begin: int = 0  # how many of those read are a start token
    tokens: list[Token] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    ended: bool = False


@dataclass(frozen=True)
class WritingOptions:
    """How the rows of a call are continued.

    Example:
        >>> options = WritingOptions(limit=5, chunk=2, candidates=3, stops=("b",))
        >>> row = Row(0, "x", [1], [], tokens=[Token("a", "a", 0.0), Token("b", "b", 0.0)])
        >>> options.is_stopped(row)
        True
    """

    limit: int
    """The most tokens of each row."""
    chunk: int
    """After how many tokens the caller sees them."""
    candidates: int
    """K: how many of the likeliest tokens are told at each place."""
    stops: tuple[str, ...] = ()
    """Texts after which a row has ended."""
    sampling: Sampling | None = None
    """How tokens are drawn; None: the likeliest is taken."""
    uniform: np.ndarray | None = None
    """The draws, (rows of the call, limit) float32 in [0, 1); None where none are needed."""

    def is_stopped(self, row: Row) -> bool:
        """Whether a row has one of the stop texts in what was written."""
        return is_stopped(row.tokens, self.stops)


def together(rows: list[Row], limit: int, context: int | None) -> Iterator[list[Row]]:
    """Rows that may be continued in one batch without changing one another's answer.

    Where the context will be full they must be equally long, to slide at the same moments.

    Args:
        rows: all of a call.
        limit: the most tokens that each is continued with.
        context: how many tokens the model reads at most; None: as many as there are.
    """
    groups: dict[int, list[Row]] = {}
    for row in rows:
        slides = context is not None and len(row.read) + limit > context
        groups.setdefault(len(row.read) if slides else 0, []).append(row)
    for group in groups.values():
        for at in range(0, len(group), ROWS[-1]):
            yield group[at : at + ROWS[-1]]
