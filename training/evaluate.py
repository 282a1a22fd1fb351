"""Scores a trained model: `python -m training.evaluate PATH_OR_NAME [--split test] [--beams 5]`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training import paths
from training.commands import plainly
from training.evaluate_pairs import evaluate_examples, floor_figures, sample

if TYPE_CHECKING:
    from rich.table import Table

    from training.tasks import Example

BROWSABLE = 250  # test predictions kept beside a model

EVALUATORS = {
    "language_model": "training.evaluate_text:evaluate_text",
    "forecaster": "training.evaluate_forecasts:evaluate_forecasts",
    "classifier": "training.evaluate_labels:evaluate_labels",
}
"""What scores a split, by kind: `(model, task, split, limit, progress) -> metrics, records`.

Pairs of texts, which can be of one's own files, are scored by `training.evaluate_pairs`.
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def update_card(
    folder: Path,
    beams: int,
    metrics: dict[str, Any],
    records: list[dict],
    floor: dict[str, Any] | None = None,
) -> None:
    """Puts the metrics into the card under str(beams), and browsable predictions beside it.

    `floor`: as `floor_figures` gives it, of a task whose floor is no model of its own.

    predictions.json holds the same at most 250 examples for every model of a task, of a classifier
    also all others that it got wrong; greedy ones are kept when there are others.
    """
    from training import card_writer
    from zoo import metric_info

    card = card_writer.read(folder)
    card["metrics"] = {**(card.get("metrics") or {}), str(beams): metrics}
    card |= {"floor": floor} if floor else {}
    keys = [key for values in card["metrics"].values() for key in values]
    card["metric_info"] = {**(card.get("metric_info") or {}), **metric_info.records(keys)}
    if "protocol" in metrics and records:  # sums, to compare two models by
        kept = {"protocol": metrics["protocol"], "blocks": records}
        card_writer.write_json(folder / "blocks.json", kept)
    elif records and (beams == 1 or not (folder / "predictions.json").exists()):
        card_writer.write_json(folder / "predictions.json", browsable(records))
    card_writer.write(folder, card)


def browsable(records: list[dict]) -> list[dict]:
    """The predictions that are kept: a sample, and with classes every one that is wrong."""
    kept = sample(records, BROWSABLE)
    if not records or "index" not in records[0]:
        return kept
    known = {one["index"] for one in kept}
    kept += [one for one in records if not one["correct"] and one["index"] not in known]
    return sorted(kept, key=lambda one: one["index"])


@app.command()
def main(
    model: Annotated[str, typer.Argument(help="A shipped model's name, or a model folder.")],
    split: Annotated[str, typer.Option(help="Split of the model's task: test or valid.")] = "test",
    source: Annotated[
        Path | None, typer.Option(help="Text file to translate instead, one sentence a line.")
    ] = None,
    reference: Annotated[
        list[Path] | None,
        typer.Option(help="What --source should become; give it again for further references."),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="Where a model's own files are: tsv:PATH; by default in this folder."),
    ] = None,
    beams: Annotated[int, typer.Option(min=1, help="Beams of the search; 1 is greedy.")] = 1,
    length_penalty: Annotated[
        float | None,
        typer.Option(min=0, help="Of the beam: larger ones prefer longer answers; else 0.6."),
    ] = None,
    runtime: Annotated[
        str,
        typer.Option(help="keras, or litert: nothing is compiled, and a beam is faster."),
    ] = "keras",
    protocol: Annotated[
        str | None,
        typer.Option(help="Of a forecaster: exact or literature; by default that of its training."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Evaluate that many examples only (seeded draw).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the figures as JSON to this file.")
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update-card", help="Put the figures into the model's card and README."),
    ] = False,
    other_data: Annotated[
        bool,
        typer.Option(
            "--other-data", help="Update the card also where the corpus here is another one."
        ),
    ] = False,
) -> None:
    """Score a trained model: figures with 95 % bootstrap intervals, and by source length."""
    from training import card_writer, test_sets

    with plainly():
        if bool(source) != bool(reference):
            raise ValueError("--source and --reference go together. Received: one of them")
        if update and (source or limit or split != "test" or protocol):
            raise ValueError(
                "--update-card wants the whole test split, by the protocol of the training. "
                "Received: a part of it, or another protocol"
            )
        if length_penalty is not None and beams == 1:
            raise ValueError("--length-penalty is for a beam: give --beams too")
        if out and out.is_dir():
            raise ValueError(f"--out is a file to write. Received the folder {str(out)!r}")
        _check_choices(split=split, protocol=protocol or "exact", runtime=runtime)
        command = _command(model, split, source, reference or [], beams, limit, protocol)
        command += "" if length_penalty is None else f" --length-penalty {length_penalty:g}"
        command += " --runtime litert" if runtime == "litert" else ""
        examples = test_sets.read_examples(source, reference or []) if source else None
        same_data = update and not other_data
        how = (beams, limit, same_data, task, protocol, length_penalty, runtime)
        metrics, records, folder = _evaluate(model, split, examples, *how)
        floor = metrics.pop("floor", None)
        metrics["command"] = command
        show(metrics, Path(model).name, beams)  # before they are written: a disk may be full
        with _if_not_saved():
            try:
                if update:
                    update_card(folder, beams, metrics, records, floor)
            finally:
                if out:
                    card_writer.write_json(
                        out, {"model": Path(model).name, "beams": beams, **metrics}
                    )


