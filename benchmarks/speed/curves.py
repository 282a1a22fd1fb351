"""How time and memory grow with the length of the source and with the batch, for every network.

    python -m benchmarks.speed.curves

Networks of size `small` with random weights; then, for every shipped model, where the time of one
request goes. Results are written after each curve: the same command goes on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.speed import growth, run
from benchmarks.speed.growth import MEASURES, Curve
from benchmarks.speed.pipeline import alone
from benchmarks.speed.protocol import PIECES, versions
from benchmarks.speed.rows import digits
from benchmarks.speed.table import figure
from benchmarks.speed.workload import VOCABULARY
from training.commands import plainly
from training.progress import console, progress_bar
from zoo import registry, shipped
from zoo.saving import ModelFolderError, read_json, write_aside, write_json

LENGTHS = [8 << i for i in range(9)]
BATCHES = [1 << i for i in range(9)]
UPPER = 8
"""Exponents are fitted from an eighth of the largest x on: below, what is constant rules."""
RUNS = 15
"""Requests of which the medians are taken."""
WORDS = 12
SENTENCES = {"en": "My sister would like to read this book before she goes home."}
"""What translators are asked, by the language they read: as many words as `WORDS`."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
Option = typer.Option


@app.command(help=__doc__)
@plainly()
def main(
    lengths: Annotated[str, Option(help="Source tokens, with commas between.")] = ",".join(
        map(str, LENGTHS)
    ),
    batches: Annotated[str, Option(help="Rows of a batch, with commas between.")] = ",".join(
        map(str, BATCHES)
    ),
    models: Annotated[str, Option(help="With commas between.")] = ",".join(
        registry.of_kind("seq2seq")
    ),
    seconds: Annotated[float, Option(help="Spent on each point.", min=0.0)] = 3.0,
    out: Annotated[
        Path | None,
        Option(
            help="The file of results; by default benchmarks/results/DEVICE-curves.json for all "
            "networks, lengths and batches, else in runs/benchmarks."
        ),
    ] = None,
    quick: Annotated[
        bool, Option("--quick", help="Few short points of very small networks: does it run?")
    ] = False,
    fresh: Annotated[bool, Option("--fresh", help="Measure again what is there.")] = False,
) -> None:
    """Measure and write; see the text of the module."""
    try:
        config = configure(lengths, batches, models, seconds, quick)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with console.status("Looking for the device"):
        device, backend = alone(where)
    config["backend"] = backend
    usual = (LENGTHS, BATCHES, list(registry.of_kind("seq2seq")))
    whole = not quick and usual == (config["lengths"], config["batches"], config["models"])
    # A look at a part must not pass for the whole, nor one backend for the other.
    other = "" if backend == "tensorflow" else f"-{backend}"
    name = f"{run.slug(device)}{other}-curves.json"
    path = out or (run.RESULTS if whole else run.WORK) / name
    about = {
        "device": device,
        "date": date.today().isoformat(),
        "commit": run.commit(),
        "command": command(config, quick),
        "versions": versions(("tensorflow", "keras", "jax", "numpy")),
        "config": config,
    }
    results = begin(path, about, fresh)
    try:
        failed = fill(results, path, quick)
    except KeyboardInterrupt:
        console.print("Stopped; the same command goes on from here.")
        raise typer.Exit(130) from None
    console.print(f"{path} and {path.with_suffix('.md').name}")
    if failed:
        console.print(f"{failed} could not be measured; the same command tries them again.")
        raise typer.Exit(1)


def configure(
    lengths: str, batches: str, models: str, seconds: float, quick: bool
) -> dict[str, Any]:
    """What is measured, as the results state it. Raises ValueError: not numbers, unknown names."""
    chosen = list(dict.fromkeys(models.split(",")))
    for name in chosen:
        registry.architecture(name)
    config = {
        "preset": "nano" if quick else "small",
        "vocabulary": 100 if quick else VOCABULARY,
        "pieces": PIECES,
        "batch_source_pieces": growth.BATCH_LENGTH,
        "lengths": numbers("lengths", "8,16,32" if quick else lengths),
        "batches": numbers("batches", "1,2,4" if quick else batches),
        "models": chosen,
        "seconds": min(seconds, 0.05) if quick else seconds,
    }
    if config["lengths"][0] < 2:
        raise ValueError("A source has two tokens at least, of which one ends it. Received: 1")
    return config


def numbers(name: str, text: str) -> list[int]:
    """Positive whole numbers with commas between, in order. Raises ValueError."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise ValueError(f"{name} must be numbers with commas between. Received: {text!r}")
    return sorted({int(part) for part in parts})


def command(config: Mapping[str, Any], quick: bool) -> str:
    """What was asked for, without what is so by default."""
    given = {"lengths": LENGTHS, "batches": BATCHES, "models": list(registry.of_kind("seq2seq"))}
    backend = config["backend"]
    parts = [] if backend == "tensorflow" else [f"KERAS_BACKEND={backend}"]
    parts.append("python -m benchmarks.speed.curves")
    for name, usual in given.items():
        if config[name] != usual and not (quick and name != "models"):
            parts.append(f"--{name} {','.join(map(str, config[name]))}")
    parts.append("--quick" if quick else f"--seconds {config['seconds']:g}")
    return " ".join(parts)


def where() -> tuple[str, str]:
    """The device and the backend; imports the latter."""
    import keras

    from zoo.runtime.devices import device_name

    return device_name(), keras.backend.backend()


def begin(path: Path, about: Mapping[str, Any], fresh: bool) -> dict[str, Any]:
    """The results at `path` to go on with; empty ones where it holds none, or others."""
    empty = {**about, "curves": [], "breakdown": []}
    if fresh or not path.exists():
        return empty
    try:
        found = read_json(path)
    except ModelFolderError as error:
        console.print(f"{error}; it is measured anew.")
        return empty
    # Two commits in one file would be compared as if they were one.
    same = ("device", "commit", "versions", "config")
    other = [name for name in same if not isinstance(found, dict) or found.get(name) != about[name]]
    if other:
        console.print(f"{path} has another {', '.join(other)}; it is measured anew.")
        return empty
    return {**empty, **found}


def fill(results: dict[str, Any], path: Path, quick: bool) -> int:
    """Measure what `results` lack, writing them after each curve; how many failed."""
    config, failed = results["config"], 0
    known = {Curve(c["measure"], c["model"], c.get("variant", "")) for c in results["curves"]}
    known |= {one["model"] for one in results["breakdown"]}
    families = tuple(f"-{model}" for model in config["models"])
    asked = [name for name in shipped.names() if name.endswith(families)]
    jobs: list[Curve | str] = [*growth.curves(config), *(asked[:1] if quick else asked)]
    with progress_bar() as bar:
        shown = bar.add_task("", total=len(jobs))
        for job in jobs:
            bar.update(shown, description=str(job))
            if job not in known:
                try:
                    add(results, job)
                except Exception as error:  # one that fails is no reason not to measure the others
                    failed += 1
                    console.print(f"{job}: {type(error).__name__}: {error}"[:500], highlight=False)
                write_json(path, results)
                write_aside(path.with_suffix(".md"), page(results).encode())
            bar.advance(shown)
    return failed


def add(results: dict[str, Any], job: Curve | str) -> None:
    """Measure a curve, or the request to a shipped model, in a process of its own."""
    if isinstance(job, str):
        results["breakdown"].append(one := alone(request, job))
        console.print(f"{job}: {sum(s['ms'] for s in one['stages']):.1f} ms", highlight=False)
        return
    curve = describe(job, *alone(growth.measure, job, results["config"]))
    results["curves"].append(curve)
    first, last = curve["points"][0], curve["points"][-1]
    console.print(
        f"{job}: {figure(first['value'])} {curve['unit']} at {first['x']:,.0f}, "
        f"{figure(last['value'])} at {last['x']:,.0f}",
        highlight=False,
    )


def describe(job: Curve, points: list[dict[str, float]], how: str) -> dict[str, Any]:
    """A curve as the results hold it."""
    measure = MEASURES[job.measure]
    exponent, fitted = fit(points)
    return {
        "measure": job.measure,
        "title": measure.title,
        "model": job.model,
        **({"variant": job.variant} if job.variant else {}),
        "x": measure.x,
        "unit": measure.unit,
        "higher_is_better": measure.higher_is_better,
        "points": points,
        "exponent": exponent,
        "fitted": fitted,
        "how": how,
        "note": " ".join(filter(None, (how, growth_in_words(job, exponent)))),
    }


def fit(points: Sequence[Mapping[str, float]]) -> tuple[float | None, list[float]]:
    """The slope of log value over log x in the upper range, and that range.

    Least squares, every point alike. No slope is given for fewer than three points.
    """
    upper = [p for p in points if p["value"] > 0 and p["x"] * UPPER >= points[-1]["x"]]
    ends = [upper[0]["x"], upper[-1]["x"]] if upper else []
    if len(upper) < 3:
        return None, ends
    logs = np.log([[p["x"], p["value"]] for p in upper])
    return round(float(np.polyfit(*logs.T, 1)[0]), 3), ends


def growth_in_words(job: Curve, exponent: float | None) -> str:
    """What an exponent says."""
    if exponent is None:
        return ""
    if job.measure == "throughput/batch":
        return f"Twice the batch gives {2**exponent:.2f} times the sentences a second."
    return f"Twice the length takes {2**exponent:.2f} times as much."


def request(name: str) -> dict[str, Any]:
    """One request to a shipped model: what was asked, and the milliseconds of each stage."""
    from training.distributed.devices import prepare

    prepare(0)
    import zoo
    from zoo.inference.profiling import stages

    model = zoo.load(name)
    text = question(model.config["task"])
    spent = stages(model, text, runs=RUNS)
    [prediction] = model.predict(text)
    return {
        "model": name,
        "text": text,
        "pieces_read": len(prediction.source_pieces),
        "pieces_written": len(prediction.target_pieces),
        "stages": [{"stage": stage, "ms": digits(ms)} for stage, ms in spent.items()],
    }


def question(task: str) -> str:
    """What a model of `task` is asked: a translator a sentence of some `WORDS` words."""
    from training import tasks

    found = tasks.get(task)
    language = getattr(found, "source_language", None)
    if language in SENTENCES:
        return SENTENCES[language]
    if language is not None:
        return min(found.showcase(), key=lambda text: abs(len(text.split()) - WORDS))
    return found.showcase()[0]


def page(results: Mapping[str, Any]) -> str:
    """The results as Markdown: exponents, every curve's values, and where requests spend time."""
    config = results["config"]
    lines = [f"# How cost grows on {results['device']}", "", *exponents(results["curves"]), ""]
    for measure in dict.fromkeys(curve["measure"] for curve in results["curves"]):
        lines += [*values([c for c in results["curves"] if c["measure"] == measure]), ""]
    lines += [*requests(results["breakdown"]), ""] if results["breakdown"] else []
    packages = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    origin = (
        f"{results['date']}, commit {results['commit'] or 'unknown'}; networks of size "
        f"{config['preset']} with {config['vocabulary']:,} tokens and random weights on "
        f"{config['backend']}; {packages}. `{results['command']}`"
    )
    return "\n".join([*lines, origin, ""])


def exponents(curves: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table of exponents: networks down, measures across."""
    yield (
        "The exponent `k` of `value = c * x ** k`, fitted from an eighth of the largest x on: 1 is "
        "linear, 2 quadratic. For answers a second, 1 is a batch that costs no more than one row."
    )
    yield ""
    measures = list(dict.fromkeys(curve["measure"] for curve in curves))
    yield f"| | {' | '.join(f'`{name}`' for name in measures)} |"
    yield f"|---|{'--:|' * len(measures)}"
    by_line: dict[str, dict[str, str]] = {}
    for curve in curves:
        exponent = curve["exponent"]
        shown = "–" if exponent is None else f"{exponent:.2f}"
        by_line.setdefault(line(curve), {})[curve["measure"]] = shown
    for name, found in by_line.items():
        yield f"| {name} | {' | '.join(found.get(measure, '') for measure in measures)} |"


def values(curves: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One measure's table: networks down, x across."""
    first = curves[0]
    places = sorted({point["x"] for curve in curves for point in curve["points"]})
    yield f"## {first['title']} ({first['unit']})"
    yield ""
    yield f"| {first['x']} | {' | '.join(f'{x:,.0f}' for x in places)} |"
    yield f"|---|{'--:|' * len(places)}"
    for curve in curves:
        found = {point["x"]: figure(point["value"]) for point in curve["points"]}
        yield f"| {line(curve)} | {' | '.join(found.get(x, '') for x in places)} |"
    yield ""
    by_note: dict[str, list[str]] = {}
    for curve in curves:
        by_note.setdefault(curve["how"], []).append(line(curve))
    yield from (
        note if len(by_note) == 1 else f"- {'; '.join(lines)}: {note}"
        for note, lines in by_note.items()
    )


def requests(breakdown: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Where the milliseconds of one warm request go: models down, stages across."""
    names = [stage["stage"] for stage in breakdown[0]["stages"]]
    yield "## One warm request (ms)"
    yield ""
    yield f"| | tokens read, written | {' | '.join(names)} | in all |"
    yield f"|---|--:|{'--:|' * len(names)}--:|"
    for one in breakdown:
        spent = [stage["ms"] for stage in one["stages"]]
        cells = [figure(ms) for ms in (*spent, sum(spent))]
        pieces = f"{one['pieces_read']}, {one['pieces_written']}"
        yield f"| {one['model']} | {pieces} | {' | '.join(cells)} |"


def line(curve: Mapping[str, Any]) -> str:
    """What a curve is called in a table."""
    return ", ".join(filter(None, (curve["model"], curve.get("variant"))))


if __name__ == "__main__":
    app()
