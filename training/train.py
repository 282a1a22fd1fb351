"""Train any model of the zoo on any task.

    python -m training.train --task tatoeba/en-es --model transformer --preset small

Stop it with Ctrl-C, or let it be killed: the same command goes on where it was, and ends with the
same weights. The folder it writes is a model that `zoo.load` reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from training import paths
from training.commands import EXPECTED, plainly

# Plain help: the framed one cuts long option names off on a narrow terminal.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
Option = typer.Option
PLACES = ("devices", "processes", "process", "coordinator", "distributed")
"""Options that say where a run takes place: it may go on elsewhere."""


@app.command(help=__doc__)
@plainly()
def main(
    task: Annotated[str, Option(help="What to learn: dates, pronounce, tatoeba/en-es, ...")],
    model: Annotated[
        str | None, Option(help="Which network; see zoo/registry.py.", show_default=False)
    ] = None,
    preset: Annotated[
        str | None,
        Option(help="Its size: tiny, compact, small, base; by default small.", show_default=False),
    ] = None,
    start_from: Annotated[
        str | None,
        Option(
            help="Begin from a model, NAME or folder, instead of --model and --preset: its "
            "weights, tokenizers and hyper-parameters.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Option(
            help="Where the model goes; by default runs/TASK-MODEL-PRESET, or runs/TASK-from-NAME.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        float, Option(help="Passes over the data, unless --steps is given.", min=0)
    ] = 10,
    steps: Annotated[int, Option(help="Optimizer steps; 0: as many as --epochs makes.", min=0)] = 0,
    batch_tokens: Annotated[int, Option(help="Target (and source) pieces a batch.", min=1)] = 2048,
    learning_rate: Annotated[float, Option(help="At its peak, after the warm-up.")] = 2e-3,
    warmup: Annotated[int, Option(help="Steps of linear warm-up.", min=0)] = 400,
    smoothing: Annotated[
        float | None,
        Option(
            help="Label smoothing; by default 0.1 for pairs of texts, 0 for language models.",
            min=0,
            max=1,
            show_default=False,
        ),
    ] = None,
    clip: Annotated[float, Option(help="Largest norm of the gradient.")] = 1.0,
    averaging: Annotated[
        float, Option(help="Decay of the weights' average; 0: none.", min=0, max=1)
    ] = 0.999,
    dropout: Annotated[float | None, Option(help="Overrides the preset's.")] = None,
    noise: Annotated[
        float, Option(help="Share of the pieces read that are made unreadable.", min=0, max=1)
    ] = 0.0,
    sampling: Annotated[
        float,
        Option(
            help="Cut texts into other sub-words in every epoch: 1 as likely as they are, 0.2 far "
            "more freely; 0: never.",
            min=0,
        ),
    ] = 0.0,
    exchange_numbers: Annotated[
        int,
        Option(
            help="Copies of each pair with numbers, with other numbers on both sides; 0: none.",
            min=0,
        ),
    ] = 0,
    exchange_names: Annotated[
        int,
        Option(
            help="How many pairs to add that are copies with another name, often of letters that "
            "the vocabulary writes as bytes, on both sides; 0: none.",
            min=0,
        ),
    ] = 0,
    window: Annotated[
        int,
        Option(
            help="Tokens that a language model reads at a time; 0: its context, or 128 without "
            "one.",
            min=0,
        ),
    ] = 0,
    vocabulary: Annotated[
        int, Option(help="Sub-words of the tokenizer; 0: as the task has it.", min=0)
    ] = 0,
    weight_decay: Annotated[
        float, Option(help="Of every matrix, times the learning rate.", min=0)
    ] = 0.0,
    override: Annotated[
        list[str] | None,
        Option("--set", help="Another hyper-parameter: --set width=192 --set positions=learned."),
    ] = None,
    validate_every: Annotated[
        int, Option(help="Steps between validations; 0: one epoch.", min=0)
    ] = 0,
    validate_on: Annotated[
        int, Option(help="How many validation examples to decode.", min=1)
    ] = 500,
    keep: Annotated[
        str,
        Option(
            help="Which weights to keep: the best on the validation side, or the last, where that "
            "side does not show what is learned."
        ),
    ] = "best",
    patience: Annotated[
        int, Option(help="Stop after so many validations without a better one; 0: never.", min=0)
    ] = 8,
    checkpoint_every: Annotated[int, Option(help="Steps between checkpoints.", min=1)] = 200,
    limit: Annotated[int, Option(help="Use only so many training pairs; 0: all.", min=0)] = 0,
    threads: Annotated[int, Option(help="CPU threads; 0: all cores.", min=0)] = 0,
    precision: Annotated[
        str,
        Option(help="float32 or mixed_bfloat16; auto: the latter where the device has it."),
    ] = "auto",
    seed: Annotated[int, Option(help="Of weights, dropout and the order of the data.", min=0)] = 1,
    fresh: Annotated[bool, Option(help="Forget an earlier run in the same folder.")] = False,
    devices: Annotated[
        int, Option(help="Of this machine; 0: all accelerators, or one CPU.", min=0)
    ] = 0,
    processes: Annotated[
        int,
        Option(help="How many processes train together, one a machine; see docs/scale.md.", min=1),
    ] = 1,
    process: Annotated[int | None, Option(help="Which of them this is, from 0 on.", min=0)] = None,
    coordinator: Annotated[
        str | None, Option(help="HOST:PORT where process 0 is to be found.")
    ] = None,
    distributed: Annotated[
        bool, Option("--distributed", help="Take these three from Cloud TPU, Slurm or Open MPI.")
    ] = False,
) -> None:
    """Train, or go on training, one model; see the text of the module."""
    settings = dict(locals())
    # Not part of what is learned: these may change when a run goes on.
    for name in ("out", "fresh", "patience", "checkpoint_every", *PLACES):
        settings.pop(name)
    if keep == "best":  # as it was before there was a choice
        settings.pop("keep")
    if not start_from:
        if not model:
            raise ValueError("--model says which network; or give --start-from. Received: neither")
        settings.pop("start_from")
        settings["preset"] = preset or "small"
    settings["override"] = parse_overrides(override or [])
    if dropout is not None:
        settings["override"]["dropout"] = dropout
    from training.distributed.devices import choose, prepare

    prepare(threads)
    on = choose(devices, processes, process, coordinator, distributed)
    from training import run

    folder = out or default_folder(settings)
    with on.processes.ends_at_once(EXPECTED):
        said = paths.command("training.train")
        run.train(folder, settings, patience, checkpoint_every, fresh, said, on)


def default_folder(settings: dict[str, Any]) -> Path:
    """Where a model goes that was given no place; its name is the folder's."""
    start = settings.get("start_from")
    how = (
        f"from-{Path(start).resolve().name}"
        if start
        else f"{settings['model']}-{settings['preset']}"
    )
    return Path("runs") / f"{paths.shown(settings['task'])}-{how}".replace("/", "-")


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """`["width=192", "positions=learned"]` -> values as numbers, booleans or strings."""
    import json

    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set wants NAME=VALUE. Received: {pair!r}")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


if __name__ == "__main__":
    app()
