"""Where an answer on LiteRT spends its time: `python -m benchmarks.speed.litert_profile`.

The network, sentences and lengths of `benchmarks.speed.run`, random weights. The time within LiteRT
is that of its graphs, XNNPACK's products above all; the rest is this package's Python. What both
together take, over what the graphs take, is how much faster it could be without any Python.
Writes results/engine/litert_profile.json.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any
from unittest import mock

import typer

from benchmarks.speed.protocol import PIECES
from benchmarks.speed.run import device_name, prepare_data
from benchmarks.speed.systems.zoo import never_end
from benchmarks.speed.workload import Workload, pad
from training import card_writer
from training.commands import plainly
from zoo import registry
from zoo.building import build
from zoo.inference import litert_folder, litert_making
from zoo.inference.litert_engine import Engine
from zoo.padding import LENGTHS, bucket
from zoo.runtime.litert import PRECISIONS, Graph
from zoo.saving import write_json

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

OUT = Path(__file__).resolve().parents[1] / "results" / "engine" / "litert_profile.json"
COMMAND = "python -m benchmarks.speed.litert_profile"
MODELS = ("transformer", "lstm-bahdanau")
BEAMS = (1, 5)
WARM, RUNS = 5, 40
"""Times that eight sentences are answered: not counted, and counted."""


@app.command(help=__doc__)
@plainly()
def main(out: Annotated[Path, typer.Option(help="The file of results.")] = OUT) -> None:
    """Profile each network and precision; see the text of the module."""
    data = Workload.read(prepare_data("")[0])
    found = {}
    for model in MODELS:
        sizes = {"source_vocabulary": data.vocabulary, "target_vocabulary": data.vocabulary}
        network = build(
            model, registry.configuration(model, **sizes, shared_vocabulary=True), seed=1
        )
        never_end(network)
        for precision in PRECISIONS:
            with tempfile.TemporaryDirectory() as place:
                litert_making.convert_network(network, Path(place), precision)
                engine = Engine(litert_folder.GraphFolder.read(Path(place)))
                for beams in BEAMS:
                    name = f"{model} {precision}, {beams} {'beam' if beams == 1 else 'beams'}"
                    found[name] = profiled(engine, data, beams)
                    typer.echo(f"{name}: {found[name]}")
    about = {"command": COMMAND, "device": device_name(), "commit": card_writer.commit()}
    write_json(out, {**about, "date": time.strftime("%Y-%m-%d"), "answers": found})


def profiled(engine: Engine, data: Workload, beams: int) -> dict[str, Any]:
    """Milliseconds of an answer of `PIECES` tokens, and how many of them each graph runs.

    Returns:
        `ms` in all, `graphs` by graph, `python` the rest, medians; `without_python`: how many
        times as fast it would be if the graphs were all.
    """
    sources = [pad([row], bucket(len(row), LENGTHS)) for row in data.decode[:8]]
    within: dict[str, float] = {}
    run = Graph.run

    def timed(graph: Graph) -> None:
        begun = time.perf_counter()
        run(graph)
        name = "encode" if "source" in graph else "steps"
        within[name] = within.get(name, 0.0) + time.perf_counter() - begun

    def answer() -> None:
        for source in sources:
            engine.generate(source, length=PIECES, beams=beams)

    totals, graphs = [], []
    with mock.patch.object(Graph, "run", timed):
        for number in range(WARM + RUNS):
            within.clear()
            begun = time.perf_counter()
            answer()
            if number >= WARM:
                totals.append(time.perf_counter() - begun)
                graphs.append(dict(within))
    each = 1000 / len(sources)
    parts = {
        name: each * statistics.median(one.get(name, 0.0) for one in graphs)
        for name in ("encode", "steps")
    }
    total = each * statistics.median(totals)
    return {
        "ms": round(total, 2),
        "graphs": {name: round(value, 2) for name, value in parts.items()},
        "python": round(total - sum(parts.values()), 2),
        "without_python": round(total / sum(parts.values()), 2),
    }


if __name__ == "__main__":
    app()
