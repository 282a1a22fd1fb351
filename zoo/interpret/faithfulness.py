"""Is attention an explanation? What happens to a written word as what it looked at is taken away.

A rationale is a weight for each read word and each written one: attention, saliency, or chance.
Axes: S read words, T written words (neither counts `</s>`), R rows of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zoo.interpret.attribution import Attribution, attribute
from zoo.interpret.gradients import log_probs_after
from zoo.padding import LENGTHS, bucket, pad
from zoo.prediction import END, Prediction, join_pieces, unit_spans
from zoo.stats import RESAMPLES, Interval, bootstrap, ratio
from zoo.tokenizer import PAD, UNK

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor

BINS = (1, 5, 10, 20, 50)
"""Percent of the read words that make a rationale, over which the figures are averaged."""

HOW = ("unknown", "removed")
DRAWS = 5
"""Random rationales of each written word, averaged."""

ROWS = 64
"""Altered sources scored in one batch."""

FIGURES = (
    "comprehensiveness",
    "sufficiency",
    "comprehensiveness_nats",
    "sufficiency_nats",
    "correlation",
)

Score = Callable[[np.ndarray], np.ndarray]
"""Which read words are hidden, (R, S) bool -> log-probability of each written word, (R, T)."""


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How faithful some rationales of one answer are.

    Args:
        source, target: the S read and the T written words.
        figures: by `FIGURES`, then by rationale: (..., T), the leading axes those of the rationale;
            NaN where a word has nothing to say. `correlation` has no random rationale.
    """

    source: list[str]
    target: list[str]
    figures: dict[str, dict[str, np.ndarray]]


