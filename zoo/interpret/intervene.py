"""What if: words hidden or swapped, attention forced, heads switched off, a beginning given.

An `Intervention` says what is done, an `Outcome` what came of it. How a network is made to do it
stands in `zoo.interpret.edited_network`. Axes: L layers, H heads, T written pieces, S read pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.checks import read_text
from zoo.interpret.attention_maps import SIDES
from zoo.prediction import Prediction, unit_spans
from zoo.tokenizer import EOS, PAD, UNK, WORD_START

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor

HOW = ("unknown", "hidden", "removed")
UNITS = ("word", "piece")
HIDDEN = "<hidden>"
"""What stands for a piece that no state and no attention sees."""


@dataclass(frozen=True)
class Force:
    """One row of attention overwritten: all of it goes to one place (Strobelt et al. 2018).

    Args:
        target: which row, by its word (or piece): of what was written, for kind "encoder" of what
            was read.
        source: where it is to look: at what was read, for kind "decoder" at what was written.
        kind: "cross", "encoder" or "decoder".
        layer, head: counted from 0; None: all of them.
    """

    target: int
    source: int
    kind: str = "cross"
    layer: int | None = None
    head: int | None = None


@dataclass(frozen=True)
class Off:
    """A head whose output is zero, as if it were not there; without `head`, all of the layer."""

    kind: str
    layer: int
    head: int | None = None


@dataclass(frozen=True)
class Intervention:
    """What is done to a model while it answers; nothing, by default.

    Args:
        mask: words of the source that are not to be known.
        how: a masked word is "unknown": every piece of it read as `<unk>`, as occlusion does;
            "hidden": its place stays, but no attention and no state sees it; "removed": taken out,
            and later words move up.
        swap: pairs of words of the source that change places, one pair after the other.
        force: rows of attention that are overwritten, later ones over earlier ones.
        off: heads and layers of attention that are switched off.
        prefix: what the answer has to begin with.
        unit: what is counted: "word" (as `Prediction.words` cuts them) or "piece" (the bytes of a
            character count as one).
    """

    mask: tuple[int, ...] = ()
    how: str = "unknown"
    swap: tuple[tuple[int, int], ...] = ()
    force: tuple[Force, ...] = ()
    off: tuple[Off, ...] = ()
    prefix: str = ""
    unit: str = "word"

    def __post_init__(self) -> None:
        if self.how not in HOW:
            raise ValueError(f"how must be one of {', '.join(HOW)}. Received: how={self.how!r}")
        if self.unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}. Received: {self.unit!r}")


@dataclass
class Outcome:
    """What came of an intervention.

    Args:
        before: the answer it was made to.
        after: what the model writes under the intervention, with its maps.
        forced: the text of `before`, scored under the intervention, with the maps it then has.
        kl: (T,) float32, Kullback-Leibler divergence in nats of what the model expects at each
            piece of `before` under the intervention from what it expected without it.
    """

    before: Prediction
    after: Prediction
    forced: Prediction
    kl: np.ndarray

    @property
    def changed(self) -> bool:
        """Whether the text is another."""
        return self.after.text != self.before.text

    @property
    def difference(self) -> np.ndarray:
        """(T,) nats by which each piece of `before` became likelier."""
        return self.forced.log_probs - self.before.log_probs


def intervene(
    loaded: Seq2SeqPredictor,
    prediction: Prediction,
    intervention: Intervention,
    beams: int = 1,
    max_length: int | None = None,
) -> Outcome:
    """`Seq2SeqPredictor.intervene`."""
    from zoo.interpret import edited_network

    ids = loaded.source_tokenizer.ids(prediction.source_pieces)
    altered = alter(ids, prediction.source_pieces, intervention)
    rows = [_row(force, prediction, altered, intervention.unit) for force in intervention.force]
    edits = edited_network.Edits(loaded.attention_heads, intervention.off, rows)
    prefix = _prefix(loaded, intervention.prefix)
    after = edited_network.answer(
        loaded, altered, edits, prefix, beams=beams, max_length=max_length
    )
    # What is said of the first answer does not hold of the second.
    said = loaded.checks.of_answer(read_text(prediction.source_pieces), prediction.text)
    after.notes = [*(note for note in prediction.notes if note not in said), *after.notes]
    forced, before, kl = edited_network.compare(loaded, ids, altered, prediction, edits)
    return Outcome(replace(prediction, log_probs=before), after, forced, kl)


@dataclass(frozen=True)
class Altered:
    """A source after words were swapped and masked: its ids, its pieces, and where each was."""

    ids: list[int]
    pieces: list[str]
    places: list[int]


def alter(ids: Sequence[int], pieces: Sequence[str], what: Intervention) -> Altered:
    """Swap and mask words of a source. Masks count the words where they stood before any swap.

    Raises:
        ValueError: a word that is not there, or nothing left to read.
    """
    spans = unit_spans(pieces, what.unit)
    for word in [*what.mask, *(word for pair in what.swap for word in pair)]:
        if not 0 <= word < len(spans):
            raise ValueError(
                f"The source has {len(spans)} {what.unit}s, counted from 0. Received: {word}"
            )
    order = [*range(len(spans))]
    for one, other in what.swap:
        a, b = order.index(one), order.index(other)
        order[a], order[b] = order[b], order[a]
    found = Altered([], [], [])
    for word in order:
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
    force: Force, prediction: Prediction, altered: Altered, unit: str
) -> tuple[Force, list[int], list[int]]:
    """The pieces whose rows are overwritten, and those they are to look at, as they now stand.

    Raises:
        ValueError: an unknown kind, or a word that is not there or no longer there.
    """
    if force.kind not in SIDES:
        raise ValueError(f"Kinds of maps are {', '.join(SIDES)}. Received: {force.kind!r}")
    found = []
    sides = {"source": prediction.source_pieces, "target": prediction.target_pieces}
    for side, place in zip(SIDES[force.kind], (force.target, force.source), strict=True):
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


def _prefix(loaded: Seq2SeqPredictor, text: str) -> list[int]:
    """The ids of a beginning, without the end of the sentence."""
    if not text.strip():
        return []
    ids = loaded.target_tokenizer.encode(text)
    ids = ids[:-1] if ids and ids[-1] == EOS else ids
    if UNK in ids:
        raise ValueError(
            f"The model cannot write all of the beginning it is given. Received: {text[:80]!r}"
        )
    if len(ids) >= loaded.max_target_length:
        raise ValueError(
            f"The beginning must be shorter than {loaded.max_target_length} pieces. "
            f"Received: {len(ids)}"
        )
    return ids
