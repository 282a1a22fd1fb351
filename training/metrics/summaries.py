"""Figures of summaries: ROUGE with sentences apart, and who did what; and what learns nothing.

Axes: N examples.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from training.data.dialogues import BREAK
from training.metrics.text import Figure, References, check, mean
from zoo.runtime.imports import left_out

_SENTENCE = re.compile(rf"(?<=[.!?])\s+|\s*{BREAK}\s*")
_WORD = re.compile(r"\w+(?:[-'’]\w+)*")
_NOT = re.compile(r"n['’]t$")
_OWNER = re.compile(r"['’]s$")
_SPEAKER = re.compile(r"([^:]{1,40}?)\s*:")
LITTLE = frozenset(
    "a an the and or but so to of in on at for from with by as is are was were be been being am "
    "has have had do does did will would can could should may might must that this these "
    "those it its he she they them his her him their there then than too very just also about "
    "who what when where which how if because after before while into out up down over again "
    "i you we me my your our us s ll re ve d am i'm it's he's she's they're we're".split()
)
"""Words that say nothing of what was done."""
JOINS = frozenset(
    "and but because so while when if that although though after before since until as whereas "
    "where then which or".split()
)
"""Words after which a name may begin what is said of it."""
ROUGE = {"rouge1": "rouge1", "rouge2": "rouge2", "rougeLsum": "rouge_lsum"}


def rouge(predictions: Sequence[str], references: References) -> dict[str, Figure]:
    """ROUGE-1, -2 and -Lsum F1 against the first reference, by Google's rouge-score, stemmed.

    Lsum takes each sentence by itself (Lin 2004, section 3.2), here parted at full stops; L, the
    longest common subsequence of whole summaries, is about five points less.
    """
    check(predictions, references)
    with left_out("scipy"):
        from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(ROUGE), use_stemmer=True)
    values: dict[str, list[float]] = {key: [] for key in ROUGE.values()}
    for text, accepted in zip(predictions, references, strict=True):
        found = scorer.score(parted(accepted[0]), parted(text))
        for kind, key in ROUGE.items():
            values[key].append(found[kind].fmeasure)
    return {key: mean(row) for key, row in values.items()}


def parted(text: str) -> str:
    """A sentence a line, as ROUGE-Lsum wants it."""
    return "\n".join(sentences(text))


def sentences(text: str) -> list[str]:
    """The sentences of a text, and its lines."""
    return [part for part in _SENTENCE.split(text.strip()) if part]


def speakers(source: str) -> list[str]:
    """The names in front of a dialogue's lines, each once, in order; [] of other texts.

    Example:
        >>> speakers("Ann: Hi! ¶ Bob : See you at 5: sharp ¶ Ann: OK")
        ['Ann', 'Bob']
    """
    found = (_SPEAKER.match(line.strip()) for line in source.split(BREAK))
    return list(dict.fromkeys(one.group(1).strip() for one in found if one))


def deeds(text: str, names: Sequence[str]) -> Counter[tuple[str, str]]:
    """What is said of each name: pairs of a name and a word of what it does, small letters.

    A word belongs to the subject before it: the first name of its sentence, or one that a word of
    `JOINS` puts in front of a new clause ("but Ann ..."), with all that "and" joins to it. Little
    words, names and owners ("Ann's") are left out; "didn't" is "not". Read by hand, 46 of 50
    references of SAMSum came out right; wrong were subjects that do not speak in the dialogue.

    Example:
        >>> sorted(deeds("Ann and Tom will call Bob, but Bob waits.", ["Ann", "Bob", "Tom"]))
        [('ann', 'call'), ('bob', 'waits'), ('tom', 'call')]
    """
    known = {part.lower() for name in names for part in (name, *name.split()[:1])}
    found: Counter[tuple[str, str]] = Counter()
    for sentence in sentences(text):
        subject: list[str] = []
        before = ""
        listed, others = False, False  # whether a list of subjects, or of other names, goes on
        for word in _WORD.findall(sentence):
            small = "not" if _NOT.search(word) else word.lower()
            if _OWNER.search(small) and _OWNER.sub("", small) in known:
                listed = others = False
            elif _is_name(word, known):
                if not subject or listed:
                    subject, listed = [*subject, small], True
                elif before in JOINS and not others:
                    subject, listed = [small], True
                else:
                    others = True
            elif small in LITTLE:
                listed, others = (one and small == "and" for one in (listed, others))
            else:
                found.update((name, small) for name in subject)
                listed = others = False
            before = small
    return found


def _is_name(word: str, known: set[str]) -> bool:
    """Whether a word is one of the names, and not a little word that is written alike: Will."""
    return word.lower() in known and (word[0].isupper() or word.lower() not in LITTLE)


def who_did_what(
    predictions: Sequence[str], references: References, sources: Sequence[str]
) -> dict[str, Figure]:
    """How far a summary of a dialogue names who was named, and says of each what was said.

    "names" is the F1 of the speakers that a summary names, "deeds" that of `deeds`: the right word
    beside the wrong name does not count. Texts without speakers, and those whose reference says
    nothing of any, are left out; both figures, if nothing else is there.
    """
    check(predictions, references)
    names, acts = [], []
    for text, accepted, source in zip(predictions, references, sources, strict=True):
        known = speakers(source)
        wanted = deeds(accepted[0], known) if known else Counter()
        if not wanted:
            names.append(math.nan)
            acts.append(math.nan)
            continue
        found = deeds(text, known)
        acts.append(f1(found, wanted))
        names.append(f1(Counter({n for n, _ in found}), Counter({n for n, _ in wanted})))
    counted = not all(map(math.isnan, names))
    return {"names": mean(names), "deeds": mean(acts)} if counted else {}


def f1(found: Counter, wanted: Counter) -> float:
    """Of two bags: twice what they share over all they hold; 0 where nothing is shared."""
    total = sum(found.values()) + sum(wanted.values())
    return 2 * sum((found & wanted).values()) / total if total else 0.0


def longest(source: str, count: int = 3) -> str:
    """The `count` longest lines of a text, in their order, `BREAK` between: the floor LONGEST-3.

    Gliwa et al. 2019 (arXiv:1911.12237), section 4: of a dialogue, lines with who says them.
    """
    lines = [line.strip() for line in source.split(BREAK) if line.strip()]
    order = sorted(range(len(lines)), key=lambda i: (-len(lines[i]), i))
    return f" {BREAK} ".join(lines[i] for i in sorted(order[:count]))
