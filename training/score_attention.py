"""Scores a model's attention: `python -m training.score_attention NAME... [--limit 300]`."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training import paths
from training.commands import plainly
from training.progress import progress_bar

if TYPE_CHECKING:
    from training.tasks import Task
    from zoo.inference.seq2seq import Seq2SeqPredictor

FILE = "attention.json"
FORMAT = 1
LIMIT = 300
RESAMPLES = 1_000
ALIGNMENT = ("aer", "precision", "recall")
NO_GOLD = "Nobody has said what goes together in this task's examples: there is no gold alignment."
NO_ATTENTION = (
    "The model has no attention: its input saliency (gradient x input) stands in for the maps."
)

Step = Callable[[str, int], Callable[[int], None]]
"""Begins a step of so many parts, and gives what counts those that are done."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def measure(
    loaded: Seq2SeqPredictor,
    task: Task,
    *,
    limit: int | None = LIMIT,
    resamples: int = RESAMPLES,
    how: str = "unknown",
    step: Step = lambda name, total: lambda done: None,
) -> dict[str, Any]:
    """All that `attention.json` holds, but for `command`.

    Args:
        loaded: any model of the zoo.
        task: the one it was trained on.
        limit: at most that many examples of each test set, drawn with a fixed seed.
        resamples: of every bootstrap interval.
        how: what becomes of hidden words, as in `zoo.interpret.faithfulness.measure`.
        step: told what is being done.

    Raises:
        ValueError: a test set without examples that can be used.
        training.data.download.DownloadError: a corpus that is neither here nor can be fetched.
    """
    from training.attention import alignment_scores as gold
    from training.attention import behaviour_scores as behaviour
    from training.evaluate_pairs import sample

    # the corpora before the first compilation: what is missing should be said at once
    examples = sample(task.examples("test"), limit)
    chosen = gold.gold_set(task, limit)
    name = paths.shown(task.name)
    heads = {kind: list(size) for kind, size in loaded.attention_heads.items()}
    result = _about(loaded.name, name, task, heads)
    result["test_sets"] = {"test": _test_set(f"{name}, test split", len(examples), task)}
    if chosen is None:
        result |= dict.fromkeys(ALIGNMENT) | {"reasons": dict.fromkeys(ALIGNMENT, NO_GOLD)}
    else:
        counted = gold.count(loaded, chosen, step("aligning", len(chosen.pairs)))
        result["test_sets"]["gold"] = _gold_set(chosen, counted)
        result |= _of("gold", gold.report(counted, resamples=resamples))
    looked = behaviour.look(
        loaded,
        [example.source for example in examples],
        unit="word" if task.unit == "word" else "piece",
        how=how,
        tell=step("hiding what was looked at", len(examples)),
    )
    result |= _of("test", behaviour.maps(looked, resamples=resamples))
    result |= _of("test", behaviour.faithful(looked, resamples=resamples))
    if heads:
        total = 2 * sum(layers * many for layers, many in heads.values())
        tell = step("switching heads off", total)
        lost = behaviour.importance(loaded, task, examples, resamples=resamples, tell=tell)
        result |= _of("test", lost)
    else:
        result |= {"importance": None, "importance_metric": None}
    settings = {"limit": limit, "resamples": resamples, "how": how, "seed": 0}
    return result | {"settings": settings, **_circumstances()}


def _about(model: str, name: str, task: Task, heads: dict[str, list[int]]) -> dict[str, Any]:
    """What is scored: a model of a task called `name`, with `heads` of attention by kind."""
    return {
        "format": FORMAT,
        "name": model,
        "task": name,
        "unit": task.unit,
        "heads": heads,
        "map": "attention" if heads else "saliency",
        "notes": [] if heads else [NO_ATTENTION],
    }


def _gold_set(chosen: Any, counted: Any) -> dict[str, Any]:
    """What is said of gold alignments: how many were used, and where they come from."""
    return {
        "name": chosen.name,
        "examples": len(next(iter(counted.counts["diagonal"].values()))),
        "skipped": counted.skipped,
        "note": chosen.note,
        **chosen.provenance,
    }


