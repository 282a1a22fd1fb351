"""How much each read token adds to the log-probability of each written one: `Attribution`.

Axes: S source tokens, T target tokens. `zoo.interpret.gradients` computes the scores.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.continuation import Continuation
from zoo.interpret import continuation_gradients, continuations, gradients, labels
from zoo.label import Label
from zoo.prediction import join_pieces, word_spans
from zoo.tokenizer import UNK

if TYPE_CHECKING:
    from zoo.inference.classifier import ClassifierPredictor
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.inference.seq2seq import Seq2SeqPredictor
    from zoo.prediction import Prediction

METHODS = ("gradient", "integrated", "occlusion")
BASELINES = ("unknown", "zero")


@dataclass(frozen=True, eq=False)
class Attribution:
    """How much each source token (or word) speaks for each target one, in nats, signed.

    Args:
        method: `gradient`, `integrated` or `occlusion`.
        source, target: the S and T tokens as text, or words.
        scores: (T, S) float32; above 0 where the source token makes the target one likelier.
        difference: (T,) float32, log p(source) - log p(baseline), which the scores of a row should
            add up to; None but for `integrated`.
        steps: points of the path that the most difficult token took; None but for `integrated`.
        notes: plain sentences about what the reader should know.
    """

    method: str
    source: list[str]
    target: list[str]
    scores: np.ndarray
    difference: np.ndarray | None = None
    steps: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def error(self) -> np.ndarray | None:
        """(T,) |sum of scores - difference| in nats: how far each row is from complete."""
        if self.difference is None:
            return None
        return np.abs(self.scores.sum(axis=-1) - self.difference)

    def words(self) -> Attribution:
        """The same over words, as `Prediction.words()` cuts them: summed on both sides.

        Log-probabilities of tokens add up to the word's, and so do their scores.
        """
        read, written = word_spans(self.source), word_spans(self.target)
        scores = np.zeros((len(written), len(read)), "float32")
        for row, (a, b) in enumerate(written):
            for column, (c, d) in enumerate(read):
                scores[row, column] = self.scores[a:b, c:d].sum()
        difference = self.difference
        if difference is not None:
            difference = np.array([difference[a:b].sum() for a, b in written], "float32")
        return replace(
            self,
            source=join_pieces(self.source, read),
            target=join_pieces(self.target, written),
            scores=scores,
            difference=difference,
        )

    def normalised(self) -> np.ndarray:
        """(T, S) float32: sizes without sign, rows sum to 1; even where nothing mattered."""
        sizes = np.abs(self.scores)
        total = sizes.sum(axis=-1, keepdims=True)
        even = np.full_like(sizes, 1 / max(len(self.source), 1))
        return np.where(total > 0, sizes / np.maximum(total, 1e-30), even).astype("float32")


def attribute(
    model: Seq2SeqPredictor | LanguageModelPredictor | ClassifierPredictor,
    answer: Prediction | Continuation | Label,
    method: str = "gradient",
    *,
    baseline: str = "unknown",
    steps: int = 32,
    max_steps: int = 864,
    leave_out: bool = False,
) -> Attribution:
    """How much each read token adds to the log-probability of each written one.

    Needs no attention, so it works for every model, and attention can be compared with it.

    Args:
        model: what `zoo.load` gives.
        answer: one of its answers. Of a continuation there is `gradient` alone, and what was read
            are the tokens of the prompt and then all written ones but the last. Of a label there
            are `gradient` and `occlusion`, T is 1, the class, and what was read are the tokens or
            (occlusion) words of a text, the pixels of an image row by row, the steps of a series.
        method: `gradient` (x input, Denil et al. 2014, arXiv:1412.6815), `integrated`
            (gradients, Sundararajan et al. 2017, arXiv:1703.01365), or `occlusion`: how far
            the log-probability falls as the token is hidden (Li et al. 2016, arXiv:1612.08220).
        baseline: of `integrated`: every token `unknown`, or embeddings of `zero`.
        steps, max_steps: of `integrated`: points of the path, tripled up to the most until the
            scores of every written token add up to within 1 %.
        leave_out: of `occlusion`: take tokens away instead of making them unknown.

    Returns:
        Signed scores (T, S), with the error of completeness where the method has one.

    Raises:
        ValueError: an unknown method or baseline, or steps that make no sense.

    Example:
        >>> import zoo.interpret
        >>> model = zoo.load("dates-lstm-bahdanau")
        >>> [answer] = model.predict(["17 March 1998"])
        >>> found = zoo.interpret.attribute(model, answer, method="occlusion")
        >>> found.scores.shape == (len(answer.target_pieces), len(answer.source_pieces))
        True
    """
    _check(method, baseline, steps, max_steps)
    if isinstance(answer, Continuation):
        return _of_continuation(model, answer, method)
    if isinstance(answer, Label):
        return _of_label(model, answer, method)
    network = model.model
    source, target = model.answer_ids(answer)
    read, written = list(answer.source_pieces), list(answer.target_pieces)
    notes = []
    unknown = int((source == UNK).sum())
    if unknown and (method, leave_out) == ("occlusion", False):
        notes.append(f"Unknown to the model, hence nothing to hide: {unknown} of the read tokens.")
    if unknown and (method, baseline) == ("integrated", "unknown"):
        notes.append(f"Unknown to the model, as the baseline is: {unknown} of the read tokens.")
    if method == "gradient":
        return Attribution(
            method, read, written, gradients.gradient_times_input(network, source, target)
        )
    if method == "occlusion":
        scores = gradients.occlusion(network, source, target, leave_out)
        return Attribution(method, read, written, scores, notes=notes)
    found = gradients.integrated_gradients(network, source, target, baseline, steps, max_steps)
    made = Attribution(method, read, written, *found, notes=notes)
    notes += _incomplete(made)
    return made


def _incomplete(made: Attribution) -> list[str]:
    """What to say where scores miss the difference that they should add up to."""
    missed = made.error > gradients.allowed(made.difference)
    if not missed.any():
        return []
    return [
        f"After {made.steps} steps the scores of {missed.sum()} of {len(made.target)} written "
        f"tokens still miss the difference they should add up to by more than 1 %, "
        f"by {made.error.max():.2g} nats at most."
    ]


def _check(method: str, baseline: str, steps: int, max_steps: int) -> None:
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}. Received: method={method!r}")
    if baseline not in BASELINES:
        raise ValueError(
            f"baseline must be one of {', '.join(BASELINES)}. Received: baseline={baseline!r}"
        )
    if not 1 <= steps <= max_steps:
        raise ValueError(
            f"steps must be from 1 to max_steps. Received: steps={steps}, max_steps={max_steps}"
        )


def _of_continuation(
    model: LanguageModelPredictor, answer: Continuation, method: str
) -> Attribution:
    if method != "gradient":
        raise ValueError(
            f"Of a continuation there is the method gradient. Received: method={method!r}"
        )
    scores = continuation_gradients.gradient_times_input(model, answer)
    read, _ = continuations.read_and_written(model, answer)
    written = [token.label for token in answer.tokens]
    return Attribution(method, model.tokenizer.labels(read), written, scores)


def _of_label(model: ClassifierPredictor, answer: Label, method: str) -> Attribution:
    if method == "integrated":
        raise ValueError(
            f"Of a label there are gradient and occlusion. Received: method={method!r}"
        )
    scores = (labels.gradient if method == "gradient" else labels.occlusion)(model, answer)
    if model.reads == "text":
        read = answer.labels if method == "gradient" else labels.words_of(model, answer.input)
    else:
        read = [", ".join(str(one + 1) for one in place) for place in np.ndindex(scores.shape)]
    return Attribution(method, list(read), [answer.name], scores.reshape(1, -1))


def saliency(
    model: Seq2SeqPredictor | LanguageModelPredictor, answer: Prediction | Continuation
) -> np.ndarray:
    """How much each read token mattered to each written one: |gradient x input|, as shares.

    `attribute(model, answer)` without its sign: what models without attention are shown by.

    Returns:
        (T, S) float32, rows sum to 1; of a continuation S are all tokens read.

    Example:
        >>> import zoo.interpret
        >>> model = zoo.load("dates-lstm-bahdanau")
        >>> [answer] = model.predict(["17 March 1998"])
        >>> zoo.interpret.saliency(model, answer).sum(axis=1).round(3).tolist() == [1.0] * 11
        True
    """
    return attribute(model, answer).normalised()
