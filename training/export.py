"""Writes models for other runtimes: `python -m training.export NAME_OR_PATH [--out DIR]`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from training.commands import plainly

FORMATS = ("saved_model", "litert")
PRECISIONS = ("float32", "int8")

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
            help="Write to OUT/NAME/1/ instead of serving/1/ in the model's folder; with "
            "--format litert to OUT/NAME instead of litert/ there."
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
            help="saved_model for TensorFlow and its servers, or litert: a folder that `zoo.load` "
            "and `python -m zoo` answer with, without TensorFlow and Keras.",
        ),
    ] = "saved_model",
    precision: Annotated[
        str, typer.Option(help="Of the weights of --format litert: float32 or int8.")
    ] = "float32",
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
    if form not in FORMATS:
        raise ValueError(f"--format is one of {', '.join(FORMATS)}. Received: {form}")
    if form == "litert" and (ids_only or length_cap or base_path):
        raise ValueError("--ids-only, --length-cap and --base-path go with --format saved_model")
    if precision not in PRECISIONS or (form != "litert" and precision != "float32"):
        raise ValueError(
            f"--precision is one of {', '.join(PRECISIONS)}, and goes with --format litert. "
            f"Received: {precision}"
        )
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise ValueError(
            "only the TensorFlow backend exports: set KERAS_BACKEND=tensorflow. "
            f"Received: KERAS_BACKEND={backend!r}"
        )
    if form == "litert":
        _export_litert(model, every, out, precision)
    else:
        _export(model, every, out, base_path, length_cap, ids_only)


def _export_litert(model: str, every: bool, out: Path | None, precision: str) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    import zoo
    from zoo import shipped
    from zoo.export import litert

    for name in shipped.names() if every else [model]:
        loaded = zoo.load(name)
        if every and loaded.config["kind"] != "seq2seq":
            typer.echo(f"{name} is left out: there are no LiteRT graphs of its kind")
            continue
        folder = loaded.path / "litert" if out is None else out / loaded.name
        texts = examples(loaded.path, loaded.config)
        litert.export(loaded, folder, precision, texts[0] if texts else "")
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        typer.echo(f"{loaded.name}: {folder} ({size:.1f} MB)")


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
