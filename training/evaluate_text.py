"""Scores a language model on a whole split: nats a token, perplexity, bits a byte."""

from __future__ import annotations

from typing import Any

from training.metrics import language_modeling as metrics
from training.metrics.text import bootstrap
from training.progress import advancing
from training.tasks.language_modeling import LanguageModeling

STRIDE_SHARE = 8
"""The window moves by this share of the context: at least 7/8 of it are read before a token."""


def evaluate_text(
    model: Any,
    task: LanguageModeling,
    split: str = "test",
    limit: int | None = None,
    progress: bool = False,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The figures of a split as a card holds them, with 95 % block-bootstrap intervals.

    Of single predictions there are no records.

    Args:
        model: a `LanguageModelPredictor`.
        task: of the same tokens.
        split: "test" or "valid".
        limit: of so many tokens only, from the beginning.
        progress: whether to show a bar.

    Raises:
        ValueError: there is nothing to score.
    """
    ids = model.tokenizer.encode(task.text(split))
    ids = ids[:limit] if limit else ids
    if not len(ids):
        raise ValueError(f"there is nothing to evaluate in {task.name}. Received: 0 tokens")
    context = model.context
    stride = max(context // STRIDE_SHARE, 1) if context else None
    done = 0
    with advancing("reading", len(ids), progress) as advance:

        def report(count: int) -> None:
            nonlocal done
            advance(count - done)
            done = count

        log_probs = model.log_probs_of(ids, stride, report)
    result: dict[str, Any] = {"examples": len(ids), "counted": "tokens"}
    for key, figure in metrics.figures(log_probs, model.tokenizer, ids).items():
        low, high = bootstrap(figure)
        result[key] = {"value": round(figure.value, 4)} | {
            "low": round(low, 4),
            "high": round(high, 4),
        }
    result["protocol"] = {
        "context": context,
        "stride": stride,
        "start": "one token before the first",
        "state": "sliding window" if context else "carried over the whole split",
    }
    return result, []
