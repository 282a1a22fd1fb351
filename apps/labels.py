"""What a page shows of one model's answer, the same whether it was stored or computed just now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zoo.prediction import AXES
from zoo.tokenizer import WORD_START

END = "</s>"
END_LABEL = "(end)"
END_SIGN = "↵"
SPACE_LABEL = "␣"
SALIENCY = "saliency"


@dataclass(frozen=True)
class Answer:
    """One model's answer to one input.

    `attention`: kind -> (L, H, T, S) over tokens; `saliency` (T, S) or None; `milliseconds`: the
    warm runs, one by one (stored answers may hold only their median). `stored`: where and when it
    was computed, None when that was here and now.
    """

    model: str
    text: str
    source_pieces: list[str]
    target_pieces: list[str]
    log_probs: np.ndarray
    attention: dict[str, np.ndarray] = field(default_factory=dict)
    saliency: np.ndarray | None = None
    milliseconds: tuple[float, ...] = ()
    median: float | None = None
    alternatives: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    finished: bool = True
    stored: str | None = None

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens written, the closing one included, per second of the median run."""
        return 1000 * len(self.target_pieces) / self.median if self.median else None

    @property
    def probability(self) -> float:
        """Of the whole output: the product over its tokens."""
        return float(np.exp(np.sum(self.log_probs)))


@dataclass(frozen=True)
class Reading:
    """An answer over what people read: words, or characters and phonemes.

    `maps`: kind (also "saliency") -> (L, H, T, S) over these units; `closed`: the last target is
    the end of the output and not a word of it.
    """

    source: list[str]
    target: list[str]
    gaps: list[bool]
    log_probs: np.ndarray
    maps: dict[str, np.ndarray]
    closed: bool = False

    @property
    def length(self) -> int:
        """How many units were written, the closing one not counted."""
        return len(self.target) - self.closed

    @property
    def probabilities(self) -> np.ndarray:
        return np.exp(np.minimum(self.log_probs, 0.0))


def from_prediction(
    model: str,
    prediction: Any,
    *,
    saliency: np.ndarray | None = None,
    milliseconds: Sequence[float] = (),
) -> Answer:
    """The answer of a `zoo.prediction.Prediction`, with the warm runs that timed it."""
    return Answer(
        model=model,
        text=prediction.text,
        source_pieces=list(prediction.source_pieces),
        target_pieces=list(prediction.target_pieces),
        log_probs=np.asarray(prediction.log_probs, dtype="float32"),
        attention={kind: np.asarray(map_) for kind, map_ in prediction.attention.items()},
        saliency=saliency,
        milliseconds=tuple(milliseconds),
        median=float(np.median(milliseconds)) if len(milliseconds) else None,
        alternatives=tuple((one.text, float(one.score)) for one in prediction.alternatives),
        notes=tuple(prediction.notes),
        finished=prediction.finished,
    )


