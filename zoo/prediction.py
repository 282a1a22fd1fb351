"""What every generator of sequences answers: the text, how sure it was, and where it looked.

Axes of attention: L layers, H heads, T written tokens, S read tokens.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo import writing_systems
from zoo.tokenizer import WORD_START

END = "</s>"
BYTE = re.compile(r"<0x([0-9A-F]{2})>")
"""A token that is one byte of a character which has no token of its own, in UTF-8."""
BROKEN = "\ufffd"
"""What is shown for bytes that spell no character."""


AXES: dict[str, tuple[str, str]] = {
    "cross": ("target", "source"),
    "encoder": ("source", "source"),
    "decoder": ("target", "target"),
    "pooling": ("answer", "source"),
    "copy": ("target", "source"),
}
"""What the rows and the columns of each kind of attention map stand for."""


@dataclass
class Hypothesis:
    """One of the n best answers of a beam, with its score: log-probability over length penalty.

    Example:
        >>> import zoo
        >>> [answer] = zoo.load("dates-lstm-bahdanau").predict(["17 March 1998"], beams=3)
        >>> [best, second, third] = answer.alternatives
        >>> best.text, best.score > second.score
        ('1998-03-17', True)
    """

    text: str
    pieces: list[str]
    log_probs: np.ndarray
    score: float


@dataclass
class Words:
    """A prediction in words: tokens merged at word starts, the closing `</s>` a word of its own.

    Where a script has no spaces between words (Chinese, Japanese, Thai, ...) characters stand for
    words; see `word_spans`. `log_probs` are summed over a word's tokens. Attention is summed over
    the read tokens of a word and averaged over the written ones, so that sums of rows stay.
    `gaps`: whether there is a space before each written word.

    Example:
        >>> import zoo
        >>> [answer] = zoo.load("dates-lstm-bahdanau").predict(["17 March 1998"])
        >>> answer.words().source
        ['17', 'March', '1998', '</s>']
    """

    source: list[str]
    target: list[str]
    log_probs: np.ndarray
    attention: dict[str, np.ndarray]
    gaps: list[bool] = field(default_factory=list)


@dataclass
class Prediction:
    """One answer.

    Args:
        text: what was written.
        source_pieces, target_pieces: tokens (word parts, characters or sounds), closed by `</s>`
            (the target's only if it ended by itself); `\u2581` marks a word's start.
        log_probs: (T,) float32, natural logarithm of each written token's probability.
        attention: `cross` (L, H, T, S), `encoder` (L, H, S, S), `decoder` (L, H, T, T), float32,
            rows sum to 1; those the model has. And `copy` (1, 1, T, S), how likely what stands at
            each place is copied, if the model may copy: a row sums to the probability of copying.
        seconds: from text to answer, attention included, over the number of texts in the call.
        score: of the answer, as the beam compares it.
        alternatives: the n best of a beam search, this one first.
        finished: False when it was cut at the longest length allowed.
        notes: plain sentences about what the reader should know, such as a source that was cut.

    Example:
        >>> import zoo
        >>> [answer] = zoo.load("dates-lstm-bahdanau").predict(["17 March 1998"])
        >>> answer.text, answer.attention["cross"].shape
        ('1998-03-17', (1, 1, 11, 14))
    """

    text: str
    source_pieces: list[str]
    target_pieces: list[str]
    log_probs: np.ndarray
    attention: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0
    score: float = 0.0
    alternatives: list[Hypothesis] = field(default_factory=list)
    finished: bool = True
    notes: list[str] = field(default_factory=list)

    def words(self) -> Words:
        """The same, merged into words, or into characters where a script has no spaces."""
        read, written = word_spans(self.source_pieces), word_spans(self.target_pieces)
        spans = {"source": read, "target": written}
        return Words(
            source=join_pieces(self.source_pieces, read),
            target=join_pieces(self.target_pieces, written),
            log_probs=np.array([self.log_probs[a:b].sum() for a, b in written], "float32"),
            attention={
                kind: merge(maps, *(spans[side] for side in AXES[kind]))
                for kind, maps in self.attention.items()
            },
            gaps=[
                not a
                or self.target_pieces[a] == END
                or self.target_pieces[a].startswith(WORD_START)
                for a, _ in written
            ],
        )


def piece_spans(pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Begin and end of each token, the bytes of one character taken together.

    Bytes that spell no character are taken together as well, up to the next that do.
    """
    spans, at = [], 0
    while at < len(pieces):
        end = at + 1
        if BYTE.fullmatch(pieces[at]):
            while end < len(pieces) and BYTE.fullmatch(pieces[end]):
                end += 1
            spans += [(at + a, at + b) for a, b, _ in _characters(pieces[at:end])]
        else:
            spans.append((at, end))
        at = end
    return spans


def word_spans(pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Begin and end of each word; a word begins at the first token, at `\u2581` and at `</s>`.

    In scripts without spaces each character is a word, and so are Latin words and numbers among
    them (`zoo.writing_systems`). No token is cut: one of several such characters ("▁北京") is the
    smallest unit there is, since attention says nothing about what is inside of it.
    """
    starts: list[int] = []
    last = ""  # the word's last character so far
    for a, b in piece_spans(pieces):
        text = spell(pieces[a:b])
        bare = text.replace(WORD_START, "")
        if (
            a == 0
            or pieces[a] == END
            # Of characters, a space is a token of its own: the word begins with it.
            or text.startswith(WORD_START)
            or (last and bare and writing_systems.parts(last, bare[0]))
        ):
            starts.append(a)
            last = ""
        last = bare[-1:] or last
    return list(itertools.pairwise([*starts, len(pieces)]))


def unit_spans(pieces: Sequence[str], unit: str) -> list[tuple[int, int]]:
    """`word_spans` for the unit "word", `piece_spans` for any other."""
    return word_spans(pieces) if unit == "word" else piece_spans(pieces)


def join_pieces(pieces: Sequence[str], spans: Sequence[tuple[int, int]]) -> list[str]:
    """The text of each span, without word-start marks."""
    return [text.replace(WORD_START, "") for text in piece_labels(pieces, spans)]


def piece_labels(
    pieces: Sequence[str], spans: Sequence[tuple[int, int]] | None = None
) -> list[str]:
    """The text of each span, `piece_spans` by default, with word-start marks.

    Bytes are joined into the character they spell: `<0xE4> <0xBA> <0x86>` is 了, and U+FFFD where
    they spell none.
    """
    return [spell(pieces[a:b]) for a, b in (piece_spans(pieces) if spans is None else spans)]


def spell(pieces: Sequence[str]) -> str:
    """The text of `pieces` in a row, with word-start marks, bytes as the characters they spell."""
    found: list[str] = []
    for is_byte, run in itertools.groupby(pieces, lambda piece: bool(BYTE.fullmatch(piece))):
        found += [text for *_, text in _characters(list(run))] if is_byte else run
    return "".join(found)


def _characters(run: Sequence[str]) -> list[tuple[int, int, str]]:
    """Begin, end and text of each character that a run of byte tokens spells."""
    raw = bytes(int(BYTE.fullmatch(piece)[1], 16) for piece in run)
    found: list[tuple[int, int, str]] = []
    at = 0
    while at < len(raw):
        end = at + 1
        text = BROKEN
        for size in range(1, 5):
            try:
                text = raw[at : at + size].decode()
            except UnicodeDecodeError:
                continue
            end = at + size
            break
        if text == BROKEN and end == at + 1 and found and found[-1][2] == BROKEN:
            found[-1] = (found[-1][0], end, BROKEN)
        else:
            found.append((at, end, text))
        at = end
    return found


def merge(
    attention: np.ndarray,
    rows: Sequence[tuple[int, int]],
    columns: Sequence[tuple[int, int]],
) -> np.ndarray:
    """(L, H, T, S) over tokens -> over words: columns summed, rows averaged."""
    summed = [attention[..., a:b].sum(axis=-1) for a, b in columns]
    over_columns = np.stack(summed, axis=-1)
    averaged = [over_columns[..., a:b, :].mean(axis=-2) for a, b in rows]
    return np.stack(averaged, axis=-2)
