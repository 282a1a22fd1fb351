"""Where two outputs differ: which words (or characters) of one have no counterpart in the other."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher


def differing(tokens: Sequence[str], reference: Sequence[str]) -> list[bool]:
    """For each of `tokens`, whether it is missing from `reference` at that place.

    The two are aligned by their longest common runs, so one inserted word marks one word and not
    all that follow it.
    """
    marks = [True] * len(tokens)
    # autojunk would drop frequent tokens of long outputs from the alignment.
    matcher = SequenceMatcher(a=list(reference), b=list(tokens), autojunk=False)
    for block in matcher.get_matching_blocks():
        marks[block.b : block.b + block.size] = [False] * block.size
    return marks


def sentence(marks: Sequence[bool], same: bool, other: str, unit: str) -> str:
    """One line in words: how the output compares with that of the model called `other`."""
    if same:
        return f"Same as {other}."
    count = sum(marks)
    if not count:
        return f"Leaves out something that {other} wrote."
    plural = unit if count == 1 else f"{unit}s"
    return f"{count} {plural} different from {other} (underlined)."
