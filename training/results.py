"""The table of all shipped models, made from their cards: `python -m training.results --write`.

README's table stands between two comments and is written by this alone, so that no figure in it
was typed by hand; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from training import cards
from training.commands import plainly
from zoo import catalog
from zoo.saving import write_aside

BEGIN, END = "<!-- results: python -m training.results --write -->", "<!-- end of results -->"

FIGURES: dict[str, list[tuple[str, str]]] = {
    "en-es": [("bleu", "BLEU"), ("chrf", "chrF"), ("rouge1", "ROUGE-1"), ("rouge2", "ROUGE-2")],
    "pronounce": [("wer", "WER ↓"), ("per", "PER ↓")],
    "dates": [("exact_match", "exact"), ("cer", "CER ↓")],
}
"""Which figures of a task the table shows, by the word its models' names begin with."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def table(task: str, folder: Path) -> Iterator[str]:
    """Markdown lines of one task's table; models and figures that no card knows are left out."""
    figures = FIGURES[task]
    heads = ["model", *(label for _, label in figures), "parameters", "trained", "ms", "tokens/s"]
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'--:|' * (len(heads) - 1)}"
    for model in catalog.MODELS:
        name = f"{task}-{model}"
        card = cards.read(folder / name)
        if card:
            link = f"[{model}](saved_models/{name}/README.md)"
            yield f"| {' | '.join([link, *_cells(card, figures)])} |"


def _cells(card: dict[str, Any], figures: list[tuple[str, str]]) -> Iterator[str]:
    greedy = card.get("metrics", {}).get("1", {})
    for key, _ in figures:
        yield _figure(greedy.get(key))
    yield f"{card['parameters'] / 1e6:.1f} M"
    training = card.get("training", {})
    yield f"{training['cpu_minutes']:.0f} min" if "cpu_minutes" in training else ""
    speed = card.get("speed") or {}
    yield f"{speed['ms_per_sentence']:.1f}" if "ms_per_sentence" in speed else ""
    yield f"{speed['tokens_per_second']:,.0f}" if "tokens_per_second" in speed else ""


def _figure(figure: dict[str, float] | None) -> str:
    if not figure:
        return ""
    half = (figure["high"] - figure["low"]) / 2
    digits = 1 if half >= 0.5 else 2
    return f"{figure['value']:.{digits}f} ± {half:.{digits}f}"


def render(folder: Path | None = None) -> str:
    """The tables of every task as Markdown, between the two comments."""
    folder = folder or catalog.saved_models_path()
    parts = [BEGIN]
    for task, name in catalog.TASKS.items():
        if any((folder / f"{task}-{model}" / "card.json").exists() for model in catalog.MODELS):
            parts += ["", f"`{name}`:", "", *table(task, folder)]
    return "\n".join([*parts, "", END])


def replace(text: str, tables: str) -> str:
    """`text` with what stands between the two comments replaced.

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
