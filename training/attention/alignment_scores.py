"""Attention as a word aligner: every head, rule and position against gold alignments.

What is chosen (a head, a rule, a threshold) is chosen on one half of the gold sentences and
reported on the other. Axes: N sentences, L layers, H heads, T written words, S read words.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from training.attention import gold_alignments
from training.attention.entries import difference, entry, figure
from training.attention.gold_alignments import AlignedPair
from training.evaluate_pairs import BATCH, sample
from zoo.interpret import alignment, saliency
from zoo.prediction import END
from zoo.stats import bootstrap

if TYPE_CHECKING:
    from training.tasks import Task
    from zoo.inference.seq2seq import Seq2SeqPredictor

LEASTS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
"""The thresholds of which each head's best is chosen."""

POSITIONS = ("written", "read")
"""Whose row is a word's: of the step that writes it, or of the one that reads it (Shift-Att)."""

TWO_WAYS = ("intersection", "grow-diag-final-and")
"""Rules for the two directions, both of which come from the one model: rows and columns."""

FIGURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "aer": alignment.aer,
    "precision": alignment.precision,
    "recall": alignment.recall,
}

_BEFORE = {".", ",", ")", "?", "!", ":", ";", "'", "'s", "..."}
_AFTER = {"(", "¿", "¡"}


@dataclass(frozen=True)
class GoldSet:
    """Sentences with what goes together in them, as texts that a model can read and write.

    Args:
        name: what it is called.
        pairs: the sentences, whose words are as in `texts` and `targets`.
        texts, targets: what is read and what has to be written.
        aligned_only: written words that the gold leaves unaligned come from nowhere for certain
            (the dashes of a date), and no head is asked about them.
        provenance: where it comes from.
        note: what was done to it.
    """

    name: str
    pairs: list[AlignedPair]
    texts: list[str]
    targets: list[str]
    aligned_only: bool
    provenance: dict[str, str]
    note: str


@dataclass
class Counted:
    """What alignments of every candidate were made of.

    Args:
        counts: by group ("heads", "layers", "mean", "saliency", "diagonal"), then by
            (rule, position, least): (N, L, H, 4), as `zoo.interpret.alignment.counts` gives them.
        skipped: how many sentences could not be used, and why, by reason.
        places: which of the gold's sentences the N are; all, where it is empty.
    """

    counts: dict[str, dict[tuple[str, str, float], np.ndarray]]
    skipped: dict[str, int] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)


def gold_set(task: Task, limit: int | None) -> GoldSet | None:
    """The gold alignments of a task; None where there are none.

    Raises:
        training.data.download.DownloadError: they are not in the data folder.
    """
    name = next(
        (f"golden-{code}" for code in ("en-es", "en-fr") if task.name.endswith(f"/{code}")), None
    )
    if name:
        chosen = gold_alignments.SETS[name]
        pairs = [_as_sentences(pair) for pair in sample(chosen.read(), limit)]
        texts = [[joined(side) for side in (pair.source, pair.target)] for pair in pairs]
        note = (
            "Its words are in lower case and apart; the models read and wrote them as sentences, "
            "with a capital in front and punctuation where it belongs."
        )
        provenance = chosen.provenance()
    else:
        if not task.aligned:
            return None
        name = f"{task.name}, test split"
        examples = sample(task.examples("test"), limit)
        pairs = [gold_alignments.from_example(example) for example in examples]
        texts = [[example.source, example.references[0]] for example in examples]
        note, provenance = task.aligned, task.provenance()
    aligned_only = bool(task.aligned)
    sources, targets = ([row[side] for row in texts] for side in (0, 1))
    return GoldSet(name, pairs, sources, targets, aligned_only, asdict(provenance), note)


def joined(words: Sequence[str]) -> str:
    """Words as a sentence: no space before what closes, none after what opens."""
    text, glued = "", True
    for word in words:
        text += word if glued or word in _BEFORE else f" {word}"
        glued = word in _AFTER
    return text


def _as_sentences(pair: AlignedPair) -> AlignedPair:
    return AlignedPair(_capital(pair.source), _capital(pair.target), pair.gold)


