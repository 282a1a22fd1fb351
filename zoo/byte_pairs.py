"""Byte-level byte pair encoding, the tokenizer of GPT-2 and its successors.

Radford et al. 2019, section 2.2; merges by Sennrich et al. 2016 (arXiv:1508.07909). Texts are cut
by Hugging Face's `tokenizers`; no framework is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from zoo.text_tokenizers import TextTokenizer, growth_in_bytes, visible

DIGITS = "digits apart"
"""Each digit is a token of its own, and words and signs are as GPT-2 has them."""
SPLITS = ("gpt2", DIGITS)
"""How a text is cut before pairs are merged."""
BEGIN = "<|endoftext|>"


class BytePairs(TextTokenizer):
    r"""Sub-words that pairs of bytes were merged into; bytes without a token are left out.

    Args:
        tokens: the vocabulary, bytes written as letters.
        merges: pairs of tokens between a space, the first to be merged first.
        special: tokens that are no text, such as `<|endoftext|>`.
        split: one of `SPLITS`.

    Raises:
        ValueError: a token is there twice, a merge of tokens that are not there, no such split.
        ImportError: `tokenizers` is not installed.

    Example:
        >>> letters = sorted(set(LETTERS.values()))
        >>> pairs = BytePairs([BEGIN, *letters, "to", "\u0120to"], ["t o", "\u0120 to"], [BEGIN])
        >>> pairs.labels(pairs.encode("to to\n"))
        ['to', '␣to', '↵']
    """

    unit = "sub-word"
    kind = "byte pairs"
    suffix = ".json"

    def __init__(
        self,
        tokens: Sequence[str],
        merges: Sequence[str],
        special: Sequence[str] = (),
        split: str = SPLITS[0],
    ):
        try:
            import tokenizers
        except ImportError:
            raise ImportError("byte pairs are cut by tokenizers: pip install tokenizers") from None

        if split not in SPLITS:
            raise ValueError(f"split must be one of {', '.join(SPLITS)}. Received: {split[:80]!r}")
        self.tokens, self.merges = list(tokens), list(merges)
        self.special, self.split = list(special), split
        self.index = {token: i for i, token in enumerate(self.tokens)}
        if len(self.index) < len(self.tokens):
            raise ValueError("a token is there twice")
        pairs = [tuple(merge.split(" ")) for merge in self.merges]
        if any(len(pair) != 2 or pair[0] + pair[1] not in self.index for pair in pairs):
            raise ValueError("a merge must be two tokens between a space, that make a third")
        if missing := [one for one in self.special if one not in self.index]:
            raise ValueError(f"there is no token {missing[0]}")
        self._absent = {byte for byte, letter in LETTERS.items() if letter not in self.index}
        cut = tokenizers.Tokenizer(tokenizers.models.BPE(self.index, pairs))
        by_byte = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        before = [tokenizers.pre_tokenizers.Digits(individual_digits=True)] * (split == DIGITS)
        cut.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([*before, by_byte])
        self._cut = cut

    @cached_property
    def bytes(self) -> bytes:  # type: ignore[override]
        record = {"type": self.kind, "split": self.split, "special": self.special}
        record |= {"tokens": self.tokens, "merges": self.merges}
        return (json.dumps(record, ensure_ascii=False) + "\n").encode()

    @property
    def size(self) -> int:
        return len(self.tokens)

    @cached_property
    def utf8(self) -> list[bytes]:
        """What each token adds to a text in UTF-8; b"" for special ones."""
        byte_of = {letter: byte for byte, letter in LETTERS.items()}
        special = set(self.special)
        return [
            b"" if token in special else bytes(byte_of[letter] for letter in token)
            for token in self.tokens
        ]

    def encode(self, text: str) -> np.ndarray:
        # A lone surrogate cannot be written in UTF-8.
        text = text.encode("utf-8", "replace").decode()
        return np.array(self._cut.encode(text, add_special_tokens=False).ids, "int32")

    def decode(self, ids: Iterable[int]) -> str:
        return b"".join(self.utf8[int(i)] for i in ids).decode("utf-8", "replace")

    def growth(self, before: Sequence[int], token: int) -> str:
        """As of any tokenizer; a character of several bytes, each a token, comes with the last."""
        return growth_in_bytes(self.utf8, before, token)

    def labels(self, ids: Iterable[int]) -> list[str]:
        return [self._names[int(i)] for i in ids]

    @cached_property
    def _names(self) -> list[str]:
        special = set(self.special)
        return [
            token if token in special else visible(data.decode("utf-8", "replace"))
            for token, data in zip(self.tokens, self.utf8, strict=True)
        ]

    def byte_lengths(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        return self._lengths[np.asarray(ids, "int64")]

    @cached_property
    def _lengths(self) -> np.ndarray:
        return np.array([len(data) for data in self.utf8])

    def missing(self, text: str) -> list[str]:
        found = (c for c in text if self._absent & set(c.encode("utf-8", "replace")))
        return list(dict.fromkeys(found))

    @property
    def start(self) -> int:
        return self.index[BEGIN] if BEGIN in self.special else self.index[self.special[0]]

    @property
    def excluded(self) -> tuple[int, ...]:
        return tuple(self.index[token] for token in self.special)


def _letters() -> dict[int, str]:
    """The letter that stands for each byte: itself if it can be seen, else one from U+0100 on."""
    seen = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in seen]
    return {byte: chr(byte) for byte in seen} | {b: chr(256 + i) for i, b in enumerate(others)}


LETTERS = _letters()


def of_record(record: Mapping[str, Any]) -> BytePairs:
    """The tokenizer that `BytePairs.bytes` holds as JSON. Raises ValueError: what is wrong."""
    lists = [record.get(name) for name in ("tokens", "merges", "special")]
    if not all(isinstance(o, list) and all(isinstance(t, str) and t for t in o) for o in lists):
        raise ValueError("its tokens, merges and special tokens must be lists of words")
    if not lists[2]:
        raise ValueError("there must be a special token, with which a text begins")
    split = record.get("split")
    return BytePairs(*lists, split=split if isinstance(split, str) else "")
