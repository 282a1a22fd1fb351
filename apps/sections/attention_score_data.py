"""What attention.json says of the shipped models, and what may be read from it, in words.

A file may be missing, old or damaged: what it does not say is None. No sentence here knows a
result; words are chosen by how intervals lie.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps import saved_models
from apps.json_values import mapping, number
from apps.markdown import plain
from zoo.stats import bootstrap, ratio

COMMAND = "python -m training.score_attention"


@dataclass(frozen=True)
class Measured:
    """One number and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        text = f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"
        return text.replace("-", "−")

    def above(self, other: Measured) -> bool:
        """Whether all of the one interval lies above all of the other."""
        return self.low > other.high


@dataclass(frozen=True)
class Measure:
    """One way to grade attention: its name, what it says, and which way is better."""

    key: str
    label: str
    meaning: str
    higher_is_better: bool | None = True


MEASURES = {
    measure.key: measure
    for measure in (
        Measure(
            "aer",
            "Alignment error rate",
            "AER: how far the word links that attention suggests are from those that people drew: "
            "0 is perfect, 1 is nothing in common (Och and Ney 2003). Lower is better.",
            higher_is_better=False,
        ),
        Measure(
            "precision",
            "Precision",
            "Share of the suggested links that people marked as sure or possible. Higher is "
            "better.",
        ),
        Measure(
            "recall",
            "Recall",
            "Share of the links that people marked as sure and attention found. Higher is better.",
        ),
        Measure(
            "comprehensiveness",
            "Comprehensiveness",
            "How much probability a written item loses when what it looked at most is hidden "
            "(DeYoung et al. 2020). Higher: the model needed what it looked at.",
        ),
        Measure(
            "sufficiency",
            "Sufficiency",
            "How much probability it loses when everything else is hidden. Lower: what the model "
            "looked at was enough.",
            higher_is_better=False,
        ),
        Measure(
            "correlation",
            "Correlation with occlusion",
            "Whether the places with more attention are also those that change the output more "
            "when they are hidden (occlusion): Kendall's rank correlation, −1 to 1 (Jain and "
            "Wallace 2019).",
        ),
        Measure(
            "importance",
            "Loss without the head",
            "Log-probability that a token of the right answer loses when the head is switched off "
            "(Michel et al. 2019), in nats, the unit of natural logarithms: 0.1 nats is about 10 % "
            "of the probability. Above 0: the head is useful.",
        ),
        Measure(
            "importance_metric",
            "Loss of quality without the head",
            "Points that the task's quality measure loses when the head is switched off. Above 0: "
            "the head is useful.",
        ),
        Measure(
            "entropy",
            "Entropy",
            "How spread out a row of the map is, in bits: 0 means that it looks at one place only.",
            higher_is_better=None,
        ),
        Measure(
            "normalised_entropy",
            "Normalised entropy",
            "Entropy divided by its largest possible value: 0 looks at one place, 1 looks at all "
            "places equally.",
            higher_is_better=None,
        ),
        Measure(
            "coverage",
            "Coverage",
            "Share of the input that was looked at: 1 if every place was looked at.",
            higher_is_better=None,
        ),
        Measure(
            "monotonicity",
            "Monotonicity",
            "Whether later rows look further to the right: −1 always backwards, 0 in no order, 1 "
            "always forwards.",
            higher_is_better=None,
        ),
        Measure(
            "diagonality",
            "Diagonality",
            "How close to the diagonal the weights are: 1 on it, about 0.67 if spread evenly.",
            higher_is_better=None,
        ),
    )
}

ROWS = {
    "best_head": "Best head",
    "best_layer": "Best layer",
    "mean": "All heads, mean",
    "attention": "All heads, mean",
    "gradient": "Gradient × input",
    "saliency": "Gradient × input",
    "occlusion": "Occlusion",
    "random": "By chance",
    "diagonal": "Diagonal",
}
"""What is graded, as attention.json calls it and as a page does."""


def measured_models(task: str) -> list[str]:
    """The models of `task` with an attention.json that can be read."""
    return [name for name in saved_models.models(task) if saved_models.attention(name)]


def missing(task: str) -> list[str]:
    """The models of `task` without one."""
    return [name for name in saved_models.models(task) if not saved_models.attention(name)]


def figure(name: str, key: str) -> Mapping[str, Any]:
    """What the file says of one measure, or {}."""
    return mapping(saved_models.attention(name).get(key))


def overall(name: str, key: str, row: str) -> Measured | None:
    """One number of the model as a whole."""
    return _measured(mapping(figure(name, key).get("overall")).get(row))


def together(name: str, kind: str) -> Measured | None:
    """What is lost with all heads of a kind off at once."""
    return _measured(mapping(figure(name, "importance").get("together")).get(kind))


def described(name: str, key: str, row: str) -> str:
    """Which head it is and how it links, as far as the file says."""
    found = mapping(mapping(figure(name, key).get("overall")).get(row))
    parts = []
    if row in ("best_head", "best_layer") and isinstance(found.get("layer"), int):
        parts.append(f"layer {found['layer'] + 1}")
        if row == "best_head" and isinstance(found.get("head"), int):
            parts.append(f"head {found['head'] + 1}")
    if isinstance(found.get("rule"), str) and row != "diagonal":
        least = found.get("least")
        parts.append(found["rule"] + (f" {least:g}" if number(least) is not None else ""))
        if found.get("position") == "read":
            parts.append("a step later")
    return ", ".join(parts)


