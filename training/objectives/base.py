"""What a kind of network is trained for: its data, its loss, how it is validated and saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import keras

from training.distributed.devices import ONE, Devices

if TYPE_CHECKING:
    from training.checkpoint import Progress
    from training.config import TrainConfig
    from training.metrics.text import Figure
    from training.start_from import Start


@dataclass(frozen=True)
class Data:
    """The training side of a run.

    Args:
        batches: gives the batches of an epoch, and how many there are.
        count: of how much it is made, for the card.
        said: the same in words, "87,122 pairs".
        identity: what it depends on, as bytes: tokenizers, tables.
    """

    batches: Any
    count: int
    said: str
    identity: tuple[bytes, ...]


@dataclass(frozen=True)
class Validation:
    """What a validation found.

    Args:
        figures: of the validation side, by key; the metric is one of them.
        loss: mean negative log-probability of a token, in nats, unsmoothed.
    """

    figures: Mapping[str, Figure]
    loss: float


class Objective(ABC):
    """How networks of one kind are trained on a task; one class a kind.

    Args:
        task: of the same kind.
    """

    kind: ClassVar[str]
    smoothing: ClassVar[float] = 0.0
    """Label smoothing where none is asked for."""

    def __init__(self, task: Any):
        self.task = task

    @abstractmethod
    def check(self, config: TrainConfig, start: Start | None) -> None:
        """Raises ValueError where the settings cannot be trained with; reads no data."""

    @abstractmethod
    def prepare(
        self,
        state: Path,
        config: TrainConfig,
        start: Start | None,
        progress: Progress,
        on: Devices = ONE,
    ) -> Data:
        """Read the data, make or read its tokenizers, kept in the folder `state`."""

    @abstractmethod
    def build(
        self, folder: Path, config: TrainConfig, start: Start | None, on: Devices = ONE
    ) -> tuple[Any, Any]:
        """The network to train, on all devices, and a predictor to validate with, on one."""

    @abstractmethod
    def loss(self, config: TrainConfig) -> keras.losses.Loss:
        """What a step minimises, from (B, T) targets and the network's output."""

    @abstractmethod
    def validate(self, predictor: Any) -> Validation:
        """Figures of the validation side."""

    @abstractmethod
    def files(self, predictor: Any) -> dict[str, Any]:
        """What is saved beside the weights: objects with `bytes`, by file name."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """How large each split is, for the card; the training side is `Data.count`."""

    def signature(self, config: TrainConfig, on: Devices = ONE) -> tuple[int, int] | None:
        """The one shape (B, T) that every batch has; None: any."""
        return None
