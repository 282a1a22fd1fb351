"""How likely language models find a reader's text: what the page draws and lists, from scores."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from apps import quality, saved_models
from apps.sections.answer_view import percent
from zoo.text_tokenizers import visible

if TYPE_CHECKING:
    from zoo.continuation import ScoredText
    from zoo.metric_info import MetricInfo

UNKNOWN = ("\u2047", "<unk>")
"""What stands for something that is not in a vocabulary."""
MOST_SURPRISING = 12
BEFORE = 24
"""Characters before a token that a table shows with it."""
OTHERS = 3
"""Tokens that a model would rather have written, in a table."""


def figures(task: str) -> list[MetricInfo]:
    """What a text is measured by: perplexity where tokens are words, too."""
    keys = ["nats", "bits_per_byte"]
    if saved_models.unit(task) != "character":
        keys.append("perplexity")
    return [quality.figure(key, task) for key in keys]


def spelled(scored: ScoredText) -> list[str]:
    """The text of each token as the reader wrote it, also where the model cannot read it."""
    own = [token.text for token in scored.tokens]
    for parts in (list(scored.text), re.findall(r"\n|[^\S\n]*\S+", scored.text)):
        if len(parts) == len(own) and all(
            told.strip() in UNKNOWN or part.strip() == told.strip()
            for part, told in zip(parts, own, strict=True)
        ):
            return parts
    return own


def drawn(scored: ScoredText) -> list[dict[str, Any]]:
    """A record a token, as `written_tokens` draws them: shaded by probability."""
    records = []
    for place, (text, token) in enumerate(zip(spelled(scored), scored.tokens, strict=True)):
        chance = math.exp(min(token.log_prob, 0.0)) if scored.known[place] else 0.0
        title = f"{token.label}: {100 * chance:.1f} %, rank {scored.ranks[place]:,}"
        if not scored.known[place]:
            title = "Not in the vocabulary: counts for nothing"
        shade = round(chance, 4)
        records.append({"text": text, "title": title, "shade": shade, "copied": False})
    return records


def surprises(scored: ScoredText) -> list[dict[str, Any]]:
    """The least likely tokens, the least likely first."""
    known = [place for place in range(len(scored.tokens)) if scored.known[place]]
    known.sort(key=lambda place: scored.tokens[place].log_prob)
    texts = spelled(scored)
    return [record(scored, place, texts) for place in known[:MOST_SURPRISING]]


def record(scored: ScoredText, place: int, texts: Sequence[str]) -> dict[str, Any]:
    """One token, counted from 0: what comes before it, and what the model would have written.

    `texts`: of `spelled`.
    """
    token, written = scored.tokens[place], texts[place].strip()
    known = bool(scored.known[place])
    chance = math.exp(min(token.log_prob, 0.0))
    named = [f"{label} ({percent(each).lower()})" for label, each in token.candidates]
    others = [
        said
        for said, (label, each) in zip(named, token.candidates, strict=True)
        if label != token.label and each > chance
    ]
    return {
        "place": place + 1,
        "before": _before(texts, place),
        "token": f"{written} ({token.label})" if token.label in UNKNOWN else token.label,
        "probability": round(chance, 6) if known else None,
        "nats": round(-token.log_prob, 4) + 0.0 if known else None,
        "rank": int(scored.ranks[place]) if known else None,
        "rather": ", ".join(others[:OTHERS]),
        "first": ", ".join(named),
    }


def _before(texts: Sequence[str], place: int) -> str:
    """The last characters before a token, white space as signs where every character counts."""
    window = texts[max(place - BEFORE, 0) : place]
    if all(len(text) <= 1 for text in window):
        return "".join(map(visible, window))
    return "".join(window).replace("\n", " \u21b5 ").strip()[-BEFORE:]


def every_token(scored: ScoredText) -> list[dict[str, Any]]:
    """All tokens, for a file."""
    texts = spelled(scored)
    return [record(scored, place, texts) for place in range(len(scored.tokens))]


def summary(name: str, scored: ScoredText) -> dict[str, Any]:
    """What the table of models says of one, by the keys of the figures."""
    return {
        "model": saved_models.label(name),
        **{
            info.key: round(getattr(scored, info.key), 6)
            for info in figures(saved_models.task_of(name))
        },
        "total": round(scored.total, 4) + 0.0,
        "tokens": int(scored.known.sum()),
    }


def told(task: str, row: Mapping[str, Any]) -> str:
    """A model's `summary` in a line."""
    parts = [f"{info.label} {info.text(row[info.key])}" for info in figures(task)]
    unit = saved_models.info(task).output_unit
    count = f"{row['tokens']:,} {unit}{'' if row['tokens'] == 1 else 's'}"
    return " · ".join([*parts, f"log-probability of all {count} {row['total']:,.2f}"])


def least_surprised(task: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Which of several models expected the text most, in a sentence; "" for fewer than two."""
    rows = [row for row in rows if row["tokens"]]
    if len(rows) < 2:
        return ""
    # A byte is the same for all models, whatever their tokens are.
    best = min(rows, key=lambda row: row["bits_per_byte"])
    info = next(one for one in figures(task) if one.key == "bits_per_byte")
    return f"{best['model']} expected it most: {info.label} {info.text(best['bits_per_byte'])}."