def difference(name: str, key: str, of: str, less: str) -> Measured | None:
    """The paired difference of two rows of one model."""
    listed = figure(name, key).get("differences")
    for one in listed if isinstance(listed, list) else ():
        if mapping(one).get("of") == of and mapping(one).get("less") == less:
            return _measured(one)
    return None


def error_difference(one: str, other: str) -> tuple[Measured, int] | None:
    """The alignment error rate of one model's best head less another's, on the same sentences.

    Only of sentences that neither was chosen on; their number, and the paired interval. None
    where the files do not say, or are of different gold alignments.
    """
    gold = [test_set(name, "aer") for name in (one, other)]
    rows = [mapping(figure(name, "aer").get("sentences")) for name in (one, other)]
    if not gold[0] or any(gold[0].get(key) != gold[1].get(key) for key in ("name", "sha256")):
        return None
    drawn = [
        mapping(saved_models.attention(name).get("settings")).get("limit") for name in (one, other)
    ]
    if drawn[0] != drawn[1]:  # then one number names two sentences
        return None
    shared = [place for place in rows[0] if place in rows[1]]
    pairs = [[row[place] for place in shared] for row in rows]
    try:
        sums = np.array(pairs, "float64").reshape(2, len(shared), 2).transpose(1, 0, 2)
    except (TypeError, ValueError):
        return None
    if not len(shared) or not np.isfinite(sums).all():
        return None

    def apart(sums: np.ndarray) -> np.ndarray:
        right = ratio(sums)
        return right[..., 1] - right[..., 0]  # of errors, so the other way round

    found = bootstrap(sums, apart)
    measured = Measured(float(found.value), float(found.low), float(found.high))
    return (measured, len(shared)) if math.isfinite(measured.value) else None


def kinds(name: str, key: str) -> list[str]:
    """The kinds of heads (or the rules, for alignment) that the file grades one by one."""
    return [kind for kind in mapping(figure(name, key).get("per_head")) if cells(name, key, kind)]


def cells(name: str, key: str, kind: str) -> list[dict[str, Any]]:
    """Every head of a kind: layer and head counted from 1, value, low, high."""
    found = mapping(mapping(figure(name, key).get("per_head")).get(kind))
    rows = []
    try:
        for layer, heads in enumerate(found["value"]):
            for head in range(len(heads)):
                one = {part: found[part][layer][head] for part in ("value", "low", "high")}
                if _measured(one):
                    rows.append({"layer": layer + 1, "head": head + 1, **one})
    except (TypeError, IndexError, KeyError):
        return []
    return rows


def several_heads(name: str) -> bool:
    """Whether the model has more than one head of any kind."""
    heads = mapping(saved_models.attention(name).get("heads")).values()
    return any(
        isinstance(size, list) and _are_numbers(size) and math.prod(size) > 1 for size in heads
    )


def reason(name: str, key: str) -> str:
    """Why the file has no such figure; "" where it does not say."""
    return str(mapping(saved_models.attention(name).get("reasons")).get(key) or "")


def test_set(name: str, key: str) -> Mapping[str, Any]:
    """What the figure was measured on, or {}."""
    sets = mapping(saved_models.attention(name).get("test_sets"))
    return mapping(sets.get(str(figure(name, key).get("test_set"))))


def source(name: str, key: str) -> dict[str, Any]:
    """Test set, number of examples and command of a figure, for the rows of a saved table."""
    about = test_set(name, key)
    return {
        "test_set": str(about.get("name") or "unknown test set"),
        "examples": about.get("examples"),
        "command": _command(name),
    }


def _command(name: str) -> str:
    told = saved_models.attention(name).get("command")
    return str(told or f"{COMMAND} {shlex.quote(saved_models.typed(name))}")


def origin(name: str, key: str) -> str:
    """Where a model's figure comes from, as Markdown: test set, licence, device, date, command."""
    found, about = saved_models.attention(name), test_set(name, key)
    skipped = sum(n for n in mapping(about.get("skipped")).values() if isinstance(n, int))
    parts = [
        f"{plain(str(about.get('name') or 'unknown test set'))}, "
        f"{plain(str(about.get('examples', '?')))} examples"
        + (f", {skipped} left out" if skipped else ""),
    ]
    halves = figure(name, key)
    if number(halves.get("chosen_on")) is not None:
        parts.append(
            f"what is chosen was chosen on {halves['chosen_on']} of them and is reported on the "
            f"other {plain(str(halves.get('reported_on', '?')))}"
        )
    parts += [
        plain(f"{word}{value}")
        for word, value in (
            ("SHA-256 ", str(about.get("sha256") or "")[:12]),
            ("licence: ", about.get("licence")),
            ("", found.get("device")),
            ("", found.get("date")),
            ("commit ", str(found.get("commit") or "")[:10]),
        )
        if value
    ]
    command = _command(name).replace("`", "'")
    notes = found.get("notes") if isinstance(found.get("notes"), list) else []
    said = [plain(str(note)) for note in (about.get("note"), *notes) if note]
    return " ".join([f"{'; '.join(parts)}.", *said, f"`{command}`"])


def _measured(found: Any) -> Measured | None:
    found = mapping(found)
    numbers = [found.get(part) for part in ("value", "low", "high")]
    return Measured(*map(float, numbers)) if _are_numbers(numbers) else None


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(number(value) is not None for value in values)
