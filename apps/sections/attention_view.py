"""What a lab page looks at: one answer's maps over words or tokens, combined, some words hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.labels import END_LABEL, END_SIGN, SALIENCY, shown
from zoo.interpret import attention_maps
from zoo.interpret.copying import COPY
from zoo.prediction import (
    AXES,
    END,
    Prediction,
    join_pieces,
    merge,
    piece_labels,
    piece_spans,
    unit_spans,
)
from zoo.tokenizer import WORD_START

WAYS = {
    "one": "One head",
    "heads": "Mean of heads",
    "layers": "Mean of layers",
    "all": "Mean of all",
    "max": "Largest of all",
    "rollout": "Rollout",
}
"""How many maps become the one that is shown large."""

WAY_LINES = {
    "one": "One head of one layer, exactly as the network computed it.",
    "heads": "The mean over the heads of one layer.",
    "layers": "The mean over layers, of the head with that number in each.",
    "all": "The mean over all layers and heads.",
    "max": "The largest weight over all layers and heads, rows scaled back to a sum of 1.",
    "rollout": (
        "Attention rollout (Abnar and Zuidema 2020): the heads are averaged, the layers "
        "multiplied, and half of each position is passed on unchanged."
    ),
}
ROLLED_CROSS = " Cross-attention is followed through the encoder, back to the words of the input."
WEIGHTED = (
    "Each weight is multiplied by the length of the vector that it passes on, and rows are scaled "
    "back to a sum of 1 (Kobayashi et al. 2020)."
)


@dataclass(frozen=True)
class Look:
    """Maps as a page shows them.

    `maps`: (L, H, T, S) of every layer and head; `rows`, `columns`: T and S labels; `note`: what
    was done to the weights, in a sentence; `measure`: what a weight is called.
    """

    maps: np.ndarray
    rows: list[str]
    columns: list[str]
    note: str = ""
    measure: str = "Attention"

    @property
    def several(self) -> bool:
        """Whether there is more than one map to choose from."""
        return self.maps.shape[0] * self.maps.shape[1] > 1


def maps_of(
    prediction: Prediction,
    kind: str,
    *,
    saliency: np.ndarray | None = None,
    norms: Mapping[str, np.ndarray] | None = None,
) -> np.ndarray:
    """(L, H, T, S) over tokens; saliency (T, S) counts as one head of one layer.

    Args:
        kind: of map; ignored with `saliency`.
        norms: by kind, (L, H, S) lengths of the transformed values, to weigh the maps by.

    Raises:
        ValueError: the prediction has no such map.
    """
    if saliency is not None:
        return np.asarray(saliency, dtype="float32")[None, None]
    if kind not in prediction.attention:
        raise ValueError(
            f"there is no such map; there are {list(prediction.attention)}. Received: {kind!r}"
        )
    maps = prediction.attention[kind]
    return maps if norms is None else attention_maps.weighted(maps, norms[kind])


def combined(
    maps: np.ndarray,
    way: str,
    layer: int = 0,
    head: int = 0,
    *,
    encoder: np.ndarray | None = None,
    square: bool = False,
) -> np.ndarray:
    """(1, 1, T, S): the one map that `way` makes of (L, H, T, S); rows still sum to 1.

    Args:
        way: one of `WAYS`.
        layer, head: counted from 0; used where the way leaves them to choose.
        encoder: the encoder's maps, through which rollout carries cross-attention.
        square: self-attention, which rollout can multiply by itself.

    Raises:
        ValueError: an unknown way, or rollout without what it needs.
    """
    one = maps[layer : layer + 1]
    if way == "one":
        return one[:, head : head + 1]
    if way == "heads":
        return attention_maps.mean(one, "heads")
    if way == "layers":
        return attention_maps.mean(maps[:, head : head + 1], "layers")
    if way == "all":
        return attention_maps.mean(maps, "both")
    if way == "max":
        return attention_maps.maximum(maps, "both")
    if way == "rollout" and square:
        return attention_maps.rollout(maps)[layer : layer + 1]
    if way == "rollout" and encoder is not None:
        return attention_maps.mean(attention_maps.cross_rollout(one, encoder), "heads")
    raise ValueError(f"way must be one of {', '.join(WAYS)}, and fit. Received: way={way!r}")


def ways(kind: str, attention: Mapping[str, np.ndarray]) -> list[str]:
    """The ways that make sense for maps of that kind, of these that the model has."""
    maps = attention.get(kind)
    if maps is None or maps.shape[0] * maps.shape[1] == 1:
        return ["one"]
    return [way for way in WAYS if way != "rollout" or kind != "cross" or "encoder" in attention]


def look(
    prediction: Prediction,
    maps: np.ndarray,
    kind: str,
    unit: str,
    *,
    hide_end: bool = False,
    hide_punctuation: bool = False,
) -> Look:
    """Maps (L, H, T, S) as shown: over `unit`, "word", "piece" (a token) or "step".

    The bytes of one character are one token, but steps of their own: a "step" is never merged.
    Words hidden give their weight to the others, and the note says how much that was.
    """
    sides = {"source": prediction.source_pieces, "target": prediction.target_pieces}
    axis = AXES.get(kind, AXES["cross"])
    spans = {side: unit_spans(pieces, unit) for side, pieces in sides.items()}
    if unit == "step":
        sides = {side: steps(pieces) for side, pieces in sides.items()}
    elif unit == "word" or any(len(spans[side]) < len(sides[side]) for side in sides):
        maps = merge(maps, spans[axis[0]], spans[axis[1]])
        text = join_pieces if unit == "word" else piece_labels
        sides = {side: text(pieces, spans[side]) for side, pieces in sides.items()}
    used = kind if kind in AXES else "cross"
    note = ""
    if hide_end or hide_punctuation:
        kept = attention_maps.hide(
            {used: maps},
            sides["source"],
            sides["target"],
            end=hide_end,
            punctuation=hide_punctuation,
        )
        maps, note = kept.attention[used], kept.note
        sides = {"source": kept.source, "target": kept.target}
    return Look(
        maps=maps,
        rows=labels(sides[axis[0]]),
        columns=labels(sides[axis[1]]),
        note=note,
        measure={SALIENCY: "Saliency", COPY: "Copied"}.get(kind, "Attention"),
    )


def labels(pieces: list[str]) -> list[str]:
    """Tokens as people read them: of several letters, the mark of a word's start stays."""
    marked = any(len(p) > 1 and p.startswith(WORD_START) for p in pieces)
    inner = marked and any(p != END and not p.startswith(WORD_START) for p in pieces)
    single = all(len(p) == 1 for p in pieces if p != END)  # whose columns hold no long label
    end = END_SIGN if single else END_LABEL
    return [p if inner and p != END and p != WORD_START else shown(p, end) for p in pieces]


def steps(pieces: Sequence[str]) -> list[str]:
    """A label for each token; the bytes of a character are numbered: "é 1/2", "é 2/2"."""
    found: list[str] = []
    for (a, b), label in zip(piece_spans(pieces), piece_labels(pieces), strict=True):
        many = b - a
        found += [label] if many == 1 else [f"{label} {i}/{many}" for i in range(1, many + 1)]
    return found


def shades(pieces: Sequence[str], strengths: np.ndarray) -> list[dict[str, Any]]:
    """Tokens as records that shaded words take: text, probability (0 to 1), gap, differs."""
    return [
        {
            "text": shown(piece, END_LABEL),
            "probability": round(float(strength), 4),
            # Of characters a space is a token of its own; they follow each other.
            "gap": piece == END or (len(piece) > 1 and piece.startswith(WORD_START)),
            "differs": False,
        }
        for piece, strength in zip(pieces, strengths, strict=True)
    ]
