"""Contrast of colours as WCAG 2 defines it, and the ink that is legible on a ground."""

from __future__ import annotations

from collections.abc import Sequence

INKS = ("#000000", "#ffffff")
"""One of the two has a contrast of 4.5 or more on any ground; no paler pair has."""


def contrast(one: str, other: str) -> float:
    """From 1, the same, to 21, black on white. Colours as `#rrggbb`."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1."""
    parts = [value / 255 for value in _rgb(colour)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def over(colour: str, ground: str, opacity: float) -> str:
    """`colour` drawn on `ground` with an opacity of 0 to 1."""
    pairs = zip(_rgb(colour), _rgb(ground), strict=True)
    return _hex([opacity * top + (1 - opacity) * below for top, below in pairs])


def along(ramp: Sequence[str], share: float) -> str:
    """The colour at `share`, 0 to 1, of an evenly spaced ramp."""
    place = min(max(share, 0.0), 1.0) * (len(ramp) - 1)
    first = min(int(place), len(ramp) - 2)
    return over(ramp[first + 1], ramp[first], place - first)


def ink(ground: str) -> str:
    """Black or white, whichever is more legible on `ground`."""
    return max(INKS, key=lambda one: contrast(one, ground))


def _rgb(colour: str) -> tuple[int, int, int]:
    if len(colour) != 7 or not colour.startswith("#"):
        raise ValueError(f"a colour must be written as #rrggbb. Received: colour={colour!r}")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(parts: Sequence[float]) -> str:
    return "#" + "".join(f"{round(one):02x}" for one in parts)
