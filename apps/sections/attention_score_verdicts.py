"""One plain sentence or two for each section of the Scores page; no numbers with intervals here.

The words are chosen by the same paired intervals as the longer readings, which give the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps import saved_models
from apps.sections import attention_score_data as results
from apps.sections import attention_score_text
from apps.sections.attention_score_data import Measure

DIAGONAL = "the diagonal, which looks at no model"


def aligner(names: Sequence[str]) -> str:
    """Whose attention aligns better than the diagonal, and which of the two attends better."""
    found: dict[int, list[str]] = {1: [], 0: [], -1: []}
    for name in names:
        apart = results.difference(
            name, "aer", attention_score_text.graded(name, "aer"), "diagonal"
        )
        if apart:
            found[-1 if apart.low > 0 else 1 if apart.high < 0 else 0].append(_called(name))
    parts = []
    if found[1]:
        parts.append(f"Yes, better than {DIAGONAL}: {_listed(found[1])}")
    elif found[0] or found[-1]:
        parts.append(f"No, none is better than {DIAGONAL}")
    if found[0]:
        parts.append(f"not told apart from it: {_listed(found[0])}")
    if found[-1]:
        parts.append(f"worse: {_listed(found[-1])}")
    text = f"{'; '.join(parts)}." if parts else ""
    family = {saved_models.family_of(name): name for name in names}
    if {"lstm-bahdanau", "transformer"} <= set(family):
        which, _ = attention_score_text.better_aligner(
            family["lstm-bahdanau"], family["transformer"]
        )
        text = f"{text} {which}.".strip() if which else text
    return text


def heads(names: Iterable[str]) -> str:
    """How many heads of each model are of use by themselves."""
    parts = []
    for name in names:
        count = attention_score_text.useful(name)
        if not count:
            continue
        label = f"**{saved_models.label(name)}**"
        if count.endswith(" of 1"):
            word = "is" if count.startswith("1 ") else "is not shown to be"
            parts.append(f"{label}: its only head {word} of use")
        else:
            parts.append(f"{label}: {count} heads are of use by themselves")
    return f"{'; '.join(parts)}." if parts else ""


def explanation(names: Sequence[str]) -> str:
    """Which models' attention explains better than chance, and than gradient × input."""
    chance = _tested(names, "random")
    gradient = _tested(
        [n for n in names if attention_score_text.graded(n, "comprehensiveness") == "attention"],
        "gradient",
    )
    parts = [_said(chance, "chance"), _said(gradient, "gradient × input")]
    return " ".join(filter(None, parts))


def looks(rows: Sequence[Mapping[str, Any]], measure: Measure) -> str:
    """Of the first kind of map that several models have: whose measure is the greatest."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(row["what"], []).append(row)
    what = next((what for what, listed in kinds.items() if len(listed) > 1), None)
    if what is None:
        return ""
    first, second, *_ = sorted(kinds[what], key=lambda row: -row["value"])
    label = measure.label.lower()
    if first["low"] > second["high"]:
        return f"“{what}”: the greatest {label} is that of **{first['model']}**."
    pair = f"{first['model']} and {second['model']}"
    return f"“{what}”: which has the greatest {label} cannot be told between {pair}."


def _tested(names: Sequence[str], less: str) -> dict[str, list[str]]:
    """Models by how both tests, needed and enough, went against a rival; unknown ones left out."""
    found: dict[str, list[str]] = {"better": [], "worse": [], "mixed": []}
    for name in names:
        row = attention_score_text.graded(name, "comprehensiveness")
        both = [
            attention_score_text.better(name, key, row, less)
            for key in ("comprehensiveness", "sufficiency")
        ]
        if None in both:
            continue
        key = {(1, 1): "better", (-1, -1): "worse"}.get(tuple(both), "mixed")
        found[key].append(_called(name))
    return found


def _said(found: Mapping[str, list[str]], rival: str) -> str:
    if not any(found.values()):
        return ""
    parts = [
        f"Yes, better than {rival} by both tests: {_listed(found['better'])}"
        if found["better"]
        else f"No, none is better than {rival} by both tests"
    ]
    if found["worse"]:
        parts.append(f"worse by both: {_listed(found['worse'])}")
    if found["mixed"]:
        parts.append(f"no clear answer: {_listed(found['mixed'])}")
    return f"{'; '.join(parts)}."


def _called(name: str) -> str:
    return attention_score_text.called(name).replace(", by its saliency", " (by its saliency)")


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
