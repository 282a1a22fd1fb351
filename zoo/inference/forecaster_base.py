"""What every forecaster does, whatever computes it: histories to z-scores, values to answers.

No framework is imported. `zoo.inference.forecaster` computes with Keras,
`zoo.inference.litert_forecaster` with LiteRT.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo import registry, saving
from zoo.forecast import Forecast
from zoo.scaler import Scaler

MOST_STEPS = 1_000_000
"""Steps of a history; more are refused before they are copied."""
LONGER = "The model reads {lookback:,} steps: the last of the {given:,} given."
CONSTANT = "{column} does not change in what is read: its forecast is a guess."
FAR = "{column} is up to {most:.0f} standard deviations from what the model was trained on."
OTHER = (
    "{column} is none of the series that {name} was trained on: it is scaled by its own mean "
    "({mean:.4g}) and standard deviation ({deviation:.4g})."
)
OTHER_BANDS = "Its bands are the mean of those of {columns}, in standard deviations."
FAR_FROM = 10.0
"""Standard deviations from which on a history is told to be unlike the training data."""


class ForecasterBase:
    """A forecaster's scaler and card; a subclass computes.

    Args:
        name: of the shipped model, or of the folder's name.
        scaler: of the series it forecasts.
        config: the content of `config.json`.
        card: the content of `card.json`, {} when there is none.
        path: the folder it came from, if any.
    """

    kind = "forecaster"
    attention_heads: dict[str, tuple[int, int]]
    """How many layers and heads of attention there are, by kind; {} without attention."""
    parameters: int
    """How many weights it has."""

    def __init__(
        self,
        name: str,
        scaler: Scaler,
        config: dict[str, Any],
        card: dict[str, Any] | None = None,
        path: Path | None = None,
    ):
        self.name, self.scaler = name, scaler
        self.config, self.card, self.path = config, card or {}, path
        self.sizes = saving.read_hyperparameters(path or Path(name), config)

    @property
    def lookback(self) -> int:
        """Steps that are read, L."""
        return self.sizes.lookback

    @property
    def horizon(self) -> int:
        """Steps that are forecast, H."""
        return self.sizes.horizon

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the series."""
        return self.scaler.columns

    def predict(
        self,
        histories: Any,
        times: Sequence[Any] | None = None,
        attention: bool = True,
    ) -> list[Forecast]:
        """Forecast what follows each history.

        Args:
            histories: one array (L, C), or (L,) of a single series, in the unit of the data, or a
                mapping of columns to such; or a list of them. At least `lookback` steps, of which
                the last are read.
            times: of the last step of each history (datetime64), for those of the forecast; one
                history may be given all its times.
            attention: whether to fetch the maps, where there are any.

        Raises:
            TypeError: a history is no array of numbers.
            ValueError: too few steps, another number of series, a value that is no number: the row
                and the column are named.

        Example:
            >>> import zoo
            >>> model = zoo.load("etth1-n-linear")
            >>> [answer] = model.predict(np.zeros((model.lookback, len(model.columns))))
            >>> answer.mean.shape, answer.quantiles.shape
            ((96, 7), (96, 7, 9))
        """
        given = histories if _several(histories) else [histories]
        ends = self._ends(times, given)
        read = [self._read(one) for one in given]
        found: list[Forecast] = []
        for (history, notes), end in zip(read, ends, strict=True):
            began = time.perf_counter()
            values, maps = self._computed(self.scaler.scaled(history)[None], attention)
            found.append(self._answer(history, values[0], maps, end, notes))
            found[-1].seconds = time.perf_counter() - began
        return found

    def predict_other(
        self,
        series: Any,
        column: str = "value",
        times: Sequence[Any] | None = None,
        attention: bool = True,
    ) -> Forecast:
        """Forecast a single series that the model was not trained on.

        Only a network that reads each series by itself can do so (`sizes.each_alone`). The series
        is scaled by its own mean and standard deviation, over all that is given, which a note says.

        Args:
            series: (L,) in its own unit. At least `lookback` steps, of which the last are read.
            column: its name.
            times: (L,) datetime64 of its steps, evenly spaced, for those of the forecast.
            attention: whether to fetch the maps, where there are any.

        Raises:
            TypeError: it is no array of numbers.
            ValueError: the network reads all series together, or the history cannot be read.

        Example:
            >>> import zoo
            >>> model = zoo.load("etth1-n-linear")
            >>> answer = model.predict_other(np.sin(np.arange(500) / 4), "wave")
            >>> answer.columns, answer.mean.shape
            (('wave',), (96, 1))
        """
        if not self.sizes.each_alone:
            raise ValueError(
                f"{self.name} reads its {len(self.columns)} series together "
                f"({', '.join(self.columns)}), so it cannot forecast {column} alone"
            )
        array = _numbers(series)
        if array.ndim != 2 or array.shape[1] != 1:
            raise ValueError(f"One series at a time. Received: shape {np.shape(series)}")
        known = array[np.isfinite(array)]
        mean, deviation = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
        scaler = Scaler((column,), (mean,), (deviation or 1.0,))
        history, notes = self._checked(array, scaler)
        notes.insert(
            0, OTHER.format(column=column, name=self.name, mean=mean, deviation=scaler.std[0])
        )
        if registry.architecture(self.config["model"], self.kind).closed_form:
            notes.insert(1, OTHER_BANDS.format(columns=", ".join(self.columns)))
        began = time.perf_counter()
        # Every channel is given the same series; what is of a channel alone is averaged.
        wide = np.repeat(scaler.scaled(history), len(self.columns), axis=1)  # (L, 1) -> (L, C)
        values, maps = self._computed(wide[None], attention)
        single = values[0].mean(axis=1, keepdims=True)  # (H, C, 1 + Q) -> (H, 1, 1 + Q)
        first = {kind: every[:, :1] for kind, every in maps.items()}  # (B, M, ...) -> (B, 1, ...)
        answer = self._answer(history, single, first, None, notes, scaler)
        answer.seconds = time.perf_counter() - began
        if times is not None and len(times) > 1:
            known_times = np.asarray(times, dtype="datetime64[s]")
            step = known_times[-1] - known_times[-2]
            answer.times = known_times[-1] + np.arange(1, self.horizon + 1) * step
        return answer

    def usual_input(self) -> np.ndarray:
        """(L, C) of nothing but means, for measuring time, which does not depend on values."""
        return np.tile(np.asarray(self.scaler.mean), (self.lookback, 1))

    def values(self, histories: np.ndarray) -> np.ndarray:
        """(N, L, C) z-scores -> (N, H, C, 1 + Q) z-scores, many at a time and without maps."""
        raise NotImplementedError

    def _computed(
        self, histories: np.ndarray, attention: bool
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Values (B, H, C, 1 + Q) of (B, L, C) z-scores, and maps (B, M, L, H, T, S) by kind."""
        raise NotImplementedError

    def _read(self, history: Any) -> tuple[np.ndarray, list[str]]:
        """The last L steps (L, C) of a history, checked, and what should be said of them."""
        if isinstance(history, Mapping):
            missing = [name for name in self.columns if name not in history]
            if missing:
                raise ValueError(
                    f"The history has no column {missing[0]!r}; {self.name} reads "
                    f"{', '.join(self.columns)}"
                )
            history = np.stack([np.asarray(history[name]) for name in self.columns], axis=-1)
        array = _numbers(history)
        if array.ndim != 2 or array.shape[1] != len(self.columns):
            raise ValueError(
                f"{self.name} forecasts {len(self.columns)} series ({', '.join(self.columns)}): "
                f"a history is (steps, {len(self.columns)}). Received: shape {array.shape}"
            )
        return self._checked(array, self.scaler)

    def _checked(self, array: np.ndarray, scaler: Scaler) -> tuple[np.ndarray, list[str]]:
        """The last L steps of an array (steps, C), and what should be said of them."""
        if len(array) < self.lookback:
            raise ValueError(f"{self.name} reads {self.lookback:,} steps. Received: {len(array):,}")
        if len(array) > MOST_STEPS:
            raise ValueError(f"At most {MOST_STEPS:,} steps. Received: {len(array):,}")
        notes = []
        if len(array) > self.lookback:
            notes.append(LONGER.format(lookback=self.lookback, given=len(array)))
        first = len(array) - self.lookback
        array = array[first:]
        if not np.isfinite(array).all():
            row, column = map(int, np.argwhere(~np.isfinite(array))[0])
            raise ValueError(
                f"Step {first + row} of {scaler.columns[column]} is no number: fill it, for "
                f"example with the one before. Received: {array[row, column]}"
            )
        scores = np.abs(scaler.scaled(array)).max(axis=0)
        for column, name in enumerate(scaler.columns):
            if np.ptp(array[:, column]) == 0:
                notes.append(CONSTANT.format(column=name))
            if scores[column] > FAR_FROM:
                notes.append(FAR.format(column=name, most=scores[column]))
        return array, notes

    def _ends(self, times: Sequence[Any] | None, given: Sequence[Any]) -> list[Any]:
        """The time of the last step of each history, None where it is not told."""
        if times is None or self.scaler.step is None:
            return [None] * len(given)
        ends = list(np.atleast_1d(np.asarray(times, dtype="datetime64[s]")))
        if len(given) == 1:
            return [ends[-1]]
        if len(ends) != len(given):
            raise ValueError(
                f"times has one entry for each history. Received: {len(ends)} for {len(given)}"
            )
        return ends

    def _answer(
        self,
        history: np.ndarray,
        values: np.ndarray,
        maps: dict[str, np.ndarray],
        end: Any,
        notes: list[str],
        scaler: Scaler | None = None,
    ) -> Forecast:
        scaler = scaler or self.scaler
        # The scaler's series are the last axis: (H, C, 1 + Q) -> (H, 1 + Q, C) and back.
        restored = np.swapaxes(scaler.restored(np.swapaxes(values, 1, 2)), 1, 2)
        times = None
        if end is not None:
            steps = np.arange(1, self.horizon + 1) * round(self.scaler.step or 0)
            times = end + steps.astype("timedelta64[s]")
        return Forecast(
            columns=scaler.columns,
            history=history,
            mean=restored[..., 0],
            quantiles=restored[..., 1:],
            attention={kind: every[0] for kind, every in maps.items()},
            spans=self.sizes.spans(),
            query_spans=self.sizes.query_spans(),
            times=times,
            notes=notes,
        )


def read_scaler(folder: Path, config: dict[str, Any]) -> Scaler:
    """The scaler of a model folder, its columns checked. Raises ModelFolderError."""
    file = config["tokenizers"]["scaler"]
    try:
        found = Scaler.load(folder / file)
    except FileNotFoundError as error:
        raise saving.ModelFolderError(f"{folder} has no {file}") from error
    except (OSError, ValueError) as error:
        raise saving.ModelFolderError(f"{folder / file} is damaged: {error}") from error
    wanted = config["hyperparameters"].get("channels")
    if len(found.columns) != wanted:
        raise saving.ModelFolderError(
            f"{folder / file} has {len(found.columns)} series; the model has {wanted}"
        )
    return found


def _numbers(history: Any) -> np.ndarray:
    """A history as float64, (steps, C) or of another shape that is told later; raises TypeError."""
    try:
        array = np.asarray(history, dtype="float64")
    except (TypeError, ValueError) as error:
        raise TypeError(f"A history must be an array of numbers: {error}") from None
    return array[:, None] if array.ndim == 1 else array


def _several(histories: Any) -> bool:
    """Whether this is a list of histories and not one."""
    if isinstance(histories, np.ndarray):
        return histories.ndim == 3
    if isinstance(histories, Mapping) or not isinstance(histories, Sequence) or not len(histories):
        return False
    first = histories[0]
    if isinstance(first, Mapping):
        return True
    return np.ndim(first) == 2 or (isinstance(first, np.ndarray) and first.ndim == 1)
