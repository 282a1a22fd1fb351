"""Training of forecasters: windows of series, validated by the error on the validation part."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from training import paths
from training.checkpoint import Progress
from training.config import TrainConfig
from training.data.series_windows import SeriesWindows, cut
from training.distributed.devices import ONE, Devices
from training.metrics import forecasting as metrics
from training.objectives.base import Data, Objective, StepSpec, Validation
from training.start_from import Start
from training.tasks.forecasting import Forecasting, Protocol
from zoo import registry, scaler
from zoo.forecast import LEVELS
from zoo.inference.forecaster import ForecasterPredictor

Tensor = Any
OF_TEXTS = (
    "subword_regularization",
    "exchange_numbers",
    "exchange_names",
    "noise",
    "window",
    "carry_state",
    "vocabulary",
    "smoothing",
)
"""Settings that series have no use for."""


class ForecastLoss(keras.losses.Loss):
    """Squared error of the expected value, and twice the mean pinball loss of the quantiles.

    Koenker and Bassett 1978: `max(q (y - f), (q - 1) (y - f))`. Weighted by 1 / values, the sum
    over a batch is the mean per value, in z-scores.

    Example:
        >>> y, values = ops.ones((1, 2, 3)), ops.ones((1, 2, 3, 1 + len(LEVELS)))
        >>> float(ForecastLoss()(y, values))
        0.0
    """

    def __init__(self) -> None:
        super().__init__(name="forecast", reduction="sum")

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """(B, H, C) and (B, H, C, 1 + Q) -> (B, H, C) losses."""
        y_true, y_pred = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        short = y_true[..., None] - y_pred[..., 1:]  # (B, H, C, Q)
        levels = ops.convert_to_tensor(LEVELS, dtype="float32")
        pinball = ops.mean(ops.maximum(levels * short, (levels - 1.0) * short), axis=-1)
        return ops.square(y_true - y_pred[..., 0]) + 2.0 * pinball


class ForecasterObjective(Objective):
    """The past of some series in, expected values and quantiles of what follows out."""

    kind = "forecaster"
    narrow = True
    task: Forecasting

    def check(self, config: TrainConfig, start: Start | None) -> None:
        for option in OF_TEXTS:
            if getattr(config, option):
                raise ValueError(
                    f"--{option.replace('_', '-')} is for texts, and "
                    f"{paths.shown(self.task.name)} is series to forecast"
                )
        own = paths.shown(self.task.name).startswith("csv:")
        for option in ("time", "target"):
            if getattr(config, option) and not own:
                raise ValueError(
                    f"--{option} is for csv:FILE. Received: --task {paths.shown(self.task.name)}"
                )
        self.task = self.task.by(asdict(self._protocol(config, start)))
        if not start:
            self._sizes(config, 1)

    def _protocol(self, config: TrainConfig, start: Start | None) -> Protocol:
        """What the task is to be cut and scored by."""
        known = asdict(self.task.protocol)
        if start:
            kept = {name: getattr(start.hyperparameters, name) for name in ("lookback", "horizon")}
            for name, value in kept.items():
                if getattr(config, name) not in (0, value):
                    raise ValueError(
                        f"--start-from {start.name} has --{name} {value}. "
                        f"Received: --{name} {getattr(config, name)}"
                    )
            known |= kept
        for name in ("lookback", "horizon", "season", "time", "target", "missing"):
            known |= {name: value} if (value := getattr(config, name)) else {}
        found = Protocol(**known)
        return found.literature() if config.protocol == "literature" else found

    def _sizes(self, config: TrainConfig, channels: int) -> Any:
        """The network's hyper-parameters."""
        one = self.task.protocol
        given = {"lookback": one.lookback, "horizon": one.horizon, "channels": channels}
        entry = registry.architecture(config.model, self.kind)
        fields = getattr(entry.config, "__dataclass_fields__", {})
        if "season" in fields:
            given["season"] = one.season
        override = dict(config.override)
        if "dropout" not in fields:
            override.pop("dropout", None)  # nothing is trained that could be dropped
        return registry.configuration(
            config.model, config.preset, kind=self.kind, **(given | override)
        )

    def prepare(
        self,
        state: Path,
        config: TrainConfig,
        start: Start | None,
        progress: Progress,
        on: Devices = ONE,
    ) -> Data:
        task, one = self.task, self.task.protocol
        self.scaler = task.scaler()
        if start and start.hyperparameters.channels != len(self.scaler.columns):
            raise ValueError(
                f"--start-from {start.name} forecasts {start.hyperparameters.channels} series, and "
                f"{paths.shown(task.name)} has {len(self.scaler.columns)}"
            )
        rows = max(config.batch_tokens // one.horizon, 1)
        self.rows = -(-rows // on.count) * on.count  # each device has as many
        train = self.scaler.scaled(task.part("train"))
        if config.limit:
            train = train[-config.limit :]
        self.windows = SeriesWindows(train, one.lookback, one.horizon, self.rows, config.seed)
        valid, begins = self.scaler.scaled(task.part("valid")), task.begins("valid")
        task.part("test")  # a test part that is too short should be told now
        chosen = np.unique(
            np.linspace(0, len(begins) - 1, min(config.validate_on, len(begins))).astype(int)
        )
        self.valid = cut(valid, begins[chosen], one.lookback, one.horizon)
        said = f"{len(self.windows):,} windows of {len(self.scaler.columns)} series"
        return Data(self.windows, len(self.windows), said, (self.scaler.bytes,))

    def build(
        self, folder: Path, config: TrainConfig, start: Start | None, on: Devices = ONE
    ) -> tuple[Any, ForecasterPredictor]:
        channels = len(self.scaler.columns)
        sizes = start.changed(config.override) if start else self._sizes(config, channels)
        network, probe = self.networks(config, sizes, start, on)
        description = self.described(
            folder,
            config,
            probe,
            start,
            tokenizers={"scaler": scaler.FILE},
            unit="step",
            task_info=asdict(self.task.info()),
            protocol=asdict(self.task.protocol) | {"split_sha256": self.task.split_hash()},
        )
        predictor = ForecasterPredictor(folder.name, probe, self.scaler, description, path=folder)
        return network, predictor

    def fit(self, network: Any, config: TrainConfig) -> None:
        one, windows = self.task.protocol, self.windows
        network.fit_windows(*cut(windows.values, windows.begins, one.lookback, one.horizon))

    def loss(self, config: TrainConfig) -> keras.losses.Loss:
        return ForecastLoss()

    def signature(self, config: TrainConfig, on: Devices = ONE) -> StepSpec:
        one, channels = self.task.protocol, len(self.scaler.columns)
        future = ((self.rows, one.horizon, channels), "float32")
        return StepSpec(((self.rows, one.lookback, channels), "float32"), future, future)

    def validate(self, predictor: Any) -> Validation:
        history, future = self.valid
        values = predictor.values(history)
        found = metrics.blocks(
            metrics.sums(values, future, self.task.scale_of_mase()), self.task.protocol.horizon
        )
        figures = metrics.figures(found)
        return Validation(figures, figures["mse"].value + figures["crps"].value)

    def files(self, predictor: Any) -> dict[str, Any]:
        return {scaler.FILE: self.scaler}

    def counts(self) -> dict[str, int]:
        return {split: len(self.task.begins(split)) for split in ("valid", "test")}
