"""Writes SavedModels for servers: `python -m training.export NAME_OR_PATH [--out DIR]`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from training.commands import plainly

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
        typer.Option(help="Write to OUT/NAME/1/ instead of serving/1/ in the model's folder."),
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
) -> None:
    """Write a model as a TensorFlow SavedModel: text in; text, probabilities and attention out.

    A language model goes on from prompts, at once or step by step. Each export gets the next
    version number; a server that watches the folder takes it over. Every input and output is
    explained in the README.md beside saved_model.pb.
    """
    if bool(model) == every:
        raise ValueError("give one model, or --all. Received: " + ("both" if model else "none"))
    if base_path and not every:
        raise ValueError("--base-path goes with --all. Received: --base-path alone")
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise ValueError(
            "only the TensorFlow backend writes a SavedModel: set KERAS_BACKEND=tensorflow. "
            f"Received: KERAS_BACKEND={backend!r}"
        )
    _export(model, every, out, base_path, length_cap, ids_only)


def _export(
    model: str,
    every: bool,
    out: Path | None,
    base_path: str,
    length_cap: int | None,
    ids_only: bool,
) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    from zoo import shipped

    names = shipped.names() if every else [model]
    root = shipped.saved_models_path() if out is None else out
    if not names:
        raise ValueError(f"there is no shipped model to export. Received: {root}")
    import tensorflow as tf

    import zoo
    from zoo import saving
    from zoo.export import export, missing, tf_serving

    tf.get_logger().setLevel("ERROR")
    ending = "-ids" if ids_only else ""
    folders: dict[str, str] = {}
    for name in names:
        loaded = zoo.load(name)
        if every and (why := missing(loaded.config)):
            typer.echo(f"{name} is left out: {why}")
            continue
        called = f"{loaded.name}{ending}"
        folder = loaded.path / f"serving{ending}" if out is None else out / called
        version = export(
            loaded,
            folder,
            name=called,
            length_cap=length_cap,
            text=not ids_only,
            examples=examples(loaded.path, loaded.config),
        )
        size = sum(path.stat().st_size for path in version.rglob("*") if path.is_file())
        typer.echo(f"{called}: {version} ({size / 1e6:.1f} MB)")
        if every:
            served = base_path.rstrip("/") if base_path else root.resolve().as_posix()
            folders[called] = f"{served}/{folder.relative_to(root).as_posix()}"
    if every:
        config = root / "models.config"
        saving.write_aside(config, tf_serving.models_config(folders).encode())
        typer.echo(f"serve all: tensorflow_model_server --model_config_file={config.resolve()}")


def examples(folder: Path, config: Mapping[str, Any]) -> list[str]:
    """Texts that a server is warmed up with: those stored beside the model, if there are any.

    Of a language model, whose folder has none, the prompts that pages offer.
    """
    from training import tasks
    from zoo import saving

    for file in ("examples.json", "predictions.json"):
        if (folder / file).is_file():
            found = [record.get("source", "") for record in saving.read_json(folder / file)]
            if texts := list(dict.fromkeys(filter(None, found))):
                return texts[:10]
    if config["kind"] != "language_model":
        return []
    return tasks.get(config["task"]).showcase()


if __name__ == "__main__":
    app()
