"""Exported models beside `predict`: `python -m benchmarks.speed.saved_model`.

Each model is exported, loaded with TensorFlow and asked in one process with `zoo.load`, the same
texts in turn, one at a time and 32 together, text in and text out. A round asks everything once in
each way; a ratio is the median over rounds of the export's time divided by that of `predict` in the
same round, without maps unless they are asked for. Processor time counts all threads, and hardly
depends on what else the machine is doing. Written down is also how large an answer to a text of 300
characters is.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed.run import device_name
from training import card_writer
from training.commands import plainly
from zoo import saving

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

OUT = Path(__file__).resolve().parents[1] / "results" / "engine" / "saved_model.json"
MODELS = "en-es-transformer,en-es-lstm-bahdanau"
SIGNATURES: dict[str, dict[str, Any]] = {
    "serving_default": {"attention": False},
    "beam": {"attention": False, "beams": 4},
    "attention": {"attention": True},
}
"""Each with what `predict` is given for the same answer."""
LONG = 300
"""Characters."""

Way = Callable[[list[str]], Any]


@app.command(help=__doc__)
@plainly()
def main(
    models: Annotated[str, typer.Option(help="Shipped models; commas between.")] = MODELS,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    alone: Annotated[int, typer.Option(min=1, help="Texts asked one at a time.")] = 8,
    threads: Annotated[int, typer.Option(help="Of an operation; 0: TensorFlow's choice.")] = 0,
    out: Annotated[Path, typer.Option(help="The file of results.")] = OUT,
) -> None:
    """Measure each model; see the text of the module."""
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    found = []
    for name in models.split(","):
        found += measure(name, rounds, alone)
    given = {"models": models, "rounds": rounds, "alone": alone, "threads": threads}
    options = " ".join(f"--{key} {value}" for key, value in given.items())
    saving.write_json(
        out,
        {
            "command": f"python -m benchmarks.speed.saved_model {options}",
            "device": device_name(),
            "commit": card_writer.commit(),
            "date": time.strftime("%Y-%m-%d"),
            "rows": found,
        },
    )


def measure(name: str, rounds: int, alone: int) -> list[dict[str, Any]]:
    """A row for each signature and batch of a model."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 -- registers its operations

    import zoo
    from zoo.export import saved_model

    model = zoo.load(name)
    texts = [record["source"] for record in saving.read_json(model.path / "predictions.json")][:32]
    with tempfile.TemporaryDirectory() as place:
        version = saved_model.export(model, place, examples=texts[:1])
        signatures = tf.saved_model.load(str(version)).signatures
    rows = []
    for key, options in SIGNATURES.items():

        def python(asked: list[str], options: dict[str, Any] = options) -> Any:
            return model.predict(asked, **options)

        def exported(asked: list[str], key: str = key) -> Any:
            answer = signatures[key](text=tf.constant(asked))
            return {name: value.numpy() for name, value in answer.items()}

        long = (" ".join(texts) * 2)[:LONG]
        size = sum(_bytes(value) for value in exported([long]).values())
        for together, groups in ((1, [[text] for text in texts[:alone]]), (32, [texts])):
            row = {"model": name, "signature": key, "texts": together, "bytes": size}
            row |= in_turn({"predict": python, "exported": exported}, groups, rounds)
            typer.echo(json.dumps(row))
            rows.append(row)
    return rows


def in_turn(
    ways: dict[str, Way], groups: Sequence[list[str]], rounds: int
) -> dict[str, dict[str, float]]:
    """Milliseconds a request, wall and processor time, and the ratio of the second to the first.

    Args:
        ways: two, by name.
        groups: the texts of each request.
        rounds: after one that is not counted; each begins with the other way.
    """
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in list(ways)[:: 1 if number % 2 else -1]:
            wall, processor = time.perf_counter(), time.process_time()
            for asked in groups:
                ways[name](asked)
            one = (time.perf_counter() - wall, time.process_time() - processor)
            if number:
                spent[name].append(one)
    first, second = spent.values()
    found = {}
    for index, clock in enumerate(("wall", "processor")):
        found[clock] = {
            name: round(1e3 * statistics.median(one[index] for one in times) / len(groups), 2)
            for name, times in spent.items()
        }
        ratios = [b[index] / a[index] for a, b in zip(first, second, strict=True)]
        found[clock]["ratio"] = round(statistics.median(ratios), 3)
    return found


def _bytes(value: Any) -> int:
    """Of an array; of one of strings, of what they say."""
    return value.nbytes if value.dtype != object else sum(len(text) for text in value.ravel())


if __name__ == "__main__":
    app()
