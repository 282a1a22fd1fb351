"""Makes a model folder of a language model that others trained.

    python -m training.import_pretrained smollm2

The folder is a model as any other: `zoo.load` reads it, and the dashboard shows it with
`MODELS=pretrained`. Names are those of `zoo.pretrained.sources`: smollm2, gguf:FILE, or a GPT-2,
keras-hub:PRESET or hf:FOLDER.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from training.commands import plainly

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

PLACE = Path("pretrained")
TASK = "web-text"
PROMPTS = (
    "The capital of France is",
    "1, 2, 3, 4, 5,",
    "Once upon a time there was a fox who",
    "Mr Jones met Mrs Smith. Later Mr Jones said to Mrs",
    "red apple, green pear, red apple, green",
)


@app.command(help=__doc__)
@plainly()
def main(
    name: Annotated[str, typer.Argument(help="smollm2, gguf:FILE, keras-hub:PRESET or hf:FOLDER.")],
    out: Annotated[
        Path | None, typer.Option(help="The folder; by default pretrained/NAME.")
    ] = None,
    graphs: Annotated[
        bool,
        typer.Option(help="Make its LiteRT graphs too, in eight bits: minutes, and much memory."),
    ] = True,
    missing: Annotated[
        bool, typer.Option("--if-missing", help="Do nothing where the folder has it already.")
    ] = False,
) -> None:
    """Write the folder; see the text of the module."""
    from zoo import saving
    from zoo.pretrained import sources

    folder = out or PLACE / (Path(name.partition(":")[2]).stem or name)
    base = sources.find(name)
    if base.kind != "language_model":
        raise ValueError(
            f"{name} says nothing by itself: fine-tune it, "
            f"python -m training.train --task sst2 --start-from {name}"
        )
    config = description(folder.name, base)
    if missing and _has(folder, base.sha256, config["hyperparameters"]):
        typer.echo(f"{folder} has {name} already.")
        return _graphs(folder, graphs)
    arrays = base.arrays()
    saving.save_folder(folder, arrays, config, {config["tokenizers"]["text"]: base.tokenizer})
    parameters = sum(array.size for array in arrays.values())
    saving.write_json(folder / "card.json", card(folder, base, config, parameters))
    typer.echo(f"{folder}: {base.model}, {parameters:,} weights of {name}")
    return _graphs(folder, graphs)


def _graphs(folder: Path, wanted: bool) -> None:
    """Make the graphs that the dashboard answers with, where they can be made and are not there."""
    from zoo.runtime import litert
    from zoo.runtime.litert import GraphError

    if not wanted or not litert.available():
        return
    import zoo

    typer.echo("Making its LiteRT graphs, or finding those made before; the first time in minutes.")
    try:
        zoo.load(folder, runtime="litert", precision="int8")
    except GraphError as error:
        typer.echo(f"Without them Keras answers, more slowly: {error}", err=True)


def _has(folder: Path, sha256: str, hyperparameters: dict[str, Any]) -> bool:
    """Whether a folder has a model of these weights, read as they are read today."""
    from training import card_writer
    from zoo import saving

    try:
        made = saving.read_config(folder)["hyperparameters"]
        known = card_writer.read(folder).get("data", {}).get("sha256")
    except ValueError:
        return False
    return known == sha256 and made == hyperparameters and (folder / saving.WEIGHTS).is_file()


def description(name: str, base: Any) -> dict[str, Any]:
    """The content of config.json."""
    from dataclasses import asdict

    from zoo import registry, saving
    from zoo.task_info import TaskInfo

    entry = registry.architecture(base.model, base.kind)
    sizes = asdict(registry.make_config(entry.config, base.sizes))
    info = TaskInfo("Texts of the web", "How does a text begin?", PROMPTS[0])
    return {
        "format": saving.FORMAT,
        "kind": base.kind,
        "name": name,
        "task": TASK,
        "model": base.model,
        "preset": base.name.partition(":")[2].rpartition("/")[2] or base.name,
        "hyperparameters": sizes,
        "tokenizers": {"text": f"tokenizer{base.tokenizer.suffix}"},
        "unit": base.tokenizer.unit,
        "task_info": asdict(info),
        "prompts": list(PROMPTS),
    }


def card(folder: Path, base: Any, config: dict[str, Any], parameters: int) -> dict[str, Any]:
    """The content of card.json: what is known of weights that others trained."""
    from training import card_writer
    from zoo import saving
    from zoo.pretrained import sources

    package = sources.PACKAGES.get(base.name)
    about = package.about if package else f"weights from {Path(base.name).name}"
    return {
        "name": folder.name,
        "task": config["task"],
        "model": config["model"],
        "preset": config["preset"],
        "parameters": parameters,
        "bytes": (folder / saving.WEIGHTS).stat().st_size,
        "data": {"corpus": about, "sha256": base.sha256},
        "notes": [
            f"Trained by others: {about}.",
            f"It reads {base.sizes['max_length']:,} tokens at most here. The dashboard answers "
            "with its weights in eight bits.",
        ],
        "versions": card_writer.versions(),
        "metric_info": {},
        "metrics": {},
        "speed": {},
    }


if __name__ == "__main__":
    app()
