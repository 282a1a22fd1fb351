"""What decodes the validation side: Keras, which compiles a program a shape, or LiteRT, which none.

Either is given the weights to validate with, and is a predictor as `zoo.load` gives them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from training.distributed.devices import ONE, Devices
from training.progress import console
from zoo import saving
from zoo.runtime import litert
from zoo.runtime.host_memory import give_back
from zoo.runtime.litert import GraphError

if TYPE_CHECKING:
    from training.checkpoint import Progress
    from training.config import TrainConfig
    from zoo.inference.litert_seq2seq import LiteRTSeq2Seq
    from zoo.inference.seq2seq import Seq2SeqPredictor

KERAS, LITERT, AUTO = "keras", "litert", "auto"
UNPACKED = "graphs-"
"""What folders of unpacked graphs are called; a run that is killed may leave one."""


class Answering(Protocol):
    """Gives a predictor that has these weights, for as long as the context lasts."""

    def __call__(self, arrays: dict[str, np.ndarray]) -> AbstractContextManager[Any]: ...


@dataclass
class OnKeras:
    """The predictor `probe` itself, given the weights."""

    probe: Any

    @contextmanager
    def __call__(self, arrays: dict[str, np.ndarray]) -> Iterator[Any]:
        saving.set_weight_arrays(self.probe.model, arrays)
        del arrays
        yield self.probe


@dataclass
class OnLiteRT:
    """LiteRT graphs with the weights, and the tokenizers of `probe`.

    They run in another process, in one thread: memory that is needed while validating would be kept
    while training, and each thread more would have the weights once more.

    Args:
        probe: a predictor of the same sizes.
        template: of its graphs, from `zoo.inference.litert_refilling`.
    """

    probe: Seq2SeqPredictor
    template: Path

    @contextmanager
    def __call__(self, arrays: dict[str, np.ndarray]) -> Iterator[LiteRTSeq2Seq]:
        from zoo.inference import litert_template
        from zoo.inference.litert_apart import EngineApart
        from zoo.inference.litert_folder import GraphFolder
        from zoo.inference.litert_seq2seq import LiteRTSeq2Seq

        probe = self.probe
        saving.check_weight_arrays(probe.model, arrays)
        with tempfile.TemporaryDirectory(dir=self.template.parent, prefix=UNPACKED) as place:
            litert_template.fill(self.template, b"", arrays, Path(place))
            del arrays  # as large as the network
            give_back()
            with contextlib.closing(EngineApart(GraphFolder.read(Path(place)))) as engine:
                yield LiteRTSeq2Seq(
                    engine.graphs,
                    probe.attention_heads,
                    engine=engine,
                    name=probe.name,
                    source_tokenizer=probe.source_tokenizer,
                    target_tokenizer=probe.target_tokenizer,
                    config=probe.config,
                    max_length=getattr(probe.model.config, "max_length", None),
                )


def choose(asked: str, kind: str, on: Devices, adapted: bool = False) -> str:
    """What a new run decodes with: as `asked`, and for `auto` LiteRT wherever it can.

    Args:
        asked: `auto`, `keras` or `litert`.
        kind: of the network.
        on: what it is trained on.
        adapted: whether an adapter is trained.

    Raises:
        ValueError: LiteRT is asked for and cannot be had; the message says why.
    """
    if asked == KERAS:
        return KERAS
    why = "it has no graphs of adapters" if adapted else _why_not(kind, on)
    if why and asked == LITERT:
        raise ValueError(f"--validate-with litert: {why}")
    return KERAS if why else LITERT


def _why_not(kind: str, on: Devices) -> str:
    if kind != "seq2seq":
        return f"a {kind.replace('_', ' ')} is validated without decoding"
    if on.accelerated():
        return f"it runs on the processor, and {on} decodes faster"
    if not litert.available():
        return f"LiteRT is not installed: pip install {litert.PACKAGE}"
    if importlib.util.find_spec("tensorflow") is None:
        return "LiteRT graphs are made with TensorFlow, which is not installed"
    return ""


def answering(
    state: Path, config: TrainConfig, progress: Progress, probe: Any, on: Devices = ONE
) -> Answering:
    """What decodes while validating, as the settings that the run keeps have it; says so.

    A new run that was not asked for LiteRT goes without it where its graphs cannot be made. They
    are kept in the folder `state`.

    Raises:
        GraphError: any other run has to have it and cannot; the message says why.
    """
    settings, why = progress.settings, ""
    if not on.processes.first or probe.kind != "seq2seq":
        return OnKeras(probe)
    if settings["validate_with"] == LITERT:
        try:
            with console.status("Making LiteRT graphs to validate with"):
                found = _on_litert(probe, state)
            console.print("Validation decodes with LiteRT.")
            return found
        except GraphError as error:
            if progress.step or config.validate_with == LITERT:
                raise
            settings["validate_with"], why = KERAS, f": {error}"
    elif config.validate_with == AUTO and not progress.step:
        why = f": {_why_not(probe.kind, on)}"
    console.print(f"Validation decodes with Keras{why}.")
    return OnKeras(probe)


def _on_litert(probe: Seq2SeqPredictor, state: Path) -> OnLiteRT:
    """With the graphs that are kept in the folder `state`. Raises GraphError: there are none."""
    from zoo.inference import litert_refilling

    if not litert.available():
        raise GraphError(f"LiteRT is not installed: pip install {litert.PACKAGE}")
    for left in state.glob(f"{UNPACKED}*/"):  # by a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    return OnLiteRT(probe, litert_refilling.find(state, probe.model))
