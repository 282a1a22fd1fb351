"""How a measured system talks to the driver: a line of JSON in, a line of JSON out.

A system is a process that stays up for a whole run. It is idle until it reads a line such as
`{"measure": "greedy/b1", "seconds": 10}`; the first line of a measure with `seconds` 0 makes it
ready (build, compile, warm up), the others measure one block each. It answers
`{"value": 12.3, ...}` or `{"error": "..."}`. Standard library and NumPy only: every toolkit's
environment imports it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed import forecasters, language_models, pretrained
from benchmarks.speed.workload import Workload
from zoo.runtime.host_memory import peak_memory

PIECES = 16
"""How many tokens every system writes, no more and no fewer."""

Block = Callable[[float], dict[str, Any]]
"""Measures for so many seconds; gives the `value` and what else is worth keeping."""
Maker = Callable[[Workload, str], Block]
"""Builds and warms up what a measure needs, from the data and the name of a variant."""

UNITS = {"train": "target tokens/s", "b1": "ms", "b32": "sentences/s"} | dict.fromkeys(
    language_models.SIZES, "tokens/s"
)
UNITS |= {forecasters.MEASURE: "windows/s"}
UNITS |= {pretrained.TRAIN: "tokens/s", pretrained.GENERATE: "tokens/s"}


def serve(makers: dict[str, Maker], packages: Sequence[str]) -> None:
    """Answer the driver's lines until they end.

    Args:
        makers: what there is to measure, by name.
        packages: whose versions are reported.
    """
    parser = argparse.ArgumentParser(
        description="A system to be measured; see benchmarks.speed.run."
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--variant", default="")
    options = parser.parse_args()
    # Libraries print what they like: only answers may reach the driver.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    data = Workload.read(options.data)
    blocks: dict[str, Block] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = _answer(makers, blocks, data, options.variant, asked)
        except Exception as error:  # whatever a toolkit raises, the driver is told
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        if "error" not in answer:
            answer |= {"versions": versions(packages), "peak_memory": peak_memory()}
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()


def _answer(
    makers: dict[str, Maker],
    blocks: dict[str, Block],
    data: Workload,
    variant: str,
    asked: dict[str, Any],
) -> dict[str, Any]:
    name = asked["measure"]
    if name not in makers:
        return {"error": f"cannot measure {name}; can measure {', '.join(makers)}"}
    if name not in blocks:
        blocks[name] = makers[name](data, variant)
    return blocks[name](asked["seconds"]) if asked["seconds"] else {"ready": True}


def training(
    step: Callable[[Any], Any], batches: Iterator[tuple[Any, int]], warmup: int = 6
) -> Block:
    """Blocks of training steps, each for at least one step; `value` is in target tokens a second.

    Args:
        step: takes one batch; returns only when the step is done.
        batches: without end, each with its number of real target tokens (EOS counted, padding
            not).
        warmup: steps taken now and not measured.
    """
    for _ in range(warmup):
        step(next(batches)[0])

    def block(seconds: float) -> dict[str, Any]:
        tokens = steps = 0
        began = time.perf_counter()
        while steps == 0 or time.perf_counter() - began < seconds:
            batch, count = next(batches)
            step(batch)
            tokens, steps = tokens + count, steps + 1
        spent = time.perf_counter() - began
        return {"value": tokens / spent, "steps": steps, "tokens": tokens}

    return block


def decoding(
    decode: Callable[[Any], Iterable[int]], requests: Sequence[Any], rows: int, least: int = 3
) -> Block:
    """Blocks of requests in turn; `value` is the median in ms, or with several rows sentences/s.

    Args:
        decode: answers one request; gives the number of tokens of each row it wrote.
        requests: each is decoded twice now (compilation, caches), and its lengths are checked.
        rows: sentences in a request.
        least: how many requests a block has at least.

    Raises:
        ValueError: a row was not `PIECES` long.
    """
    for request in requests:
        for _ in range(2):
            lengths = [int(length) for length in decode(request)]
            if lengths != [PIECES] * rows:
                raise ValueError(f"every row must be {PIECES} tokens long. Received: {lengths}")
    turn = 0

    def block(seconds: float) -> dict[str, Any]:
        nonlocal turn
        times: list[float] = []
        began = time.perf_counter()
        while len(times) < least or time.perf_counter() - began < seconds:
            request, turn = requests[turn % len(requests)], turn + 1
            since = time.perf_counter()
            decode(request)
            times.append(time.perf_counter() - since)
        median = statistics.median(times)
        return {"value": 1e3 * median if rows == 1 else rows / median, "requests": len(times)}

    return block


def generation(write: Callable[[], int], count: int, least: int = 3) -> Block:
    """Blocks of texts, one after the other; `value` is in tokens a second, of the median text.

    Args:
        write: writes one text; gives how many tokens it has. It is called twice now, too.
        count: how many there must be.
        least: how many texts a block has at least.

    Raises:
        ValueError: a text was not `count` tokens long.
    """

    def timed() -> float:
        since = time.perf_counter()
        found = write()
        spent = time.perf_counter() - since
        if found != count:
            raise ValueError(f"every text must be {count} tokens long. Received: {found}")
        return spent

    for _ in range(2):
        timed()

    def block(seconds: float) -> dict[str, Any]:
        times: list[float] = []
        began = time.perf_counter()
        while len(times) < least or time.perf_counter() - began < seconds:
            times.append(timed())
        return {"value": count / statistics.median(times), "texts": len(times)}

    return block


def shape(measure: str) -> tuple[int, int]:
    """Beams and rows of a decoding measure: "beam5/b32" -> (5, 32), "greedy/b1" -> (1, 1)."""
    search, batch = measure.split("/")
    return int(search.removeprefix("beam")) if search != "greedy" else 1, int(batch[1:])


def unit(measure: str) -> str:
    """What the value of a measure counts."""
    first, last = measure.split("/")
    return UNITS.get(measure) or UNITS.get(first) or UNITS[last]


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions(packages: Sequence[str]) -> dict[str, str]:
    """The installed version of each package, and Python's."""
    found = {"python": sys.version.split()[0]}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
