"""Tokenizers of language models: characters, words or sub-words of one running text.

Unlike the tokenizers of pairs (`zoo.tokenizer`) they keep line breaks and add no end of sequence:
`decode(encode(text))` is `text`, but for what the vocabulary does not have. Words stand between
spaces: of several in a row one is left.
"""

from __future__ import annotations

import codecs
import functools
import io
import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import ClassVar

import numpy as np

from zoo.tokenizer import BOS, EOS, PAD, UNK, WORD_START, Tokenizer

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
"""The first four tokens of every vocabulary: PAD, BOS, EOS, UNK."""
REPLACEMENT = "\ufffd"
"""What is written for bytes that are no UTF-8."""
LONGEST = 4_000
"""Characters of a line that sub-words are learnt from at a time: SentencePiece leaves out lines
that are too long, and takes minutes for those it does not leave out."""
_SURROGATES = re.compile("[\ud800-\udfff]")


class TextTokenizer(ABC):
    """What every tokenizer of a language model can do.

    `unit`: what people call a token of it. `start`: the id in front of a text's first
    token. `excluded`: ids that are never written.
    """

    unit: ClassVar[str]
    suffix: ClassVar[str] = ".json"
    bytes: bytes

    @property
    @abstractmethod
    def size(self) -> int:
        """How many tokens there are, special ones included."""

    @abstractmethod
    def encode(self, text: str) -> np.ndarray:
        """(N,) int32 ids of `text`, without begin and end."""

    @abstractmethod
    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; an unknown token is written U+2047."""

    def growth(self, before: Sequence[int], token: int) -> str:
        """What the text of `before` grows by with one more token: a space may come with a word."""
        return self.decode([*before, token])[len(self.decode(before)) :]

    @abstractmethod
    def labels(self, ids: Iterable[int]) -> list[str]:
        """Each token as a page shows it: spaces and line breaks can be seen."""

    @abstractmethod
    def byte_lengths(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        """(N,) how many bytes of UTF-8 the text of `ids` grows by with each of them."""

    @abstractmethod
    def missing(self, text: str) -> list[str]:
        """What of `text` is not in the vocabulary, each once, in the order read."""

    @property
    def start(self) -> int:
        """The id in front of a text's first token: a line break where there is one."""
        return BOS

    @property
    def around(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Ids in front of a text and behind it, where it is read as a whole."""
        return (BOS,), ()

    @property
    def excluded(self) -> tuple[int, ...]:
        """Ids that are never written: padding, begin, unknown."""
        return (PAD, BOS, UNK)


class Vocabulary(TextTokenizer):
    """Tokens that are listed one by one, in a JSON file: the base of characters and words."""

    def __init__(self, tokens: Sequence[str]):
        self.tokens = [*SPECIAL, *tokens]
        self.index = {token: i for i, token in enumerate(self.tokens) if i > UNK}
        self._bytes = np.array([len(token.encode()) for token in self.tokens])
        self._bytes[: UNK + 1] = (0, 0, 0, len("\u2047".encode()))
        record = {"type": self.unit, "tokens": list(tokens)}
        self.bytes = (json.dumps(record, ensure_ascii=False) + "\n").encode()

    @property
    def size(self) -> int:
        return len(self.tokens)

    def missing(self, text: str) -> list[str]:
        return list(dict.fromkeys(unit for unit in self.split(text) if unit not in self.index))

    def encode(self, text: str) -> np.ndarray:
        index, unknown = self.index, self.unknown
        return np.fromiter((index.get(u, unknown) for u in self.split(text)), dtype="int32")

    def byte_lengths(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        return self._bytes[np.asarray(ids, dtype="int64")]

    @classmethod
    def is_token(cls, text: str) -> bool:
        """Whether `text`, which is not empty, could be a token."""
        raise NotImplementedError

    @property
    def unknown(self) -> int:
        """The id of what is not in the vocabulary."""
        return UNK

    def split(self, text: str) -> Iterable[str]:
        """The units of `text`, known or not."""
        raise NotImplementedError


class Characters(Vocabulary):
    """Every character a token.

    Example:
        >>> tokenizer = Characters.learn("to be")
        >>> tokenizer.decode(tokenizer.encode("bet"))
        'bet'
    """

    unit = "character"

    @classmethod
    def learn(cls, text: str) -> Characters:
        """All characters of `text`."""
        return cls(sorted(set(text)))

    @classmethod
    def is_token(cls, text: str) -> bool:
        return len(text) == 1

    def split(self, text: str) -> Iterable[str]:
        return text

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.tokens[i] if i > UNK else "\u2047" * (i == UNK) for i in map(int, ids))

    def growth(self, before: Sequence[int], token: int) -> str:
        return self.decode([token])

    def labels(self, ids: Iterable[int]) -> list[str]:
        return [visible(self.tokens[int(i)]) for i in ids]

    @property
    def start(self) -> int:
        return self.index.get("\n", BOS)

    @property
    def excluded(self) -> tuple[int, ...]:
        return (PAD, BOS, EOS, UNK)


class Words(Vocabulary):
    r"""Words between spaces; a line break is `</s>`, counted as a token as usual for PTB.

    Where the text has a word `<unk>` (as the Penn Treebank has), it stands for unknown words.

    Example:
        >>> tokenizer = Words.learn("to be or\nnot to be")
        >>> tokenizer.decode(tokenizer.encode("to be\nor not"))
        'to be\nor not'
    """

    unit = "word"

    @classmethod
    def learn(cls, text: str) -> Words:
        """All words of `text`, frequent ones first."""
        counts = Counter(text.split())
        return cls(sorted(counts, key=lambda word: (-counts[word], word)))

    @classmethod
    def is_token(cls, text: str) -> bool:
        return text.split() == [text]

    @property
    def unknown(self) -> int:
        return self.index.get("<unk>", UNK)

    def split(self, text: str) -> list[str]:
        lines = text.split("\n")
        found: list[str] = []
        for number, line in enumerate(lines):
            found += line.split()
            if number < len(lines) - 1:
                found.append("\n")
        return found

    def encode(self, text: str) -> np.ndarray:
        index, unknown = {**self.index, "\n": EOS}, self.unknown
        return np.fromiter((index.get(u, unknown) for u in self.split(text)), dtype="int32")

    def missing(self, text: str) -> list[str]:
        return [unit for unit in super().missing(text) if unit != "\n"]

    def decode(self, ids: Iterable[int]) -> str:
        words = [
            "\n" if i == EOS else self.tokens[i] if i > UNK else "\u2047" * (i == UNK)
            for i in map(int, ids)
        ]
        text = " ".join(filter(None, words))
        return text.replace(" \n", "\n").replace("\n ", "\n")

    def byte_lengths(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        ids = np.asarray(ids, dtype="int64")
        lengths = super().byte_lengths(ids)
        lengths[ids == EOS] = 1
        lengths[1:] += (ids[1:] != EOS) & (ids[:-1] != EOS)  # a space between two words
        return lengths

    def labels(self, ids: Iterable[int]) -> list[str]:
        return ["\u21b5" if int(i) == EOS else self.tokens[int(i)] for i in ids]

    @property
    def start(self) -> int:
        return EOS


class SubWords(TextTokenizer):
    r"""Sub-words by SentencePiece, spaces kept, line breaks a token, bytes for the rest.

    Example:
        >>> text = "to be or not to be, that is the question\n" * 20
        >>> tokenizer = SubWords.learn(text, vocabulary=300)
        >>> tokenizer.decode(tokenizer.encode("to be\nor not")) == "to be\nor not"
        True
    """

    unit = "sub-word"
    suffix = ".model"

    def __init__(self, model: bytes):
        self._tokenizer = Tokenizer(model)
        self._processor = self._tokenizer._processor
        self.bytes = model

    @classmethod
    def learn(cls, text: str, vocabulary: int, seed: int = 0) -> SubWords:
        """A unigram model of at most `vocabulary` tokens, learnt on the lines of `text`.

        Raises:
            ValueError: SentencePiece cannot learn so many tokens from this text.
        """
        import sentencepiece

        sentencepiece.set_random_generator_seed(seed)
        written = io.BytesIO()
        # SentencePiece passes over lines that are too long for it or have a tab, which it keeps for
        # itself as well as U+2585: all else in them can be learnt from.
        parts = (part for line in text.split("\n") for part in re.split("[\t\u2585]", line))
        lines = [
            part[at : at + LONGEST]
            for part in parts
            if part.strip()
            for at in range(0, len(part), LONGEST)
        ]
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(lines),
                model_writer=written,
                model_type="unigram",
                vocab_size=vocabulary,
                hard_vocab_limit=False,
                character_coverage=1.0,
                byte_fallback=True,
                split_digits=True,
                normalization_rule_name="identity",
                remove_extra_whitespaces=False,
                add_dummy_prefix=False,
                user_defined_symbols=["\n"],
                max_sentence_length=4 * LONGEST,  # in bytes
                input_sentence_size=1_000_000,
                shuffle_input_sentence=False,
                num_threads=1,  # several would order equal scores by chance
                pad_id=PAD,
                bos_id=BOS,
                eos_id=EOS,
                unk_id=UNK,
                minloglevel=2,
            )
        except (RuntimeError, OSError) as error:
            raise ValueError(
                f"SentencePiece cannot learn {vocabulary:,} sub-words from this text; set another "
                f"--vocabulary. It says: {' '.join(str(error).split())[:300]}"
            ) from error
        return cls(written.getvalue())

    @property
    def size(self) -> int:
        return self._tokenizer.size

    @property
    def byte_ids(self) -> dict[int, int]:
        """The byte that each id of a single byte stands for."""
        return self._tokenizer.byte_ids

    @cached_property
    def utf8(self) -> list[bytes]:
        """What each token adds to a text in UTF-8; b"" for padding, begin and end."""
        texts = [self._processor.decode([i]).encode() for i in range(EOS + 1, self.size)]
        found = [b""] * (EOS + 1) + texts
        for token, byte in self.byte_ids.items():
            found[token] = bytes([byte])
        return found

    def growth(self, before: Sequence[int], token: int) -> str:
        """As of any tokenizer; a character of several bytes, each a token, comes with the last."""
        return growth_in_bytes(self.utf8, before, token)

    def encode(self, text: str) -> np.ndarray:
        # SentencePiece reads UTF-8, in which no lone surrogate can be written.
        text = _SURROGATES.sub(REPLACEMENT, text)
        return np.array(self._processor.encode(text), dtype="int32")

    def decode(self, ids: Iterable[int]) -> str:
        return self._processor.decode([int(i) for i in ids if i > EOS])

    def labels(self, ids: Iterable[int]) -> list[str]:
        return [visible(piece.replace(WORD_START, " ")) for piece in self._tokenizer.pieces(ids)]

    def byte_lengths(self, ids: Sequence[int] | np.ndarray) -> np.ndarray:
        return self._lengths[np.asarray(ids, dtype="int64")]

    @functools.cached_property
    def _lengths(self) -> np.ndarray:
        """(V,) bytes of UTF-8 that each token is."""
        pieces = self._tokenizer.pieces(range(self.size))
        lengths = np.array([len(piece.replace(WORD_START, " ").encode()) for piece in pieces])
        lengths[list(self._tokenizer.byte_ids)] = 1
        lengths[: UNK + 1] = (0, 0, 0, len(" \u2047 ".encode()))  # as SentencePiece writes it
        return lengths

    def missing(self, text: str) -> list[str]:
        ids = self.encode(text).tolist()
        pieces = self._processor.encode(_SURROGATES.sub(REPLACEMENT, text), out_type=str)
        return self._tokenizer.missing(ids, pieces)

    @property
    def start(self) -> int:
        found = self._processor.piece_to_id("\n")
        return found if found != UNK else BOS

    @property
    def excluded(self) -> tuple[int, ...]:
        return (PAD, BOS, EOS, UNK)


def growth_in_bytes(utf8: Sequence[bytes], before: Sequence[int], token: int) -> str:
    """What the text of `before` grows by with one more token, of tokens that are bytes each.

    Args:
        utf8: what each id adds to a text; a character may be begun by one and ended by another.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(b"".join(utf8[i] for i in before))
    return decoder.decode(utf8[token])


def visible(text: str) -> str:
    """`text` with all white space as a sign, and what cannot be printed by its number.

    Joiners within a word or an emoji stay: they are part of it.

    Example:
        >>> visible("a b\u00a0c")
        'a␣bU+00A0c'
    """
    shown = {"\n": "\u21b5", " ": "\u2423", "\t": "\u21e5"}
    joiners = "\u200c\u200d" if len(text) > 1 else ""
    return "".join(
        shown.get(c) or (c if c.isprintable() or c in joiners else f"U+{ord(c):04X}") for c in text
    )
