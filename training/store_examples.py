"""Stores the answers a page shows before models load: `python -m training.store_examples --all`.

For each input the task shows off: the answer, its attention (or saliency, where the network has no
attention), and the median of several warm runs. Written to `examples.json` beside the weights. Of
forecasters, windows of the test side are stored once, beside the floor; classifiers have their test
examples in `predictions.json`, and of them the speed is measured.
"""

from __future__ import annotations

import os
import shlex
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training import paths
from training.commands import plainly

if TYPE_CHECKING:
    import numpy as np

    from training.tasks.base import Task
    from zoo.inference.classifier_base import ClassifierBase
    from zoo.inference.forecaster_base import ForecasterBase
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.inference.seq2seq import Seq2SeqPredictor

BEAMS = (1,)
WRITTEN = 200
"""Tokens that a language model writes to have its speed measured."""
RUNS = 15
FILE = "examples.json"
WHOLE = {"forecaster": "forecast", "classifier": "input"}
"""The kinds of models that answer all at once, and what their speed is counted by."""
JUDGED = ("references", "chrf", "correct")
"""What `refer` adds to a record."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def record(
    model: Seq2SeqPredictor, source: str, beams: int, *, runs: int, device: str, date: str
) -> dict[str, Any]:
    """One entry of examples.json: what `model` answers to `source`, and how fast.

    Lists of floats are rounded; `saliency` is null for a network with attention.
    """
    from zoo.interpret import saliency

    prediction = model.predict([source], beams=beams)[0]  # also compiles, so what follows is warm
    model.predict([source], beams=beams, attention=False)
    milliseconds = [
        1000 * model.predict([source], beams=beams, attention=False)[0].seconds for _ in range(runs)
    ]
    median = statistics.median(milliseconds)
    shares = None if prediction.attention else _rounded(saliency(model, prediction))
    return {
        "source": source,
        "beams": beams,
        "text": prediction.text,
        "source_pieces": list(prediction.source_pieces),
        "target_pieces": list(prediction.target_pieces),
        "log_probs": _rounded(prediction.log_probs, digits=4),
        "attention": {kind: _rounded(maps) for kind, maps in prediction.attention.items()},
        "saliency": shares,
        "ms": {"median": round(median, 3), "runs": [round(one, 3) for one in milliseconds]},
        "tokens_per_second": round(1000 * len(prediction.target_pieces) / median),
        "alternatives": [
            {"text": one.text, "score": round(float(one.score), 4)}
            for one in prediction.alternatives
        ],
        "finished": prediction.finished,
        "notes": list(prediction.notes),
        "device": device,
        "date": date,
    }


def compute(
    model: Seq2SeqPredictor,
    sources: Sequence[str],
    *,
    beams: Sequence[int] = BEAMS,
    runs: int = RUNS,
    tell: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Every source with every width of the beam, as examples.json holds them.

    Raises:
        ValueError: no runs to time.
    """
    from zoo.runtime.devices import device_name

    if runs < 1:
        raise ValueError(f"runs must be at least 1. Received: runs={runs}")
    date = datetime.now(UTC).date().isoformat()
    device = device_name()
    records = []
    for width in beams:
        for source in sources:
            entry = record(model, source, width, runs=runs, device=device, date=date)
            tell(f"{entry['ms']['median']:7.1f} ms  beam {width}  {source} -> {entry['text']}")
            records.append(entry)
    return records


def refer(records: Sequence[dict[str, Any]], task: Task) -> list[dict[str, Any]]:
    """The records with what people accept (`references`) and how the answer fares against it.

    What is in no dictionary, or has no translation in the task's list, has no references.
    """
    from training.tasks.base import Example

    found = []
    for entry in records:
        kept = {key: value for key, value in entry.items() if key not in JUDGED}
        if accepted := task.accepted(entry["source"]):
            kept["references"] = list(accepted)
            kept |= task.judge(entry["text"], Example(entry["source"], accepted))
        found.append(kept)
    return found


