"""README's table of models, made from their cards: `python -m training.results_table --write`.

README's table is between two comments and is written by this alone, so that no figure in it
was typed by hand; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from training import card_writer, not_shipped, published
from training.commands import plainly
from zoo import registry, shipped
from zoo.metric_info import MetricInfo, of_card
from zoo.pretrained import sources
from zoo.saving import write_aside

BEGIN, END = "<!-- results: python -m training.results_table --write -->", "<!-- end of results -->"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def table(names: Sequence[str], folder: Path) -> Iterator[str]:
    """Markdown lines of one task's table; models and metrics that no card knows are left out."""
    found = {name: card for name in names if (card := card_writer.read(folder / name))}
    metrics = main_metrics(found.values())
    marked = marks(found, metrics, folder)
    labels = [f"{info.label} {'↓' if info.higher_is_better is False else ''}" for info in metrics]
    heads = ["model", *map(str.strip, labels), "parameters", "trained", "ms", "tokens/s"]
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'--:|' * (len(heads) - 1)}"
    if method := floor_method(found):
        cells = [_figure(method.get(info.key), info.digits) for info in metrics]
        line = [f"{method['name']} (floor)", *cells, *[""] * 4]
        yield f"| {' | '.join(line)} |"
    for name, card in found.items():
        # The task is above the table; a model that is not called after it keeps its own name.
        short = name.removeprefix(f"{shipped.short_task(card['task'])}-")
        link = f"[{short}](saved_models/{name}/README.md)"
        yield f"| {' | '.join([link + marked[name], *_cells(card, metrics)])} |"


def floor_method(found: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The method without a model that learns nothing, with its figures; {} where no card has it.

    Of cards that were scored on other examples it is that of the first which has one.
    """
    return next((card["floor"] for card in found.values() if card.get("floor")), {})


def is_floor(name: str, folder: Path) -> bool:
    """Whether nothing of a model is trained by gradient."""
    config = shipped.configs(folder, every=True)[name]
    return registry.architecture(config["model"], config.get("kind", "seq2seq")).floor


def marks(
    found: Mapping[str, Mapping[str, Any]], metrics: Sequence[MetricInfo], folder: Path
) -> dict[str, str]:
    """What stands behind the name of each model: a floor, worse than the best floor, or nothing."""
    floors = [name for name in found if is_floor(name, folder)]
    made = {name: " (floor)" if name in floors else _others(card) for name, card in found.items()}
    if not metrics or metrics[0].higher_is_better is None:
        return made
    sign = 1 if metrics[0].higher_is_better else -1
    values = {
        name: sign * value
        for name, card in found.items()
        if (value := _value(card, metrics[0])) is not None
    }
    reached = [values[name] for name in floors if name in values]
    if (method := (floor_method(found).get(metrics[0].key) or {}).get("value")) is not None:
        reached.append(sign * method)
    best = max(reached, default=None)
    if best is not None:
        worse = {name for name, value in values.items() if value < best and name not in floors}
        made |= dict.fromkeys(worse, " (worse than the floor)")
    return made


def _others(card: Mapping[str, Any]) -> str:
    """What is said of a model whose weights others trained first; "" of any other."""
    start = card.get("training", {}).get("settings", {}).get("start_from")
    package = sources.PACKAGES.get(start.get("name")) if isinstance(start, dict) else None
    return f" (weights of {package.label}, fine-tuned)" if package else ""


def _value(card: Mapping[str, Any], info: MetricInfo) -> float | None:
    return (card.get("metrics", {}).get("1", {}).get(info.key) or {}).get("value")


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
    each = [value for key, value in speed.items() if key.startswith("ms_per_")]
    yield f"{each[0]:.1f}" if each and each[0] >= 1 else f"{each[0]:.2f}" if each else ""
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
    for name, config in shipped.configs(folder, every=True).items():
        if (folder / name / "card.json").exists():
            by_task.setdefault(config["task"], []).append(name)
    parts = [BEGIN]
    for task, names in by_task.items():
        parts += ["", f"`{task}`:", "", *table(names, folder)]
        if lines := [one.line for one in published.BY_TASK.get(task, ())]:
            parts += ["", f"Published: {'; '.join(lines)}."]
    parts += ["", "Not shipped:", "", *not_shipped.lines()]
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
