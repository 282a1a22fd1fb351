"""Attention drawn without a browser: what is drawn as data, an SVG or PNG of it, links in words.

Words of readers and models go into a picture as escaped text only. Pictures are always light.
"""

from __future__ import annotations

import base64
import re
import struct
import textwrap
import unicodedata
import zlib
from collections.abc import Sequence
from xml.sax.saxutils import escape

import numpy as np

from apps.charts.base import RAMP

LINES_FROM = 0.02
"""Weaker lines than this are not drawn: hundreds of them would hide the others."""
ROW = 26
"""Height of a word in the head view, in pixels."""
INK = "#1f5fa8"
TEXT = "#1f2733"
NAMED = 3
"""How many of a word's links are put into words."""
_LABEL = 22  # characters of a word that fit beside the lines
_CELL, _GAP, _HEADER = 120, 14, 26  # pixels of the small multiples
# XML knows no control characters, nor half a pair of surrogates.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def checked(weights: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> np.ndarray:
    """(T, S) weights as float, finite and within 0 to 1.

    Raises:
        ValueError: they are not one row for each of `rows`, one column for each of `columns`.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(rows), len(columns)):
        raise ValueError(
            "weights must have one row a written and one column a read word. "
            f"Received: weights.shape={weights.shape}, {len(rows)} rows, {len(columns)} columns"
        )
    return np.clip(np.nan_to_num(weights), 0.0, 1.0)


def links(weights: np.ndarray, at_least: float = LINES_FROM) -> list[tuple[int, int, float]]:
    """Row, column and weight of every line of a head view, weakest first: strong ones on top."""
    rows, columns = np.nonzero(weights >= at_least)
    found = zip(rows.tolist(), columns.tolist(), weights[rows, columns].tolist(), strict=True)
    return sorted(
        ((row, column, round(weight, 3)) for row, column, weight in found), key=lambda one: one[2]
    )


def spoken(
    weights: np.ndarray, rows: Sequence[str], columns: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The strongest links of each row word and of each column word, as sentences."""
    of_rows = [
        f"“{word}” looks most at {_listed(line, columns)}"
        for word, line in zip(rows, weights, strict=True)
    ]
    of_columns = [
        f"“{word}” is looked at most by {_listed(line, rows)}"
        for word, line in zip(columns, weights.T, strict=True)
    ]
    return of_rows, of_columns


def _listed(line: np.ndarray, words: Sequence[str]) -> str:
    strongest = np.argsort(-line, kind="stable")[:NAMED]
    named = [f"“{words[i]}” {line[i]:.2f}" for i in strongest if line[i] >= LINES_FROM]
    return ", ".join(named) or "nothing"


def right_to_left(words: Sequence[str]) -> bool:
    """Whether most letters of these words are of a script written from right to left."""
    counts = {True: 0, False: 0}
    for word in words:
        for letter in word:
            kind = unicodedata.bidirectional(letter)
            if kind in ("R", "AL", "L"):
                counts[kind != "L"] += 1
    return counts[True] > counts[False]


def lines_svg(
    weights: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    heads: tuple[str, str],
    caption: str = "",
) -> str:
    """The head view as a picture: two columns of words, lines as strong as the weights (T, S)."""
    weights = checked(weights, rows, columns)
    left, right, width = 190, 450, 640
    top = 34
    parts = [
        _text(left - 8, 18, heads[0], anchor="end", bold=True),
        _text(right + 8, 18, heads[1], bold=True),
    ]
    for row, column, weight in links(weights):
        parts.append(
            f'<line x1="{left}" y1="{top + ROW * (row + 0.5):g}" x2="{right}" '
            f'y2="{top + ROW * (column + 0.5):g}" stroke="{INK}" '
            f'stroke-width="{thickness(weight):.2f}" stroke-opacity="{weight:.3f}"/>'
        )
    for place, word in enumerate(rows):
        parts.append(_text(left - 8, top + ROW * (place + 0.5) + 5, _cut(word), anchor="end"))
    # Words of a right-to-left script sit at the right edge of their column.
    far = right_to_left(columns)
    for place, word in enumerate(columns):
        x, anchor = (width - 10, "end") if far else (right + 8, "start")
        parts.append(_text(x, top + ROW * (place + 0.5) + 5, _cut(word), anchor=anchor))
    return _svg(parts, width, top + ROW * max(len(rows), len(columns), 1) + 8, caption)


