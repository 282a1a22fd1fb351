"""What every generator of sequences answers: the text, how sure it was, and where it looked.

Axes of attention: L layers, H heads, T written pieces, S read pieces.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo.tokenizer import WORD_START

END = "</s>"


@dataclass
class Hypothesis:
    """One of the n best answers of a beam, with its score: log-probability over length penalty."""

    text: str
    pieces: list[str]
    log_probs: np.ndarray
    score: float


@dataclass
class Words:
    """A prediction in words: pieces merged at word starts, the closing `</s>` a word of its own.

    `log_probs` are summed over a word's pieces. Attention is summed over the read pieces of a word
    and averaged over the written ones, so that rows still sum to 1.
    """

    source: list[str]
    target: list[str]
    log_probs: np.ndarray
    attention: dict[str, np.ndarray]


@dataclass
class Prediction:
    """One answer.

    Args:
        text: what was written.
        source_pieces, target_pieces: SentencePiece pieces, closed by `</s>` (the target's only if
            it ended by itself); `\u2581` marks a word's start.
        log_probs: (T,) float32, natural logarithm of each written piece's probability.
        attention: `cross` (L, H, T, S), `encoder` (L, H, S, S), `decoder` (L, H, T, T), float32,
            rows sum to 1; those the model has.
        seconds: from text to answer, attention included, over the number of texts in the call.
        score: of the answer, as the beam compares it.
        alternatives: the n best of a beam search, this one first.
        finished: False when it was cut at the longest length allowed.
        notes: plain sentences about what the reader should know, such as a source that was cut.
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
        """The same, merged into words."""
        read, written = word_spans(self.source_pieces), word_spans(self.target_pieces)
        axes = {"cross": (written, read), "encoder": (read, read), "decoder": (written, written)}
        return Words(
            source=join_pieces(self.source_pieces, read),
            target=join_pieces(self.target_pieces, written),
            log_probs=np.array([self.log_probs[a:b].sum() for a, b in written], "float32"),
            attention={kind: merge(self.attention[kind], *axes[kind]) for kind in self.attention},
        )


def word_spans(pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Begin and end of each word; a word begins at the first piece, at `\u2581` and at `</s>`."""
    starts = [
        i
        for i, piece in enumerate(pieces)
        if i == 0 or piece.startswith(WORD_START) or piece == END
        # Of characters, a space is a piece of its own: the word begins with it.
    ]
    return list(itertools.pairwise([*starts, len(pieces)]))


def join_pieces(pieces: Sequence[str], spans: Sequence[tuple[int, int]]) -> list[str]:
    """The text of each span, without word-start marks."""
    return ["".join(pieces[a:b]).replace(WORD_START, "") for a, b in spans]


def merge(
    attention: np.ndarray,
    rows: Sequence[tuple[int, int]],
    columns: Sequence[tuple[int, int]],
) -> np.ndarray:
    """(L, H, T, S) over pieces -> over words: columns summed, rows averaged."""
    summed = [attention[..., a:b].sum(axis=-1) for a, b in columns]
    over_columns = np.stack(summed, axis=-1)
    averaged = [over_columns[..., a:b, :].mean(axis=-2) for a, b in rows]
    return np.stack(averaged, axis=-2)
