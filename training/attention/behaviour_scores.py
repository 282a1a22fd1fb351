"""Attention on a task's own test split: how maps look, whether they explain, which heads work.

Axes: N examples, L layers, H heads, T written words, S read words.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from training.attention.entries import difference, entry, figure, plain
from training.evaluate_pairs import BATCH, predict
from zoo.interpret import (
    attention_metrics,
    attribute,
    faithfulness,
    head_ablation,
    predict_without,
)
from zoo.interpret.faithfulness import Faithfulness
from zoo.prediction import Prediction
from zoo.stats import Interval, bootstrap, ratio

if TYPE_CHECKING:
    from training.metrics.text import Figure
    from training.tasks import Example, Task
    from zoo.inference.seq2seq import Seq2SeqPredictor
    from zoo.interpret import Off

Tell = Callable[[int], None]


@dataclass
class Looked:
    """Some answers of a model and what was measured of each.

    Args:
        scores: by kind of map ("cross", "encoder", "decoder", or "saliency" where there is no
            attention): of each answer the `attention_metrics.scores`, (L, H) each.
        faithful: the faithfulness of each.
    """

    scores: dict[str, list[dict[str, np.ndarray]]]
    faithful: list[Faithfulness]


def look(
    loaded: Seq2SeqPredictor, sources: Sequence[str], *, unit: str, how: str, tell: Tell
) -> Looked:
    """Answer each source and measure its maps; for `unit` see `zoo.interpret.faithfulness`."""
    found = Looked({}, [])
    ordered = sorted(sources, key=len)
    for start in range(0, len(ordered), BATCH):
        for prediction in loaded.predict(ordered[start : start + BATCH]):
            gradient = attribute(loaded, prediction) if prediction.target_pieces else None
            place = len(found.faithful)
            one = gradient and faithfulness.measure(
                loaded, prediction, gradient, unit=unit, how=how, seed=place
            )
            if one and gradient:
                found.faithful.append(one)
                words = gradient.words() if unit == "word" else gradient
                for kind, maps in _maps(prediction, words.normalised(), unit).items():
                    found.scores.setdefault(kind, []).append(attention_metrics.scores(maps))
            tell(1)
    return found


def _maps(prediction: Prediction, saliency: np.ndarray, unit: str) -> Mapping[str, np.ndarray]:
    if not prediction.attention:
        return {"saliency": saliency[None, None]}
    return prediction.words().attention if unit == "word" else prediction.attention


def maps(found: Looked, *, resamples: int, seed: int = 0) -> dict[str, Any]:
    """What the file holds of entropy, coverage and the other scores of `attention_metrics`.

    Overall is the mean over a kind's heads.
    """
    result = {}
    for name in attention_metrics.SCORES:
        overall, per_head = {}, {}
        for kind, scores in found.scores.items():
            values = np.stack([one[name] for one in scores])
            counted = np.stack([np.nan_to_num(values), ~np.isnan(values)], axis=-1)
            interval = functools.partial(bootstrap, resamples=resamples, seed=seed)
            overall[kind] = entry(interval(counted.sum(axis=(1, 2)), ratio))
            if kind != "saliency":
                per_head[kind] = entry(interval(counted, ratio))
        result[name] = figure(overall, per_head)
    return result


def faithful(found: Looked, *, resamples: int, seed: int = 0) -> dict[str, Any]:
    """What the file holds of comprehensiveness, sufficiency and correlation.

    The best head is chosen on one half of the answers and reported on the other, as is what it is
    compared with.
    """
    if not found.faithful:
        raise ValueError("no answer had a word to ask about. Received: 0 answers")
    attends = "heads" in found.faithful[0].figures["correlation"]
    result = {}
    for name in faithfulness.FIGURES:
        higher = not name.startswith("sufficiency")
        sums = {
            rationale: faithfulness.statistics(found.faithful, name, rationale)
            for rationale in found.faithful[0].figures[name]
        }
        interval = functools.partial(bootstrap, reduce=ratio, resamples=resamples, seed=seed)
        overall = {
            rationale: entry(interval(each))
            for rationale, each in sums.items()
            if rationale != "heads"
        }
        of = "attention" if attends else "gradient"
        apart = functools.partial(difference, reduce=ratio, resamples=resamples, seed=seed)
        differences = [
            {"of": of, "less": other} | apart(sums[of], sums[other])
            for other in overall
            if other != of
        ]
        per_head = {}
        if attends:
            per_head["cross"] = entry(interval(sums["heads"]))
            if sums["heads"][0, ..., 0].size > 1 and len(found.faithful) > 1:
                best, where = _best(sums["heads"], higher)
                overall["best_head"] = entry(interval(best)) | where
                differences += [
                    {"of": "best_head", "less": other} | apart(best, sums[other][1::2])
                    for other in ("attention", "gradient", "random")
                    if other in sums
                ]
        result[name] = figure(overall, per_head, differences, higher_is_better=higher)
    return result


def _best(sums: np.ndarray, higher: bool) -> tuple[np.ndarray, dict[str, Any]]:
    """(n, 2) statistics of the second half of the head that is best on the first; and which."""
    means = ratio(sums[0::2].sum(axis=0))
    means = np.nan_to_num(means if higher else -means, nan=-np.inf)
    layer, head = (int(i) for i in np.unravel_index(means.argmax(), means.shape))
    chosen = sums[1::2, layer, head]
    halves = {"chosen_on": len(sums) - len(chosen), "reported_on": len(chosen)}
    return chosen, {"layer": layer, "head": head, **halves}


def importance(
    loaded: Seq2SeqPredictor,
    task: Task,
    examples: Sequence[Example],
    *,
    resamples: int,
    seed: int = 0,
    tell: Tell,
) -> dict[str, Any]:
    """What the file holds of importance: what is lost as each head is switched off by itself.

    `importance`: nats a token of the first reference, with `together` for all heads of a kind off
    at once; `importance_metric`: points of the task's metric over the model's own greedy answers.
    Above 0: the head is of use.
    """
    ordered = sorted(examples, key=lambda example: len(example.source))
    texts = [example.source for example in ordered], [e.references[0] for e in ordered]
    lost = head_ablation.losses(loaded, *texts, tell=lambda: tell(1))
    interval = functools.partial(bootstrap, reduce=ratio, resamples=resamples, seed=seed)
    per_head = {kind: entry(interval(sums)) for kind, sums in lost.items()}
    overall = {kind: entry(interval(sums.sum(axis=(1, 2)))) for kind, sums in lost.items()}
    all_off = head_ablation.together(loaded, *texts)
    whole_kinds = {kind: entry(interval(sums)) for kind, sums in all_off.items()}
    return {
        "importance": figure(overall, per_head, together=whole_kinds, unit="nats a token"),
        "importance_metric": _metric(loaded, task, ordered, resamples, seed, tell),
    }


@dataclass
class _Without:
    """A model with a head off, as `training.evaluate_pairs.predict` asks it."""

    loaded: Seq2SeqPredictor
    off: tuple[Off, ...]

    def predict(self, texts: Sequence[str], beams: int, attention: bool) -> list[Prediction]:
        return predict_without(self.loaded, texts, self.off, beams=beams, attention=attention)


def _metric(
    loaded: Seq2SeqPredictor,
    task: Task,
    examples: Sequence[Example],
    resamples: int,
    seed: int,
    tell: Tell,
) -> dict[str, Any]:
    sources = [example.source for example in examples]

    def figures(off: tuple[Off, ...]) -> dict[str, Figure]:
        answers = predict(_Without(loaded, off), sources)
        return task.figures([answer.text for answer in answers], examples)

    whole = figures(())
    name = "bleu" if "bleu" in whole else task.metric
    sign = -1.0 if not task.higher_is_better else 1.0
    rng = np.random.default_rng(seed)
    chance = np.full(len(examples), 1 / len(examples))
    drawn = rng.multinomial(len(examples), chance, size=resamples).astype("float64")
    every = np.concatenate([np.ones((1, len(examples))), drawn])  # the first: all, once

    def values(found: Figure) -> np.ndarray:
        return sign * np.array([found.reduce(sums) for sums in every @ found.statistics])

    before = values(whole[name])

    def lost(off: Off) -> np.ndarray:
        apart = before - values(figures((off,))[name])
        tell(1)
        return np.array([apart[0], *np.percentile(apart[1:], [2.5, 97.5])])

    found = head_ablation.gathered(
        loaded.attention_heads,
        ((off, lost(off)) for off in head_ablation.outages(loaded.attention_heads)),
    )
    per_head = {kind: entry(Interval(*np.moveaxis(each, -1, 0))) for kind, each in found.items()}
    whole_value = plain(whole[name].value)
    return figure({}, per_head, metric=name, whole=whole_value, unit="points")
