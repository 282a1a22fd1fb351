"""Train any model of the zoo on any task.

    python -m training.train --task tatoeba/en-es --model transformer --preset small

Stop it with Ctrl-C, or let it be killed: the same command goes on where it was, and ends with the
same weights. The folder it writes is a model that `zoo.load` reads; its config.yaml holds the
settings, which --config gives back.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from training import config as settings
from training import paths
from training.commands import EXPECTED, plainly
from training.config import TrainConfig
from zoo import registry

# Plain help: the framed one cuts long option names off on a narrow terminal.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def main(context: typer.Context, **given: Any) -> None:
    """Train, or go on training, one model; the options are the fields of `TrainConfig`."""
    config = configuration(given, {name for name in given if _typed(context, name)})
    from training.distributed.devices import choose, prepare

    several = config.devices > 1 or config.processes > 1 or config.distributed
    parts = prepare(config.threads, in_parts=not (several or config.carry_state))
    on = choose(
        config.devices, config.processes, config.process, config.coordinator, config.distributed
    )
    on = dataclasses.replace(on, parts=parts)
    from training import run

    with on.processes.ends_at_once(EXPECTED):
        run.train(config, paths.command("training.train"), on)


def configuration(given: dict[str, Any], typed: set[str]) -> TrainConfig:
    """The settings of a run: those of --config, if there is one, under those that were `typed`.

    Raises:
        ValueError: a setting that makes no sense, or neither --model nor --start-from.
    """
    values = {name: value for name, value in given.items() if name not in ("config", "sampling")}
    values["override"] = parse_overrides(values.get("override") or [])
    if (old := given.get("sampling")) is not None:
        typer.echo("--sampling is called --subword-regularization now.", err=True)
        values["subword_regularization"] = old
        typed = typed | {"subword_regularization"}
    if given.get("config") is not None:
        kept = settings.read(given["config"])
        if "override" in typed:
            values["override"] = {**(kept.get("override") or {}), **values["override"]}
            if "dropout" in values["override"]:
                kept.pop("dropout", None)  # what is typed now counts, by either name
        values |= {name: value for name, value in kept.items() if name not in typed}
    if not values.get("task"):
        raise ValueError("--task says what to learn; or give --config. Received: neither")
    if not values.get("start_from"):
        if not values.get("model"):
            raise ValueError("--model says which network; or give --start-from. Received: neither")
        values["preset"] = values.get("preset") or "small"
        values["override"] = _of_today(values["model"], values.get("override") or {})
    try:
        return TrainConfig(**values)
    except ValueError as error:
        name = str(error).partition(" ")[0]
        if name not in settings.types():
            raise
        raise ValueError(f"--{name.replace('_', '-')}: {error}") from None


def _of_today(model: str, override: dict[str, Any]) -> dict[str, Any]:
    """The same hyper-parameters under their names of today; says which had another."""
    former = registry.former_names(model)
    for name in former.keys() & override.keys():
        typer.echo(f"--set {name} is called {former[name]} now.", err=True)
    return {former.get(name, name): value for name, value in override.items()}


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """`["hidden_size=192", "positions=learned"]` -> values as numbers, booleans or strings."""
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


def _typed(context: typer.Context, name: str) -> bool:
    """Whether an option was given on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _signature() -> inspect.Signature:
    """The options of the command, made from the fields of `TrainConfig`."""
    hints = settings.types()
    parameters = [_parameter("context", typer.Context)]
    for field in dataclasses.fields(TrainConfig):
        allowed, kind = field.metadata["range"], hints[field.name]
        flags = [field.metadata["flag"]] if field.metadata["flag"] else []
        if kind is bool:
            flags = ["--" + field.name.replace("_", "-")]
        default = None if field.default is dataclasses.MISSING else field.default
        if field.name == "override":
            kind, default = list[str] | None, None
        if field.name == "task":
            kind = str | None
        numbers = {"min": allowed.least, "max": allowed.most}
        if kind in (int, int | None):
            numbers = {k: None if v is None else int(v) for k, v in numbers.items()}
        option = typer.Option(
            *flags,
            help=field.metadata["help"],
            show_default=default not in (None, False),
            **({k: v for k, v in numbers.items() if v is not None}),
        )
        parameters.append(_parameter(field.name, Annotated[kind, option], default))
    extra = {
        "config": (
            Path | None,
            "The settings of an earlier run, its config.yaml; options given here replace them.",
        ),
        "sampling": (float | None, "The former name of --subword-regularization."),
    }
    for name, (kind, text) in extra.items():
        option = typer.Option(help=text, show_default=False, hidden=name == "sampling")
        parameters.append(_parameter(name, Annotated[kind, option], None))
    return inspect.Signature(parameters)


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


main.__signature__ = _signature()
main.__annotations__ = {p.name: p.annotation for p in main.__signature__.parameters.values()}
app.command(help=__doc__)(plainly()(main))

if __name__ == "__main__":
    app()