def _capital(words: Sequence[str]) -> tuple[str, ...]:
    """The first word that has a letter with a capital in front."""
    first = next((i for i, word in enumerate(words) if word[:1].isalpha()), len(words))
    return tuple(
        word[:1].upper() + word[1:] if i == first else word for i, word in enumerate(words)
    )


def count(
    loaded: Seq2SeqPredictor, gold: GoldSet, tell: Callable[[int], None] = lambda done: None
) -> Counted:
    """Align every sentence by every candidate, the model being made to write the gold target."""
    order = sorted(range(len(gold.pairs)), key=lambda i: len(gold.texts[i]))
    rows: dict[int, dict[str, dict[tuple[str, str, float], np.ndarray]]] = {}
    skipped: dict[str, int] = {}
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        found = loaded.predict(
            [gold.texts[i] for i in batch], target=[gold.targets[i] for i in batch]
        )
        for i, prediction in zip(batch, found, strict=True):
            maps = word_maps(loaded, prediction, gold.pairs[i])
            if isinstance(maps, str):
                skipped[maps] = skipped.get(maps, 0) + 1
            else:
                rows[i] = _candidates(maps, gold.pairs[i], gold.aligned_only)
            tell(1)
    if not rows:
        reasons = "; ".join(skipped) or "there are none"
        raise ValueError(f"no gold sentence could be used: {reasons}. Received: {gold.name}")
    kept = [rows[i] for i in sorted(rows)]
    counts = {
        group: {key: np.stack([row[group][key] for row in kept]) for key in kept[0][group]}
        for group in kept[0]
    }
    return Counted(counts, skipped, sorted(rows))


def word_maps(
    loaded: Seq2SeqPredictor, prediction: Any, pair: AlignedPair
) -> dict[str, dict[str, np.ndarray]] | str:
    """By group and position maps (L, H, T, S) over the gold words; or why there are none."""
    if prediction.target_pieces[-1:] != [END] or any("were read" in n for n in prediction.notes):
        return "longer than the model reads or writes"
    try:
        written = alignment.spelled(prediction.target_pieces, pair.target)
        read = alignment.spelled(prediction.source_pieces, pair.source)
    except ValueError:
        return "its tokens do not spell the words"
    groups = {}
    cross = prediction.attention.get("cross")
    if cross is not None:
        groups["heads"] = cross
        if cross.shape[1] > 1:
            groups["layers"] = cross.mean(axis=1, keepdims=True)
        if cross[0, 0].size < cross.size:
            groups["mean"] = cross.mean(axis=(0, 1), keepdims=True)
    groups["saliency"] = saliency(loaded, prediction)[None, None]
    found = {}
    for group, maps in groups.items():
        found[group] = {"written": alignment.merge(maps, written, read)[..., :-1, :-1]}
        if group != "saliency":  # which is of the token that is written, whatever step reads it
            later = alignment.merge(alignment.when_read(maps), written[:-1, :-1], read)
            found[group]["read"] = later[..., :-1]
    return found


def _candidates(
    groups: Mapping[str, Mapping[str, np.ndarray]], pair: AlignedPair, aligned_only: bool
) -> dict[str, dict[tuple[str, str, float], np.ndarray]]:
    """Counts (L, H, 4) of one sentence by group and candidate, the diagonal among them."""

    def counts(links: np.ndarray) -> np.ndarray:
        if aligned_only:
            links = alignment.within(links, pair.gold)
        return alignment.counts(links, pair.gold)

    found: dict[str, dict[tuple[str, str, float], np.ndarray]] = {}
    for group, positions in groups.items():
        found[group] = {}
        for position, maps in positions.items():
            rows, columns = (alignment.argmax(maps, by=by) for by in ("target", "source"))
            found[group]["argmax", position, 0.0] = counts(rows)
            for rule in TWO_WAYS:
                both = alignment.symmetrise(rows, columns, rule)
                found[group][rule, position, 0.0] = counts(both)
            for least in LEASTS:
                links = alignment.threshold(maps, least)
                found[group]["threshold", position, least] = counts(links)
    straight = alignment.diagonal(len(pair.target), len(pair.source))[None, None]
    found["diagonal"] = {("diagonal", "written", 0.0): counts(straight)}
    return found