def from_record(model: str, record: Mapping[str, Any]) -> Answer:
    """The answer in one record of examples.json.

    Raises:
        ValueError: the record lacks something or its shapes do not fit together.
    """
    try:
        ms = record.get("ms") or {}
        attention = {
            kind: np.asarray(map_, dtype="float32")
            for kind, map_ in (record.get("attention") or {}).items()
        }
        saliency = record.get("saliency")
        answer = Answer(
            model=model,
            text=record["text"],
            source_pieces=list(record["source_pieces"]),
            target_pieces=list(record["target_pieces"]),
            log_probs=np.asarray(record["log_probs"], dtype="float32"),
            attention=attention,
            saliency=None if saliency is None else np.asarray(saliency, dtype="float32"),
            milliseconds=tuple(ms["runs"]) if isinstance(ms.get("runs"), list) else (),
            median=ms.get("median"),
            alternatives=tuple(
                (one["text"], float(one["score"])) for one in record.get("alternatives") or ()
            ),
            notes=tuple(record.get("notes") or ()),
            finished=bool(record.get("finished", True)),
            stored=_stored(record),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a stored answer of {model} is damaged: {error!r}") from error
    _check(answer)
    return answer


def _stored(record: Mapping[str, Any]) -> str:
    device = record.get("device") or "another computer"
    return f"{device}, {record['date']}" if record.get("date") else str(device)


def _check(answer: Answer) -> None:
    """Raises ValueError where the shapes of an answer read from a file do not fit together."""
    sides = {"source": len(answer.source_pieces), "target": len(answer.target_pieces)}
    for kind, map_ in answer.attention.items():
        shape = tuple(sides[side] for side in AXES.get(kind, ()))
        if map_.ndim != 4 or map_.shape[2:] != shape:
            raise ValueError(
                f"a stored {kind} map of {answer.model} should end in shape {shape}. "
                f"Received: {map_.shape}"
            )
    if answer.log_probs.shape != (sides["target"],):
        raise ValueError(f"a stored answer of {answer.model} has not one log-probability a token")
    if answer.saliency is not None and answer.saliency.shape != (sides["target"], sides["source"]):
        raise ValueError(f"the stored saliency of {answer.model} does not fit its tokens")


def read(answer: Answer, unit: str) -> Reading:
    """The answer over words (`unit` "word") or over its tokens (`unit` "character").

    Of scripts without spaces, characters are words; a character of several bytes is one token.
    What is looked at adds up over the tokens of a source word and is averaged over those of a
    written word.
    """
    from zoo.prediction import merge, piece_labels, piece_spans

    if not answer.target_pieces:
        labels = piece_labels(answer.source_pieces)
        return Reading([shown(piece) for piece in labels], [], [], np.zeros(0), {})
    closed = answer.target_pieces[-1] == END
    maps = dict(answer.attention)
    if answer.saliency is not None:
        maps[SALIENCY] = answer.saliency[None, None]
    if unit == "character":
        read, written = piece_spans(answer.source_pieces), piece_spans(answer.target_pieces)
        source = piece_labels(answer.source_pieces, read)
        target = piece_labels(answer.target_pieces, written)
        if len(source) < len(answer.source_pieces) or len(target) < len(answer.target_pieces):
            spans = {"source": read, "target": written}
            maps = {
                kind: merge(map_, *(spans[side] for side in _sides(kind)))
                for kind, map_ in maps.items()
            }
        return Reading(
            source=[shown(piece, END_SIGN) for piece in source],
            target=[shown(piece, END_SIGN) for piece in target],
            # Phonemes begin with the mark of a word, characters do not.
            gaps=[piece.startswith(WORD_START) and len(piece) > 1 for piece in target],
            log_probs=np.array([answer.log_probs[a:b].sum() for a, b in written], "float32"),
            maps=maps,
            closed=closed,
        )
    return _read_words(answer, maps, closed)


def copied(answer: Answer, unit: str) -> np.ndarray | None:
    """How much of each unit that `read` gives was copied from the input, on the mean of its tokens.

    (T,) between 0 and 1; None for a network that does not copy.
    """
    from zoo.interpret.copying import copied_share
    from zoo.prediction import unit_spans

    share = copied_share(
        answer.source_pieces, answer.target_pieces, answer.log_probs, answer.attention
    )
    if share is None:
        return None
    return np.array([share[a:b].mean() for a, b in unit_spans(answer.target_pieces, unit)])


def _read_words(answer: Answer, maps: dict[str, np.ndarray], closed: bool) -> Reading:
    from zoo.prediction import Prediction

    def words(attention: dict[str, np.ndarray]) -> Any:
        return Prediction(
            text=answer.text,
            source_pieces=answer.source_pieces,
            target_pieces=answer.target_pieces,
            log_probs=answer.log_probs,
            attention=attention,
            seconds=0.0,
            score=0.0,
            alternatives=[],
            finished=answer.finished,
            notes=[],
        ).words()

    merged = words(answer.attention)
    found = dict(merged.attention)
    if SALIENCY in maps:  # it has the axes of cross-attention, and merges as such
        found[SALIENCY] = words({"cross": maps[SALIENCY]}).attention["cross"]
    return Reading(
        source=[shown(word) for word in merged.source],
        target=[shown(word) for word in merged.target],
        gaps=merged.gaps,
        log_probs=np.asarray(merged.log_probs),
        maps=found,
        closed=closed,
    )


def shown(piece: str, end: str = END_LABEL) -> str:
    """A token as a label: without the mark of a word start, the end and a lone space named.

    A lone byte, which spells no character by itself, is named too: "byte E4".
    """
    from zoo.prediction import BYTE

    if piece == END:
        return end
    if found := BYTE.fullmatch(piece):
        return f"byte {found[1]}"
    bare = piece.replace(WORD_START, "")
    return bare or SPACE_LABEL


def chosen_map(reading: Reading, kind: str, layer: int | None, head: int | None) -> np.ndarray:
    """(T, S) of one layer and head; None, or one the model does not have, is the mean over all.

    Raises:
        ValueError: the answer has no map of that kind.
    """
    if kind not in reading.maps:
        raise ValueError(
            f"there is no such map; there are {list(reading.maps)}. Received: {kind!r}"
        )
    return one_map(reading.maps[kind], layer, head)


def one_map(maps: np.ndarray, layer: int | None, head: int | None) -> np.ndarray:
    """(L, H, T, S) -> (T, S) of one layer and head; None, or one there is not, is the mean."""
    layers = maps if layer is None or layer >= maps.shape[0] else maps[layer : layer + 1]
    heads = layers if head is None or head >= maps.shape[1] else layers[:, head : head + 1]
    return heads.mean(axis=(0, 1))


def axes(reading: Reading, kind: str) -> tuple[list[str], list[str]]:
    """Row and column labels of a map of that kind."""
    labels = {"source": reading.source, "target": reading.target}
    rows, columns = (labels[side] for side in _sides(kind))
    return rows, columns


def _sides(kind: str) -> tuple[str, str]:
    """What rows and columns of a map stand for; saliency has the axes of cross-attention."""
    return AXES.get(kind, AXES["cross"])
