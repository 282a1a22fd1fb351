"""Figures of quality: what each is called, which way is better, and what it says in one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps import shipped


@dataclass(frozen=True)
class Figure:
    """One measure of quality, as the cards name it, all in percent or points from 0 to 100."""

    key: str
    label: str
    meaning: str
    higher_is_better: bool = True


FIGURES = {
    figure.key: figure
    for figure in (
        Figure(
            "chrf",
            "chrF",
            "How many short sequences of characters the output shares with a reference "
            "translation; a wrong ending costs little. 0 to 100, higher is better.",
        ),
        Figure(
            "bleu",
            "BLEU",
            "How many sequences of one to four words the outputs share with the reference "
            "translations, over the whole test set. 0 to 100, higher is better.",
        ),
        Figure(
            "rouge1",
            "ROUGE-1",
            "Share of single words that output and reference have in common (F1). "
            "Higher is better.",
        ),
        Figure(
            "rouge2",
            "ROUGE-2",
            "Share of pairs of neighbouring words in common (F1). Higher is better.",
        ),
        Figure(
            "rougeL",
            "ROUGE-L",
            "Longest sequence of words in the same order, with gaps allowed (F1). Higher is "
            "better.",
        ),
        Figure(
            "exact_match",
            "Exact match",
            "Percent of outputs that are right to the last character. Higher is better.",
        ),
        Figure(
            "cer",
            "CER",
            "Character error rate: characters to change, add or drop, per character of the right "
            "answer, in percent. Lower is better.",
            higher_is_better=False,
        ),
        Figure(
            "wer",
            "WER",
            "Word error rate: percent of words whose pronunciation is none of the accepted ones. "
            "Lower is better.",
            higher_is_better=False,
        ),
        Figure(
            "per",
            "PER",
            "Phoneme error rate: sounds to change, add or drop, per sound of the closest accepted "
            "pronunciation, in percent. Lower is better.",
            higher_is_better=False,
        ),
    )
}
FIRST = {"en-es": "chrf", "dates": "exact_match", "pronounce": "wer"}
"""The figure each task is judged by first."""


def figure(key: str) -> Figure:
    """The figure called `key` in a card; an unknown one is shown under its own name."""
    return FIGURES.get(key, Figure(key, key, "A figure of the model's card. Higher is better."))


def decodings(task: str) -> list[str]:
    """The numbers of beams ("1", "5") any card of `task` has figures for."""
    found = {key for name in shipped.models(task) for key in _metrics(name)}
    return sorted(found, key=lambda key: (len(key), key))


def figures(task: str) -> list[Figure]:
    """The figures any card of `task` has, the one it is judged by first."""
    keys: dict[str, None] = {}
    for name in shipped.models(task):
        for values in _metrics(name).values():
            keys.update(dict.fromkeys(key for key in values if value(values, key) is not None))
    ordered = sorted(keys, key=lambda key: key != FIRST.get(task))
    return [figure(key) for key in ordered]


def measured(name: str, beams: str) -> dict[str, Any]:
    """The card's figures for that number of beams, or {}."""
    return _metrics(name).get(beams, {})


def value(values: dict[str, Any], key: str, part: str = "value") -> float | None:
    """One number ("value", "low", "high") of one figure, or None where the card lacks it."""
    entry = values.get(key)
    number = entry.get(part) if isinstance(entry, dict) else None
    return float(number) if isinstance(number, int | float) else None


def best_first(task: str) -> list[str]:
    """The models of `task`, best on the test set first.

    Those without figures come last, the newest kind of network first.
    """
    names = list(reversed(shipped.models(task)))
    key = FIRST.get(task, "")
    sign = -1 if figure(key).higher_is_better else 1

    def rank(name: str) -> tuple[bool, float]:
        found = next((v for m in _metrics(name).values() if (v := value(m, key)) is not None), None)
        return found is None, sign * (found or 0.0)

    return sorted(names, key=rank)


def _metrics(name: str) -> dict[str, dict[str, Any]]:
    found = shipped.card(name).get("metrics")
    if not isinstance(found, dict):
        return {}
    return {str(beams): values for beams, values in found.items() if isinstance(values, dict)}
