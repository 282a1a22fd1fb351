"""What training minimises: one objective a kind. `objective(task)` gives that of a task."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.objectives.base import Objective

OBJECTIVES = {
    "seq2seq": "training.objectives.seq2seq:Seq2SeqObjective",
    "language_model": "training.objectives.language_model:LanguageModelObjective",
}
"""The class of each kind; a new kind is one more line."""


def objective(task: Any) -> Objective:
    """How networks of the kind of `task` are trained on it."""
    module, _, name = OBJECTIVES[task.kind].partition(":")
    return getattr(import_module(module), name)(task)
