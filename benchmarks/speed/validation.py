"""What validating costs a run of training, decoded by Keras and by LiteRT: memory and time.

    python -m benchmarks.speed.validation

Each decoder has a run of its own, of a few steps and validations, in a process of its own. The
result, `results/engine/validation.json`, has the memory of the run at points of its way, its peak
as cards have it, that of all its processes together, and the processor time of a step, of each
validation, and of an epoch with one validation and without.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from training import card_writer, paths
from training.commands import plainly
from training.progress import console
from zoo.runtime.devices import processor_name
from zoo.runtime.host_memory import peak_memory, told_by_linux
from zoo.saving import read_json, write_json

RESULT = Path(__file__).resolve().parents[1] / "results" / "engine" / "validation.json"
DECODERS = ("keras", "litert")
NAME = "benchmarks.speed.validation"
INTERVAL = 0.2
"""Seconds between two looks at the memory of all processes."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
@plainly()
def main(
    task: Annotated[str, typer.Option()] = "tatoeba/en-es",
    model: Annotated[str, typer.Option()] = "transformer",
    preset: Annotated[str, typer.Option()] = "small",
    steps: Annotated[int, typer.Option()] = 60,
    validate_every: Annotated[int, typer.Option()] = 20,
    validate_on: Annotated[int, typer.Option()] = 500,
    out: Annotated[Path, typer.Option()] = RESULT,
) -> None:
    """Run each decoder and write the result."""
    asked = {"task": task, "model": model, "preset": preset, "steps": steps}
    asked |= {"validate_every": validate_every, "validate_on": validate_on}
    found = {decoder: measured(asked, decoder) for decoder in DECODERS}
    command = paths.command(NAME).strip()
    about = {"command": command, "date": date.today().isoformat(), "device": processor_name()}
    write_json(out, {**about, "commit": card_writer.commit(), **asked, "decoders": found})
    console.print_json(json.dumps(found))


def measured(asked: dict[str, Any], decoder: str) -> dict[str, Any]:
    """One run: what it says of itself, and the most that all its processes had together."""
    with tempfile.TemporaryDirectory() as place:
        told = Path(place) / "told.json"
        settings = {**asked, "validate_with": decoder, "out": f"{place}/model", "patience": 0}
        # Nothing that an earlier run compiled is read.
        env = {**os.environ, "ZOO_CACHE_DIR": f"{place}/cache", "TF_CPP_MIN_LOG_LEVEL": "3"}
        words = [sys.executable, "-m", NAME, json.dumps(settings), str(told)]
        process = subprocess.Popen(words, env=env)
        most = 0.0
        while process.poll() is None:
            most = max(most, sum(map(proportional, family(process.pid))))
            time.sleep(INTERVAL)
        if process.returncode:
            raise ValueError(f"the run with {decoder} failed")
        return {**read_json(told), "peak_of_all_processes_mb": round(most)}


def family(first: int) -> list[int]:
    """A process and all that came of it."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        parents.setdefault(parent, []).append(int(path.parent.name))
    found = [first]
    for one in found:
        found += parents.get(one, [])
    return found


def proportional(process: int) -> float:
    """MB of a process, of what several share its part."""
    return told_by_linux(f"/proc/{process}/smaps_rollup", "Pss") or 0.0


def run(settings: dict[str, Any], told: Path) -> None:
    """A run of training that notes its memory and its times."""
    from training.config import TrainConfig
    from training.distributed.devices import choose, prepare

    prepare(0)
    on = choose()
    from training import loop
    from training import run as running

    points: dict[str, float] = {}
    steps: list[float] = []
    validations: list[float] = []
    sizes: list[int] = []

    def note(name: str) -> None:
        points[name] = round(told_by_linux("/proc/self/status", "VmRSS") or 0.0)

    def timed(whole: Any, seconds: list[float], name: str) -> Any:
        def do(*given: Any) -> Any:
            note(f"before {name} {len(seconds) + 1}")
            began = loop.processor_time()
            found = whole(*given)
            seconds.append(loop.processor_time() - began)
            note(f"after {name} {len(seconds)}")
            return found

        return do

    loop.step = timed(loop.step, steps, "step")
    loop.Trainer._score = timed(loop.Trainer._score, validations, "validation")
    whole = loop.Trainer.run

    def trained(self: Any) -> None:
        sizes.append(self.batches.count())
        whole(self)

    loop.Trainer.run = trained
    note("imported")
    began = loop.processor_time()
    running.train(TrainConfig(**settings), "", on)
    note("model written")
    seconds = loop.processor_time() - began
    card = card_writer.read(Path(settings["out"]))
    # The first step is also where TensorFlow plans all of them.
    step, every = median(steps[1:]), sizes[0]
    epoch = steps[0] + step * (every - 1)
    wanted = ("step 1", "imported", "model written", f"step {len(steps)}")
    wanted += tuple(f"validation {n}" for n in range(1, len(validations) + 1))
    told.write_text(
        json.dumps(
            {
                "peak_memory_mb": card["training"]["peak_memory_mb"],
                "peak_at_the_end_mb": round(peak_memory()),
                "memory_mb": {k: v for k, v in points.items() if k.endswith(wanted)},
                "valid": card["training"]["valid"],
                "cpu_seconds": round(seconds, 1),
                "cpu_seconds_before_the_first_step": round(
                    seconds - sum(steps) - sum(validations), 1
                ),
                "cpu_seconds_of_a_step": round(step, 3),
                "cpu_seconds_of_validations": [round(one, 1) for one in validations],
                "steps_of_an_epoch": every,
                "cpu_minutes_of_an_epoch": round(epoch / 60, 2),
                "cpu_minutes_of_the_first_epoch_validated": round((epoch + validations[0]) / 60, 2),
                "cpu_minutes_of_a_later_epoch_validated": round(
                    (step * every + validations[-1]) / 60, 2
                ),
            }
        )
    )


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("{"):
        run(json.loads(sys.argv[1]), Path(sys.argv[2]))
    else:
        app()
