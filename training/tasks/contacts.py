"""Contacts as people write them, to one form: all is copied, and put in another order. Generated.

    Call 415-2207 for Orla Vendrik in Tamburg   ->   Vendrik, Orla; Tamburg; 4152207

Names and towns are made of syllables. Some syllables occur in no training example: knowing names
does not help there, a network has to copy letter by letter. It is known which letter of the input
each letter of the answer comes from.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from training.tasks.base import SEED, Example, Provenance, TokenizerSpec, check_split
from training.tasks.generated import GeneratedText
from zoo.task_info import TaskInfo

SIZES = {"train": 20_000, "valid": 1_000, "test": 2_000}
BEGINNINGS = ("", *"b c d f g h j k l m n p qu r s t v w y z br ch dr gr kl sh st th tr".split())
VOWELS = tuple("a e i o u y ai ea oo á é ö ü".split())
ENDINGS = ("", "", *"l m n r s t k nd rn st x".split())
HELD = 0.2
"""Share of the syllables that no example of the training side has."""
BEFORE_TOWNS = ("New ", "Port ", "Old ")
TOWNS = tuple("burg ton ville ford stad wick mouth".split())

# A form is text with the fields in braces; {name} is first name and last name.
FORMS = (
    "{name} lives in {town}, phone {phone}",
    "{name} from {town}: {phone}",
    "Call {phone} for {name} in {town}",
    "In {town}: {last}, {first} (tel. {phone})",
    "{last}, {first}, {town}, {phone}",
    "{name} ({phone}), {town}",
    "{phone} / {town} / {name}",
)
LABELS = {
    "name": ("name", "Name", "contact"),
    "last": ("surname", "last name", "Family name"),
    "first": ("given name", "first name", "First"),
    "town": ("town", "city", "City", "place"),
    "phone": ("phone", "tel", "Phone no.", "call"),
}
SEPARATORS = ("; ", " | ", ", ", " - ")
LABELLED = 0.5
"""Share of the contacts that are labelled fields in any order."""

SHOWCASE = (
    "Call 415-2207 for Orla Vendrik in Tamburg",
    "phone: 220 81 93 | town: Nairobi | name: Wangari Maathai",
    "Katsushika, Hokusai, Edo, 1760 1849",
    "City: Kyiv; surname: Kostenko; given name: Lina; tel: 1930319",
    "In Woolsthorpe: Newton, Isaac (tel. 1642 1727)",
    "Grace Hopper (190-612-09), New York",
)
ANSWERS = (
    "Vendrik, Orla; Tamburg; 4152207",
    "Maathai, Wangari; Nairobi; 2208193",
    "Katsushika, Hokusai; Edo; 17601849",
    "Kostenko, Lina; Kyiv; 1930319",
    "Newton, Isaac; Woolsthorpe; 16421727",
    "Hopper, Grace; New York; 19061209",
)
INFO = TaskInfo(
    label="Contacts",
    prompt="A contact: name, town and phone number, as people write them",
    hint=SHOWCASE[0],
    target_prompt="Your form of it, character by character",
    target_hint=ANSWERS[0],
    output_unit="character",
    input_unit="character",
)
Part = tuple[str, str]
"""Text, and the field whose value it is, or ""."""


class Contacts(GeneratedText):
    """A contact in one of many forms -> "Last, First; Town; digits", with the true alignment."""

    name = "contacts"
    max_source_length = 128
    max_target_length = 72
    length_edges = (35, 45, 55, 65)
    aligned = (
        "Characters, aligned by what wrote the contacts; what stands between the values comes from "
        "nowhere."
    )
    checks: ClassVar[dict[str, Any]] = {"empty": {}, "copied": {}}

    @cached_property
    def _syllables(self) -> dict[str, list[str]]:
        """Those of the training side, and those that are kept from it."""
        rng = random.Random(f"{SEED}-contacts")
        every = sorted({a + b + c for a in BEGINNINGS for b in VOWELS for c in ENDINGS})
        rng.shuffle(every)
        held = round(HELD * len(every))
        return {"held": every[:held], "train": every[held:]}

    @cached_property
    def _examples(self) -> dict[str, list[Example]]:
        return {}

    def examples(self, split: str) -> list[Example]:
        """20,000 / 1,000 / 2,000; each name of valid and test has a syllable that train has not."""
        check_split(split)
        if split not in self._examples:
            rng = random.Random(f"{SEED}-contacts-{split}")
            seen: dict[str, Example] = {}
            while len(seen) < SIZES[split]:
                one = example(_written(_contact(rng, self._syllables, split != "train"), rng))
                seen.setdefault(one.source, one)
            self._examples[split] = [*seen.values()]
        return self._examples[split]

    def tokenizers(self) -> dict[str, TokenizerSpec]:
        """One model of characters for both sides, so that any can be copied."""
        spec = TokenizerSpec("char", shared=True)
        return {"source": spec, "target": spec}

    def provenance(self) -> Provenance:
        return Provenance(
            corpus="generated: made-up people",
            url="",
            sha256=self.checksum(),
            licence="MIT, as the project",
            attribution="this project",
            split_rule=(
                f"drawn with seed {SEED}; a fifth of all syllables occurs in valid and test alone, "
                "at least one in each of their names and towns"
            ),
        )

    def info(self) -> TaskInfo:
        return INFO

    def showcase(self) -> list[str]:
        """Contacts of real names, none of which a model can have learnt."""
        return [*SHOWCASE]

    def accepted(self, source: str) -> tuple[str, ...]:
        """The one right form of a showcase input."""
        answer = dict(zip(SHOWCASE, ANSWERS, strict=True)).get(source)
        return () if answer is None else (answer,)


def _contact(rng: random.Random, syllables: dict[str, list[str]], held: bool) -> dict[str, str]:
    """Values of the fields; with `held` each name and town has a syllable that train has not."""

    def word(most: int, ending: str = "") -> str:
        parts = [rng.choice(syllables["train"]) for _ in range(rng.randint(1, most))]
        if held:
            parts[rng.randrange(len(parts))] = rng.choice(syllables["held"])
        return ("".join(parts) + ending).capitalize()

    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(6, 10)))
    return {
        "first": word(2),
        "last": word(3),
        "town": rng.choice(("",) * 9 + BEFORE_TOWNS) + word(2, rng.choice(("", *TOWNS))),
        "phone": digits,
    }


def _written(contact: dict[str, str], rng: random.Random) -> list[Part]:
    """A contact in one of the forms that people write."""
    if rng.random() < LABELLED:
        names = rng.choice((["name"], ["first", "last"]))
        fields = [*names, "town", "phone"]
        rng.shuffle(fields)
        form = rng.choice(SEPARATORS).join(
            f"{rng.choice(LABELS[field])}: {{{field}}}" for field in fields
        )
    else:
        form = rng.choice(FORMS)
    form = form.replace("{name}", "{first} {last}")
    parts: list[Part] = []
    for piece in form.replace("{", "\0{").replace("}", "}\0").split("\0"):
        if not piece.startswith("{"):
            parts.append((piece, ""))
        elif (field := piece[1:-1]) == "phone":
            parts += _grouped(contact["phone"], rng)
        else:
            parts.append((contact[field], field))
    return parts


def _grouped(digits: str, rng: random.Random) -> list[Part]:
    """The digits of a phone number in groups of two to four."""
    between, parts, at = rng.choice((" ", "-", ".", "")), [], 0
    while at < len(digits):
        size = rng.randint(2, 4)
        if len(digits) - at - size == 1:  # no group of one digit
            size += 1
        parts += [(digits[at : at + size], "phone"), (between, "")]
        at += size
    return parts[:-1]


def example(parts: Sequence[Part]) -> Example:
    """The example of a contact as it is written.

    Example:
        >>> example([("Orla", "first"), (" ", ""), ("Ek", "last"), (" ", ""), ("To", "town"),
        ...     (" ", ""), ("12", "phone"), ("-", ""), ("34", "phone")]).references
        ('Ek, Orla; To; 1234',)
    """
    places: dict[str, list[int]] = {field: [] for field in LABELS}
    at = 0
    for text, field in parts:
        if field:
            places[field] += range(at, at + len(text))
        at += len(text)
    source = "".join(text for text, _ in parts)
    alignment: list[tuple[int, ...]] = []
    target = ""
    for field, after in (("last", ", "), ("first", "; "), ("town", "; "), ("phone", "")):
        target += "".join(source[place] for place in places[field]) + after
        alignment += [(place,) for place in places[field]] + [()] * len(after)
    return Example(source, (target,), tuple(alignment))


def make(name: str) -> Contacts:
    """The task. Raises ValueError when `name` is more than "contacts"."""
    if name != Contacts.name:
        raise ValueError(f"the task is called {Contacts.name!r}. Received: name={name!r}")
    return Contacts()
