"""Copies of training pairs with other numbers in them, the same on both sides.

A small corpus has few numbers, most of them ten or 2:30, and a model that saw `1947` once in
training cannot copy it. So each pair that has the same numbers on both sides is copied a few times
with other digits in both: "He is 36 years old. / Tiene 36 años." -> "He is 84 ... / Tiene 84 ...".
Numbers written as words on both sides ("two cats / dos gatos") become digits in a copy, where the
words of both languages are known. Some numbers stand alone in a pair: "84 / 84".
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence

from training.tasks.base import Pair

# A run of digits that is not part of a word such as MP3 or 31st.
_RUN = re.compile(r"(?<![^\W_])\d+(?![^\W_])")
_JOINT = ".,:"
"""What is between the runs of one number or time of day: 3.5, 40,000, 2:30."""

# Two to twelve, then the tens to a hundred, in the words that leave nothing to agree with.
NUMBER_WORDS: dict[str, dict[str, int]] = {
    language: dict(zip(words.split(), [*range(2, 13), *range(20, 100, 10)], strict=True))
    for language, words in {
        "en": "two three four five six seven eight nine ten eleven twelve "
        "twenty thirty forty fifty sixty seventy eighty ninety",
        "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce "
        "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
        "fr": "deux trois quatre cinq six sept huit neuf dix onze douze "
        "vingt trente quarante cinquante soixante soixante-dix quatre-vingts quatre-vingt-dix",
        "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf "
        "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    }.items()
}


ALONE = 0.02
"""How many pairs of a number alone there are for each copy."""


def exchange_numbers(
    pairs: Iterable[Pair],
    copies: int,
    seed: int,
    languages: tuple[str, str] = ("", ""),
    exclude: frozenset[str] = frozenset(),
) -> list[Pair]:
    """The copies, without the pairs themselves; the same for the same arguments.

    Args:
        pairs: source and target.
        copies: of each pair with equal digits on both sides; a third of it (at least one) of each
            pair whose equal numbers are words.
        seed: of the numbers drawn.
        languages: of source and target, for numbers written as words; others are left alone.
        exclude: sources that must not be made, those of the held-out splits.
    """
    generator = random.Random(f"{seed}-numbers")
    words = [NUMBER_WORDS.get(language, {}) for language in languages]
    found: dict[Pair, None] = {}
    for source, target in pairs:
        template, times = _digits(source, target), copies
        if template is None and all(words):
            template, times = _words(source, target, words), -(-copies // 3)
        if template is None:
            continue
        for _ in range(times):
            pair = _filled(template, generator)
            if pair != (source, target) and pair[0] not in exclude:
                found[pair] = None
            if generator.random() < ALONE:
                alone = _draw("2", "alone", generator)
                if alone not in exclude:
                    found[alone, alone] = None
    return list(found)


Parts = list[tuple[str, str, str]]
"""A text as (plain text, a number or "", what kind of run it is), one after another."""


def _digits(source: str, target: str) -> tuple[Parts, Parts] | None:
    """Both sides cut at their runs of digits; None where these differ, or there are none."""
    both = [_RUN.findall(text) for text in (source, target)]
    if not both[0] or sorted(both[0]) != sorted(both[1]) or set(both[0]) <= {"0", "1"}:
        return None
    return _parts(source, list(_RUN.finditer(source))), _parts(target, list(_RUN.finditer(target)))


def _words(source: str, target: str, words: Sequence[dict[str, int]]) -> tuple[Parts, Parts] | None:
    """Both sides with the numbers written as words cut out; None where these differ."""
    if any(character.isdigit() for character in source + target):
        return None
    sides = []
    for text, known in zip((source, target), words, strict=True):
        runs = [m for m in re.finditer(r"[\w-]+", text) if m.group().lower() in known]
        sides.append((text, runs, [str(known[m.group().lower()]) for m in runs]))
    numbers = [side[2] for side in sides]
    if not numbers[0] or sorted(numbers[0]) != sorted(numbers[1]):
        return None
    return tuple(_parts(*side) for side in sides)  # type: ignore[return-value]


def _parts(text: str, runs: list[re.Match[str]], values: list[str] | None = None) -> Parts:
    """The text in parts; `values` stand for runs that are words."""
    parts, end = [], 0
    for number, run in enumerate(runs):
        before, after = text[: run.start()], text[run.end() :]
        joined = len(before) > 1 and before[-1] in _JOINT and before[-2].isdigit()
        joins = len(after) > 1 and after[0] in _JOINT and after[1].isdigit()
        kind = "minutes" if joined and before[-1] == ":" else "joined" if joined else ""
        kind = kind or ("hour" if joins and after[0] == ":" else "first" if joins else "alone")
        parts.append((text[end : run.start()], values[number] if values else run.group(), kind))
        end = run.end()
    parts.append((text[end:], "", ""))
    return parts


def _filled(template: tuple[Parts, Parts], generator: random.Random) -> Pair:
    """Both sides with a new number for each one there was, equal ones made equal."""
    drawn: dict[str, str] = {}
    for _, number, kind in template[0]:
        if number and number not in drawn:
            drawn[number] = _draw(number, kind, generator)
    texts = [
        "".join(before + drawn.get(number, number) for before, number, _ in side)
        for side in template
    ]
    return texts[0], texts[1]


def _draw(number: str, kind: str, generator: random.Random) -> str:
    """Another number that may stand where `number` stands."""
    if kind == "alone":
        if number in ("0", "1"):  # what is counted would no longer agree
            return number
        # Each length as often: few people type four digits, but they must come out right.
        length = generator.choice([len(number), generator.randint(1, 4)])
        return str(generator.randint(2 if length == 1 else 10 ** (length - 1), 10**length - 1))
    if kind == "hour":
        return str(generator.randint(2, 12))
    if kind == "minutes":
        return f"{generator.randint(0, 59):02}"
    if kind == "first":
        return str(generator.randint(10 ** (len(number) - 1) + 1, 10 ** len(number) - 1))
    return "".join(generator.choice("0123456789") for _ in number)
