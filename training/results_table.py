"""README's table of models, made from their cards: `python -m training.results_table --write`.

README's table is between two comments and is written by this alone, so that no figure in it
was typed by hand; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from training import card_writer
from training.commands import plainly
from zoo import shipped
from zoo.metric_info import MetricInfo, of_card
from zoo.saving import write_aside

BEGIN, END = "<!-- results: python -m training.results_table --write -->", "<!-- end of results -->"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def table(names: Sequence[str], folder: Path) -> Iterator[str]:
    """Markdown lines of one task's table; models and metrics that no card knows are left out."""
    found = {name: card for name in names if (card := card_writer.read(folder / name))}
    metrics = main_metrics(found.values())
    labels = [f"{info.label} {'↓' if info.higher_is_better is False else ''}" for info in metrics]
    heads = ["model", *map(str.strip, labels), "parameters", "trained", "ms", "tokens/s"]
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'--:|' * (len(heads) - 1)}"
    for name, card in found.items():
        # The task is above the table; a model that is not called after it keeps its own name.
        short = name.removeprefix(f"{shipped.short_task(card['task'])}-")
        link = f"[{short}](saved_models/{name}/README.md)"
        yield f"| {' | '.join([link, *_cells(card, metrics)])} |"


def main_metrics(found: Iterable[Mapping[str, Any]]) -> list[MetricInfo]:
    """The metrics that the cards of a task's models call their main ones, in their order."""
    infos: dict[str, MetricInfo] = {}
    for card in found:
        for key in card.get("main_metrics", ()):
            infos.setdefault(key, of_card(card, key))
    return list(infos.values())


def _cells(card: Mapping[str, Any], metrics: Sequence[MetricInfo]) -> Iterator[str]:
    greedy = card.get("metrics", {}).get("1", {})
    for info in metrics:
        yield _figure(greedy.get(info.key), info.digits)
    count = card["parameters"]
    yield f"{count / 1e6:.1f} M" if count >= 100_000 else f"{count / 1e3:.0f} k"
    training = card.get("training", {})
    minutes = training.get("total_cpu_minutes", training.get("cpu_minutes"))
    yield "" if minutes is None else f"{minutes:.0f} min"
    speed = card.get("speed") or {}
    yield f"{speed['ms_per_sentence']:.1f}" if "ms_per_sentence" in speed else ""
    yield f"{speed['tokens_per_second']:,.0f}" if "tokens_per_second" in speed else ""


def _figure(figure: dict[str, float] | None, most: int) -> str:
    if not figure:
        return ""
    half = (figure["high"] - figure["low"]) / 2
    digits = 1 if half >= 0.5 else most
    return f"{figure['value']:.{digits}f} ± {half:.{digits}f}"


def render(folder: Path | None = None) -> str:
    """The tables of every task as Markdown, between the two comments."""
    folder = folder or shipped.saved_models_path()
    by_task: dict[str, list[str]] = {}
    for name, config in shipped.configs(folder).items():
        if (folder / name / "card.json").exists():
            by_task.setdefault(config["task"], []).append(name)
    parts = [BEGIN]
    for task, names in by_task.items():
        parts += ["", f"`{task}`:", "", *table(names, folder)]
    return "\n".join([*parts, "", END])


def replace(text: str, tables: str) -> str:
    """`text` with what is between the two comments replaced.

    Raises:
        ValueError: the comments are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The file has no place for results: {BEGIN} ... {END}")
    return f"{before}{tables}{after}"


@app.command()
@plainly()
def main(
    write: Annotated[bool, typer.Option("--write", help="Put the tables into README.md.")] = False,
) -> None:
    """Print the tables of all shipped models, or write them into README.md."""
    tables = render()
    if not write:
        typer.echo(tables)
        return
    path = Path(__file__).resolve().parent.parent / "README.md"
    write_aside(path, replace(path.read_text(encoding="utf-8"), tables).encode())


if __name__ == "__main__":
    app()
