"""Scores a classifier on a whole split: accuracy, F1, calibration, and who is taken for whom."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from training.data.labelled import Labelled
from training.evaluate_pairs import sample
from training.metrics import classification as metrics
from training.metrics.text import report
from training.progress import advancing
from training.tasks.classification import Classification
from zoo import images

AT_ONCE = 256
"""Inputs that are read between two steps of the progress bar."""


def evaluate_labels(
    model: Any,
    task: Classification,
    split: str = "test",
    limit: int | None = None,
    progress: bool = False,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The figures of a split as a card holds them, and a record of every prediction.

    A record is {"input" (the text, a PNG in base64 or the numbers of a series), "index" (in the
    split), "truth", "prediction", "probabilities" (by class), "correct"}.

    Args:
        model: a `ClassifierPredictor`.
        task: of the same classes.
        split: "test" or "valid".
        limit: of so many examples only, drawn with a fixed seed.
        progress: whether to show a bar.

    Raises:
        ValueError: there is nothing to score, or the task has other classes than the model.
    """
    check_classes(model.classes, task)
    every = task.examples(split)
    chosen = np.array(sample(range(len(every)), limit), int)
    examples = every.some(chosen)
    if not len(examples):
        raise ValueError(f"there is nothing to evaluate in {task.name}. Received: 0 examples")
    parts = []
    with advancing("reading", len(examples), progress) as advance:
        for start in range(0, len(examples), AT_ONCE):
            some = examples.inputs[start : start + AT_ONCE]
            parts.append(model.log_probs(list(some)))
            advance(len(some))
    log_probs = np.concatenate(parts)
    result: dict[str, Any] = {"examples": len(examples), "counted": "inputs"}
    result |= report(metrics.figures(log_probs, examples.labels))
    result["confusion"] = {
        "classes": list(task.classes),
        "counts": metrics.confusion(log_probs, examples.labels),
    }
    result["reliability"] = metrics.reliability(log_probs, examples.labels)
    result["right"] = metrics.packed(log_probs.argmax(axis=1) == examples.labels)
    return result, _records(examples, chosen, log_probs, task.classes)


def check_classes(classes: tuple[str, ...], task: Classification) -> None:
    """Raises ValueError unless the task's classes are these, in this order."""
    if tuple(classes) != task.classes:
        raise ValueError(
            f"the model tells apart {', '.join(classes)[:200]}, and {task.name} has "
            f"{', '.join(task.classes)[:200]}"
        )


def _records(
    examples: Labelled, index: np.ndarray, log_probs: np.ndarray, classes: tuple[str, ...]
) -> list[dict[str, Any]]:
    found = []
    for row, (label, chances) in enumerate(
        zip(examples.labels.tolist(), np.exp(log_probs.astype("float64")), strict=True)
    ):
        said = int(chances.argmax())
        found.append(
            {
                "input": _shown(examples.inputs[row]),
                "index": int(index[row]),
                "truth": classes[label],
                "prediction": classes[said],
                "probabilities": {
                    name: round(float(p), 4) for name, p in zip(classes, chances, strict=True)
                },
                "correct": said == label,
            }
        )
    return found


def _shown(one: Any) -> Any:
    """An input as JSON."""
    if isinstance(one, str):
        return one
    if one.ndim == 3:
        return base64.b64encode(images.png(one)).decode()
    return [[round(float(n), 3) for n in step] for step in one]
