"""Word alignments out of attention maps, and how right they are: precision, recall, AER.

An alignment is a boolean array (..., T, S): does written word t go with read word s? Leading axes
are layers and heads. Links as pairs are (source, target), counted from 0, as in Pharaoh's format.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo.prediction import END, piece_labels, piece_spans
from zoo.stats import RESAMPLES, Interval, bootstrap
from zoo.tokenizer import WORD_START

Link = tuple[int, int]  # source, target

RULES = ("intersection", "union", "grow-diag", "grow-diag-final", "grow-diag-final-and")
"""How `symmetrise` makes one alignment of two."""

# (target, source), in the order of the published pseudocode
_NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


@dataclass(frozen=True)
class Gold:
    """What people say goes together in one sentence: `sure` links, and those at least `possible`.

    Whatever is sure is possible as well (Och and Ney 2003), whether or not it was given as both.

    Example:
        >>> Gold(sure={(0, 0)}, possible={(1, 0)}).possible == {(0, 0), (1, 0)}
        True
    """

    sure: frozenset[Link] = field(default_factory=frozenset)
    possible: frozenset[Link] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sure", frozenset(self.sure))
        object.__setattr__(self, "possible", frozenset(self.possible) | self.sure)


def matrix(links: Iterable[Link], targets: int, sources: int) -> np.ndarray:
    """Pairs (source, target) -> (T, S) bool. Raises ValueError for one outside the sentence."""
    found = np.zeros((targets, sources), bool)
    for source, target in links:
        if not (0 <= source < sources and 0 <= target < targets):
            raise ValueError(
                f"A link must lie within {sources} source and {targets} target words. "
                f"Received: source={source}, target={target}"
            )
        found[target, source] = True
    return found


def pairs(links: np.ndarray) -> list[Link]:
    """(T, S) bool -> pairs (source, target), sorted."""
    return sorted((int(source), int(target)) for target, source in np.argwhere(links))


def argmax(maps: np.ndarray, *, by: str = "target") -> np.ndarray:
    """Each written word's most looked-at read word; the first of equals, none in a row of zeros.

    Args:
        maps: (..., T, S).
        by: "target", or "source" for each read word's most looking written word: the second
            direction where only one model is at hand.

    Returns:
        (..., T, S) bool.

    Raises:
        ValueError: another `by`.
    """
    if by not in ("target", "source"):
        raise ValueError(f"by must be target or source. Received: by={by!r}")
    axis = -1 if by == "target" else -2
    links = np.zeros(maps.shape, bool)
    if maps.size:
        best = np.expand_dims(maps.argmax(axis=axis), axis)
        np.put_along_axis(links, best, True, axis=axis)
    return links & (maps > 0)


def threshold(maps: np.ndarray, least: float) -> np.ndarray:
    """All cells of at least this weight, (..., T, S) bool. `least` must be above 0, at most 1."""
    if not 0 < least <= 1:
        raise ValueError(f"least must be above 0 and at most 1. Received: least={least}")
    return maps >= least


def diagonal(targets: int, sources: int) -> np.ndarray:
    """(T, S) bool: word t with the read word at the same share of the sentence.

    It looks at no model: what an attention map has to beat before it can be called an aligner.
    """
    links = np.zeros((targets, sources), bool)
    if sources:
        rows = np.arange(targets)
        links[rows, (2 * rows + 1) * sources // (2 * max(targets, 1))] = True
    return links


def when_read(maps: np.ndarray) -> np.ndarray:
    """Each written token's row from the step that reads it, one later than the one that writes it.

    Chen et al. 2020 (arXiv:2004.14837), Shift-Att: they found a Transformer's decoder to look at
    the source of a token most plainly when that token is its input. Not every model does: compare
    the two. Of tokens, before they are merged.

    Returns:
        (..., T - 1, S): the last row, of the closing `</s>`, is read by no step.
    """
    return maps[..., 1:, :]


def symmetrise(forward: np.ndarray, backward: np.ndarray, rule: str) -> np.ndarray:
    """One alignment of two directions.

    The rules of Koehn, Och and Marcu 2003 and of Moses: "intersection", "union"; "grow-diag" adds
    to the intersection those links of the union that are next to one, diagonally too, and in
    which a word is still unaligned; "-final" then adds, first of `forward`, links in which either
    word is unaligned, "-final-and" those in which both are.

    Args:
        forward: (..., T, S) bool, from source to target: each target word has chosen.
        backward: (..., T, S) bool, from the other model, transposed: each source word has chosen.
        rule: one of `RULES`.

    Raises:
        ValueError: an unknown rule, or two shapes that differ.
    """
    if forward.shape != backward.shape:
        raise ValueError(
            "Both directions must be (..., T, S) of the same sentence. "
            f"Received: {forward.shape} and {backward.shape}"
        )
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}. Received: rule={rule!r}")
    if rule == "intersection":
        return forward & backward
    if rule == "union":
        return forward | backward
    links = forward & backward
    for index in np.ndindex(links.shape[:-2]):
        links[index] = _grow(forward[index], backward[index], rule.removeprefix("grow-diag"))
    return links


def _grow(forward: np.ndarray, backward: np.ndarray, final: str) -> np.ndarray:
    """GROW-DIAG of Moses, then FINAL or FINAL-AND if `final` says so; (T, S) each."""
    links, union = forward & backward, forward | backward
    rows, columns = links.any(axis=1), links.any(axis=0)

    def add(t: int, s: int) -> None:
        links[t, s] = rows[t] = columns[s] = True

    growing = True
    while growing:
        growing = False
        for t, s in np.argwhere(union):
            if not links[t, s]:  # asked anew: what was added further on in this round counts
                continue
            for down, right in _NEIGHBOURS:
                t_new, s_new = t + down, s + right
                inside = 0 <= t_new < len(rows) and 0 <= s_new < len(columns)
                if inside and union[t_new, s_new] and not (rows[t_new] and columns[s_new]):
                    add(t_new, s_new)
                    growing = True
    if final:
        for direction in (forward, backward):
            for t, s in np.argwhere(direction):
                aligned = (rows[t], columns[s])
                if not (any(aligned) if final == "-final-and" else all(aligned)):
                    add(t, s)
    return links


def within(links: np.ndarray, gold: Gold) -> np.ndarray:
    """The links without those of written words that gold leaves unaligned.

    Argmax links every written word; where the truth has words that come from nowhere, such as the
    dashes of a date, this asks only about the others.
    """
    asked = np.zeros(links.shape[-2], bool)
    asked[[target for _, target in gold.possible]] = True
    return links & asked[:, None]


def counts(links: np.ndarray, gold: Gold) -> np.ndarray:
    """What precision, recall and AER are made of: (..., T, S) -> (..., 4) float64.

    |A & S|, |A & P|, |A| and |S| for proposed links A, sure links S and possible links P.
    """
    sure = matrix(gold.sure, *links.shape[-2:])
    possible = matrix(gold.possible, *links.shape[-2:])
    size = (-2, -1)
    found = [(links & sure).sum(size), (links & possible).sum(size), links.sum(size)]
    return np.stack([*found, np.full_like(found[0], sure.sum())], axis=-1).astype("float64")


def precision(sums: np.ndarray) -> np.ndarray:
    """|A & P| / |A| of (..., 4) counts; 0 when nothing was proposed."""
    return _quotient(sums[..., 1], sums[..., 2])


def recall(sums: np.ndarray) -> np.ndarray:
    """|A & S| / |S| of (..., 4) counts; 0 when nothing is sure."""
    return _quotient(sums[..., 0], sums[..., 3])


def aer(sums: np.ndarray) -> np.ndarray:
    """Alignment error rate, 1 - (|A & S| + |A & P|) / (|A| + |S|), 0 (best) to 1.

    Och and Ney 2003, "A Systematic Comparison of Various Statistical Alignment Models", section 5.
    0 when nothing was proposed and nothing is sure: there was no error to make.
    """
    whole = sums[..., 2] + sums[..., 3]
    return np.where(whole > 0, 1.0 - _quotient(sums[..., 0] + sums[..., 1], whole), 0.0)


def evaluate(
    links: Sequence[np.ndarray],
    gold: Sequence[Gold],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Interval]:
    """Precision, recall and AER over a corpus, each with its 95 % bootstrap interval.

    Links are counted over all sentences and divided once; sentences are what is resampled.

    Args:
        links: one alignment (..., T, S) a sentence, the leading axes always the same.
        gold: as many.
        resamples, seed: of `bootstrap`.

    Returns:
        "precision", "recall" and "aer", as fractions, each an `Interval` of the leading axes.

    Raises:
        ValueError: not as many of both, no sentence, or a gold link outside its sentence.
    """
    if len(links) != len(gold) or not links:
        raise ValueError(
            "There must be one gold alignment for each, and at least one. "
            f"Received: {len(links)} alignments, {len(gold)} gold ones"
        )
    each = np.stack([counts(one, truth) for one, truth in zip(links, gold, strict=True)])
    figures = {"precision": precision, "recall": recall, "aer": aer}
    return {
        name: bootstrap(each, figure, resamples=resamples, seed=seed)
        for name, figure in figures.items()
    }


def _quotient(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.zeros(np.shape(below)), where=below > 0)


def spelled(pieces: Sequence[str], words: Sequence[str]) -> np.ndarray:
    """Which gold word each token is part of, as shares of its characters.

    A token over two words, as `'s.` may be, is shared between them; the bytes of a character go
    where it goes. A bare word-start mark goes to the word behind it. With words of single
    characters, spaces among them, marks are spaces.

    Args:
        pieces: P of them, as `Prediction` has them; an `<unk>` stands for one or more characters.
        words: the W gold words (or characters) whose text the model read or wrote.

    Returns:
        (P, W) float64, rows sum to 1; one more column, for `</s>`, if the tokens end with it.

    Raises:
        ValueError: the tokens do not spell the words.
    """
    closed = bool(pieces) and pieces[-1] == END
    body = pieces[: len(pieces) - closed]
    spaced = any(word.isspace() for word in words)
    owners = [i for i, word in enumerate(words) for _ in _bare(word, spaced)]
    text = "".join(_bare(word, spaced) for word in words)
    starts = {0} | {i for i in range(1, len(owners)) if owners[i] != owners[i - 1]}
    shares = np.zeros((len(pieces), len(words) + closed))
    at = 0
    spans = piece_spans(body)
    labels = piece_labels(body, spans)
    for index, (piece, (first, last)) in enumerate(zip(labels, spans, strict=True)):
        following = labels[index + 1] if index + 1 < len(labels) else None
        end = _end(piece, following, text, at, starts, spaced)
        if end is None:
            raise ValueError(
                "The tokens must spell the words. "
                f"Received: token {piece!r} where the words have {text[at : at + 20]!r}"
            )
        mine = owners[at:end] or owners[at : at + 1] or owners[-1:]
        for owner in mine:
            shares[first:last, owner] += 1 / len(mine)
        at = end
    if at < len(text) or len(set(owners)) < len(words):
        raise ValueError(
            "The tokens must spell every word to its end. "
            f"Received: {len(words)} words, {text[at : at + 20]!r} without a token"
        )
    if closed:
        shares[-1, -1] = 1.0
    return shares


def _bare(text: str, spaced: bool) -> str:
    """What is compared: NFKC, as tokenizers have it; marks are spaces, or nothing."""
    text = unicodedata.normalize("NFKC", text.replace(WORD_START, " "))
    return text if spaced else "".join(text.split())


def _end(
    piece: str, following: str | None, text: str, at: int, starts: set[int], spaced: bool
) -> int | None:
    """Where a token that begins at `at` ends in the text; None where it is not there."""
    if piece != "<unk>":
        bare = _bare(piece, spaced)
        return at + len(bare) if text.startswith(bare, at) else None
    if following is None:
        return len(text) if at < len(text) else None
    # an unknown token goes on until the next one is found, if that begins a word at a word's start
    opens = following.startswith(WORD_START)
    bare = "" if following == "<unk>" else _bare(following, spaced)
    for end in range(at + 1, len(text)):
        if text.startswith(bare, end) and (not opens or spaced or end in starts):
            return end
    return None


def merge(maps: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Maps over tokens -> over words, rows still summing to 1: columns summed, rows averaged.

    Args:
        maps: (..., T, S) over tokens.
        rows, columns: (T, V) and (S, W), from `spelled`. Where no token is shared between words
            this is what `Prediction.words` does.

    Returns:
        (..., V, W), of the type of `maps`.
    """
    if maps.shape[-2:] != (len(rows), len(columns)):
        raise ValueError(
            "A map needs as many rows and columns as there are tokens. "
            f"Received: map={maps.shape}, {len(rows)} written and {len(columns)} read tokens"
        )
    averaged = rows / rows.sum(axis=0)
    return (averaged.T @ maps @ columns).astype(maps.dtype)
