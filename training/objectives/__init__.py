"""What training minimises: one objective a kind. `of_task` gives that of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo import registry

if TYPE_CHECKING:
    from training.objectives.base import Objective


def of_task(task: Any) -> Objective:
    """How networks of the kind of `task` are trained on it."""
    return registry.named(task.objective)(task)
