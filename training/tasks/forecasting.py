"""Series to forecast: ETT, weather, sunspots, CO2, CSV files of one's own; and their protocols."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from training import paths
from training.data import download, series
from training.data.series import Series
from training.tasks.base import Provenance, check_split
from zoo.scaler import Scaler
from zoo.task_info import TaskInfo

ETT = (
    "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/"
    "1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small/ETT{part}.csv"
)
KNOWN_SHA256 = {
    ETT.format(part="h1"): "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
    ETT.format(part="h2"): "a3dc2c597b9218c7ce1cd55eb77b283fd459a1d09d753063f944967dd6b9218b",
}
MONTH = 30 * 24
"""Hours of a month, as the standard split of ETT counts."""
LITERATURE_BATCH = 128
"""Windows of a test batch in PatchTST's code, whose last incomplete one is left out."""


@dataclass(frozen=True)
class Protocol:
    """How series are cut, scaled and scored; part of the model folder and of its card.

    Args:
        lookback: steps that are read.
        horizon: steps that are forecast.
        season: steps after which a series is expected to repeat.
        missing: "refuse", "previous", or "as published": what stands for a missing value is left
            in, as published figures have it.
        drop_last: the last test windows that do not fill a batch of so many are left out; 0: none.
        time, target: columns of a file of one's own, the targets with commas between.

    Example:
        >>> Protocol(336, 96, 24).literature().drop_last
        128
    """

    lookback: int
    horizon: int
    season: int = 1
    missing: str = "refuse"
    drop_last: int = 0
    time: str | None = None
    target: str = ""

    def __post_init__(self) -> None:
        for name in ("lookback", "horizon", "season"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1. Received: {getattr(self, name)}")
        if self.missing not in series.MISSING:
            raise ValueError(
                f"missing is one of {', '.join(series.MISSING)}. Received: {self.missing!r}"
            )

    def literature(self) -> Protocol:
        """With the habits of published figures: sentinels left in, a last batch left out."""
        return dataclasses.replace(self, missing="as published", drop_last=LITERATURE_BATCH)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Protocol:
        """From the JSON of a model folder. Raises ValueError."""
        names = {field.name for field in dataclasses.fields(cls)}
        try:
            return cls(**{key: value for key, value in record.items() if key in names})
        except TypeError as error:
            raise ValueError(f"the protocol is damaged: {error}") from None


@dataclass(frozen=True)
class Source:
    """A family of series: how it is read, split and called.

    Args:
        read: gives the series by a protocol.
        borders: gives the ends of the training and of the validation part, by the number of rows.
        split_rule: the same in words.
        corpus, url, licence, attribution: for the card.
        info: what pages say of it.
        protocol: by default.
    """

    read: Callable[[Protocol], Series]
    borders: Callable[[int], tuple[int, int, int]]
    split_rule: str
    corpus: str
    url: str
    licence: str
    attribution: str
    info: TaskInfo
    protocol: Protocol


class Forecasting:
    """Series in three parts by time, of which models learn what follows.

    Args:
        name: of the task.
        source: of the series.
        protocol: how they are cut and scored; None: as the source has it.
    """

    kind: ClassVar[str] = "forecaster"
    objective: ClassVar[str] = "training.objectives.forecaster:ForecasterObjective"
    metric: ClassVar[str] = "mse"
    higher_is_better: ClassVar[bool] = False
    main_metrics: ClassVar[tuple[str, ...]] = ("mse", "mae", "mase", "crps")
    scoring: ClassVar[None] = None  # the protocol says how

    def __init__(self, name: str, source: Source, protocol: Protocol | None = None):
        self.name, self.source = name, source
        self.protocol = protocol or source.protocol
        self._series = cache(lambda: source.read(self.protocol))

    def configured(self, **changes: Any) -> Forecasting:
        """The same task with another protocol: fields of `Protocol`."""
        return Forecasting(self.name, self.source, dataclasses.replace(self.protocol, **changes))

    def by(self, record: Mapping[str, Any]) -> Forecasting:
        """The same task with the protocol of a model folder."""
        return Forecasting(self.name, self.source, Protocol.of(record))

    def exactly(self) -> Forecasting:
        """The same task with every window, and missing values as the source has them by default."""
        return self.configured(drop_last=0, missing=self.source.protocol.missing)

    def by_literature(self) -> Forecasting:
        """The same task with the habits of published figures."""
        return Forecasting(self.name, self.source, self.protocol.literature())

    def series(self) -> Series:
        """All of it, in the unit of the data."""
        return self._series()

    def part(self, split: str) -> np.ndarray:
        """The steps (N, C) of a split; validation and test reach back by a lookback.

        Raises:
            ValueError: another split, or one that has not a single window.
        """
        check_split(split)
        values = self.series().values
        train, valid, test = self.source.borders(len(values))
        lookback = self.protocol.lookback
        begin, end = {
            "train": (0, train),
            "valid": (max(train - lookback, 0), valid),
            "test": (max(valid - lookback, 0), test),
        }[split]
        found = values[begin:end]
        needed = lookback + self.protocol.horizon
        if len(found) < needed:
            word = {"train": "training", "valid": "validation", "test": "test"}[split]
            raise ValueError(
                f"the {word} part of {paths.shown(self.name)} has {len(found):,} steps, and a "
                f"window needs {needed:,} ({lookback:,} read, {self.protocol.horizon:,} forecast): "
                "give more rows, or a shorter --lookback or --horizon"
            )
        return found

    def times(self, split: str) -> np.ndarray | None:
        """(N,) datetime64 of the steps of `part(split)`, None where time is not told."""
        known = self.series().times
        if known is None:
            return None
        train, valid, test = self.source.borders(len(known))
        end = {"train": train, "valid": valid, "test": test}[split]
        return known[end - len(self.part(split)) : end]

    def scaler(self) -> Scaler:
        """Of the training part alone."""
        found, part = self.series(), self.part("train")
        constant = np.flatnonzero(np.ptp(part, axis=0) == 0)
        if len(constant):
            raise ValueError(
                f"{found.columns[constant[0]]} does not change in the training part: leave it out "
                "with --target"
            )
        return Scaler.of(part, found.columns, found.step)

    def begins(self, split: str) -> np.ndarray:
        """Where the windows of a split begin in `part(split)`, by the protocol."""
        one = self.protocol
        count = len(self.part(split)) - one.lookback - one.horizon + 1
        if split == "test" and one.drop_last and count >= one.drop_last:
            count -= count % one.drop_last
        return np.arange(count)

    def scale_of_mase(self) -> np.ndarray:
        """(C,) mean absolute difference over a season in the training part, in z-scores."""
        values, season = self.scaler().scaled(self.part("train")), self.protocol.season
        differences = np.abs(values[season:] - values[:-season]) if len(values) > season else values
        return np.maximum(differences.mean(axis=0), 1e-8)

    def split_hash(self) -> str:
        """A checksum of parts and protocol: figures can be compared where it is the same."""
        digest = hashlib.sha256(repr(dataclasses.asdict(self.protocol)).encode())
        for split in ("train", "valid", "test"):
            digest.update(np.ascontiguousarray(self.part(split)).tobytes())
        return digest.hexdigest()

    def provenance(self) -> Provenance:
        """Where the series come from, with a checksum of all values."""
        source, found = self.source, self.series()
        digest = hashlib.sha256(np.ascontiguousarray(found.values).tobytes()).hexdigest()
        filled = f"; {found.filled:,} missing values repeat the one before" if found.filled else ""
        return Provenance(
            source.corpus,
            source.url,
            digest,
            source.licence,
            source.attribution,
            f"{source.split_rule}; z-scores from the training part{filled}",
        )

    def info(self) -> TaskInfo:
        """How pages call the task."""
        return self.source.info

    def showcase(self) -> list[str]:
        """Forecasts have no texts to offer."""
        return []


def make(name: str) -> Forecasting:
    """`ett/h1`, `ett/h2`, `weather`, `sunspots`, `co2` or `csv:FILE`.

    Raises:
        ValueError: another name, or `csv:` without a file.
    """
    kind, _, path = name.partition(":")
    if kind == "csv" and path:
        return Forecasting(name, _own(name, Path(path).expanduser()))
    if name in KNOWN:
        return Forecasting(name, KNOWN[name]())
    raise ValueError(f"series to forecast are {', '.join(KNOWN)} or csv:FILE. Received: {name!r}")


def _info(label: str) -> TaskInfo:
    return TaskInfo(label, "A series", "", output_unit="step", input_unit="step")


def _shares(count: int) -> tuple[int, int, int]:
    """70 % for training, 10 % for validation, 20 % as the test."""
    train, test = int(count * 0.7), int(count * 0.2)
    return train, count - test, count


BY_SHARE = "by time: 70 % for training, then 10 % for validation, then 20 % as the test"


def _ett(part: str) -> Source:
    def read(protocol: Protocol) -> Series:
        url = ETT.format(part=part)
        relative = f"ett/ETT{part}.csv"
        path = download.locate([relative]) or download.fetch([url], relative, sha256=KNOWN_SHA256)
        return series.read_csv(path, "date")

    return Source(
        read,
        lambda count: (12 * MONTH, 16 * MONTH, 20 * MONTH),
        "by time: 12, 4 and 4 months of 30 days for training, validation and test (Informer)",
        f"Electricity Transformer Temperature, ETT{part}",
        ETT.format(part=part),
        "CC BY-ND 4.0",
        "Zhou et al. 2021 (Informer)",
        _info(f"Transformer temperature, ETT{part}"),
        Protocol(336, 96, 24),
    )


def _weather() -> Source:
    relative = "ltsf_weather/weather.csv"
    address = "https://github.com/thuml/Autoformer (weather.csv of its data sets)"

    def read(protocol: Protocol) -> Series:
        path = download.locate([relative, "weather/weather.csv", "weather.csv"])
        if path is None:
            raise download.DownloadError(
                f"weather.csv is not on disk; get it from {address} and put it at "
                f"{download.data_folders()[0] / relative}"
            )
        head, rows = series.read_table(path, "latin-1")
        values = np.array([row[1:] for row in rows], dtype="float64")
        times = np.array([row[0].replace(" ", "T") for row in rows], dtype="datetime64[s]")
        absent, filled = values == series.SENTINEL, 0
        if protocol.missing != "as published" and absent.any():
            values, filled = series.fill(values, absent), int(absent.sum())
        columns = tuple(name.encode("ascii", "replace").decode() for name in head[1:])
        return Series(columns, values, times, 600.0, filled)

    return Source(
        read,
        _shares,
        BY_SHARE,
        "Weather of Jena 2020, every 10 minutes, 21 figures",
        address,
        "not stated",
        "Max Planck Institute for Biogeochemistry, Jena; Wu et al. 2021 (Autoformer)",
        _info("Weather of Jena"),
        Protocol(336, 96, 144, missing="previous"),
    )


def _statsmodels(file: str, column: str, label: str, protocol: Protocol, corpus: str) -> Source:
    """A series of a year or a week that the package statsmodels carries; it is not imported."""

    def read(protocol: Protocol) -> Series:
        found = importlib.util.find_spec("statsmodels")
        if found is None or not found.origin:
            raise ValueError(f"{label} comes with the package statsmodels: pip install statsmodels")
        path = Path(found.origin).parent / "datasets" / file / f"{file}.csv"
        head, rows = series.read_table(path)
        head = [name.strip('"') for name in head]
        cells = [row[head.index(column)].strip() for row in rows]
        values = np.array([c or "nan" for c in cells], "float64")[:, None]
        absent = np.isnan(values)
        times, step = None, None
        if file == "co2":
            days = [row[0].strip('"') for row in rows]
            times = np.array([f"{d[:4]}-{d[4:6]}-{d[6:]}" for d in days], "datetime64[s]")
            step = 7 * 86_400.0
        if absent.any():
            values = series.fill(values, absent)
        return Series((label,), values, times, step, int(absent.sum()))

    return Source(
        read,
        _shares,
        BY_SHARE,
        corpus,
        "https://www.statsmodels.org/stable/datasets/",
        "public domain",
        "the package statsmodels",
        _info(label),
        protocol,
    )


KNOWN: dict[str, Callable[[], Source]] = {
    "ett/h1": lambda: _ett("h1"),
    "ett/h2": lambda: _ett("h2"),
    "weather": _weather,
    "sunspots": lambda: _statsmodels(
        "sunspots",
        "SUNACTIVITY",
        "Sunspots a year",
        Protocol(44, 11, 11),
        "Yearly sunspot numbers, 1700 to 2008",
    ),
    "co2": lambda: _statsmodels(
        "co2",
        "co2",
        "CO2 in the air (ppm)",
        Protocol(104, 52, 52, missing="previous"),
        "Weekly CO2 at Mauna Loa, 1958 to 2001",
    ),
}


def _own(name: str, path: Path) -> Source:
    def read(protocol: Protocol) -> Series:
        targets = [column.strip() for column in protocol.target.split(",") if column.strip()]
        return series.read_csv(path, protocol.time, targets, protocol.missing)

    shown = paths.shown(name)
    return Source(
        read,
        _shares,
        BY_SHARE,
        shown.partition(":")[2],
        "",
        "the owner's",
        "",
        _info(shown),
        Protocol(96, 24, 1),
    )
