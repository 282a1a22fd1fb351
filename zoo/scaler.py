"""The preprocessor of forecasters: names, means and deviations of their series, as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

FILE = "scaler.json"


@dataclass(frozen=True)
class Scaler:
    """Turns series into z-scores and back, with the figures of the training part alone.

    Args:
        columns: names of the C series.
        mean, std: of each.
        step: seconds between two rows; None where time is not told, or months differ.

    Raises:
        ValueError: lengths that differ, a standard deviation that is not above 0.

    Example:
        >>> scaler = Scaler.of(np.array([[1.0], [3.0]]), ("load",))
        >>> scaler.scaled(np.array([[3.0]])).tolist(), scaler.restored(np.array([[1.0]])).tolist()
        ([[1.0]], [[3.0]])
    """

    columns: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    step: float | None = None

    def __post_init__(self) -> None:
        sizes = {len(self.columns), len(self.mean), len(self.std)}
        if len(sizes) != 1 or not self.columns:
            raise ValueError(f"a scaler has one mean and deviation a column. Received: {sizes}")
        if not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) <= 0:
            raise ValueError(f"standard deviations must be above 0. Received: {self.std}")

    @classmethod
    def of(cls, values: np.ndarray, columns: tuple[str, ...], step: float | None = None) -> Scaler:
        """The scaler of (N, C) values, the training part of some series."""
        mean, std = values.mean(axis=0), values.std(axis=0)
        return cls(tuple(columns), tuple(mean.tolist()), tuple(std.tolist()), step)

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """(..., C) in the unit of the data -> float32 z-scores."""
        return ((values - np.asarray(self.mean)) / np.asarray(self.std)).astype("float32")

    def restored(self, scores: np.ndarray) -> np.ndarray:
        """(..., C) z-scores -> float64 in the unit of the data."""
        return scores.astype("float64") * np.asarray(self.std) + np.asarray(self.mean)

    @property
    def bytes(self) -> bytes:
        """As a file."""
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode()

    @classmethod
    def load(cls, path: Path) -> Scaler:
        """The scaler in a file. Raises ValueError: it is damaged; OSError: it is not there."""
        try:
            found: Any = json.loads(path.read_text(encoding="utf-8"))
            step = found.get("step")
            return cls(
                tuple(map(str, found["columns"])),
                tuple(map(float, found["mean"])),
                tuple(map(float, found["std"])),
                None if step is None else float(step),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no scaler: {error}") from error
