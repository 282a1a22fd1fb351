"""WordPiece, the tokenizer of BERT: words and signs apart, each cut into the longest known pieces.

Devlin et al. 2019 (arXiv:1810.04805) with the vocabulary of Wu et al. 2016. No framework is needed.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from zoo.text_tokenizers import TextTokenizer, visible
from zoo.tokenizer import PAD

CONTINUES = "##"
"""In front of a piece that does not begin a word."""
PADDING, UNKNOWN, FRONT, BACK = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
SPECIAL = (PADDING, UNKNOWN, FRONT, BACK)
LONGEST = 100
"""Characters of a word that is cut; a longer one is unknown."""
_SPACES = re.compile("[ \t\n\r]+")
# Chinese characters, also those that Japanese and Korean use: each is a word.
_IDEOGRAPHS = re.compile(
    "([\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf"
    "\U0002f800-\U0002fa1f])"
)


class WordPieces(TextTokenizer):
    """The pieces of words that are in a list, as BERT was given them.

    Args:
        tokens: the vocabulary, `[PAD]` first, with `[UNK]`, `[CLS]` and `[SEP]`.
        lower: letters are made small and lose their accents first, as for an "uncased" model.

    Raises:
        ValueError: a token is there twice, or one of the special ones is missing.

    Example:
        >>> pieces = WordPieces([*SPECIAL, "un", "##see", "##n", "!"])
        >>> ids = pieces.encode("Unseen!")
        >>> ids.tolist(), pieces.labels(ids)
        ([4, 5, 6, 7], ['␣un', 'see', 'n', '␣!'])
    """

    unit = "word piece"
    suffix = ".json"

    def __init__(self, tokens: Sequence[str], lower: bool = True):
        self.tokens, self.lower = list(tokens), lower
        self.index = {token: i for i, token in enumerate(self.tokens)}
        if len(self.index) < len(self.tokens):
            raise ValueError("a token is there twice")
        if missing := [token for token in SPECIAL if token not in self.index]:
            raise ValueError(f"there is no token {missing[0]}")
        if self.index[PADDING] != PAD:
            raise ValueError(f"{PADDING} must be the first token")
        self._pieces = lru_cache(maxsize=50_000)(self._cut)
        self._stretch = lru_cache(maxsize=50_000)(self._encoded)

    @cached_property
    def bytes(self) -> bytes:  # type: ignore[override]
        record = {"type": self.unit, "lower": self.lower, "tokens": self.tokens}
        return (json.dumps(record, ensure_ascii=False) + "\n").encode()

    @property
    def size(self) -> int:
        return len(self.tokens)

    @property
    def around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (self.index[FRONT],), (self.index[BACK],)

    def words(self, text: str) -> list[str]:
        """A text as words and signs, each of which is cut by itself."""
        kept = "".join(map(_kept, text))
        kept = _IDEOGRAPHS.sub(r" \1 ", kept)
        if self.lower:
            # Letter by letter: as a whole, the last sigma of a Greek word would be another one.
            apart = unicodedata.normalize("NFD", "".join(c.lower() for c in kept))
            kept = "".join(c for c in apart if unicodedata.category(c) != "Mn")
        return "".join(f" {c} " if _is_sign(c) else c for c in kept).split()

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest known piece from the left, then again; the word is unknown if one is not."""
        if len(word) > LONGEST:
            return (self.index[UNKNOWN],)
        found: list[int] = []
        at = 0
        while at < len(word):
            mark = CONTINUES if at else ""
            ends = range(len(word), at, -1)
            end = next((end for end in ends if mark + word[at:end] in self.index), None)
            if end is None:
                return (self.index[UNKNOWN],)
            found.append(self.index[mark + word[at:end]])
            at = end
        return tuple(found)

    def _encoded(self, stretch: str) -> tuple[int, ...]:
        """The ids of what stands between two spaces: most of a text comes again and again."""
        return tuple(piece for word in self.words(stretch) for piece in self._pieces(word))

    def encode(self, text: str) -> np.ndarray:
        stretches = _SPACES.split(text)
        return np.array([piece for one in stretches for piece in self._stretch(one)], "int32")

    def decode(self, ids: Iterable[int]) -> str:
        special = {self.index[token] for token in (PADDING, FRONT, BACK)}
        tokens = [self.tokens[int(i)] for i in ids if int(i) not in special]
        text = " ".join("\u2047" if token == UNKNOWN else token for token in tokens)
        return text.replace(f" {CONTINUES}", "")

    def labels(self, ids: Iterable[int]) -> list[str]:
        return [self._label(self.tokens[int(i)]) for i in ids]

    def _label(self, token: str) -> str:
        if token in SPECIAL:
            return token
        continues = token.startswith(CONTINUES) and token != CONTINUES
        return visible(token.removeprefix(CONTINUES) if continues else f" {token}")

    def byte_lengths(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        return np.array([len(self.growth(ids[:i], int(one)).encode()) for i, one in enumerate(ids)])

    def missing(self, text: str) -> list[str]:
        unknown = (self.index[UNKNOWN],)
        return list(dict.fromkeys(w for w in self.words(text) if self._pieces(w) == unknown))


def _kept(character: str) -> str:
    """A character as it is read: white space a space, what cannot be seen nothing."""
    if character in "\t\n\r" or unicodedata.category(character) == "Zs":
        return " "
    unseen = unicodedata.category(character).startswith("C") or character == "\ufffd"
    return "" if unseen else character


def _is_sign(character: str) -> bool:
    """Whether a character stands by itself: punctuation, and ASCII's other signs."""
    ascii_sign = character.isascii() and character.isprintable() and not character.isalnum()
    return (ascii_sign and character != " ") or unicodedata.category(character).startswith("P")


def of_record(record: Mapping[str, Any]) -> WordPieces:
    """The tokenizer that `WordPieces.bytes` holds as JSON. Raises ValueError: what is wrong."""
    tokens, lower = record.get("tokens"), record.get("lower")
    if not isinstance(tokens, list) or not all(isinstance(one, str) and one for one in tokens):
        raise ValueError("its tokens must be a list of words")
    if not isinstance(lower, bool):
        raise ValueError(f"lower must be true or false. Received: {str(lower)[:80]!r}")
    return WordPieces(tokens, lower)
