"""Dates as people write them, in many languages and patterns, to ISO 8601. Generated, seeded.

What a string means is always decided by the string. An all-numeric date with the year first is
year-month-day, with the year last day-month-year, and month-day-year only when the day is above 12.
Years have four digits, or two with the pivot of POSIX: 69-99 are 1969-1999, 00-68 are 2000-2068.
A year of two digits comes last (05/03/21 is 5 March 2021); it comes first only when it is above
31 and so no day (99-03-05), or marked (21年3月5日). Gregorian calendar only. Month names that mean
different months in different languages (Croatian *listopada* is October, Polish *listopada*
November) are kept in one.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

from training.tasks.base import SEED, Example, Provenance, TokenizerSpec, check_split
from training.tasks.date_formats import NORMALIZER, Writer, clean
from training.tasks.date_variants import PIVOT
from training.tasks.generated import GeneratedText
from zoo.task_info import TaskInfo

FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
SIZES = {"train": 200_000, "valid": 1_000, "test": 2_000}

# How the texts differ from those of the models trained before these variants were added.
VARIANTS = (
    "7 % of the texts have a year of two digits (69-99: 1969-1999, 00-68: 2000-2068), 6 % another "
    "variant (a time, other dots, tight commas, lower-case or leading Roman months, straight "
    "apostrophes); without them the same dates in the same order were written, the other 86 % alike"
)

# What the dashboard offers. These dates are kept out of training like those of the test split.
SHOWCASE: dict[str, str] = {
    "Sunday, July 20, 1969": "1969-07-20",
    "the 3rd of May 1984": "1984-05-03",
    "9 de noviembre de 1989": "1989-11-09",
    "SAMEDI 14 JUILLET 2035": "2035-07-14",
    "Mo., 6. März 1905": "1905-03-06",
    "12 апреля 1961 г.": "1961-04-12",
    "二〇〇八年八月八日": "2008-08-08",
    "٢٣ مارس ٢٠١٠": "2010-03-23",
    "1998. márc. 31.": "1998-03-31",
    "29.02.2072": "2072-02-29",
}
# A day of the test set: adding it to SHOWCASE would move every later day into another split.
# The SimpleRNN fails one in five of this pattern; a test checks that it fails this one.
SHOWN_TEST_DAYS: dict[str, str] = {"16 August 2020, Sunday": "2020-08-16"}


INFO = TaskInfo(
    label="Dates",
    prompt="A date as people write it, in one of many languages (the answer is ISO 8601)",
    hint="Sunday, 23 March 2025",
    target_prompt="Your date, character by character",
    target_hint="Year, month and day with hyphens, such as 2025-03-23",
    output_unit="character",
    input_unit="character",
)


class Dates(GeneratedText):
    """A date in one of many locales and patterns -> "YYYY-MM-DD", with the true alignment."""

    name = "dates"
    max_source_length = 72
    max_target_length = 16
    length_edges = (10, 15, 20, 25)
    aligned = (
        "Characters, aligned by what wrote the dates; the dashes come from nowhere, and "
        "no one was asked about them."
    )
    checks: ClassVar[dict[str, Any]] = {
        "empty": {},
        "date": {"years": [FIRST.year, LAST.year], "pivot": PIVOT},
    }

    @cached_property
    def _days(self) -> dict[str, list[date]]:
        """Calendar dates by split: a date of valid or test is never seen in training."""
        rng = random.Random(f"{SEED}-dates")
        days = [date.fromordinal(n) for n in range(FIRST.toordinal(), LAST.toordinal() + 1)]
        rng.shuffle(days)
        shown = {date.fromisoformat(text) for text in SHOWCASE.values()}
        days = [day for day in days if day not in shown]
        held = SIZES["test"] + SIZES["valid"]
        return {
            "test": days[: SIZES["test"]],
            "valid": days[SIZES["test"] : held],
            "train": days[held:],
        }

    @cached_property
    def _examples(self) -> dict[str, list[Example]]:
        return {}

    def examples(self, split: str) -> list[Example]:
        """200,000 / 1,000 / 2,000 examples; dates are drawn again and again for training only."""
        check_split(split)
        if split not in self._examples:
            rng = random.Random(f"{SEED}-dates-{split}")
            days, write = self._days[split], Writer(random.Random(f"{SEED}-dates-{split}-variants"))
            if split == "train":
                days = [days[rng.randrange(len(days))] for _ in range(SIZES[split])]
            self._examples[split] = [example(day, *write(day, rng)) for day in days]
        return self._examples[split]

    def tokenizers(self) -> dict[str, TokenizerSpec]:
        """Two character models: the source's many scripts, and the ten digits with the dash."""
        return {
            "source": TokenizerSpec("char", normalizer=NORMALIZER),
            "target": TokenizerSpec("char"),
        }

    def provenance(self) -> Provenance:
        """The checksum is over all three splits, so another CLDR release shows."""
        import babel

        return Provenance(
            corpus=f"generated with Babel {babel.__version__} (Unicode CLDR locale data)",
            url="https://babel.pocoo.org/",
            sha256=self.checksum(),
            licence="Unicode License v3 (CLDR names and patterns); Babel: BSD-3-Clause",
            attribution="Unicode CLDR, through Babel",
            split_rule=(
                f"by calendar date ({FIRST} to {LAST}), shuffled with seed {SEED}: "
                "no date of valid or test occurs in train. "
                f"{VARIANTS}"
            ),
        )

    def info(self) -> TaskInfo:
        """What pages say of the task."""
        return INFO

    def showcase(self) -> list[str]:
        """Eleven dates in seven languages, none of them a training date."""
        return [*SHOWCASE, *SHOWN_TEST_DAYS]

    def accepted(self, source: str) -> tuple[str, ...]:
        """The one right date of a showcase input."""
        answer = {**SHOWCASE, **SHOWN_TEST_DAYS}.get(source)
        return () if answer is None else (answer,)


def example(day: date, source: str, slots: Sequence[tuple[int, ...]]) -> Example:
    """The example of one written date; `slots`: which of the ten characters each one determines."""
    alignment: list[list[int]] = [[] for _ in range(10)]
    for index, targets in enumerate(slots):
        for target in targets:
            alignment[target].append(index)
    if source != clean(source):  # the alignment would count other characters than are read
        raise ValueError(f"a generated date must be normalised. Received: source={source!r}")
    return Example(source, (day.isoformat(),), tuple(map(tuple, alignment)))


def make(name: str) -> Dates:
    """The task. Raises ValueError when `name` is more than "dates"."""
    if name != Dates.name:
        raise ValueError(f"the task is called {Dates.name!r}. Received: name={name!r}")
    return Dates()
