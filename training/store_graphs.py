"""Keeps the LiteRT graphs of shipped models beside them: `python -m training.store_graphs --all`.

Without their weights, which lie there already, they are small; see `zoo.inference.litert_template`.
Whoever has them needs no TensorFlow to answer, and waits for nothing. To be run again after a model
has been trained anew.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from training.commands import plainly

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
@plainly()
def main(
    models: Annotated[
        list[str] | None, typer.Argument(help="Names of shipped models, or model folders.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All shipped models.")] = False,
) -> None:
    """Write the template of each model; see the text of the module."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if bool(models) == every:
        raise ValueError("give some models, or --all. Received: " + ("both" if models else "none"))

    import zoo
    from zoo import registry, saving, shipped
    from zoo.inference import litert_making, litert_template

    for name in shipped.names() if every else models or []:
        loaded = zoo.load(name)
        if why := registry.without_graphs(loaded.config):
            if not every:
                raise ValueError(why)
            continue
        content = litert_making.template(loaded)
        path = loaded.path / litert_template.FILE
        saving.write_aside(path, content)
        typer.echo(f"{loaded.name}: {path.name} ({len(content) / 1e3:,.0f} kB)")


if __name__ == "__main__":
    app()
