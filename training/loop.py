"""The training loop: steps, validation, checkpoints, logs; the same for every model and task."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from training import checkpoint
from training.checkpoint import Progress
from training.data.batches import Batch, Batches, prefetch
from training.data.buckets import Shape, fit
from training.data.subword_regularization import SampledBatches
from training.distributed.devices import ONE, Devices
from training.logs import History
from training.validating import Answering, OnKeras
from zoo import saving
from zoo.runtime.host_memory import give_back, peak_memory

if TYPE_CHECKING:
    from training.data.windows import WindowBatch, Windows
    from training.objectives.base import Objective


@dataclass(frozen=True)
class Schedule:
    """When things happen, in steps.

    Args:
        steps: of the whole run.
        log: a row of the curve.
        validate: the task's own metric on the validation side, with averaged weights.
        checkpoint: the state that a killed run goes on from.
        first: validate before the first step too, as a run that begins from a trained model should:
            it is kept where no step makes it better.
        keep: the "best" weights on the validation side, or the "last" ones.
        patience: validations without a better one after which to stop; 0: never. Of two with the
            same metric, the one with the lower validation loss is better.
    """

    steps: int
    log: int = 50
    validate: int = 500
    checkpoint: int = 200
    patience: int = 0
    first: bool = False
    keep: str = "best"


STOP_EVERY = 10
"""Steps between two questions whether one of several processes was asked to stop."""


def processor_time() -> float:
    """Seconds of processor time of this process, and of those it started that have ended."""
    return sum(os.times()[:4])


def step(network: Any, batch: Batch | WindowBatch, on: Devices = ONE) -> float:
    """One step of training on the devices `on`; the loss of the global batch."""
    share = on.share(batch)
    with on.scope():
        network.reset_metrics()
        loss = network.train_on_batch(share.inputs, share.target_out, sample_weight=share.weights)
    return float(loss)


class RunStoppedError(Exception):
    """The run was asked to stop, and saved where it was."""


@dataclass
class Place:
    """Where a run takes place, and who is told.

    Args:
        folder: of the run's state; the curve is `history.csv` beside it.
        progress: where the run is; changed in place.
        report: called after every step and validation with figures to show.
        on: what to train on.
    """

    folder: Path
    progress: Progress
    report: Callable[[Progress, dict[str, Any]], None] = lambda progress, row: None
    on: Devices = ONE


class Trainer:
    """Trains one compiled network on batches, from wherever `progress` says it is.

    Args:
        network: compiled with the optimizer and the loss of `training.objectives.cross_entropy`.
        probe: the same model around a second, full-precision network, which is given the averaged
            weights to validate with.
        batches: the training side.
        objective: what to validate with.
        schedule: when things happen.
        place: where the run takes place, and who is told.
        shapes: what batches are filled up to, from `buckets.ladder`; none: left as is.
        answering: what the averaged weights answer with; by default the probe.
    """

    def __init__(
        self,
        network: Any,
        probe: Any,
        batches: Batches | SampledBatches | Windows,
        objective: Objective,
        schedule: Schedule,
        place: Place,
        shapes: tuple[Shape, ...] = (),
        answering: Answering | None = None,
    ):
        self.network, self.probe, self.batches = network, probe, batches
        self.objective, self.schedule = objective, schedule
        self.folder, self.progress, self.report = place.folder, place.progress, place.report
        self.on, self.shapes = place.on, shapes
        self.answering = answering or OnKeras(probe)
        self.history = None
        if self.on.processes.first:
            folder, progress = self.folder, self.progress
            csv_path, events = folder.parent / "history.csv", folder / "tensorboard"
            self.history = History(csv_path, events, progress.step)
        self._stop = False
        self._tokens_before = self.progress.tokens
        self._since = time.perf_counter()
        self._clock = (time.perf_counter(), processor_time())

    def run(self) -> None:
        """Train to the end. Raises RunStoppedError after Ctrl-C or SIGTERM, with all saved."""
        previous = {
            number: signal.signal(number, self._ask_to_stop)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        stopped = False
        try:
            if self.schedule.first and not self.progress.step:
                self._show({"step": 0, "epoch": 0.0} | self._validate())
            for batch in self._remaining():
                self._step(batch)
                if self._due() or (stopped := self._stopped()):
                    break
            self._save()
            if stopped and not self._finished():
                raise RunStoppedError
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            if self.history:
                self.history.close()

    def finish(self) -> None:
        """Note that there is no more to do: after this the run is never gone on with."""
        self.progress.finished = True
        self._save()

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop = True

    def _stopped(self) -> bool:
        """Whether this process or another was asked to stop; all of them answer the same."""
        processes = self.on.processes
        if processes.count > 1 and self.progress.step % STOP_EVERY:
            return False
        return processes.any(self._stop)

    def _remaining(self) -> Iterator[Batch]:
        while not self._finished():
            yield from prefetch(self.batches.epoch(self.progress.epoch, self.progress.batch))
            self.progress.epoch += 1
            self.progress.batch = 0

    def _finished(self) -> bool:
        done = self.progress
        stale = self.schedule.patience and done.since_best >= self.schedule.patience
        return done.step >= self.schedule.steps or bool(stale)

    def _step(self, batch: Batch) -> None:
        carried = getattr(self.network, "carried", None)
        if carried and not self.progress.batch:
            carried.reset()
        loss = step(self.network, fit(batch, self.shapes) if self.shapes else batch, self.on)
        if not math.isfinite(loss):
            raise FloatingPointError(
                f"The loss is {loss} at step {self.progress.step + 1}: "
                "lower --learning-rate or train in float32"
            )
        self.progress.losses.append(loss)
        self.progress.step += 1
        self.progress.batch += 1
        self.progress.tokens += batch.tokens

    def _due(self) -> bool:
        """Log, validate and save if it is time to; True when the run is over."""
        step, schedule = self.progress.step, self.schedule
        last = step >= schedule.steps
        row: dict[str, Any] = {}
        if step % schedule.log == 0 or step % schedule.validate == 0 or last:
            row = self._curve()
        if step % schedule.validate == 0 or last:
            row |= self._validate()
        self._show(row)
        if step % schedule.checkpoint == 0 or step % schedule.validate == 0:
            self._save()
        return self._finished()

    def _show(self, row: dict[str, Any]) -> None:
        """A row of the curve, if there is one, and where the run is."""
        if row and self.history:
            self.history.add(row)
        self.report(self.progress, row)

    def _curve(self) -> dict[str, Any]:
        self._tick()
        now = time.perf_counter()
        tokens = self.progress.tokens - self._tokens_before
        row = {
            "step": self.progress.step,
            "epoch": round(self.progress.epoch + self._epoch_share(), 3),
            "loss": round(float(np.mean(self.progress.losses)), 5),
            "learning_rate": float(f"{float(self.network.optimizer.learning_rate):.6g}"),
            "tokens_per_second": round(tokens / max(now - self._since, 1e-9)),
            "minutes": round(self.progress.minutes, 2),
        }
        self.progress.losses = []
        self._tokens_before, self._since = self.progress.tokens, now
        return row

    def _epoch_share(self) -> float:
        return self.progress.batch / self.batches.count(self.progress.epoch)

    def _validate(self) -> dict[str, float]:
        """Validate in process 0, and let all of them know how it went."""
        done, row = self.progress, {}
        if self.on.processes.first:
            give_back()
            row = self._score()
            give_back()
        kept = ("best", "best_certain", "best_loss", "best_step", "since_best")
        row, *values = self.on.processes.tell([row, *(getattr(done, name) for name in kept)])
        for name, value in zip(kept, values, strict=True):
            setattr(done, name, value)
        return row

    def _score(self) -> dict[str, Any]:
        """Validate with the averaged weights; keep them if they are the best.

        The row says which figure decided that, the metric or the loss, and whether they are kept.
        """
        began = time.perf_counter()
        # Twice averaged: the arrays, as large as the network, need not be there while it answers.
        with self.answering(self.averaged()) as predictor:
            found = self.objective.validate(predictor)
            sample = self.objective.sample(predictor) if self.schedule.first else {}
        figures, loss = found.figures, found.loss
        metric = figures[self.objective.task.metric]
        better, by = self._better(metric.certain, loss)
        done = self.progress
        if better:
            done.best, done.best_certain, done.best_loss = metric.value, metric.certain, loss
            done.best_step, done.since_best = done.step, 0
            if sample:
                done.samples["after" if done.step else "before"] = sample
            checkpoint.write_best(self.folder, self.averaged())
        else:
            done.since_best += 1
        # The clock of the curve stops while validating.
        self._since += time.perf_counter() - began
        row = {f"valid_{name}": round(figure.value, 3) for name, figure in figures.items()}
        return {"valid_loss": round(loss, 5), **row, "kept": int(better), "decided_by": by}

    def _better(self, value: float, loss: float) -> tuple[bool, str]:
        """Whether a validation is the best so far, and by which figure that was decided.

        Of equal values of the metric, stuck at 0 as they may be, the lower loss is better. A run
        that began before losses were kept has none to compare with: then the later one is.
        """
        done, metric = self.progress, f"valid_{self.objective.task.metric}"
        if self.schedule.keep == "last":
            return True, "last"
        best = done.best if done.best_certain is None else done.best_certain
        if best is None:
            return True, metric
        if value != best:
            return (value > best) == self.objective.task.higher_is_better, metric
        return done.best_loss is None or loss < done.best_loss, "valid_loss"

    def averaged(self) -> dict[str, np.ndarray]:
        """The moving average of every weight by name; the weights themselves without averaging."""
        weights, optimizer = saving.named_weights(self.network), self.network.optimizer
        values = {id(weight): weight for weight in weights.values()}
        if optimizer.use_ema and self.progress.step:  # before the first there is no average
            averages = optimizer._model_variables_moving_average
            variables = map(id, self.network.trainable_variables)
            values |= zip(variables, averages, strict=True)
        return {name: np.asarray(values[id(weight)]) for name, weight in weights.items()}

    def _tick(self) -> None:
        """Add the time since the last tick to the run's minutes."""
        wall, cpu = time.perf_counter(), processor_time()
        self.progress.minutes += (wall - self._clock[0]) / 60
        self.progress.cpu_minutes += (cpu - self._clock[1]) / 60
        self.progress.peak_memory = max(self.progress.peak_memory, peak_memory())
        self._clock = (wall, cpu)

    def _save(self) -> None:
        self._tick()
        if self.on.processes.first:
            checkpoint.save(self.folder, self.network, self.progress)
