"""Copies of training pairs with other names in them, the same on both sides.

A vocabulary writes a character it has no token for as its UTF-8 bytes, but a network that met no
such bytes in training cannot copy them: "Zoë lives in Ürgüp." comes out as anything. So pairs with
the same name on both sides are copied with a name of foreign characters in both: "Tom runs. / Tom
corre." -> "Zoë runs. / Zoë corre.". Names come from three places: names of the corpus with other
marks on their letters, words of the world's scripts (Unicode CLDR's names of countries and
languages, by Babel), and emoji.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache

from training.tasks.base import Pair

LONGEST = 9
"""Characters of a name that is drawn: each may be four tokens."""
ALONE = 0.1
"""The share of copies that are a name and nothing else."""
TYPED = 0.01
"""How often a name is typed without its capital, at most."""
_WORD = re.compile(r"[^\W\d_]+")
_LOCALES = (
    "ar bg cs de el et fr he hi hu is ja ka ko lt lv pl pt ro ru sk sv th tr uk vi zh".split()
)
_EMOJI = range(0x1F300, 0x1F650)


def exchange_names(
    pairs: Sequence[Pair], copies: int, seed: int, exclude: frozenset[str] = frozenset()
) -> list[Pair]:
    """The copies, without the pairs themselves; the same for the same arguments.

    A name is a capitalised word of three letters or more that is on both sides, and hardly
    ever without its capital.

    Args:
        pairs: source and target.
        copies: at most this many, of pairs drawn at random.
        seed: of pairs and names drawn.
        exclude: sources that must not be made, those of the held-out splits.
    """
    generator = random.Random(f"{seed}-names")
    named = _named(pairs)
    if not named:
        return []
    own = sorted({name for _, names in named for name in names})
    found: dict[Pair, None] = {}
    for _ in range(copies):
        pair, names = generator.choice(named)
        drawn = {name: _draw(own, generator) for name in names}
        if generator.random() < ALONE:
            made = (drawn[names[0]],) * 2
        else:
            made = (_renamed(pair[0], drawn), _renamed(pair[1], drawn))
        if made[0] not in exclude:
            found[made] = None
    return list(found)


def _renamed(text: str, names: dict[str, str]) -> str:
    """`text` with other names."""
    return _WORD.sub(lambda found: names.get(found[0], found[0]), text)


def _named(pairs: Iterable[Pair]) -> list[tuple[Pair, list[str]]]:
    """The pairs with a name on both sides, and those names."""
    words = [[set(_WORD.findall(text)) for text in pair] for pair in pairs]
    counts = Counter(word for sides in words for side in sides for word in side)
    found = []
    for pair, (source, target) in zip(pairs, words, strict=True):
        names = sorted(
            word
            for word in source & target
            if len(word) > 2 and word.istitle() and counts[word.lower()] <= TYPED * counts[word]
        )
        if names:
            found.append((pair, names))
    return found


def _draw(own: Sequence[str], generator: random.Random) -> str:
    """One name: of the corpus with other marks, a word of another script, rarely an emoji."""
    kind = generator.random()
    if kind < 0.05:
        return chr(generator.choice(_EMOJI))
    if kind < 0.4:
        return generator.choice(_foreign())
    name = list(generator.choice(own)[:LONGEST])
    marked = _marked()
    places = [i for i, letter in enumerate(name) if letter in marked]
    for place in generator.sample(places, min(len(places), generator.choice([1, 1, 2]))):
        name[place] = generator.choice(marked[name[place]])
    return "".join(name)


@cache
def _marked() -> dict[str, list[str]]:
    """The letters with marks of each plain letter: e -> è é ê ë ē ..."""
    found: dict[str, list[str]] = {}
    for code in range(0xC0, 0x250):
        plain = unicodedata.normalize("NFD", chr(code))
        # Some letters with a stroke have no decomposition, only a name: ø, ł, đ.
        stroke = re.fullmatch(
            r"LATIN (SMALL|CAPITAL) LETTER (\w) WITH STROKE", unicodedata.name(chr(code), "")
        )
        letter = plain[0] if len(plain) > 1 else ""
        if stroke:
            letter = stroke[2] if stroke[1] == "CAPITAL" else stroke[2].lower()
        if letter.isascii() and letter.isalpha():
            found.setdefault(letter, []).append(chr(code))
    return found


@cache
def _foreign() -> list[str]:
    """Words with letters beyond ASCII, from many languages."""
    from babel import Locale

    words = set()
    for code in _LOCALES:
        locale = Locale.parse(code)
        for names in (locale.territories, locale.languages):
            words.update(w[0].title() + w[1:] for w in names.values() if len(w) <= LONGEST)
    # Marks that combine, as in Hindi and Thai, belong to a word.
    return sorted(
        word
        for word in words
        if not word.isascii() and all(unicodedata.category(letter)[0] in "LM" for letter in word)
    )