def _circumstances() -> dict[str, Any]:
    """When, from which commit, with which versions and on what it was measured."""
    from training import card_writer
    from zoo.runtime.devices import device_name

    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": card_writer.commit(),
        "versions": card_writer.versions(),
        "device": device_name(),
    }


def _of(test_set: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Each figure with the test set it is of."""
    return {name: {"test_set": test_set, **values} for name, values in figures.items()}


def _test_set(name: str, examples: int, task: Task) -> dict[str, Any]:
    return {"name": name, "examples": examples, "skipped": {}, **asdict(task.provenance())}


def _command(name: str, limit: int, resamples: int, how: str) -> str:
    """The command as the file shows it; folders elsewhere by their name alone."""
    words = ["python", "-m", "training.score_attention", paths.shown(name)]
    for option, value, usual in (
        ("--limit", limit, LIMIT),
        ("--resamples", resamples, RESAMPLES),
        ("--how", how, "unknown"),
    ):
        words += [option, str(value)] if value != usual else []
    return shlex.join(words)


@app.command()
@plainly()
def main(
    names: Annotated[
        list[str] | None, typer.Argument(help="Shipped models, or paths of model folders.")
    ] = None,
    all_models: Annotated[bool, typer.Option("--all", help="Every shipped model.")] = False,
    limit: Annotated[
        int, typer.Option(min=2, help="Examples of each test set, at most (seeded draw).")
    ] = LIMIT,
    resamples: Annotated[
        int, typer.Option(min=1, help="Bootstrap resamples of every interval.")
    ] = RESAMPLES,
    how: Annotated[
        str, typer.Option(help="What becomes of hidden words: unknown or removed.")
    ] = "unknown",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0: all of them.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Write the file of the one model there instead.")
    ] = None,
    own: Annotated[
        str | None,
        typer.Option(
            "--task", help="Where a model's own files are: tsv:PATH; by default in this folder."
        ),
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Leave out models that have their file already.")
    ] = False,
) -> None:
    """Grade the attention of trained models; writes attention.json beside each card.

    Against gold alignments (AER), by how faithful it is (comprehensiveness, sufficiency) and by
    what is lost without each head. A file is there complete or not at all; with --missing, a run
    that was interrupted goes on where it was.
    """
    from training.distributed.devices import prepare

    if how not in ("unknown", "removed"):
        raise ValueError(f"--how is unknown or removed. Received: {how!r}")
    prepare(threads)
    import zoo
    from training import tasks
    from zoo.saving import write_json

    wanted = [*(names or []), *(zoo.names() if all_models else [])]
    if not wanted:
        raise ValueError("name a model, or give --all. Received: neither")
    if out and len(wanted) > 1:
        raise ValueError(f"--out is for one model. Received: {len(wanted)} models")
    for name in wanted:
        loaded = zoo.load(name)
        path = out or Path(loaded.path or ".") / FILE
        if missing and path.exists():
            typer.echo(f"{loaded.name}: there already")
            continue
        task = tasks.of_model(loaded.config, own)
        with _progress(loaded.name) as step:
            found = measure(loaded, task, limit=limit, resamples=resamples, how=how, step=step)
        command = _command(name, limit, resamples, how)
        # Tables of figures by head: on one line they take half the room.
        write_json(path, paths.scrubbed(found | {"command": command}), indent=None)
        for line in summary(found):
            typer.echo(f"{loaded.name}: {line}")


def summary(found: dict[str, Any]) -> Iterator[str]:
    """A line for each figure: overall, with its intervals."""
    for name, values in found.items():
        overall = values.get("overall") if isinstance(values, dict) else None
        if overall:
            rows = (
                f"{row} {one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
                for row, one in overall.items()
                if one["value"] is not None
            )
            yield f"{name}: {', '.join(rows)}"


@contextmanager
def _progress(name: str) -> Iterator[Step]:
    """Bars on the terminal, one a step."""
    with progress_bar(transient=True) as progress:

        def step(what: str, total: int) -> Callable[[int], None]:
            bar = progress.add_task(f"{name}: {what}", total=total)
            return lambda done: progress.advance(bar, done)

        yield step


if __name__ == "__main__":
    app()
