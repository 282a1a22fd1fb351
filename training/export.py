"""Writes models for other runtimes: `python -m training.export NAME_OR_PATH [--out DIR]`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from training import export_formats
from training.commands import plainly
from training.export_formats import DEFAULT, FORMATS, Request

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@plainly()
def main(
    model: Annotated[
        str, typer.Argument(help="A shipped model's name, or a model folder.", show_default=False)
    ] = "",
    every: Annotated[
        bool,
        typer.Option("--all", help="Export all shipped models, and write models.config for them."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write to OUT/NAME/1/ instead of serving/1/ in the model's folder; in other "
            "formats to OUT/NAME instead of a folder called like the format there."
        ),
    ] = None,
    base_path: Annotated[
        str,
        typer.Option(
            help="With --all: where the server finds what OUT holds (without OUT: saved_models), "
            "such as /models where it is mounted there. By default its own absolute path."
        ),
    ] = "",
    length_cap: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="The most tokens to read and to write, by default the model's; of a language "
            "model the most tokens that one request may write.",
        ),
    ] = None,
    ids_only: Annotated[
        bool,
        typer.Option(
            "--ids-only",
            help="Ids in, ids out, for a runtime without tensorflow-text; NAME becomes NAME-ids.",
        ),
    ] = False,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="; ".join(f"{form.name}: {form.purpose}" for form in FORMATS.values()) + ".",
        ),
    ] = DEFAULT,
    precision: Annotated[
        str,
        typer.Option(help="Of the weights of --format litert or ctranslate2: float32 or int8."),
    ] = "float32",
) -> None:
    """Write a model for another runtime, by default as a TensorFlow SavedModel.

    Of that: text in; text, probabilities and attention out; a language model goes on from prompts,
    at once or step by step. Each export gets the next version number; a server that watches the
    folder takes it over. Every input and output is explained in the README.md that is written.
    """
    if bool(model) == every:
        raise ValueError("give one model, or --all. Received: " + ("both" if model else "none"))
    if base_path and not every:
        raise ValueError("--base-path goes with --all. Received: --base-path alone")
    given = {"--ids-only": ids_only, "--length-cap": length_cap, "--base-path": base_path}
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    chosen = export_formats.check(form, given, precision, backend)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    from zoo import shipped

    names = shipped.names() if every else [model]
    chosen.write(chosen, Request(names, every, out, base_path, length_cap, ids_only, precision))


if __name__ == "__main__":
    app()
