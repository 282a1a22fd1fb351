"""Measure the zoo and its peers side by side, interleaved, on the machine at hand.

    python -m benchmarks.speed.install     # the peers, each in an environment of its own
    python -m benchmarks.speed.run

Every round measures one block of each system in turn, so that whatever else the machine does
meets all of them. A peer that is not installed is left out, and said so.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed import (
    forecasters,
    language_models,
    pretrained,
    protocol,
    registry,
    rows,
    workload,
)
from benchmarks.speed.processes import MeasuringError, Running
from benchmarks.speed.registry import CEILINGS, ROOT, SYSTEMS, System
from training.commands import plainly

RESULTS = Path(__file__).resolve().parents[1] / "results"
WORK = ROOT / "runs" / "benchmarks"
WRITTEN = (":!benchmarks/results", ":!README.md")
"""What measuring writes: it makes no other commit of what is measured."""
PROBE = 0.4
"""Seconds of each look at the machine itself."""
PAUSE = 0.5
"""Seconds between blocks, in which the threads of the last one come to rest."""

Answers = dict[str, list[dict[str, Any] | None]]
"""By system, what it answered in each round; None where it failed."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
Option = typer.Option


@app.command(help=__doc__)
@plainly()
def main(
    measures: Annotated[
        str,
        Option(help=f"With commas between; by default {','.join(registry.MEASURES)}."),
    ] = "",
    systems: Annotated[
        str, Option(help=f"With commas between; by default all: {','.join(SYSTEMS)}.")
    ] = "",
    rounds: Annotated[int, Option(help="Blocks of each system.", min=1)] = 5,
    seconds: Annotated[float, Option(help="Length of a block.", min=0.01)] = 10.0,
    quick: Annotated[
        bool, Option("--quick", help="One short block of each: does it run at all?")
    ] = False,
    task: Annotated[
        str, Option(help="Where the pairs come from; by default Multi30k, else what there is.")
    ] = "",
    out: Annotated[
        Path | None,
        Option(
            help="The file of results; by default benchmarks/results/DEVICE.json for a whole "
            "run, runs/benchmarks/DEVICE.json for a part of one."
        ),
    ] = None,
) -> None:
    """Measure and write; see the text of the module."""
    try:
        chosen = choose(systems.split(",") if systems else None)
        wanted = check_measures(measures.split(",") if measures else None)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if quick:
        rounds, seconds = 1, 0.2
    present = {}
    for name, system in chosen.items():
        if why := system.missing():
            typer.echo(f"{name} is left out: {why}")
        else:
            present[name] = system
    device = device_name()
    # A look at a part must not pass for the whole.
    folder = WORK if quick or systems else RESULTS
    path = out or folder / f"{slug(device)}.json"
    data, about = prepare_data(task)
    about = {"device": device, "config": about | {"rounds": rounds, "seconds": seconds}}
    about |= {"commit": commit(), "date": datetime.date.today().isoformat()}
    typer.echo(f"{device}: {', '.join(wanted)}; {', '.join(present)}; data: {data.name}")
    probes: list[dict[str, Any]] = []
    for measure in wanted:
        able = {name: system for name, system in present.items() if measure in system.measures}
        before = len(probes)
        answers = compare(measure, able, data, rounds, seconds, probes)
        found = make_rows(measure, answers, about, probes[before:])
        rows.merge(path, [*found, *ceilings(probes, about)])
    typer.echo(f"{path}: python -m benchmarks.speed.table renders it.")


def choose(names: Sequence[str] | None) -> dict[str, System]:
    """The systems called so, or all. Raises ValueError with the known names."""
    if unknown := [name for name in names or () if name not in SYSTEMS]:
        raise ValueError(
            f"Unknown system. Known: {', '.join(SYSTEMS)}. Received: {', '.join(unknown)}"
        )
    return {name: SYSTEMS[name] for name in names or SYSTEMS}


def check_measures(names: Sequence[str] | None) -> list[str]:
    """The measures called so, or the usual ones. Raises ValueError with the known names."""
    known = (*registry.MEASURES, *registry.MORE, *registry.PRETRAINED)
    if unknown := [name for name in names or () if name not in known]:
        raise ValueError(
            f"Unknown measure. Known: {', '.join(known)}. Received: {', '.join(unknown)}"
        )
    return list(names or registry.MEASURES)


