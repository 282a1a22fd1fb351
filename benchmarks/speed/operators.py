"""Where a step of training spends its time: `python -m benchmarks.speed.operators`.

Runs the steps that `train/...` of `benchmarks.speed.run` measures under TensorFlow's profiler and
adds up the time of each operation of the graph, over all threads. Each network in a process of its
own, since a process chooses its threads once.
"""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed import pretrained
from benchmarks.speed.language_models import SIZES
from benchmarks.speed.run import device_name, prepare_data
from training import card_writer
from training.commands import plainly
from zoo.saving import write_json

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

OUT = Path(__file__).resolve().parents[1] / "results" / "engine" / "operators.json"
COMMAND = "python -m benchmarks.speed.operators"
MEASURES = "train/transformer,train/lstm-bahdanau,train/gpt"
CHILD = """
import json, sys
from benchmarks.speed import operators
print(json.dumps(operators.of(sys.argv[1])))
"""
WARM, STEPS = 6, 12
"""Steps that are not counted, and those that are."""
LISTED = 16
"""Operations of a network that are listed by name; the rest are added up."""
AROUND = (
    "Process",
    "EagerExecute",
    "EagerKernelExecute",
    "Run",
    "FunctionRun",
    "one_step",
    "__inference",
)
"""What the profiler lists beside operations, and what contains them."""


@app.command(help=__doc__)
@plainly()
def main(
    measures: Annotated[str, typer.Option(help="Of `benchmarks.speed.run`; commas.")] = MEASURES,
    out: Annotated[Path, typer.Option(help="The file of results.")] = OUT,
) -> None:
    """Profile each network; see the text of the module."""
    found = {}
    for measure in measures.split(","):
        child = [sys.executable, "-c", CHILD, measure]
        done = subprocess.run(child, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{measure}: {done.stderr.strip().splitlines()[-1]}")
        found[measure] = json.loads(done.stdout.splitlines()[-1])
        typer.echo(f"{measure}: {found[measure]['processor_ms']} ms of processor a step")
        for line in found[measure]["operations"]:
            typer.echo(f"  {line['share']:6.1%} {line['calls']:7.1f} x {line['name']}")
    about = {"command": COMMAND, "device": device_name(), "commit": card_writer.commit()}
    write_json(out, {**about, "date": time.strftime("%Y-%m-%d"), "measures": found})


def profiled(step: Any, batches: list[Any]) -> dict[str, Any]:
    """Milliseconds of a step, of the clock and of the processor, and the shares of operations."""
    import tensorflow as tf

    for batch in batches[:WARM]:
        step(batch)
    wall, processor = time.perf_counter(), time.process_time()
    for batch in batches:
        step(batch)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for batch in batches:
            step(batch)
        tf.profiler.experimental.stop()
        times, calls = operations(next(Path(folder).rglob("*.xplane.pb")).read_bytes())
    total, count = sum(times.values()), len(batches)
    lines = [
        {"name": name, "share": round(spent / total, 4), "calls": round(calls[name] / count, 1)}
        for name, spent in times.most_common(LISTED)
    ]
    rest = round(1 - sum(line["share"] for line in lines), 4)
    left = sum(calls.values()) - sum(calls[line["name"]] for line in lines)
    lines.append({"name": "all others", "share": rest, "calls": round(left / count, 1)})
    per_step = {"wall_ms": wall, "processor_ms": processor}
    per_step = {name: round(seconds / count * 1e3, 1) for name, seconds in per_step.items()}
    return {**per_step, "steps": count, "operations": lines}


def operations(profile: bytes) -> tuple[collections.Counter[str], collections.Counter[str]]:
    """Picoseconds and calls of each kind of operation in a profile, over all threads."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    times: collections.Counter[str] = collections.Counter()
    calls: collections.Counter[str] = collections.Counter()
    for plane in xplane_pb2.XSpace.FromString(profile).planes:
        names = {key: kept.name for key, kept in plane.event_metadata.items()}
        for event in (event for line in plane.lines for event in line.events):
            name, colon, kind = names[event.metadata_id].rpartition(":")
            kind = kind.strip()
            if colon and kind and not (kind.startswith(AROUND) or name.startswith(AROUND)):
                times[kind] += event.duration_ps
                calls[kind] += 1
    return times, calls


def of(measure: str) -> dict[str, Any]:
    """The profile of one measure, in this process."""
    from benchmarks.speed.systems import zoo
    from benchmarks.speed.workload import Workload

    if measure == pretrained.TRAIN:
        step, feed, _ = zoo.steps_of_minilm("float32")
    elif measure in SIZES:
        step, feed, _ = zoo.steps_of_gpt(measure, "")
    else:
        data = Workload.read(prepare_data("")[0])
        step, feed, _ = zoo.steps(measure.removeprefix("train/"), data, "")
    return profiled(step, [next(feed)[0] for _ in range(STEPS)])


if __name__ == "__main__":
    app()