CHOICES = {
    "split": ("test", "valid"),
    "protocol": ("exact", "literature"),
    "runtime": ("keras", "litert"),
}


def _check_choices(**given: str) -> None:
    """Raises ValueError for an option with another value than it may have."""
    for name, value in given.items():
        if value not in CHOICES[name]:
            raise ValueError(f"--{name} is {' or '.join(CHOICES[name])}. Received: {value!r}")


@contextmanager
def _if_not_saved() -> Iterator[None]:
    """Says first that it is only the saving that failed, where it does."""
    try:
        yield
    except (OSError, ValueError):
        typer.echo("The figures above are right, and could not be saved:", err=True)
        raise


def show(metrics: dict[str, Any], name: str, beams: int) -> None:
    """Prints the figures with what they were measured by."""
    from rich.console import Console

    from zoo.metric_info import of_card

    console = Console()
    for table in tables(metrics, name, beams):
        console.print(table)
    for key, figure in metrics.items():
        if isinstance(figure, dict) and figure.get("signature"):
            typer.echo(f"{of_card({}, key).name} signature: {figure['signature']}")
    if metrics.get("note"):
        typer.echo(metrics["note"])


def _command(
    model: str,
    split: str,
    source: Path | None,
    reference: list[Path],
    beams: int,
    limit: int | None,
    protocol: str | None = None,
) -> str:
    """The command as a card shows it: folders of this machine by name alone."""
    words = ["python", "-m", "training.evaluate", model, "--beams", str(beams)]
    if source:
        words += ["--source", str(source)]
        words += [word for path in reference for word in ("--reference", str(path))]
    elif split != "test":
        words += ["--split", split]
    words += ["--protocol", protocol] if protocol else []
    return shlex.join(map(paths.shown, words + (["--limit", str(limit)] if limit else [])))


def _evaluate(
    name: str | Path,
    split: str,
    examples: list[Example] | None,
    beams: int,
    limit: int | None,
    same_data: bool,
    given: str | None = None,
    protocol: str | None = None,
    length_penalty: float | None = None,
    runtime: str = "keras",
) -> tuple[dict[str, Any], list[dict[str, Any]], Path]:
    """Metrics, records and the model's folder.

    `same_data`: raises ValueError where the corpus here is not that of the card. `given`: where
    the files of the model's own corpus are.
    """
    from training import card_writer, tasks, test_sets

    loaded = load(name, **({} if runtime == "keras" else {"runtime": runtime}))
    folder = Path(loaded.path)
    card = card_writer.read(folder)
    config = loaded.config
    if (kind := config.get("kind", "seq2seq")) in EVALUATORS:
        if examples is not None or beams != 1:
            raise ValueError(
                "--source, --reference and --beams are for models of pairs of texts, and "
                f"{loaded.name} is a {kind.replace('_', ' ')}"
            )
        if protocol and kind != "forecaster":
            raise ValueError(f"--protocol is for forecasters, and {loaded.name} is a {kind}")
        how = (split, limit, same_data, given, protocol)
        return *_evaluate_split(loaded, card, *how), folder
    # Sentences of one's own are scored without the task's corpus.
    task = tasks.of_model(config, given) if examples is None else tasks.get(given or config["task"])
    # the corpus before the first compilation: what is missing should be said at once
    chosen = task.examples(split) if examples is None else test_sets.normalised(examples, task)
    chosen = sample(chosen, limit)
    facts: dict[str, Any] = {}
    if examples is None:
        note = test_sets.other_data(card, task, split)
        if note and same_data:
            raise _other_data(note)
        facts = {"other_data": task.provenance().sha256} if note else {}
    else:
        count, note = test_sets.seen(chosen, card, task)
        facts = {} if count is None else {"seen_in_training": count}
    if note:
        typer.echo(note, err=True)
    task.score_as(card.get("scoring") or task.choose_scoring(chosen))
    metrics, records = evaluate_examples(loaded, task, chosen, beams, True, length_penalty)
    if same_data:
        facts["floor"] = floor_figures(task, chosen)
    return metrics | facts, records, folder


