"""Short readings of attention.json: Markdown sentences whose words the intervals choose.

No sentence knows a result. Two are compared by the paired interval of their difference, and where
the files do not allow for that by whether their intervals lie apart, which asks for more.
"""

from __future__ import annotations

from typing import Any

from apps import saved_models
from apps.markdown import plain
from apps.sections import attention_score_data as results
from apps.sections.attention_score_data import Measured

KINDS = {
    "cross": "Output on input",
    "encoder": "Input on itself",
    "decoder": "Output on itself",
    "saliency": "Gradient × input",
}
TRIFLE = 0.01
"""Nats a token, a percent of its probability: to lose less is to lose nothing, however surely."""
WEAK, STRONG = 0.3, 0.6
"""Rank correlations below the one are called weak, from the other on strong."""


def kind_label(kind: str) -> str:
    """A kind of attention in plain words, as Markdown; an unknown one by its own name."""
    return KINDS.get(kind) or plain(kind)


def graded(name: str, key: str) -> str:
    """What stands for the model: its best head as an aligner, the mean of its heads as a
    rationale, its saliency where it has no attention.
    """
    rows = ("best_head", "saliency") if key == "aer" else ("attention", "gradient")
    return next((row for row in rows if results.overall(name, key, row)), rows[-1])


def called(name: str) -> str:
    """The model in bold, and what of it is graded where that is not its attention."""
    attends = results.overall(name, "aer", "best_head") or results.overall(
        name, "comprehensiveness", "attention"
    )
    return f"**{saved_models.label(name)}**" + ("" if attends else ", by its saliency")


def aligner(name: str) -> str:
    """Whether a model's best head (or saliency) aligns better than the diagonal; "" if unknown."""
    row = graded(name, "aer")
    error = results.overall(name, "aer", row)
    if not error:
        return ""
    which = results.described(name, "aer", row)
    text = f"{called(name)}: alignment error rate {error}" + (f", {plain(which)}" if which else "")
    apart = results.difference(name, "aer", row, "diagonal")
    if not apart:
        return f"{text}."
    return f"{text}; {_against(apart, 'the diagonal, which looks at no model')}."


def best_aligner(one: str, other: str) -> str:
    """Whether the attention of one model aligns better than the best head of another."""
    which, both = better_aligner(one, other)
    return f"{which}: {both}." if which else ""


def better_aligner(one: str, other: str) -> tuple[str, str]:
    """Which of two models aligns better, in words, and the numbers; both "" where unknown."""
    errors = [results.overall(name, "aer", "best_head") for name in (one, other)]
    if None in errors:
        return "", ""
    labels = [f"**{saved_models.label(name)}**" for name in (one, other)]
    both = f"{labels[0]} {errors[0]}, best head of {labels[1]} {errors[1]}"
    paired = results.error_difference(one, other)
    if paired:
        apart, count = paired
        both += f"; on the same {count} examples they differ by {apart}"
        first, second = apart.high < 0, apart.low > 0
    else:
        first, second = errors[1].above(errors[0]), errors[0].above(errors[1])
    if first:
        return f"{labels[0]} is the better aligner", both
    if second:
        return f"The best head of {labels[1]} is the better aligner", both
    return "Which of the two is the better aligner cannot be told", both


def useful(name: str) -> str:
    """How many heads of how many are of use by themselves; "" if unknown."""
    rows = _cells(name)
    return f"{sum(cell['low'] > TRIFLE for _, cell in rows)} of {len(rows)}" if rows else ""


def _cells(name: str) -> list[tuple[str, dict[str, Any]]]:
    """What every head is worth, with its kind."""
    return [
        (kind, cell)
        for kind in results.kinds(name, "importance")
        for cell in results.cells(name, "importance", kind)
    ]