def compare(
    measure: str,
    systems: dict[str, System],
    data: Path,
    rounds: int,
    seconds: float,
    probes: list[dict[str, Any]],
) -> Answers:
    """What each system answered in each round; only one is at work at any time.

    Args:
        probes: the machine's own values are added, one dict a round.
    """
    logs = WORK / "logs"
    running = {name: Running(name, s, data, logs / f"{name}.log") for name, s in systems.items()}
    machine = Running("machine", registry.machine(), data, logs / "machine.log")
    answers: Answers = {name: [] for name in systems}
    broken: set[str] = set()
    names = list(systems)
    try:
        for number in range(rounds):
            probes.append(probe(machine))
            turn = number % max(len(names), 1)
            for name in [*names[turn:], *names[:turn]]:
                answer = None
                if name not in broken:
                    time.sleep(PAUSE)
                    try:
                        answer = running[name].measure(measure, seconds)
                        typer.echo(f"{measure} {number + 1}/{rounds} {name}: {answer['value']:.4g}")
                    except MeasuringError as error:
                        # What cannot run once will not the next time, and may take long to fail.
                        broken.add(name)
                        typer.echo(f"{error}")
                answers[name].append(answer)
    finally:
        for process in (*running.values(), machine):
            process.stop()
    return answers


def probe(machine: Running) -> dict[str, Any]:
    """What the machine can do at this moment, by name of the ceiling, and its versions."""
    found: dict[str, Any] = {}
    for name in CEILINGS:
        try:
            answer = machine.measure(name, PROBE)
        except MeasuringError:
            continue
        found[name] = answer["value"]
        found["versions"] = answer["versions"]
    return found


def make_rows(
    measure: str, answers: Answers, about: dict[str, Any], probes: list[dict[str, Any]]
) -> list[dict[str, Any] | None]:
    """The row of `measure`, and that of memory where it was training, or writing."""
    known = (part.about(measure) for part in (language_models, forecasters, pretrained))
    if network := next(filter(None, known), None):
        # These read no pairs of sentences.
        times = {name: about["config"].get(name) for name in ("rounds", "seconds")}
        about = about | {"config": network | times}
    unit = protocol.unit(measure)
    given = {name: [a for a in found if a] for name, found in answers.items()}
    given = {name: found for name, found in given.items() if found}
    versions = {name: found[-1]["versions"] for name, found in given.items()}
    details = {
        name: {k: v for k, v in found[-1].items() if k not in ("value", "versions", "peak_memory")}
        for name, found in given.items()
    }
    values = {name: [a and a["value"] for a in found] for name, found in answers.items()}
    noise = {
        name: [rows.digits(p[name]) for p in probes if name in p]
        for name in ("ceiling/matmul-float32", "ceiling/memory-bandwidth")
    }
    more = about | {"versions": versions, "details": details, "machine": noise}
    found = [rows.row(measure, unit, unit != "ms", values, **more)]
    if measure.startswith(("train/", "generate/")):
        peaks = {name: [max(a["peak_memory"] for a in some)] for name, some in given.items()}
        what = f"peak-memory/{measure.replace('/', '-')}"
        what = "peak-memory/train" if measure == "train/transformer" else what
        found.append(rows.row(what, "MB", False, peaks, **about, versions=versions))
    return found


def ceilings(probes: list[dict[str, Any]], about: dict[str, Any]) -> list[dict[str, Any] | None]:
    """The machine's own rows; from its matrix products follows the most that training can reach."""
    found = []
    versions = {"machine": next((p["versions"] for p in probes if "versions" in p), {})}
    flops = rows.training_flops(about["config"])
    for name, (unit, better) in CEILINGS.items():
        values = [p.get(name) for p in probes]
        more = about | {"versions": versions}
        found.append(rows.row(name, unit, better, {"machine": values}, **more))
        if name.startswith("ceiling/matmul-"):
            reached = [value and 1e9 * value / flops for value in values]
            what = name.replace("matmul", "train-transformer")
            unit = protocol.unit("train/transformer")
            found.append(rows.row(what, unit, True, {"machine": reached}, **more))
    return found


def prepare_data(task: str) -> tuple[Path, dict[str, Any]]:
    """The workload's file, made where it is not yet there, and what it says of itself."""
    path = WORK / f"workload-{slug(task or 'default')}.npz"
    if not path.exists():
        workload.make(task).write(path)
    return path, workload.Workload.read(path).about


def device_name() -> str:
    """The device ours runs on, asked in a process of its own: the driver stays small."""
    code = "from zoo.runtime.devices import device_name; print(device_name())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def slug(name: str) -> str:
    """`name` as a file's: small letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", name.lower())).strip("-")


def commit() -> str:
    """The commit that is measured, "+" where files differ from it; empty outside of git."""
    try:
        found = [
            subprocess.run(["git", *c], cwd=ROOT, capture_output=True, text=True, check=True).stdout
            for c in (
                ("rev-parse", "--short=10", "HEAD"),
                ("status", "--porcelain", "-uno", "--", ".", *WRITTEN),
            )
        ]
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found[0].strip() + ("+" if found[1].strip() else "")


if __name__ == "__main__":
    app()