def thickness(weight: float) -> float:
    """Pixels of a line."""
    return 0.8 + 3.2 * weight


def grid_svg(
    maps: np.ndarray, *, caption: str = "", selected: tuple[int, int] | None = None
) -> str:
    """Every layer and head of maps (L, H, T, S) as small multiples, all on the scale 0 to 1."""
    layers, heads, height, width = maps.shape
    tall = int(_CELL * min(max(height / max(width, 1), 0.4), 2.0))
    left = 64
    parts = [
        _text(left + (head + 0.5) * (_CELL + _GAP) - _GAP / 2, 18, f"Head {head + 1}", "middle")
        for head in range(heads)
    ]
    for layer in range(layers):
        y = _HEADER + layer * (tall + _GAP)
        parts.append(_text(left - 8, y + tall / 2 + 4, f"Layer {layer + 1}", anchor="end"))
        for head in range(heads):
            x = left + head * (_CELL + _GAP)
            here = (layer, head) == selected
            parts.append(
                f'<image x="{x}" y="{y}" width="{_CELL}" height="{tall}" '
                f'preserveAspectRatio="none" href="{_data_url(maps[layer, head])}"/>'
                f'<rect x="{x}" y="{y}" width="{_CELL}" height="{tall}" fill="none" '
                f'stroke="{INK if here else "#c5ccd6"}" stroke-width="{3 if here else 1}"/>'
            )
    across = left + heads * (_CELL + _GAP)
    return _svg(parts, max(across, 420), _HEADER + layers * (tall + _GAP), caption)


def png(svg: str) -> bytes:
    """The picture as a PNG file, at twice its size."""
    import vl_convert

    return vl_convert.svg_to_png(svg, scale=2.0)


def quantised(maps: np.ndarray) -> np.ndarray:
    """Weights from 0 to 1 as uint8 from 0 to 255: as fine as a screen shows them."""
    return np.rint(255 * np.clip(np.nan_to_num(maps), 0, 1)).astype("uint8")


def _svg(parts: Sequence[str], width: float, height: float, caption: str) -> str:
    lines = [line for part in caption.split("\n") for line in textwrap.wrap(part, int(width / 6))]
    for number, line in enumerate(lines):
        parts = [*parts, _text(10, height + 18 + 15 * number, line, size=11)]
    height += 15 * len(lines) + 14 if lines else 0
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img" font-family="sans-serif">'
        f"<title>{_safe(caption or 'Attention')}</title>"
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _text(
    x: float, y: float, text: str, anchor: str = "start", *, bold: bool = False, size: int = 13
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}"{weight} '
        f'fill="{TEXT}">{_safe(text)}</text>'
    )


def _safe(text: str) -> str:
    return escape(_ILLEGAL.sub("\ufffd", text))


def _cut(word: str) -> str:
    return word if len(word) <= _LABEL else f"{word[: _LABEL - 1]}…"


def _data_url(map_: np.ndarray) -> str:
    return f"data:image/png;base64,{base64.b64encode(bitmap(map_)).decode('ascii')}"


def bitmap(map_: np.ndarray) -> bytes:
    """One map (T, S) as a PNG file in the colours of the ramp, a weight several pixels wide."""
    ramp = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in RAMP], dtype=float)
    steps = np.linspace(0, 255, len(ramp))
    palette = np.stack([np.interp(np.arange(256), steps, ramp[:, i]) for i in range(3)], axis=1)
    coarse = quantised(map_)
    # Whoever draws the picture smooths where it enlarges: so it is enlarged here.
    factor = [max(1, 2 * _CELL // max(size, 1)) for size in coarse.shape]
    pixels = coarse.repeat(factor[0], axis=0).repeat(factor[1], axis=1)
    height, width = pixels.shape
    raw = b"".join(b"\0" + line.tobytes() for line in pixels)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, content)
        for kind, content in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            (b"PLTE", np.rint(palette).astype("uint8").tobytes()),
            (b"IDAT", zlib.compress(raw, 9)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )
