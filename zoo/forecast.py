"""What a forecaster answers, as plain data: quantiles of what follows, and where it looked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of the quantiles that every forecaster gives, lowest first."""


@dataclass
class Forecast:
    """The next H steps of C series after a history of L steps.

    Args:
        columns: names of the series.
        history: (L, C) what was read, in the unit of the data.
        mean: (H, C) the expected values.
        quantiles: (H, C, Q): the true value is below the q-th with probability `levels[q]`.
        levels: Q probabilities, lowest first.
        attention: maps by kind, (M, L, H, T, S): layers, heads, queries, keys; M maps, one for each
            series, or 1 where all series are read together.
        spans: first and last step of the history that each key S covers; () where a key is a whole
            series.
        query_spans: the same of the queries T; of `cross` maps, in steps of the forecast.
        times: (H,) datetime64 of the steps, None where the history had none.
        notes: what should be said of the answer.
        seconds: it took.

    Example:
        >>> steps = np.arange(3.0)[:, None]
        >>> found = Forecast(("a",), steps, steps, steps[..., None] + np.array(LEVELS) - 0.5)
        >>> low, high = found.band(0.8)
        >>> low.ravel().round(1).tolist(), high.ravel().round(1).tolist()
        ([-0.4, 0.6, 1.6], [0.4, 1.4, 2.4])
    """

    columns: tuple[str, ...]
    history: np.ndarray
    mean: np.ndarray
    quantiles: np.ndarray
    levels: tuple[float, ...] = LEVELS
    attention: dict[str, np.ndarray] = field(default_factory=dict)
    spans: tuple[tuple[int, int], ...] = ()
    query_spans: tuple[tuple[int, int], ...] = ()
    times: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def band(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """The central interval that holds the true value with probability `share`, two (H, C).

        Raises:
            ValueError: there are no quantiles for it.
        """
        ends = [round((1 - share) / 2, 6), round((1 + share) / 2, 6)]
        known = [round(level, 6) for level in self.levels]
        if not 0 < share < 1 or any(end not in known for end in ends):
            pairs = zip(known, known[::-1], strict=True)
            listed = ", ".join(f"{high - low:.1g}" for low, high in pairs if high > low)
            raise ValueError(f"There are bands of {listed}. Received: share={share}")
        low, high = (self.quantiles[..., known.index(end)] for end in ends)
        return low, high

    def maps(self, column: int = 0) -> dict[str, np.ndarray]:
        """The attention maps (L, H, T, S) with which one series was read, by kind."""
        return {
            kind: every[column if len(every) > 1 else 0] for kind, every in self.attention.items()
        }
