"""The formats that `training.export` writes: a table, and what each does with the models it gets.

To add one, write `missing(config, name)` and a function that exports, and add an entry to FORMATS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from zoo.runtime.litert import PRECISIONS


@dataclass(frozen=True)
class Request:
    """What the command is asked for; see the options of `training.export`."""

    names: list[str]
    every: bool = False
    out: Path | None = None
    base_path: str = ""
    length_cap: int | None = None
    ids_only: bool = False
    precision: str = "float32"


@dataclass(frozen=True)
class Format:
    """A format that models are exported in.

    Args:
        name: on the command line.
        purpose: what it is for, in a phrase for `--help`.
        module: exports it; its `missing(config)` says what it cannot hold.
        write: does what is asked for; given the format and the request.
        options: of the command that it takes, beside those that all take.
        precisions: of the weights.
        tensorflow: only the TensorFlow backend exports it.
        folder: in a model's folder, where it goes without --out.
    """

    name: str
    purpose: str
    module: str
    write: Callable[[Format, Request], None]
    options: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ("float32",)
    tensorflow: bool = True
    folder: str = ""


def versions(form: Format, request: Request) -> None:
    """Numbered versions that a server watches, and for all models the file that serves them."""
    from zoo import shipped

    out, root = request.out, shipped.saved_models_path() if request.out is None else request.out
    if not request.names:
        raise ValueError(f"there is no shipped model to export. Received: {root}")
    import tensorflow as tf

    from zoo import saving
    from zoo.export import export, tf_serving

    tf.get_logger().setLevel("ERROR")
    ending = "-ids" if request.ids_only else ""
    served: dict[str, str] = {}
    for loaded in _models(form, request):
        called = f"{loaded.name}{ending}"
        folder = loaded.path / f"{form.folder}{ending}" if out is None else out / called
        version = export(
            loaded,
            folder,
            name=called,
            length_cap=request.length_cap,
            text=not request.ids_only,
            examples=examples(loaded.path, loaded.config),
        )
        _say(called, version)
        if request.every:
            base = request.base_path or root.resolve().as_posix()
            served[called] = f"{base.rstrip('/')}/{folder.relative_to(root).as_posix()}"
    if request.every:
        config = root / "models.config"
        saving.write_aside(config, tf_serving.models_config(served).encode())
        typer.echo(f"serve all: tensorflow_model_server --model_config_file={config.resolve()}")


def folders(form: Format, request: Request) -> None:
    """One folder a model, which replaces that of a former export."""
    export = import_module(form.module).export
    for loaded in _models(form, request):
        out = request.out
        folder = loaded.path / form.folder if out is None else out / loaded.name
        texts = examples(loaded.path, loaded.config)
        export(loaded, folder, request.precision, texts[0] if texts else "")
        _say(loaded.name, folder)


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format(
            name="saved_model",
            purpose="for TensorFlow and its servers",
            module="zoo.export",
            write=versions,
            options=("--ids-only", "--length-cap", "--base-path"),
            folder="serving",
        ),
        Format(
            name="litert",
            purpose="a folder that `zoo.load` and `python -m zoo` answer with, without TensorFlow "
            "and Keras",
            module="zoo.export.litert",
            write=folders,
            precisions=PRECISIONS,
            folder="litert",
        ),
        Format(
            name="ctranslate2",
            purpose="a folder for CTranslate2, which translates many sentences at a time on CPUs "
            "and GPUs; Transformers only",
            module="zoo.export.ctranslate2",
            write=folders,
            precisions=PRECISIONS,
            tensorflow=False,
            folder="ctranslate2",
        ),
    )
}
"""By the name on the command line; the first is the default."""
DEFAULT = next(iter(FORMATS))


def check(name: str, given: Mapping[str, Any], precision: str, backend: str) -> Format:
    """The format called `name`, where it goes with what else is asked for.

    Args:
        name: as it was given.
        given: the values of options that not all formats take, by their names.
        precision: of the weights.
        backend: of Keras.

    Raises:
        ValueError: there is no such format, or it does not go with one of the others.
    """
    form = FORMATS.get(name)
    if form is None:
        raise ValueError(f"--format is one of {', '.join(FORMATS)}. Received: {name}")
    if odd := [option for option, value in given.items() if value and option not in form.options]:
        takers = _taking(lambda other: odd[0] in other.options)
        options = listed([option for option in given if option in FORMATS[takers[0]].options])
        raise ValueError(f"{options} go with --format {listed(takers, 'or')}")
    if precision not in form.precisions:
        every = dict.fromkeys(one for other in FORMATS.values() for one in other.precisions)
        takers = listed(_taking(lambda other: len(other.precisions) > 1), "or")
        raise ValueError(
            f"--precision is one of {', '.join(every)}, and goes with --format {takers}. "
            f"Received: {precision}"
        )
    if form.tensorflow and backend != "tensorflow":
        raise ValueError(
            "only the TensorFlow backend exports: set KERAS_BACKEND=tensorflow. "
            f"Received: KERAS_BACKEND={backend!r}"
        )
    return form


def listed(words: list[str], last: str = "and") -> str:
    """Words with commas, and with `last` before the last of them.

    Example:
        >>> listed(["a", "b", "c"])
        'a, b and c'
    """
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


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


def _taking(takes: Callable[[Format], bool]) -> list[str]:
    return [form.name for form in FORMATS.values() if takes(form)]


def _models(form: Format, request: Request) -> Iterator[Any]:
    """The models asked for, loaded; of all, those that the format holds, and why not the others."""
    import zoo
    from zoo import shipped

    missing = import_module(form.module).missing
    configs = shipped.configs() if request.every else {}
    for name in request.names:
        if name in configs and (why := missing(configs[name])):
            typer.echo(f"{name} is left out: {why}")
            continue
        yield zoo.load(name)


def _say(name: str, folder: Path) -> None:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    typer.echo(f"{name}: {folder} ({size / 1e6:.1f} MB)")
