"""An intervention and what came of it, in words: the same on every page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from apps.labels import Reading, axes
from apps.sections import answer_view
from apps.sections.intervention_steps import records
from zoo.interpret import Intervention, Outcome

MOST = 160
"""Characters of a text that a sentence repeats."""
STILL = 0.005
"""Nats below which a difference is rounded away on the page."""


def quoted(text: str) -> str:
    """`text` in quotes, cut where it is long; its own direction does not turn the sentence."""
    text = text if len(text) <= MOST else f"{text[:MOST].rstrip()} ..."
    return f"“\u2068{text}\u2069”" if text else "nothing"


def listed(items: Sequence[str]) -> str:
    """Items as people list them: a, b and c."""
    items = list(items)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def clauses(
    what: Intervention, before: Reading, kinds: Mapping[str, str] = answer_view.KIND_LABELS
) -> list[str]:
    """Each thing that is done, in words; `before` holds the words that are meant.

    `kinds`: what the page calls each kind of attention.
    """
    found = []
    if what.mask:
        names = listed([quoted(before.source[one]) for one in what.mask])
        found.append(f"without {names}" if what.how == "removed" else f"with {names} {what.how}")
    for one, other in what.swap:
        names = listed([quoted(before.source[one]), quoted(before.source[other])])
        found.append(f"with {names} swapped")
    found += _forced(what, before)
    found += _off(what, kinds)
    if what.prefix:
        found.append(f"made to begin with {quoted(what.prefix)}")
    return found


def _forced(what: Intervention, before: Reading) -> list[str]:
    if not what.force:
        return []
    if len(what.force) > 2:
        return [f"with {len(what.force)} rows of attention forced"]
    found = []
    for force in what.force:
        rows, columns = axes(before, force.kind)
        places = (("layer", force.layer), ("head", force.head))
        where = ", ".join(f"{name} {place + 1}" for name, place in places if place is not None)
        looks = f"{quoted(rows[force.target])} made to look at {quoted(columns[force.source])}"
        found.append(f"with {looks}" + (f" ({where})" if where else ""))
    return found


def _off(what: Intervention, kinds: Mapping[str, str]) -> list[str]:
    if not what.off:
        return []
    heads = [one for one in what.off if one.head is not None]
    if len(what.off) == 1:
        one = what.off[0]
        kind = kinds[one.kind].lower()
        head = (
            f"head {one.head + 1} of layer {one.layer + 1}" if heads else f"layer {one.layer + 1}"
        )
        return [f"with {head} ({kind}) switched off"]
    counts = (("head", len(heads)), ("layer", len(what.off) - len(heads)))
    parts = [f"{count} {name}{'s' * (count > 1)}" for name, count in counts if count]
    return [f"with {listed(parts)} switched off"]


def sentence(
    outcome: Outcome,
    what: Intervention,
    before: Reading,
    unit: str = "word",
    kinds: Mapping[str, str] = answer_view.KIND_LABELS,
) -> str:
    """What was done and what came of it, as plain text.

    Args:
        outcome: what came of it.
        what: what was done.
        before: the reading of `outcome.before`, in the units of `what`.
        unit: as for `apps.labels.read`.
        kinds: as for `clauses`.
    """
    done = clauses(what, before, kinds)
    lead = listed(done) if done else "with nothing changed"
    lead = lead[0].upper() + lead[1:]
    old, new = total(outcome.before), total(outcome.forced)
    if outcome.changed:
        texts = f"{quoted(outcome.before.text)} to {quoted(outcome.after.text)}"
        said = f"{lead}, the text changed from {texts}."
        if abs(new - old) >= STILL:
            said += f" The old text now has log-probability {nats(new)} instead of {nats(old)}."
    elif abs(new - old) < STILL:
        said = f"{lead}, the text stayed the same, and so did its log-probability ({nats(old)})."
    else:
        went = "rose" if new > old else "fell"
        said = f"{lead}, the text stayed the same; its log-probability {went} "
        said += f"from {nats(old)} to {nats(new)}."
    rows = records(outcome, unit)
    most = max(rows, key=lambda row: row["kl"], default=None)
    if most and most["kl"] >= STILL:
        said += f" The prediction changed most at {quoted(most['unit'])}"
        said += f" (KL {most['kl']:.2f} nats)."
    return said


def total(prediction: Any) -> float:
    """Log-probability of a whole text, in nats."""
    return float(np.sum(prediction.log_probs))


def nats(value: float) -> str:
    """A log-probability as people read it: nothing is not less than nothing."""
    return f"{round(value, 2) + 0.0:.2f}"


def per_piece(prediction: Any) -> float:
    """Its mean over tokens, which texts of different length can be compared by."""
    return total(prediction) / max(len(prediction.log_probs), 1)


def which(shape: tuple[int, ...], layer: int | None, head: int | None) -> str:
    """Which layer and head of a map (L, H, T, S) `chosen_map` takes, in words."""
    layers, heads = shape[:2]
    if layers * heads == 1:
        return "The only layer and head"
    one = layer is not None and layer < layers
    first = f"Layer {layer + 1} of {layers}" if one else f"Mean over {layers} layers"
    if head is not None and head < heads:
        return f"{first}, head {head + 1} of {heads}"
    return f"{first}, mean over {heads} heads"


def as_written(task: str, text: str | None) -> str:
    """What a reader typed, as the models of `task` would write it: sounds in capitals."""
    text = " ".join((text or "").split())
    return text.upper() if task == "pronounce" else text
