"""Runs interventions: what if words were hidden or swapped, attention forced, heads switched off?

An `Intervention` says what is done and an `Outcome` what came of it (`zoo.interpret.edits`).
Axes: L layers, H heads, T target tokens, S source tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from zoo.checks import read_text
from zoo.continuation import Continuation
from zoo.inference.hypotheses import Hypotheses, Source, trim
from zoo.inference.seq2seq import Seq2SeqPredictor
from zoo.interpret import continuation_interventions, edited_network
from zoo.interpret.edits import Edits, Force, Intervention, Off, Outcome
from zoo.padding import LENGTHS, bucket, pad, shift
from zoo.prediction import AXES, Prediction, unit_spans
from zoo.runtime import backend
from zoo.tokenizer import EOS, PAD, UNK, WORD_START

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.inference.sampling import Generated, Sampling
    from zoo.kinds.base import Maps, Tensor

HIDDEN = "<hidden>"
"""What stands for a token that no state and no attention sees."""


def intervene(
    model: Seq2SeqPredictor | LanguageModelPredictor,
    answer: Prediction | Continuation,
    intervention: Intervention,
    beams: int = 1,
    max_length: int | None = None,
    sampling: Sampling | None = None,
    seed: int = 0,
) -> Outcome:
    """What the model does if words are hidden or swapped, attention forced, or heads off.

    Forced attention: Strobelt et al. 2018 (arXiv:1804.09299), section 4.

    Args:
        model: what `zoo.load` gives.
        answer: one of its answers.
        intervention: what is done.
        beams, max_length: of the new answer, as in `Seq2SeqPredictor.predict`; a continuation
            has as many tokens as before, or `max_length`.
        sampling, seed: of a new continuation, as in `LanguageModelPredictor.predict`.

    Returns:
        The new answer, the text of the old one scored under the intervention, and how far that
        moved what the model expects at each of its T tokens.

    Raises:
        ValueError: a word, layer, head or kind of attention that is not there, nothing left to
            read, a beginning that the model cannot write, beams of a language model or sampling of
            another one.

    Example:
        >>> import zoo.interpret
        >>> model = zoo.load("dates-lstm-bahdanau")
        >>> [answer] = model.predict(["17 March 1998"])
        >>> masked = zoo.interpret.Intervention(mask=(1,))
        >>> outcome = zoo.interpret.intervene(model, answer, masked)
        >>> outcome.changed, outcome.kl.shape
        (True, (11,))
    """
    if isinstance(answer, Continuation):
        if beams != 1:
            raise ValueError(f"A continuation is not searched for with beams. Received: {beams}")
        more = (max_length, sampling, seed)
        return continuation_interventions.intervene(model, answer, intervention, *more)
    if sampling is not None:
        raise ValueError("The new answer of an intervention is not sampled. Received: sampling")
    ids = model.source_tokenizer.ids(answer.source_pieces)
    altered = alter(ids, answer.source_pieces, intervention)
    rows = [_row(force, answer, altered, intervention.unit) for force in intervention.force]
    edits = Edits(model.attention_heads, intervention.off, rows)
    prefix = _prefix(model, intervention.prefix)
    after = _answer(model, altered, edits, prefix, beams, max_length)
    # What is said of the first answer does not hold of the second.
    said = model.checks.of_answer(read_text(answer.source_pieces), answer.text)
    after.notes = [*(note for note in answer.notes if note not in said), *after.notes]
    forced, before, kl = _compare(model, ids, altered, answer, edits)
    return Outcome(replace(answer, log_probs=before), after, forced, kl)


def predict_without(
    model: Seq2SeqPredictor, texts: str | Sequence[str], off: Sequence[Off], **options: Any
) -> list[Prediction]:
    """Answer each text with some heads of attention switched off (Michel et al. 2019).

    Args:
        model: what `zoo.load` gives.
        texts: what to read, as in `Seq2SeqPredictor.predict`.
        off: the heads and layers that are off; nothing: the answers are those of `predict`.
        options: those of `predict`, but for `sampling`.

    Raises:
        TypeError, ValueError: as `predict`; a kind, layer or head that is not there; `sampling`.

    Example:
        >>> import zoo.interpret
        >>> model = zoo.load("dates-lstm-bahdanau")
        >>> off = [zoo.interpret.Off("cross", layer=0)]
        >>> blind = zoo.interpret.predict_without(model, ["17 March 1998"], off)
        >>> blind[0].text == "1998-03-17"
        False
    """
    if not off:
        return model.predict(texts, **options)
    if options.get("sampling") is not None:
        raise ValueError("Heads are not switched off while sampling. Received: both")
    return _WithoutHeads(model, off).predict(texts, **options)


class _WithoutHeads(Seq2SeqPredictor):
    """A predictor whose heads `off` are switched off; it shares everything else with `model`."""

    def __init__(self, model: Seq2SeqPredictor, off: Sequence[Off]):
        vars(self).update(vars(model))
        self.edits = Edits(model.attention_heads, off).gates_alone()

    def generate(self, source: np.ndarray, **options: Any) -> Generated:
        # These two are of draws, and there are none.
        options = {name: options[name] for name in options.keys() - {"sampling", "seed"}}
        return edited_network.generate(self.model, source, self.edits, **options)

    def log_probs_and_maps(self, source: np.ndarray, target: np.ndarray) -> tuple[Tensor, Maps]:
        run = backend.traced(self.model, edited_network.score)
        return run(source, shift(target), target, self.edits)


@dataclass(frozen=True)
class AlteredSource:
    """A source after words were swapped and masked.

    Args:
        ids, pieces: its tokens, as ids and as text.
        places: where each was before.
    """

    ids: list[int]
    pieces: list[str]
    places: list[int]


def alter(ids: Sequence[int], pieces: Sequence[str], what: Intervention) -> AlteredSource:
    """Swap and mask words of a source. Masks count the words where they were before any swap.

    Raises:
        ValueError: a word that is not there, or nothing left to read.
    """
    spans = unit_spans(pieces, what.unit)
    what.check_words(len(spans), "source")
    found = AlteredSource([], [], [])
    for word in what.order(len(spans)):
        masked = word in what.mask
        if masked and what.how == "removed":
            continue
        for place in range(*spans[word]):
            piece, number = pieces[place], ids[place]
            if masked:
                mark = WORD_START if piece.startswith(WORD_START) else ""
                piece = f"{mark}{HIDDEN if what.how == 'hidden' else '<unk>'}"
                number = PAD if what.how == "hidden" else UNK
            found.ids.append(number)
            found.pieces.append(piece)
            found.places.append(place)
    if all(number in (PAD, EOS) for number in found.ids):
        raise ValueError("Something must be left to read. Received: every word masked")
    return found


def _row(
    force: Force, answer: Prediction, altered: AlteredSource, unit: str
) -> tuple[Force, list[int], list[int]]:
    """The tokens whose rows are overwritten, and those these are to look at, as they now stand.

    Raises:
        ValueError: an unknown kind, or a word that is not there or no longer there.
    """
    if force.kind not in AXES:
        raise ValueError(f"Kinds of maps are {', '.join(AXES)}. Received: {force.kind!r}")
    found = []
    sides = {"source": answer.source_pieces, "target": answer.target_pieces}
    for side, place in zip(AXES[force.kind], (force.target, force.source), strict=True):
        spans = unit_spans(sides[side], unit)
        if not 0 <= place < len(spans):
            raise ValueError(
                f"The {side} has {len(spans)} {unit}s, counted from 0. Received: {place}"
            )
        pieces = [*range(*spans[place])]
        if side == "source":
            seen = [i for i, number in enumerate(altered.ids) if number != PAD]
            pieces = [i for i in seen if altered.places[i] in pieces]
        if not pieces:
            raise ValueError(f"Nothing can look at a word that is masked. Received: {place}")
        found.append(pieces)
    rows, columns = found
    if force.kind == "decoder" and columns[0] > rows[0]:
        raise ValueError(
            "What is written looks only at what was written before it. "
            f"Received: target={force.target}, source={force.source}"
        )
    return force, rows, columns


def _prefix(model: Seq2SeqPredictor, text: str) -> list[int]:
    """The ids of a beginning, without the end of the sentence."""
    if not text.strip():
        return []
    ids = model.target_tokenizer.encode(text)
    ids = ids[:-1] if ids and ids[-1] == EOS else ids
    if UNK in ids:
        raise ValueError(
            f"The model cannot write all of the beginning it is given. Received: {text[:80]!r}"
        )
    if len(ids) >= model.max_target_length:
        raise ValueError(
            f"The beginning must be shorter than {model.max_target_length} tokens. "
            f"Received: {len(ids)}"
        )
    return ids


def _answer(
    model: Seq2SeqPredictor,
    altered: AlteredSource,
    edits: Edits,
    prefix: Sequence[int],
    beams: int,
    max_length: int | None,
) -> Prediction:
    """What the model writes, with the log-probabilities and maps it has under the intervention."""
    limit = min(max_length or model.max_target_length, model.max_target_length)
    length = bucket(limit, LENGTHS)
    source = pad([altered.ids], bucket(len(altered.ids), LENGTHS))
    made = edited_network.generate(
        model.model,
        source,
        edits.arrays(length, source.shape[1]),
        prefix,
        length=length,
        limit=max(limit, len(prefix) + 1),
        beams=beams,
    )
    found = Hypotheses.of(made, 0)
    written = found.tokens[0]
    target = pad([written], bucket(len(written), LENGTHS))
    arrays = edits.arrays(target.shape[1], source.shape[1])
    run = backend.traced(model.model, edited_network.score)
    log_probs, maps = _numpy(run(source, shift(target), target, arrays))
    # What has to be written costs a search nothing: its own numbers are not the model's.
    found.log_probs[0] = log_probs[0, : len(written)]
    return model.assemble(Source(altered.ids, altered.pieces, []), found, maps)


def _compare(
    model: Seq2SeqPredictor,
    ids: Sequence[int],
    altered: AlteredSource,
    answer: Prediction,
    edits: Edits,
) -> tuple[Prediction, np.ndarray, np.ndarray]:
    """The text of `answer` scored without and with the intervention.

    Returns:
        it under the intervention; its log-probabilities (T,) without; and (T,) the divergence of
        what is expected at each token with from without.
    """
    size = bucket(max(len(ids), len(altered.ids)), LENGTHS)
    written = model.target_tokenizer.ids(answer.target_pieces)
    target = pad([written], bucket(len(written), LENGTHS))
    run = backend.traced(model.model, edited_network.compare)
    sources = (pad([one], size) for one in (ids, altered.ids))
    arrays = edits.arrays(target.shape[1], size)
    before, under, kl, maps = _numpy(run(*sources, shift(target), target, arrays))
    many = len(written)
    sizes = {"source": len(altered.ids), "target": many}
    forced = replace(
        answer,
        source_pieces=altered.pieces,
        log_probs=under[0, :many],
        attention=trim(maps, 0, sizes),
        score=float(under[0, :many].sum()),
        alternatives=[],
        notes=[],
    )
    return forced, before[0, :many], kl[0, :many]


def _numpy(found: Any) -> Any:
    return keras.tree.map_structure(ops.convert_to_numpy, found)
