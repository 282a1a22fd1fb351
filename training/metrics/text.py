"""Figures of merit, each as sufficient statistics per example, so that intervals take little time.

All figures are in percent (0 to 100). A corpus figure is a function of the *sum* of its
per-example statistics; the bootstrap therefore resamples rows of numbers, not texts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.metrics import scoring as scorings
from training.metrics.scoring import ORDER, Scoring
from zoo import stats
from zoo.runtime.imports import left_out
from zoo.stats import RESAMPLES

References = Sequence[Sequence[str]]  # for each example, all that is accepted


@dataclass(frozen=True)
class Figure:
    """One figure over N examples.

    `statistics`: (N, K) float64. `reduce`: the sum over examples, (K,) -> percent.
    `signature`: how it was computed, where the field has a name for that (sacreBLEU).
    `unsmoothed`: the same reduction without what smoothing adds, where there is smoothing.
    """

    statistics: np.ndarray
    reduce: Callable[[np.ndarray], float]
    signature: str = ""
    unsmoothed: Callable[[np.ndarray], float] | None = None

    @property
    def certain(self) -> float:
        """The figure over all examples without smoothing, which training compares models by.

        Where nothing but smoothing makes BLEU differ from 0 it goes up and down by chance.
        """
        if self.unsmoothed is None or not len(self.statistics):
            return self.value
        return float(self.unsmoothed(self.statistics.sum(axis=0)))

    @property
    def value(self) -> float:
        """The figure over all examples; 0.0 when there are none."""
        return self.over(np.ones(len(self.statistics), bool))

    def over(self, mask: np.ndarray) -> float:
        """The figure over the examples where `mask`, (N,) bool, is true."""
        if not np.any(mask):
            return 0.0
        return float(self.reduce(self.statistics[mask].sum(axis=0)))


def ratio(sums: np.ndarray) -> float:
    """Percent of two summed statistics; 0.0 when the denominator is 0."""
    return 100.0 * sums[0] / sums[1] if sums[1] else 0.0


def mean(values: Iterable[float]) -> Figure:
    """The mean of one number an example, given as a fraction; NaN: the example does not count."""
    values = np.fromiter(values, np.float64)
    counts = ~np.isnan(values)
    return Figure(np.stack([np.where(counts, values, 0.0), counts], axis=1), ratio)


def check(predictions: Sequence, references: Sequence[Sequence]) -> None:
    """Raises ValueError when the two differ in length or an example accepts nothing."""
    if len(predictions) != len(references):
        raise ValueError(
            "there must be as many predictions as examples. "
            f"Received: {len(predictions)} predictions, {len(references)} examples"
        )
    if not all(references):
        raise ValueError("every example needs a reference. Received: one with none")


def exact_match(predictions: Sequence[str], references: References) -> Figure:
    """Percent of predictions that equal one of their references."""
    check(predictions, references)
    return mean(
        float(text in accepted) for text, accepted in zip(predictions, references, strict=True)
    )


def word_error(predictions: Sequence[str], references: References) -> Figure:
    """Word error rate of pronunciation: percent of words that meet none of their references."""
    check(predictions, references)
    return mean(
        float(text not in accepted) for text, accepted in zip(predictions, references, strict=True)
    )


def error_rate(predictions: Sequence[Sequence], references: Sequence[Sequence[Sequence]]) -> Figure:
    """Edits per reference token, against the closest reference: PER, CER or WER by the tokens.

    `predictions`: token sequences; `references`: for each one the accepted sequences. Of equally
    close references the longest counts. Can exceed 100.
    """
    check(predictions, references)
    rows = []
    for tokens, accepted in zip(predictions, references, strict=True):
        edits = [(edit_distance(tokens, reference), -len(reference)) for reference in accepted]
        distance, negative = min(edits)
        rows.append((distance, -negative))
    return Figure(np.array(rows, np.float64).reshape(-1, 2), ratio)


def edit_distance(a: Sequence, b: Sequence) -> int:
    """Levenshtein distance: the fewest insertions, deletions and substitutions from a to b."""
    if list(a) == list(b):
        return 0
    previous = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        current = [i]
        for j, right in enumerate(b, 1):
            substituted = previous[j - 1] + (left != right)
            current.append(min(substituted, previous[j] + 1, current[j - 1] + 1))
        previous = current
    return previous[-1]


def streams(references: References) -> list[list[str | None]]:
    """References by example -> sacreBLEU's streams, short ones filled with None."""
    width = max((len(accepted) for accepted in references), default=0)
    return [[row[i] if i < len(row) else None for row in references] for i in range(width)]


def _sacrebleu(metric: object, predictions: Sequence[str], references: References) -> Figure:
    check(predictions, references)
    if not predictions:
        return Figure(np.zeros((0, 1)), lambda sums: 0.0)
    distinct = [list(dict.fromkeys(accepted)) for accepted in references]
    # the statistics are not part of sacreBLEU's public interface; tests hold their sum to
    # corpus_score()
    rows = metric._extract_corpus_statistics(list(predictions), streams(distinct))
    return Figure(
        np.array(rows, np.float64),
        lambda sums: metric._compute_score_from_stats(sums.astype(np.int64).tolist()).score,
        str(metric.get_signature()),
    )


