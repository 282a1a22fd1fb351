"""Where the time of a request goes: cutting the text into tokens, reading it, writing, the maps."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from zoo.inference.hypotheses import Hypotheses, Source
from zoo.inference.seq2seq import Seq2SeqPredictor
from zoo.layers.attention_hooks import without_maps
from zoo.padding import LENGTHS, bucket, pad
from zoo.runtime import backend

if TYPE_CHECKING:
    from zoo.kinds.base import Maps, Memory, Tensor
    from zoo.kinds.seq2seq import Seq2Seq

STAGES = ("tokenise", "encode", "write", "maps", "rest")


def stages(model: Seq2SeqPredictor, text: str, runs: int = 5) -> dict[str, float]:
    """Milliseconds of each stage of one warm, greedy `model.predict(text)` with its maps.

    The requests are real ones, watched from inside. Reading the source is a part of the program
    that writes, so it is run once more by itself; `write` is what that leaves of the program's
    time, `rest` what all others leave of the request's: stages add up to the median request.

    Args:
        model: its programs are compiled first, where they are not yet.
        text: what to answer; an empty one is neither read nor written.
        runs: requests to take the median of, stage by stage.

    Returns:
        Medians by stage, in the order of `STAGES`.

    Raises:
        ValueError: `runs` below 1.
    """
    if runs < 1:
        raise ValueError(f"runs must be at least 1. Received: runs={runs}")
    watched = _Watched(model)
    seen = []
    # The first request compiles, the second may still read what the first left behind.
    for _ in range(2 + runs):
        watched.spent = dict.fromkeys(("tokenise", "write", "maps", "request"), 0.0)
        with watched.clock("request"):
            watched.predict(text)
        seen.append(watched.spent)
    median = {name: statistics.median(one[name] for one in seen[2:]) for name in watched.spent}
    encoded = 0.0
    if len(watched.ids) > 1:
        source = pad([watched.ids], bucket(len(watched.ids), LENGTHS))
        read = reader(model.model, source)
        encoded = min(statistics.median(_seconds(read, runs)), median["write"])
    found = {"tokenise": median["tokenise"], "encode": encoded}
    found |= {"write": median["write"] - encoded, "maps": median["maps"]}
    # Medians of parts may exceed that of the whole by a trifle.
    found["rest"] = max(median["request"] - sum(found.values()), 0.0)
    return {stage: 1e3 * found[stage] for stage in STAGES}


def reader(network: Seq2Seq, source: np.ndarray, maps: bool = False) -> Callable[[], Any]:
    """A function that reads `source` (B, S) once and returns when that is done.

    Args:
        network: whose encoder is compiled, by itself.
        source: ids, padded with PAD.
        maps: whether the encoder's attention maps are wanted, for networks that have them.
    """
    program = backend.compiled(network, encode, maps=maps)
    # All that one program gives is ready together: the smallest part of it is waited for.
    return lambda: ops.convert_to_numpy(program(source)["mask"])


def encode(model: Seq2Seq, source: Tensor, maps: bool) -> Memory:
    """What the decoder reads, with the encoder's maps or, as generation has it, without."""
    with nullcontext() if maps else without_maps():
        return model.encode(source)


class _Watched(Seq2SeqPredictor):
    """A loaded model that notes how long the parts of its requests take.

    It shares everything with `model`, compiled programs too, and changes nothing in it: others
    may use that at the same time.
    """

    def __init__(self, model: Seq2SeqPredictor):
        vars(self).update(vars(model))
        self.spent: dict[str, float] = {}
        self.ids: list[int] = []

    @contextmanager
    def clock(self, part: str) -> Iterator[None]:
        """Add the time spent inside to that of `part`."""
        began = time.perf_counter()
        yield
        self.spent[part] += time.perf_counter() - began

    def read(self, text: str) -> Source:
        with self.clock("tokenise"):
            found = super().read(text)
        self.ids = found.ids
        return found

    def write(self, *arguments: Any, **options: Any) -> list[Hypotheses]:
        with self.clock("write"):
            return super().write(*arguments, **options)

    def score(self, *arguments: Any, **options: Any) -> tuple[np.ndarray, Maps]:
        with self.clock("maps"):
            return super().score(*arguments, **options)


def _seconds(call: Callable[[], Any], runs: int) -> list[float]:
    """How long `call` takes, again and again, when it is warm."""
    for _ in range(2):
        call()
    spent = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return spent