def sizes(words: int, bins: Sequence[int] = BINS) -> list[int]:
    """How many of so many words each bin names: rounded up, so at least one."""
    return [-(-share * words // 100) for share in bins]


def erase(
    score: Score, rationales: Mapping[str, np.ndarray], bins: Sequence[int] = BINS
) -> dict[str, dict[str, np.ndarray]]:
    """Comprehensiveness and sufficiency of rationales, written word by written word.

    DeYoung et al. 2020 (ERASER, arXiv:1911.03429), section 4.2, with their bins for weights: of
    each written word y, the mean over bins of p(y) - p(y without its rationale), which is high
    where the rationale was needed, and of p(y) - p(y with nothing but its rationale), which is low
    where that was enough. With a logarithm (nats) an unlikely word counts as much as a likely one.

    Args:
        score: what answers.
        rationales: (..., T, S) weights by name; the heaviest words are taken, the first of equals.
        bins: percents of the words; of each, at least one word is taken.

    Returns:
        the first four `FIGURES`, each by rationale, (..., T).
    """
    flat = {name: weights.reshape(-1, *weights.shape[-2:]) for name, weights in rationales.items()}
    stacked = np.concatenate([*flat.values()])
    many, read = stacked.shape[-2:]
    order = np.argsort(-stacked, axis=-1, kind="stable")
    rank = np.argsort(order, axis=-1)
    least = np.array(sizes(read, bins))
    taken = rank[None] < least[:, None, None, None]  # (bins, N, T, S)
    hidden = np.stack([taken, ~taken])
    # Rationales agree far more often than not, above all on a single word.
    rows, where = np.unique(hidden.reshape(-1, read), axis=0, return_inverse=True)
    log_probs = score(rows)
    after = log_probs[where.reshape(hidden.shape[:-1]), np.arange(many)]  # (2, bins, N, T)
    before = score(np.zeros((1, read), bool))[0]
    nats = (before - after).mean(axis=1)
    drops = (np.exp(before) - np.exp(after)).mean(axis=1)
    found: dict[str, dict[str, np.ndarray]] = {name: {} for name in FIGURES[:4]}
    start = 0
    for name, weights in rationales.items():
        part, start = slice(start, start + len(flat[name])), start + len(flat[name])
        for figure, values in zip(FIGURES, (*drops, *nats), strict=False):
            found[figure][name] = values[part].reshape(weights.shape[:-1])
    return found


def kendall(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kendall's tau-b over the last axis: (..., S) and (..., S), broadcast, -> (...).

    Kendall 1945; pairs that are equal in either are left out of what it is divided by. NaN where
    all are equal in one of the two.
    """
    above = np.triu(np.ones((one.shape[-1],) * 2, bool), 1)
    signs = [np.sign(x[..., :, None] - x[..., None, :])[..., above] for x in (one, other)]
    agreed = (signs[0] * signs[1]).sum(axis=-1)
    untied = np.sqrt((signs[0] != 0).sum(axis=-1) * (signs[1] != 0).sum(axis=-1))
    return ratio(np.stack(np.broadcast_arrays(agreed, untied), axis=-1))


def measure(
    loaded: Seq2SeqPredictor,
    prediction: Prediction,
    gradient: Attribution | None = None,
    *,
    unit: str = "word",
    how: str = "unknown",
    seed: int = 0,
) -> Faithfulness | None:
    """The faithfulness of every head of one answer, beside saliency, occlusion and chance.

    Rationales are `heads` (L, H, ...) and their mean `attention`, where the model has attention;
    `gradient` x input and `occlusion`, both signed; and `random`, the mean of `DRAWS` draws. A
    correlation is with the size of the change as each read word is hidden, whichever way it goes
    (Jain and Wallace 2019, arXiv:1902.10186, section 4.1).

    Args:
        loaded: the model.
        prediction: its answer to one text, with its maps.
        gradient: `attribute(loaded, prediction)` where it is known already.
        unit: what is hidden and asked about, "word" or "piece", a token (a character, a sound).
        how: a hidden word is read as "unknown" tokens, or "removed" so that later ones move up.
        seed: of the random rationales.

    Returns:
        None for an answer or a text without words.

    Raises:
        ValueError: an unknown unit or `how`.
    """
    sides = [spans(side, unit) for side in (prediction.source_pieces, prediction.target_pieces)]
    read, written = sides
    if not read or not written:
        return None
    score = scorer(loaded, prediction, sides, how)
    alone = score(np.concatenate([np.zeros((1, len(read)), bool), np.eye(len(read), dtype=bool)]))
    occlusion = (alone[0] - alone[1:]).T
    gradient = gradient or attribute(loaded, prediction)
    rationales = {"gradient": _over(gradient.scores, *sides), "occlusion": occlusion}
    cross = prediction.attention.get("cross")
    if cross is not None:
        rationales["heads"] = _over(cross, *sides)
        rationales["attention"] = rationales["heads"].mean(axis=(0, 1))
    sizes = {name: np.abs(weights) for name, weights in rationales.items() if name != "occlusion"}
    rng = np.random.default_rng(seed)
    rationales["random"] = rng.random((DRAWS, len(written), len(read)))
    found = erase(score, rationales)
    for values in found.values():
        values["random"] = values["random"].mean(axis=0)
    found["correlation"] = {name: kendall(size, np.abs(occlusion)) for name, size in sizes.items()}
    texts = [
        join_pieces(pieces, spans)
        for pieces, spans in zip(
            (prediction.source_pieces, prediction.target_pieces), sides, strict=True
        )
    ]
    return Faithfulness(*texts, found)


def spans(pieces: Sequence[str], unit: str) -> list[tuple[int, int]]:
    """Begin and end of each word or token, without the closing `</s>`. Raises ValueError."""
    if unit not in ("word", "piece"):
        raise ValueError(f"unit must be word or piece. Received: unit={unit!r}")
    body = pieces[:-1] if pieces and pieces[-1] == END else pieces
    return unit_spans(body, unit) if body else []


def scorer(
    loaded: Seq2SeqPredictor,
    prediction: Prediction,
    sides: Sequence[Sequence[tuple[int, int]]],
    how: str = "unknown",
) -> Score:
    """What scores the words of an answer while words of its source are hidden, `ROWS` at a time.

    Args:
        sides: the `spans` of the read and of the written words.
        how: as in `measure`. Where every word is hidden, all are unknown.
    """
    if how not in HOW:
        raise ValueError(f"how must be one of {', '.join(HOW)}. Received: how={how!r}")
    ids = np.array(loaded.source_tokenizer.ids(prediction.source_pieces), "int32")
    target = loaded.target_tokenizer.ids(prediction.target_pieces)
    padded = pad([target], bucket(len(target), LENGTHS))
    read, written = sides
    owner = np.full(len(ids), len(read))  # </s> belongs to no word, and is never hidden
    for word, (begin, end) in enumerate(read):
        owner[begin:end] = word

    def score(hidden: np.ndarray) -> np.ndarray:
        gone = np.pad(hidden, ((0, 0), (0, 1)))[:, owner]
        rows = np.where(gone, UNK, ids)
        if how == "removed":
            some = gone & ~hidden.all(axis=1, keepdims=True)
            # A stable sort moves what is left up, in its order.
            order = np.argsort(some, axis=1, kind="stable")
            rows = np.take_along_axis(np.where(some, PAD, rows), order, axis=1)
        width, height = bucket(len(ids), LENGTHS), -(-len(rows) // ROWS) * ROWS
        rows = np.pad(rows, ((0, 0), (0, width - len(ids))), constant_values=PAD)
        rows = np.pad(rows, ((0, height - len(rows)), (0, 0)), mode="edge").astype("int32")
        found = [
            log_probs_after(loaded.model, rows[start : start + ROWS], padded)
            for start in range(0, height, ROWS)
        ]
        pieces = np.concatenate(found)[: len(hidden)].astype("float64")
        return np.stack([pieces[:, a:b].sum(axis=1) for a, b in written], axis=1)

    return score


def statistics(found: Sequence[Faithfulness], figure: str, rationale: str) -> np.ndarray:
    """(N, ..., 2): of each answer the sum over its written words, and how many they are."""
    rows = [one.figures[figure][rationale] for one in found]
    return np.stack(
        [np.stack([np.nansum(row, axis=-1), (~np.isnan(row)).sum(axis=-1)], -1) for row in rows]
    ).astype("float64")


def over_corpus(
    found: Sequence[Faithfulness], *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, dict[str, Interval]]:
    """Every figure of every rationale as its mean over written words; answers are resampled.

    Returns:
        by figure, then by rationale: `Interval` of arrays shaped as the rationale's leading axes.

    Raises:
        ValueError: there are no answers.
    """
    if not found:
        raise ValueError("There must be at least one answer. Received: none")
    return {
        figure: {
            name: bootstrap(statistics(found, figure, name), ratio, resamples=resamples, seed=seed)
            for name in found[0].figures[figure]
        }
        for figure in FIGURES
    }


def _over(
    scores: np.ndarray, read: Sequence[tuple[int, int]], written: Sequence[tuple[int, int]]
) -> np.ndarray:
    """(..., T, S) over tokens -> over words: summed over read tokens, averaged over written."""
    columns = np.stack([scores[..., a:b].sum(axis=-1) for a, b in read], axis=-1)
    return np.stack([columns[..., a:b, :].mean(axis=-2) for a, b in written], axis=-2)