def score(name: str | Path, split: str = "test", limit: int | None = None) -> dict[str, Any]:
    """The figures of a model on a split of its task, or on `limit` examples of it; greedy."""
    return _evaluate(name, split, None, 1, limit, False)[0]


def load(name: str | Path, **options: Any) -> Any:
    """The model called `name` or in that folder; one that is counted is counted, if need be.

    `options`: of `zoo.load`.
    """
    import zoo
    from zoo import saving, shipped

    try:
        return zoo.load(name, **options)
    except saving.MissingTablesError:
        from training import counting

        known = shipped.folders()
        folder = shipped.saved_models_path() / str(name) if str(name) in known else Path(name)
        counting.rebuild(folder)
        return zoo.load(name, **options)


def _evaluate_split(
    loaded: Any,
    card: dict[str, Any],
    split: str,
    limit: int | None,
    same_data: bool,
    given: str | None,
    protocol: str | None,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Metrics and records of a split, by the evaluator of the model's kind."""
    from training import tasks

    task = tasks.of_model(loaded.config, given)
    here, known = task.provenance().sha256, card.get("data", {}).get("sha256")
    facts: dict[str, Any] = {}
    if known and here != known:
        note = f"The corpus here is not that of the card (SHA-256 {here}, there {known})."
        if same_data:
            raise _other_data(note)
        typer.echo(note, err=True)
        facts = {"other_data": here}
    if protocol:
        task = task.exactly() if protocol == "exact" else task.by_literature()
    from zoo import registry  # it brings NumPy, which --help can do without

    evaluator = registry.named(EVALUATORS[loaded.config["kind"]])
    metrics, records = evaluator(loaded, task, split, limit, progress=True)
    return metrics | facts, records


def _other_data(note: str) -> ValueError:
    """Why a card is not updated with the figures of another corpus."""
    return ValueError(
        f"{note} The card keeps its figures; --other-data puts these in their place, and "
        "without --update-card they are only printed."
    )


def tables(metrics: dict[str, Any], name: str, beams: int) -> Iterator[Table]:
    """The figures, and the figures by source length, as tables for the terminal."""
    from rich.table import Table

    from zoo.metric_info import of_card

    how = "greedy" if beams == 1 else f"{beams} beams"
    counted = f"{metrics['examples']:,}"
    what = metrics.get("counted")  # where there is a search, it is told how
    said = f"{counted} {what}" if what else f"{how}, {counted} examples"
    table = Table(title=f"{name}, {said}")
    for head in ("figure", "value", "95 % interval"):
        table.add_column(head, justify="left" if head == "figure" else "right")
    keys = [k for k, figure in metrics.items() if isinstance(figure, dict) and "value" in figure]
    for key in keys:
        figure = metrics[key]
        info = of_card({}, key)
        interval = f"{figure['low']:.{info.digits}f} – {figure['high']:.{info.digits}f}"
        table.add_row(f"{info.name} {info.arrow}".strip(), info.text(figure["value"]), interval)
    yield table
    rows = metrics.get("by_length") or []
    if rows:
        table = Table(title="by length of the source")
        shown = [key for key in keys if "_best" not in key]
        for head in ("length", "examples", *(of_card({}, key).name for key in shown)):
            table.add_column(head, justify="right")
        for row in rows:
            table.add_row(row["label"], f"{row['count']:,}", *(f"{row[k]:.2f}" for k in shown))
        yield table


if __name__ == "__main__":
    app()
