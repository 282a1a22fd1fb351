"""Scripts without spaces between words (Chinese, Japanese, Thai, ...), and the units of a text.

A unit is what a reader counts and looks at: a word where words are parted by spaces, else a
character as a reader sees it, with its vowel signs and tone marks.
"""

from __future__ import annotations

import bisect
import unicodedata
from collections.abc import Iterable

# Blocks of Unicode, first and last code point, by script. Full-width letters and digits are no
# part of them: they make words and numbers as plain ones do.
_BLOCKS: dict[str, tuple[tuple[int, int], ...]] = {
    "Thai": ((0x0E01, 0x0E3A), (0x0E40, 0x0E7F)),
    "Lao": ((0x0E80, 0x0EFF),),
    "Tibetan": ((0x0F00, 0x0FFF),),
    "Burmese": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
    "Khmer": ((0x1780, 0x17DA), (0x17DC, 0x17FF), (0x19E0, 0x19FF)),
    "Tai": ((0x1950, 0x19DF), (0x1A20, 0x1AAF), (0xAA80, 0xAADF)),
    "kana": ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F), (0x1AFF0, 0x1B16F)),
    "Han": (
        (0x2E80, 0x2FDF),
        (0x3005, 0x3007),
        (0x3021, 0x3029),
        (0x3038, 0x303B),
        (0x3100, 0x312F),
        (0x31A0, 0x31BF),
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x3FFFD),
    ),
    # Punctuation and signs between such characters.
    "": (
        (0x2FF0, 0x2FFF),
        (0x3001, 0x3004),
        (0x3008, 0x3020),
        (0x302A, 0x3037),
        (0x303C, 0x303F),
        (0x3190, 0x319F),
        (0x31C0, 0x31EF),
        (0x3200, 0x33FF),
        (0xFE10, 0xFE1F),
        (0xFE30, 0xFE4F),
        (0xFF01, 0xFF0F),
        (0xFF1A, 0xFF20),
        (0xFF3B, 0xFF40),
        (0xFF5B, 0xFF65),
        (0xFFE0, 0xFFE6),
    ),
}
CODES = {
    "Hangul": "ko",
    "Thai": "th",
    "Lao": "lo",
    "Khmer": "km",
    "Burmese": "my",
    "Tibetan": "bo",
    "Tai": "tai",
}
"""Scripts of one language (of one family: tai), and its code in ISO 639."""

_RANGES = sorted((*block, script) for script, blocks in _BLOCKS.items() for block in blocks)
_FIRSTS = [first for first, _, _ in _RANGES]

# Written after its consonant, and of one cell with it, though Unicode calls it a letter.
_JOINS_BEFORE = frozenset("\u0e33\u0eb3\uff9e\uff9f\u200d")
# The next consonant is written below: Khmer coeng, Burmese virama; and the joiner of emoji.
_JOINS_AFTER = frozenset("\u17d2\u1039\u200d")


def script(character: str) -> str | None:
    """Which script without spaces a character is of: "Han", "kana", "Thai", ...

    "" for punctuation and signs of such texts; None for all that is written with spaces, and for
    digits of any script: a number is one unit.
    """
    code = ord(character)
    place = bisect.bisect_right(_FIRSTS, code) - 1
    if place < 0 or code > _RANGES[place][1] or unicodedata.category(character) == "Nd":
        return None
    return _RANGES[place][2]


def parts(before: str, after: str) -> bool:
    """Whether a unit ends between two characters of a text that has no space between them."""
    if after in _JOINS_BEFORE or unicodedata.category(after).startswith("M"):
        return False
    if before in _JOINS_AFTER:
        return False
    return script(after) is not None or _own(before)


def _own(character: str) -> bool:
    """Whether what comes after a character is another unit: of its mark alone that is unknown."""
    return script(character) is not None or character in _JOINS_BEFORE - {"\u200d"}


def units(text: str) -> list[str]:
    """The units of a text: words between spaces, but one by one what is written without them.

    Latin words and numbers between such characters are units as well:
    "我有3只cats。" is 我, 有, 3, 只, cats and 。
    """
    found = []
    for chunk in text.split():
        begin = 0
        if max(chunk) < "\u0e01":  # the first character that `script` knows
            found.append(chunk)
            continue
        for place in range(1, len(chunk)):
            if parts(chunk[place - 1], chunk[place]):
                found.append(chunk[begin:place])
                begin = place
        found.append(chunk[begin:])
    return found


def language(texts: Iterable[str]) -> str:
    """The language of texts as far as their script tells, by its two-letter code.

    One of `CODES`, "zh" or "ja" where more than half of the units of `texts` are of that script; ""
    for any other.
    """
    counts: dict[str, int] = {}
    total = 0
    for text in texts:
        for unit in units(text):
            first = next(filter(str.isalpha, unit), None)
            if first is None:
                continue
            total += 1
            name = "Hangul" if unicodedata.name(first, "").startswith("HANGUL") else script(first)
            if name:
                counts[name] = counts.get(name, 0) + 1
    han, kana = counts.get("Han", 0), counts.pop("kana", 0)
    counts["Han"] = han + kana
    most = max(counts, key=counts.__getitem__)
    if 2 * counts[most] <= total:
        return ""
    if most == "Han":
        # Chinese has no kana but for a quotation; Japanese has more of them than of Han.
        return "ja" if 5 * kana > han + kana else "zh"
    return CODES[most]