def heads(name: str) -> str:
    """How many heads are of use, and which one most; "" if unknown."""
    rows = _cells(name)
    if not rows:
        return ""
    of_use = sum(cell["low"] > TRIFLE for _, cell in rows)
    harmful = sum(cell["high"] < -TRIFLE for _, cell in rows)
    count = plain(str(results.test_set(name, "importance").get("examples", "these")))
    parts = [f"{useful(name)} heads are of use by themselves"]
    if len(rows) == 1:
        parts = ["Its only head is of use" if of_use else "Its only head is not shown to be of use"]
    elif rest := len(rows) - of_use - harmful:
        parts.append(
            f"{rest} could each be left out without a loss of more than {TRIFLE:g} nats a token "
            f"that {count} examples show"
        )
    if harmful:
        parts.append(f"without {harmful} of them the right answers would be likelier")
    if len(rows) >= 20:
        parts.append(f"of so many intervals about {len(rows) / 20:.0f} mislead by chance")
    kind, most = max(rows, key=lambda row: row[1]["value"])
    parts.append(
        f"the greatest loss, {Measured(most['value'], most['low'], most['high'])} nats a token, is "
        f"that of {kind_label(kind)}, layer {most['layer']}, head {most['head']}"
    )
    text = f"**{saved_models.label(name)}.** {'; '.join(parts)}. {_kinds(name)}".strip()
    at_once = [
        f"{kind_label(kind)} {one}"
        for kind in results.kinds(name, "importance")
        if len(rows) > 1 and (one := results.together(name, kind))
    ]
    return (
        f"{text} Lost with all heads of a kind off at once: {', '.join(at_once)}."
        if at_once
        else text
    )


def _kinds(name: str) -> str:
    """Which kind of attention matters most for a head, on average."""
    found = [
        (kind, one)
        for kind in results.kinds(name, "importance")
        if (one := results.overall(name, "importance", kind))
    ]
    if len(found) < 2:
        return ""
    (first, most), (second, next_most) = sorted(found, key=lambda row: -row[1].value)[:2]
    means = f"{kind_label(first)} {most}, {kind_label(second)} {next_most}"
    if most.above(next_most):
        return f"On average a head of “{kind_label(first)}” matters most: {means}."
    return f"On average no kind of head matters most beyond doubt: {means}."


def explanation(name: str) -> str:
    """Whether a model's attention (or saliency) explains what it writes; "" if unknown."""
    row = graded(name, "comprehensiveness")
    needed = results.overall(name, "comprehensiveness", row)
    enough = results.overall(name, "sufficiency", row)
    if not needed or not enough:
        return ""
    chance = [better(name, key, row, "random") for key in ("comprehensiveness", "sufficiency")]
    parts = [
        f"{called(name)}. Without what it looked at most, a written item loses {needed} of its "
        f"probability; with nothing else, {enough}.",
        _verdict(chance, "than as many chosen by chance"),
    ]
    if row == "attention":
        pair = [better(name, key, row, "gradient") for key in ("comprehensiveness", "sufficiency")]
        parts.append(_verdict(pair, "than gradient × input"))
    rank = results.overall(name, "correlation", row)
    if rank:
        parts.append(_correlation(rank))
    return " ".join(filter(None, parts))


def better(name: str, key: str, of: str, less: str) -> int | None:
    """1 better, -1 worse, 0 not told apart by the paired interval, None where it is unknown."""
    apart = results.difference(name, key, of, less)
    if not apart:
        return None
    sign = 1 if results.MEASURES[key].higher_is_better else -1
    if apart.low > 0:
        return sign
    return -sign if apart.high < 0 else 0


def _verdict(both: list[int | None], than: str) -> str:
    """What follows of the two tests, needed and enough."""
    if None in both:
        return ""
    needed, enough = both
    words = {1: "better", -1: "worse", 0: "no better and no worse"}
    if needed == enough:
        return f"By both tests it explains {words[needed]} {than}."
    return (
        f"The tests disagree: by what was needed it explains {words[needed]}, by what was enough "
        f"{words[enough]} {than}."
    )


def _correlation(rank: Measured) -> str:
    if rank.low <= 0 <= rank.high:
        return f"Its order has nothing to do with that of occlusion: rank correlation {rank}."
    size = abs(rank.value)
    word = "weakly" if size < WEAK else ("strongly" if size >= STRONG else "partly")
    goes = "agrees with" if rank.value > 0 else "opposes"
    return f"Its order {word} {goes} that of occlusion: rank correlation {rank}."


def _against(apart: Measured, other: str) -> str:
    """How an error rate fares against another by their paired difference."""
    if apart.low <= 0 <= apart.high:
        return f"not told apart from {other} (difference {apart})"
    size = Measured(abs(apart.value), *sorted((abs(apart.low), abs(apart.high))))
    return f"{'better' if apart.value < 0 else 'worse'} than {other}, by {size}"
