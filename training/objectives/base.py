"""What a kind of network is trained for: its data, its loss, how it is validated and saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import keras

from training import paths
from training.distributed.devices import ONE, Devices
from zoo import saving
from zoo.building import build

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


Array = tuple[tuple[int | None, ...], str]
"""The shape of an array, None where it varies, and the type of its numbers."""


@dataclass(frozen=True)
class StepSpec:
    """The arrays that every step of a run is given, for a program that is made before the first.

    Args:
        inputs: what the network is called with: an array, or a tuple of them.
        target_out: what it should give.
        weights: of each loss.

    Example:
        >>> StepSpec.of_tokens(2, 8).inputs
        ((2, 8), 'int32')
    """

    inputs: Array | tuple[Array, ...]
    target_out: Array
    weights: Array

    @classmethod
    def of_tokens(cls, rows: int, length: int) -> StepSpec:
        """Rows of as many token ids, each of which has a target."""
        ids, real = ((rows, length), "int32"), ((rows, length), "float32")
        return cls(ids, ids, real)

    @property
    def rows(self) -> int | None:
        """How many rows each batch has; None: that varies."""
        return self.target_out[0][0]


class Objective(ABC):
    """How networks of one kind are trained on a task; one class a kind.

    Args:
        task: of the same kind.
    """

    kind: ClassVar[str]
    smoothing: ClassVar[float] = 0.0
    """Label smoothing where none is asked for."""
    narrow: ClassVar[bool] = False
    """Its networks are so narrow that on a CPU half precision is slower."""

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

    def networks(
        self, config: TrainConfig, sizes: Any, start: Start | None, on: Devices = ONE
    ) -> tuple[Any, Any]:
        """The network to train, on all devices, and one of full precision, on one device."""
        entry = {"kind": self.kind, "adapter": start.adapter if start else None}
        probe = build(config.model, sizes, **entry)
        with on.scope():
            network = build(
                config.model, sizes, seed=config.seed, precision=config.precision, **entry
            )
        return network, probe

    def described(
        self, folder: Path, config: TrainConfig, probe: Any, start: Start | None, **prepared: Any
    ) -> dict[str, Any]:
        """The content of config.json: what every kind has, and what is `prepared` for this one."""
        if start and start.adapter:
            prepared["adapter"] = start.adapter.record()
        return saving.model_config(
            kind=self.kind,
            name=folder.name,
            task=paths.shown(self.task.name),
            model=config.model,
            preset=config.preset,
            network=probe,
            **prepared,
        )

    @abstractmethod
    def loss(self, config: TrainConfig) -> keras.losses.Loss:
        """What a step minimises, from (B, T) targets and the network's output."""

    @abstractmethod
    def validate(self, predictor: Any) -> Validation:
        """Figures of the validation side."""

    def sample(self, predictor: Any) -> dict[str, str]:
        """What it writes after a prompt, both by name; {} of a kind that says nothing of itself."""
        return {}

    @abstractmethod
    def files(self, predictor: Any) -> dict[str, Any]:
        """What is saved beside the weights: objects with `bytes`, by file name."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """How large each split is, for the card; the training side is `Data.count`."""

    def fit(self, network: Any, config: TrainConfig) -> None:
        """Compute the weights of an architecture that has them in closed form.

        After `prepare` and `build`, of the training side alone.
        """
        raise NotImplementedError(f"no {self.kind} is computed in closed form")

    def signature(self, config: TrainConfig, on: Devices = ONE) -> StepSpec | None:
        """The arrays of every step; None: a source and a target of any shape."""
        return None
