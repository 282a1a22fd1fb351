"""What a classifier answers: how likely each class is, and where it looked.

Axes of attention: L layers, H heads, T tokens, patches or stretches of time that are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Label:
    """What an input is taken for.

    Args:
        input: what was read: the text, the pixels (H, W, C) from 0 to 1, or the series (T, C).
        probabilities: of each class, in the order of the model's classes; they sum to 1.
        attention: by kind, float32: `encoder` (L, H, T, T), each row how a place looks at all, or
            `pooling` (1, 1, 1, T), how the answer looks at them; {} where there is none.
        labels: of the T places: tokens, `row, column` of patches, or time steps.
        grid: rows and columns of the patches of an image; None of texts and series.
        ahead: how many of the T places come before the first patch: 1 where the state of a token
            put in front is classified.
        classified: the place whose state is classified; None where that is the mean of all, or
            there is no attention.
        seconds: from input to answer, over the number of inputs in the call.
        notes: plain sentences about what the reader should know.

    Example:
        >>> answer = Label("good", {"bad": 0.25, "good": 0.75})
        >>> answer.name, answer.probability, answer.ranked[1]
        ('good', 0.75, ('bad', 0.25))
    """

    input: Any
    probabilities: dict[str, float]
    attention: dict[str, np.ndarray] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    grid: tuple[int, int] | None = None
    ahead: int = 0
    classified: int | None = None
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The likeliest class."""
        return self.ranked[0][0]

    @property
    def probability(self) -> float:
        """Of the likeliest class."""
        return self.ranked[0][1]

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """All classes with their probabilities, the likeliest first."""
        return sorted(self.probabilities.items(), key=lambda one: -one[1])
