"""Scores a model of pairs of texts: the metrics of its task, and a record of every prediction."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from training.progress import advancing

if TYPE_CHECKING:
    from training.tasks import Example, Task

BATCH = 64
"""Texts decoded together; of like length, so that little is padding."""


def predict(
    model: Any,
    sources: Sequence[str],
    beams: int = 1,
    progress: bool = False,
    length_penalty: float | None = None,
) -> list[Any]:
    """The model's Prediction for every source, in their order; decoded sorted by length.

    `model`: a Seq2SeqPredictor, or anything with its `.predict`. `length_penalty`: of the beam;
    None: as the model has it by default.
    """
    more = {} if length_penalty is None else {"length_penalty": length_penalty}
    order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
    predictions: list[Any] = [None] * len(sources)
    with advancing("decoding", len(sources), progress) as advance:
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            texts = [sources[index] for index in batch]
            found = model.predict(texts, beams=beams, attention=False, **more)
            for index, prediction in zip(batch, found, strict=True):
                predictions[index] = prediction
            advance(len(batch))
    return predictions


def evaluate_examples(
    model: Any,
    task: Task,
    examples: Sequence[Example],
    beams: int = 1,
    progress: bool = False,
    length_penalty: float | None = None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The metrics of some examples as a card holds them, and a record of every prediction.

    A record is {"source", "references", "prediction", "log_prob" (summed), "length" (of the
    source, in the task's unit), and what `task.judge` gives: "chrf" or "correct"}.
    """
    from training.metrics import text as metrics

    if not examples:
        raise ValueError("there is nothing to evaluate. Received: 0 examples")
    sources = [example.source for example in examples]
    predictions = predict(model, sources, beams, progress, length_penalty)
    texts = [prediction.text for prediction in predictions]
    lengths = [task.length(example.source) for example in examples]
    figures = task.figures(texts, examples)
    result = {"examples": len(examples)}
    result |= metrics.report(figures, lengths, task.length_edges)
    if note := (task.scoring or {}).get("note"):
        result["note"] = note
    records = [
        {
            "source": example.source,
            "references": list(example.references),
            "prediction": prediction.text,
            "log_prob": round(float(sum(prediction.log_probs)), 3),
            "length": length,
            **task.judge(prediction.text, example),
        }
        for example, prediction, length in zip(examples, predictions, lengths, strict=True)
    ]
    return result, records


def floor_figures(task: Task, examples: Sequence[Example]) -> dict[str, Any]:
    """What `card["floor"]` holds: the method of the task that learns nothing, and its figures."""
    from training.metrics import text as metrics

    answers = [task.floor(example.source) for example in examples]
    found = metrics.report(task.figures(answers, examples))
    return {"name": task.floor_name, "examples": len(examples), **found}


def evaluate_task(
    model: Any,
    task: Task,
    split: str = "test",
    beams: int = 1,
    limit: int | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """The metrics of one split as a card holds them: `card["metrics"][str(beams)]`.

    `limit`: that many examples only, drawn with a fixed seed. Raises ValueError for an unknown
    split or a task without examples.
    """
    return evaluate_examples(model, task, sample(task.examples(split), limit), beams, progress)[0]


def sample(examples: Sequence[Any], limit: int | None) -> list[Any]:
    """At most `limit` of them, always the same ones for the same examples, in their order."""
    if limit is None or limit >= len(examples):
        return list(examples)
    if limit < 1:
        raise ValueError(f"limit must be at least 1. Received: limit={limit}")
    return [examples[i] for i in sorted(random.Random(0).sample(range(len(examples)), limit))]