def bleu(
    predictions: Sequence[str], references: References, scoring: Scoring | None = None
) -> Figure:
    """Corpus BLEU of sacreBLEU (case kept) with every reference of an example.

    `scoring`: the tokenizer, 13a by default, and whether runs of tokens count only up to the
    longest that there are (`effective_order`). They do so as well over examples each of which
    accepts a reference of fewer than four tokens: BLEU is 0 there for a perfect answer otherwise.
    """
    from sacrebleu.metrics import BLEU

    how = scoring or Scoring()
    check(predictions, references)
    least = [min(scorings.lengths(accepted, how.tokenizer)) for accepted in references]
    longer = np.maximum(np.array(least, np.float64) - (ORDER - 1), 0)
    effective = how.effective_order or not longer.any()
    options = {"force": True, "tokenize": how.tokenizer}
    found = _sacrebleu(BLEU(**options, effective_order=effective), predictions, references)
    if not len(found.statistics):
        return found

    def reduce(sums: np.ndarray, smooth: str = "exp") -> float:
        order = effective or not sums[-1]
        metric = BLEU(**options, effective_order=order, smooth_method=smooth)
        return metric._compute_score_from_stats(sums[:-1].astype(np.int64).tolist()).score

    return Figure(
        np.concatenate([found.statistics, longer[:, None]], axis=1),
        reduce,
        found.signature,
        functools.partial(reduce, smooth="none"),
    )


def chrf(predictions: Sequence[str], references: References) -> Figure:
    """Corpus chrF2 of sacreBLEU; each prediction against its best reference."""
    from sacrebleu.metrics import CHRF

    return _sacrebleu(CHRF(), predictions, references)


def sentence_chrf(prediction: str, references: Sequence[str]) -> float:
    """chrF2 of one sentence, for sorting; not an average-able part of the corpus figure."""
    from sacrebleu.metrics import CHRF

    return float(CHRF().sentence_score(prediction, list(references)).score)


def rouge(predictions: Sequence[str], references: References) -> dict[str, Figure]:
    """ROUGE-1, -2 and -L F1 (mean over examples), lower-cased, by Google's rouge-score.

    "rouge1" is against the first reference, as in the Keras translation example; "rouge1_best"
    against the reference with the highest F1. rouge-score knows only a-z and 0-9 (other letters
    part words), so the figures are left out where fewer than half of the letters are such.
    """
    check(predictions, references)
    if not scorings.latin(accepted[0] for accepted in references):
        return {}
    with left_out("scipy"):  # of NLTK, which is there for a stemmer: 65 MB
        from rouge_score.rouge_scorer import RougeScorer

    kinds = ("rouge1", "rouge2", "rougeL")
    scorer = RougeScorer(kinds)
    values: dict[str, list[float]] = {f"{k}{end}": [] for end in ("", "_best") for k in kinds}
    for text, accepted in zip(predictions, references, strict=True):
        scores = [scorer.score(reference, text) for reference in accepted]
        for kind in kinds:
            values[kind].append(scores[0][kind].fmeasure)
            values[f"{kind}_best"].append(max(score[kind].fmeasure for score in scores))
    return {key: mean(row) for key, row in values.items()}


def bootstrap(
    figure: Figure, *, resamples: int = RESAMPLES, seed: int = 0, confidence: float = 0.95
) -> tuple[float, float]:
    """The percentile interval of a figure when the N examples are drawn anew with replacement.

    `zoo.stats.bootstrap`: the same seed gives the same resamples for every figure over N
    examples. Without examples it is (0.0, 0.0).
    """
    if not len(figure.statistics):
        return 0.0, 0.0

    def values(sums: np.ndarray) -> np.ndarray:
        return np.array([figure.reduce(one) for one in sums])

    interval = stats.bootstrap(
        figure.statistics, values, resamples=resamples, seed=seed, confidence=confidence
    )
    return float(interval.low), float(interval.high)


def by_length(
    figures: Mapping[str, Figure],
    lengths: Sequence[int],
    edges: Sequence[int],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[dict[str, object]]:
    """Every figure over the examples of each length bucket; empty buckets are left out.

    `lengths`: (N,) of the sources. `edges`: the last length of every bucket but the last, so
    that (5, 10) gives "1-5", "6-10" and "11+". A row is {"label", "count", figure: value, ...,
    "intervals": {figure: [low, high], ...}}, the 95 % intervals over the examples of the bucket.
    """
    array = np.asarray(lengths)
    rows: list[dict[str, object]] = []
    starts = [1, *(edge + 1 for edge in edges)]
    for start, last in zip(starts, [*edges, None], strict=True):
        mask = array <= edges[0] if start == 1 else array >= start  # an empty source is short
        if last is not None:
            mask &= array <= last
        if not mask.any():
            continue
        label = f"{start}+" if last is None else f"{start}-{last}"
        values = {key: round(figure.over(mask), 3) for key, figure in figures.items()}
        intervals: dict[str, list[float]] = {}
        for key, figure in figures.items():
            within = replace(figure, statistics=figure.statistics[mask])
            low, high = bootstrap(within, resamples=resamples, seed=seed)
            intervals[key] = [round(low, 3), round(high, 3)]
        row = {"label": label, "count": int(mask.sum()), **values, "intervals": intervals}
        rows.append(row)
    return rows


def report(
    figures: Mapping[str, Figure],
    lengths: Sequence[int] = (),
    edges: Sequence[int] = (),
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, object]:
    """What a card holds: value, 95 % interval and signature of every figure, and by length."""
    result: dict[str, object] = {}
    for key, figure in figures.items():
        low, high = bootstrap(figure, resamples=resamples, seed=seed)
        entry: dict[str, object] = {
            "value": round(figure.value, 3),
            "low": round(low, 3),
            "high": round(high, 3),
        }
        result[key] = entry | ({"signature": figure.signature} if figure.signature else {})
    if edges and len(lengths):
        result["by_length"] = by_length(figures, lengths, edges, resamples=resamples, seed=seed)
    return result