def speed(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a card says of speed: medians over the greedy answers, one sentence at a time."""
    greedy = [entry for entry in records if entry["beams"] == 1]
    if not greedy:
        return {}
    return {
        "device": greedy[0]["device"],
        "ms_per_sentence": round(statistics.median(e["ms"]["median"] for e in greedy), 2),
        "tokens_per_second": round(statistics.median(e["tokens_per_second"] for e in greedy)),
        "examples": len(greedy),
        "date": greedy[0]["date"],
    }


def answer_speed(
    model: ForecasterBase | ClassifierBase,
    per: str,
    *,
    runs: int = RUNS,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """What the card of a model that answers all at once says of speed: the median, warm.

    Args:
        model: a forecaster or a classifier.
        per: what an answer is called there: "forecast" or "input".
        runs: how many are timed.
        tell: gets a line for the terminal.

    Raises:
        ValueError: no runs to time.
    """
    from zoo.runtime.devices import device_name

    if runs < 1:
        raise ValueError(f"runs must be at least 1. Received: runs={runs}")
    given = model.usual_input()
    seconds = [model.predict(given, attention=False)[0].seconds for _ in range(runs + 1)][1:]
    median = 1000 * statistics.median(seconds)
    tell(f"{median:9.2f} ms a{'n' if per[0] in 'aeiou' else ''} {per}")
    return {
        "device": device_name(),
        f"ms_per_{per}": round(median, 3),
        "runs": runs,
        "date": datetime.now(UTC).date().isoformat(),
    }


def writing_speed(
    model: LanguageModelPredictor,
    prompts: Sequence[str],
    *,
    runs: int = RUNS,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """What a language model's card says of speed: the median over prompts, one at a time, warm.

    `WRITTEN` tokens are drawn at temperature 0.8, prompt and loop together.

    Raises:
        ValueError: no runs to time, or no prompts.
    """
    from zoo.inference.sampling import Sampling
    from zoo.runtime.devices import device_name

    if runs < 1 or not prompts:
        raise ValueError(f"runs must be at least 1, with prompts. Received: runs={runs}")
    found = []
    for prompt in prompts:
        how = {"sampling": Sampling(0.8), "seed": 0, "attention": False}
        answers = [model.predict(prompt, WRITTEN, **how)[0] for _ in range(runs + 1)][1:]
        rates = [len(answer.tokens) / answer.seconds for answer in answers]
        found.append(statistics.median(rates))
        tell(f"{found[-1]:9,.0f} tokens a second  {prompt.strip()!r}")
    return {
        "device": device_name(),
        "tokens_per_second": round(statistics.median(found)),
        "examples": len(prompts),
        "date": datetime.now(UTC).date().isoformat(),
    }


def write(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """The records as a JSON list, one a line, written aside and renamed."""
    import json

    from zoo.saving import write_aside

    lines = ",\n".join(
        json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        for entry in records
    )
    write_aside(path, f"[\n{lines}\n]\n".encode())


def _rounded(values: np.ndarray, digits: int = 3) -> list[Any]:
    """Nested lists of short floats: 0.123 and not 0.12300000339746475, 0 and not 0.0."""
    import numpy as np

    def short(value: Any) -> Any:
        if isinstance(value, list):
            return [short(one) for one in value]
        value = round(value, digits)
        return int(value) if value == int(value) else value

    return short(np.asarray(values, dtype="float64").tolist())


def _refer_again(name: str) -> None:
    """Put references into the stored answers of a model.

    Raises:
        ValueError: there is no such model, or it has no stored answers that can be read.
    """
    import json

    from training import tasks
    from zoo import saving
    from zoo.shipped import names, saved_models_path

    folder = saved_models_path() / name if name in names() else Path(name)
    try:
        records = json.loads((folder / FILE).read_text(encoding="utf-8"))
        task = tasks.get(saving.read_json(folder / "config.json")["task"])
        found = refer(records, task)
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{name} has no stored answers that can be read: {error}") from error
    write(folder / FILE, found)
    typer.echo(f"{name}: {sum('references' in entry for entry in found)} of {len(found)} answers")


@app.command()
@plainly()
def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Shipped models, or paths of model folders.")
    ] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every shipped model.")] = False,
    beams: Annotated[
        list[int] | None, typer.Option(help="Widths of the beam; give it once for each.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Warm runs to take the median of.")] = RUNS,
    task: Annotated[
        str | None,
        typer.Option(help="Where a model's own files are: tsv:PATH; by default in this folder."),
    ] = None,
    references: Annotated[
        bool,
        typer.Option(
            "--references",
            help="Compute nothing: only write the references anew into what is stored.",
        ),
    ] = False,
) -> None:
    """Compute and store the answers to the dashboard's examples."""
    import zoo

    wanted = [*(names or []), *(zoo.names() if all_models else [])]
    if not wanted:
        raise typer.BadParameter("Name a model, or give --all.")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training import card_writer, tasks

    for name in wanted:
        if references:
            _refer_again(name)
            continue
        model = zoo.load(name)
        of_model = tasks.of_model(model.config, task)
        typer.echo(f"{model.name}:")
        command = f"python -m training.store_examples {shlex.quote(paths.shown(name))}"
        if of_model.kind == "language_model":
            found = writing_speed(model, of_model.showcase()[:4], runs=runs, tell=typer.echo)
            folder = Path(model.path)
            found["command"] = command
            card_writer.write(folder, {**card_writer.read(folder), "speed": found})
            continue
        if per := WHOLE.get(of_model.kind):
            from training import store_windows

            folder = Path(model.path)
            if of_model.kind == "forecaster" and store_windows.is_kept_beside(model, of_model):
                write(folder / FILE, store_windows.windows(of_model))
            found = answer_speed(model, per, runs=runs, tell=typer.echo)
            found["command"] = command
            card_writer.write(folder, {**card_writer.read(folder), "speed": found})
            continue
        widths = tuple(beams or BEAMS)
        records = compute(model, of_model.showcase(), beams=widths, runs=runs, tell=typer.echo)
        folder = Path(model.path)
        write(folder / FILE, refer(records, of_model))
        if found := speed(records):
            found["command"] = command
            card_writer.write(folder, {**card_writer.read(folder), "speed": found})


if __name__ == "__main__":
    app()
