"""What the models have answered so far, for all readers: the one memory that every page asks first.

key = memory.key(name, "predict", text, beams)
if (found := memory.get(key)) is None:
found = memory.put(key, compute())
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any

import numpy as np
import streamlit as st

from apps import saved_models

KEPT = 512
"""How many answers are remembered; those not asked for longest are forgotten first."""
MOST_BYTES = 400 << 20
"""How much their arrays may take: the maps of one long text take megabytes."""

Key = tuple[Hashable, ...]
_lock = threading.Lock()


@dataclass
class _Kept:
    """Answers with the size of each, the one asked for last at the end."""

    answers: OrderedDict[Key, tuple[Any, int]] = field(default_factory=OrderedDict)
    size: int = 0


@st.cache_resource(show_spinner=False)
def _kept() -> _Kept:
    return _Kept()


def key(name: str, *question: Hashable) -> Key:
    """Stands for a question to the model `name`, whose files are as they are now.

    `question`: what is asked, then all that the answer depends on besides the model.
    """
    return name, saved_models.fingerprint(name), *question


def get(key: Key) -> Any | None:
    """The answer to a question that was asked before; None where it was not, or is forgotten."""
    answers = _kept().answers
    with _lock:
        if key not in answers:
            return None
        answers.move_to_end(key)
        return answers[key][0]


def put(key: Key, answer: Any) -> Any:
    """Remember an answer, which must not change from now on, and give it back."""
    kept, size = _kept(), size_of(answer)
    with _lock:
        kept.size += size - kept.answers.pop(key, (None, 0))[1]
        kept.answers[key] = answer, size
        while len(kept.answers) > 1 and (len(kept.answers) > KEPT or kept.size > MOST_BYTES):
            _, (_, freed) = kept.answers.popitem(last=False)
            kept.size -= freed
    return answer


def size_of(answer: Any) -> int:
    """About how many bytes an answer takes: those of the arrays in it, and some for the rest."""
    if isinstance(answer, np.ndarray):
        return answer.nbytes
    if is_dataclass(answer) and not isinstance(answer, type):
        answer = vars(answer)
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, list | tuple):
        return 64 + sum(map(size_of, answer))
    return 64
