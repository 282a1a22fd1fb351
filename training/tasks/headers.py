"""Whether the first line of a file of sentence pairs names its columns instead of being a pair."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

SOURCE = set("source src input original question prompt query article document dialogue".split())
TARGET = set(
    "target tgt trg output translation translated reference answer response summary label".split()
)
TEXT = set("text sentence sentences phrase segment string word words line lines".split())
BESIDE = set(
    """
    id ids no nr number index key lang language score similarity attribution licence license
    comment comments note notes url link user username owner date split domain
    """.split()
)
# two-letter code: three-letter codes, name in English, in the language itself, in some others
LANGUAGES = {
    line.split()[0]: set(line.split())
    for line in """
    af afr afrikaans
    ar ara arabic العربية
    bg bul bulgarian български
    bn ben bengali বাংলা
    ca cat catalan català
    cs ces cze czech čeština česky
    da dan danish dansk
    de deu ger german deutsch alemán allemand tedesco alemão
    el ell gre greek ελληνικά
    en eng english inglés anglais englisch inglese inglês
    eo epo esperanto
    es spa spanish español castellano espagnol spanisch spagnolo espanhol
    et est estonian eesti
    eu eus baq basque euskara
    fa fas per persian farsi فارسی
    fi fin finnish suomi
    fr fra fre french français francés französisch francese francês
    gl glg galician galego
    he heb hebrew עברית
    hi hin hindi हिन्दी
    hr hrv croatian hrvatski
    hu hun hungarian magyar
    id ind indonesian
    is isl ice icelandic íslenska
    it ita italian italiano italien italienisch
    ja jpn japanese 日本語
    ka kat geo georgian ქართული
    ko kor korean 한국어
    la lat latin latina
    lt lit lithuanian lietuvių
    lv lav lvs latvian latviešu
    mk mkd mac macedonian македонски
    nb nob no nor norwegian norsk
    nl nld dut dutch nederlands
    pl pol polish polski
    pt por portuguese português portugués portugais portugiesisch portoghese
    ro ron rum romanian română
    ru rus russian русский ruso russe russisch russo
    sk slk slo slovak slovenčina
    sl slv slovene slovenian slovenščina
    sq sqi albanian shqip
    sr srp serbian српски
    sv swe swedish svenska
    sw swa swh swahili kiswahili
    ta tam tamil தமிழ்
    th tha thai ไทย
    tl tgl fil tagalog filipino
    tr tur turkish türkçe
    uk ukr ukrainian українська
    ur urd urdu اردو
    vi vie vietnamese việt
    zh zho chi cmn chinese mandarin 中文 chino chinois chinesisch cinese chinês
    """.strip().splitlines()
}
REGIONS = set("us gb br cn tw hk mx ar ca ch at latn hans hant cyrl simplified traditional".split())

_BETWEEN = re.compile(r"[\s_\-./:()\[\]#]+")
_CODE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?")
_WORD = re.compile("[A-Z][a-z]+")


def names(cell: str) -> set[str]:
    """What a cell names, if it is the head of a column: "source", "target", "text", a language's
    code, or "beside" for what is no text (ids, scores). Empty for a cell that is something else.
    """
    words = [word for word in _BETWEEN.split(cell.casefold().strip('"')) if word]
    found: set[str] = set()
    if len(words) > 4:
        return found
    kinds = {"beside": BESIDE, "source": SOURCE, "target": TARGET, "text": TEXT}
    for word in words:
        stem = word.rstrip("0123456789")
        kind = next((kind for kind, known in kinds.items() if stem in known), None)
        languages = {code for code, known in LANGUAGES.items() if word in known}
        if kind:
            found.add(kind)
        elif languages:
            found |= languages
        elif word not in REGIONS:
            return set()
    return found


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows of cleaned cells is a header.

    Its every cell names a column or a language, and they are different ones; or it is a word above
    a column of numbers. Bare codes of languages are words too ("is", "he", "el", "no"): they count
    only above sentences.
    """
    if len(rows) < 2:
        return False
    first = rows[0]
    if any(_over_numbers(column, rows) for column in range(len(first))):
        return True
    cells = [bare for cell in first if (bare := cell.strip('"'))]
    named = [names(cell) for cell in cells]
    if not all(named) or len({cell.casefold() for cell in cells}) < 2:
        return False
    if sum("beside" not in name for name in named) < 2:
        return False
    if named[0] & set(LANGUAGES) and all(one == other for one, other in pairwise(named)):
        return False  # one language named in two: a pair of its dictionary
    if not all(_CODE.fullmatch(cell) for cell in cells):
        return True
    if any(_WORD.fullmatch(cell) for cell in cells):
        return False
    columns = [[row[i] for row in rows[1:] if i < len(row)] for i in range(len(first))]
    if any(cell in column for cell, column in zip(first, columns, strict=True) if cell):
        return False
    return any(_are_sentences(column) for column in columns)


def _are_sentences(cells: Sequence[str]) -> bool:
    """Whether cells are usually several words, or in another script than codes are."""
    return bool(cells) and (
        median(len(cell.split()) for cell in cells) >= 2
        or median(cell.isascii() for cell in cells) == 0
    )


def _over_numbers(column: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column holds whole numbers but for its first cell, which is some word."""
    below = [row[column] for row in rows[1:] if column < len(row)]
    cell = rows[0][column]
    numbers = len(below) >= 2 and all(is_number(other) for other in below)
    return numbers and bool(cell) and not any(sign.isdigit() for sign in cell)


def is_number(cell: str) -> bool:
    """Whether a cell is a whole number, as ids are."""
    return cell.isascii() and cell.isdigit()


def roles(first: Sequence[str]) -> tuple[int, int] | None:
    """Source and target column by a header: those named so, else the only two named by language.

    None where the header does not say it.
    """
    named = [name if "beside" not in (name := names(cell)) else set() for cell in first]
    found = [[i for i, name in enumerate(named) if side in name] for side in ("source", "target")]
    if all(len(columns) == 1 for columns in found) and found[0] != found[1]:
        return found[0][0], found[1][0]
    languages = [i for i, name in enumerate(named) if name & set(LANGUAGES)]
    return (languages[0], languages[1]) if len(languages) == 2 else None
