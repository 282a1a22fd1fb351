"""The network of a run made ready: its optimizer and loss, and the shapes of its steps."""

from __future__ import annotations

from typing import Any

from training import layer_rates
from training.config import TrainConfig
from training.data.batches import Batches
from training.data.buckets import Shape, ladder
from training.data.subword_regularization import SampledBatches
from training.distributed import devices
from training.distributed.devices import Devices
from training.objectives.base import Objective
from training.objectives.cross_entropy import make_optimizer
from training.tf_tracing import trace_step


def make_ready(
    network: Any,
    objective: Objective,
    config: TrainConfig,
    steps: int,
    on: Devices = devices.ONE,
) -> None:
    """Give the network its optimizer and loss, and trace its steps.

    Raises:
        ValueError: a learning rate for each layer is asked for, and the network has no blocks.
    """
    rates = None
    if config.layer_decay < 1:
        paths = [weight.path for weight in network.trainable_variables]
        norm = getattr(network.config, "norm", "pre")
        rates = layer_rates.multipliers(paths, config.layer_decay, norm)
    with on.scope():
        optimizer = make_optimizer(
            learning_rate=config.learning_rate,
            warmup=config.warmup,
            steps=steps,
            clip=config.clip,
            averaging=config.averaging,
            weight_decay=config.weight_decay,
            kind=config.optimizer,
            fused=not on.compiles_steps() and on.strategy is None,
            rates=rates,
        )
        network.compile(
            optimizer=optimizer,
            loss=objective.loss(config),
            jit_compile=on.compiles_steps(),
        )
        optimizer.build(network.trainable_variables)
    on.spread(network)
    trace_step(network, on, objective.signature(config, on))


def make_shapes(batches: Batches | SampledBatches, on: Devices) -> tuple[Shape, ...]:
    """The shapes that compiled steps get; none where any shape will do, or all have one."""
    if not on.compiles_steps() or not hasattr(batches, "lengths"):
        return ()
    return ladder(
        *batches.lengths(),
        batches.tokens,
        rows=on.count,
        # Tensor cores work on eights; a CPU would only have more padding to multiply.
        lengths=8 if on.accelerated() else 1,
    )
