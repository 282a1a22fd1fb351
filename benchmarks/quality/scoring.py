"""A trained translator's answers to its task's test split, and what they score."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from benchmarks.quality.tokenized_bleu import Tokeniser, TokenisingError
from benchmarks.speed import run
from benchmarks.speed.protocol import versions

if TYPE_CHECKING:
    from training.tasks import Example

TOKENISERS = {
    "multi30k/de-en": Tokeniser("spacy", "en"),
    "multi30k/en-de": Tokeniser("moses", "de"),
}
"""By task, the tokens that figures in the literature are counted on."""
PACKAGES = ("keras", "tensorflow", "jax", "sacrebleu")

Tokenise = Callable[[Sequence[str]], tuple[list[str], dict[str, str]]]
"""Texts as tokens with spaces between, and the versions of what made them."""


def decode(
    folder: Path, name: str, beams: Sequence[int], tokenise: Tokeniser | None
) -> dict[str, Any]:
    """The scores of the test split by width of the search, and when and by what they were made."""
    import zoo
    from training import evaluate_pairs, tasks

    # The corpus before the first compilation: what is missing should be said at once.
    examples = tasks.get(name).examples("test")
    model = zoo.load(folder)
    scores: dict[str, Any] = {}
    for width in beams:
        typer.echo(f"{folder.name}: {len(examples):,} sentences, beam of {width}")
        sources = [example.source for example in examples]
        found = evaluate_pairs.predict(model, sources, width, progress=True)
        texts = [prediction.text for prediction in found]
        figures, made_by = score(texts, examples), versions(PACKAGES)
        if tokenise is not None:
            try:
                figures["tokenised_bleu"], more = tokenised(texts, examples, tokenise)
                made_by |= more
            except TokenisingError as error:
                typer.echo(f"{folder.name}: {error}")
        about = {"date": datetime.date.today().isoformat(), "commit": run.commit()}
        scores[str(width)] = figures | {"scored": about | {"versions": made_by}}
    return scores


def score(predictions: Sequence[str], examples: Sequence[Example]) -> dict[str, Any]:
    """Cased, detokenised sacreBLEU and chrF with 95 % intervals and signatures."""
    from training.metrics import text as metrics

    references = [example.references for example in examples]
    figures = {
        "bleu": metrics.bleu(predictions, references),
        "chrf": metrics.chrf(predictions, references),
    }
    return {"examples": len(examples), **metrics.report(figures)}


def tokenised(
    predictions: Sequence[str], examples: Sequence[Example], tokenise: Tokenise
) -> tuple[dict[str, Any], dict[str, str]]:
    """BLEU-4 without smoothing on the tokens of `tokenise`, and the versions that made them.

    Papineni et al. 2002, as multi-bleu.perl and NLTK count it: tokens as they are given.
    """
    from sacrebleu.metrics import BLEU

    from training.metrics.text import check, streams

    references = [list(dict.fromkeys(example.references)) for example in examples]
    check(predictions, references)
    flat = [text for accepted in references for text in accepted]
    lines, made_by = tokenise([*predictions, *flat])
    ours, rest = lines[: len(predictions)], iter(lines[len(predictions) :])
    theirs = [[next(rest) for _ in accepted] for accepted in references]
    metric = BLEU(tokenize="none", lowercase=True, smooth_method="none", force=True)
    value = metric.corpus_score(ours, streams(theirs)).score
    return {"value": round(value, 3), "signature": str(metric.get_signature())}, made_by