def report(found: Counted, *, resamples: int, seed: int = 0) -> dict[str, Any]:
    """What the file holds of `aer`, `precision` and `recall`."""
    some = next(iter(found.counts["diagonal"].values()))
    chosen_on, reported_on = np.arange(0, len(some), 2), np.arange(1, len(some), 2)
    if not len(reported_on):
        raise ValueError(f"gold sentences are halved. Received: {len(some)} of them")
    best = {group: _choose(candidates, chosen_on) for group, candidates in found.counts.items()}
    names = {"heads": "best_head", "layers": "best_layer"}
    rows = {
        names.get(group, group): found.counts[group][key][reported_on][:, layer, head]
        for group, (key, layer, head) in best.items()
    }
    first = "best_head" if "best_head" in rows else "saliency"
    places = np.array(found.places or range(len(some)))[reported_on]
    result: dict[str, Any] = {}
    for name, reduce in FIGURES.items():
        interval = functools.partial(bootstrap, resamples=resamples, seed=seed)
        overall = {
            row: entry(interval(counts, reduce)) | _described(*best[group])
            for (row, counts), group in zip(rows.items(), best, strict=True)
        }
        per_head = _per_head(
            found.counts.get("heads", {}), chosen_on, reported_on, reduce, interval
        )
        differences = [
            difference(rows[first], rows[other], reduce, resamples=resamples, seed=seed)
            | {"of": first, "less": other}
            for other in rows
            if other != first
        ]
        result[name] = figure(
            overall,
            per_head,
            differences,
            chosen_on=len(chosen_on),
            reported_on=len(reported_on),
            higher_is_better=name != "aer",
        )
    # So that another model can be compared on the same sentences: those of the best head (or of
    # saliency), each with |A & S| + |A & P| and |A| + |S|, of which AER is made.
    sums = rows[first] @ np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    result["aer"]["sentences"] = {
        str(place): row for place, row in zip(places, sums.astype(int).tolist(), strict=True)
    }
    return result


def _choose(
    candidates: Mapping[tuple[str, str, float], np.ndarray], rows: np.ndarray
) -> tuple[tuple[str, str, float], int, int]:
    """The candidate, layer and head with the least AER on these rows; the first of equals."""
    found = {key: alignment.aer(counts[rows].sum(axis=0)) for key, counts in candidates.items()}
    key = min(found, key=lambda key: found[key].min())
    layer, head = np.unravel_index(found[key].argmin(), found[key].shape)
    return key, int(layer), int(head)


def _described(key: tuple[str, str, float], layer: int, head: int) -> dict[str, Any]:
    """How a candidate links, and which one it is; layers and heads counted from 0."""
    rule, position, least = key
    found = {"rule": rule, "position": position, "layer": layer, "head": head}
    return found | ({"least": least} if rule == "threshold" else {})


def _per_head(
    candidates: Mapping[tuple[str, str, float], np.ndarray],
    chosen_on: np.ndarray,
    reported_on: np.ndarray,
    reduce: Callable[[np.ndarray], np.ndarray],
    interval: Callable[..., Any],
) -> dict[str, Any]:
    """By "rule position": every head (L, H). A threshold is each head's own, from the first half,
    and its figures are of the second; the others choose nothing and are of all sentences.
    """
    found = {}
    for (rule, position, _), counts in candidates.items():
        name = f"{rule} {position}"
        if rule != "threshold":
            found[name] = entry(interval(counts, reduce))
        elif name not in found:
            tried = [candidates[rule, position, least] for least in LEASTS]
            errors = [alignment.aer(each[chosen_on].sum(axis=0)) for each in tried]
            which = np.argmin(errors, axis=0)
            stacked = np.stack(tried)[:, reported_on]
            own = np.take_along_axis(stacked, which[None, None, :, :, None], axis=0)[0]
            leasts = np.array(LEASTS)[which].tolist()
            found[name] = entry(interval(own, reduce)) | {"least": leasts}
    return found
