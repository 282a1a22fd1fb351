"""Puts the floor of a task into the cards of its models: `python -m training.store_floors --all`.

The floor of a task of pairs is a method that learns nothing, such as a copy of the input; it is
scored on the whole test side, which needs the corpus and no model. `training.evaluate
--update-card` does the same for the model that it scores.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from training.commands import plainly

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    models: Annotated[
        list[str] | None, typer.Argument(help="Shipped models, by name.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All models of pairs.")] = False,
) -> None:
    """See the text of the module."""
    from training import card_writer, tasks, test_sets
    from training.evaluate_pairs import floor_figures
    from zoo import shipped

    with plainly():
        configs = shipped.configs()
        names = [n for n, one in configs.items() if one.get("kind", "seq2seq") == "seq2seq"]
        if models and (other := sorted(set(models) - set(names))):
            raise ValueError(f"there is no shipped model of pairs called {other[0]!r}")
        if not models and not everything:
            raise ValueError("which models? Give names, or --all")
        known: dict[str, dict[str, Any]] = {}
        for name in names if everything else models or []:
            folder = shipped.saved_models_path() / name
            card, task = card_writer.read(folder), tasks.of_model(configs[name])
            if note := test_sets.other_data(card, task, "test"):
                raise ValueError(f"{name}: {note}")
            task.score_as(card.get("scoring"))
            if task.name not in known:
                known[task.name] = floor_figures(task, task.examples("test"))
            card_writer.write(folder, {**card, "floor": known[task.name]})
            typer.echo(f"{name}: {known[task.name]['name']}")


if __name__ == "__main__":
    app()
