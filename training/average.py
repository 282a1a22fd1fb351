"""Makes one model of several: the mean of their weights, which costs no more to run than one.

    python -m training.average runs/short runs/long --out runs/both

Networks that were fine-tuned from the same weights, by other settings or in another order, are
often better on average than each of them: a uniform soup (Wortsman et al. 2022, "Model soups",
arXiv:2203.05482, table 2). A head that is drawn anew must begin alike too: train with the same
--seed. Adapters are merged with their base first. Networks that began apart have nothing in common
that could be averaged, so all are scored on the validation side, the mean too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.commands import plainly

if TYPE_CHECKING:
    import numpy as np

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

OWN = ("format", "name", "preset", "hyperparameters", "adapter")
"""Entries of config.json in which the models may differ, or that are compared elsewhere."""
SUMS = ("minutes", "cpu_minutes", "steps", "epochs", "target_tokens")
"""What a card says of a training that adds up."""


@dataclass(frozen=True)
class Member:
    """One of the models whose weights are averaged.

    Args:
        name: what it is called.
        config: its config.json.
        hyperparameters: a dataclass of `zoo.registry`.
        files: its tokenizers or scaler, by name.
        arrays: all its weights by name, those of an adapter merged with its base's.
        sha256: of its file of weights.
        card: its card.json.
    """

    name: str
    config: dict[str, Any]
    hyperparameters: Any
    files: dict[str, bytes]
    arrays: dict[str, np.ndarray]
    sha256: str
    card: dict[str, Any]


@dataclass(frozen=True)
class _File:
    bytes: bytes


@app.command(help=__doc__)
@plainly()
def main(
    models: Annotated[
        list[str], typer.Argument(help="Shipped models, or model folders.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="The folder of the new model.", show_default=False)],
    validate_on: Annotated[
        int,
        typer.Option(help="How many validation examples all are scored on; 0: none.", min=0),
    ] = 500,
) -> None:
    """Write the folder; see the text of the module."""
    if len(models) < 2:
        raise ValueError(f"a mean is of two models or more. Received: {len(models)}")
    from training import card_writer, paths, start_from
    from training.run_progress import STATE

    places = [start_from.folder(name) for name in models]
    if any(isinstance(place, Path) and place.resolve() == out.resolve() for place in places):
        raise ValueError(f"--out is one of the models, {out}, and it would be overwritten")
    there = (out / "config.json").exists() or (out / STATE).exists()
    if there and "averaged" not in (card_writer.read(out).get("training") or {}):
        raise ValueError(f"--out, {out}, has another model, which would be overwritten")
    members = [member(place) for place in places]
    fit(members)
    # First, so that nothing is written where the corpus is missing.
    main = members[0].card.get("main_metrics") or ()
    figures = [figure(place, validate_on, main) for place in places] if validate_on else []
    words = [*models, "--out", str(out), "--validate-on", str(validate_on)]
    write(out, members, paths.command("training.average", words))
    if not figures:
        typer.echo(f"{out}: the mean of {len(members)} models, not validated")
        return
    figures.append(figure(out, validate_on, main))
    made = card_writer.read(out)
    for told, valid in zip([*made["training"]["averaged"], made["training"]], figures, strict=True):
        told |= {"valid": valid, "validated_on": validate_on}
    card_writer.write(out, made)
    typer.echo(verdict([*(one.name for one in members), made["name"]], figures))


def member(place: str | Path) -> Member:
    """One of the models. Raises ValueError where it is missing, damaged or has no weights."""
    from training.evaluate import load
    from training.start_from import whole
    from zoo import registry, saving
    from zoo.pretrained.base import sum_of

    loaded = load(place)
    entry = registry.architecture(loaded.config["model"], loaded.config["kind"])
    if entry.floor:
        how = "counted" if entry.counted else "computed"
        raise ValueError(f"{loaded.name} was {how} and not trained: it has no weights to average")
    names = loaded.config["tokenizers"].values()
    return Member(
        name=loaded.name,
        config=loaded.config,
        hyperparameters=loaded.model.config,
        files={name: (loaded.path / name).read_bytes() for name in names},
        arrays=whole(loaded),
        sha256=sum_of(loaded.path / saving.WEIGHTS),
        card=loaded.card,
    )


def fit(members: Sequence[Member]) -> None:
    """Raises ValueError unless all are the same network for the same task."""
    first = members[0]
    for other in members[1:]:
        # Dropout is of the training, and no part of the function.
        sizes = [{**asdict(one.hyperparameters), "dropout": 0} for one in (first, other)]
        for pair in ((first.config, other.config), sizes):
            for key in dict.fromkeys([*pair[0], *pair[1]]):
                values = [one.get(key) for one in pair]
                if key not in OWN and values[0] != values[1]:
                    raise ValueError(
                        f"{first.name} and {other.name} must have the same {key}. "
                        f"Received: {' and '.join(str(value)[:80] for value in values)}"
                    )
        for name, content in first.files.items():
            if content != other.files.get(name):
                raise ValueError(
                    f"{first.name} and {other.name} read their inputs differently: their {name} "
                    "is not the same"
                )


def mean(arrays: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The mean of several networks' weights, name by name.

    Example:
        >>> import numpy as np
        >>> mean([{"a": np.zeros(2)}, {"a": np.array([1.0, 3.0])}])
        {'a': array([0.5, 1.5], dtype=float32)}
    """
    import numpy as np

    found = {}
    for name in arrays[0]:
        total = sum(one[name].astype("float64") for one in arrays)
        found[name] = np.asarray(total / len(arrays), "float32")
    return found


def write(out: Path, members: Sequence[Member], command: str) -> None:
    """Write the mean of the members into a folder, with its card; `command`: what makes it."""
    from training import card_writer
    from zoo import saving

    first = members[0]
    config = {key: value for key, value in first.config.items() if key != "adapter"}
    config |= {"name": out.resolve().name, "hyperparameters": asdict(first.hyperparameters)}
    arrays = mean([one.arrays for one in members])
    files = {name: _File(content) for name, content in first.files.items()}
    saving.save_folder(out, arrays, config, files)
    parameters = sum(array.size for array in arrays.values())
    size = sum((out / name).stat().st_size for name in (saving.WEIGHTS, *files))
    card_writer.write(out, card(config, members, parameters, size, command))
    for stale in ("predictions.json", "blocks.json"):
        (out / stale).unlink(missing_ok=True)


def card(
    config: Mapping[str, Any],
    members: Sequence[Member],
    parameters: int,
    size: int,
    command: str,
) -> dict[str, Any]:
    """The new model's card, without metrics: what its members have in common, and where from."""
    import time

    from training import card_writer

    cards = [one.card for one in members]
    trainings = [one.get("training") or {} for one in cards]
    settings = [one.get("settings") or {} for one in trainings]
    same = {
        key: value
        for key, value in settings[0].items()
        if all(key in one and one[key] == value for one in settings)
    }
    sums = {
        key: round(sum(one[key] for one in trainings), 1)
        for key in SUMS
        if all(isinstance(one.get(key), int | float) for one in trainings)
    }
    devices = dict.fromkeys(one["device"] for one in trainings if one.get("device"))
    kept = ("data", "scoring", "main_metrics")
    return {
        **{key: config[key] for key in ("name", "task", "model", "preset")},
        **{key: cards[0][key] for key in kept if key in cards[0]},
        "parameters": parameters,
        "bytes": size,
        "seed": same.get("seed"),
        "training": {
            **sums,
            "device": "; ".join(devices),
            "averaged": [
                {
                    "name": one.name,
                    "weights": one.sha256,
                    "command": (one.card.get("training") or {}).get("command"),
                }
                for one in members
            ],
            "settings": same,
            "command": command,
        },
        "versions": card_writer.versions(),
        "commit": card_writer.commit(),
        "date": time.strftime("%Y-%m-%d"),
        "metric_info": {},
        "metrics": {},
        "speed": {},
    }


def figure(place: str | Path, limit: int, main: Sequence[str]) -> dict[str, float]:
    """The first of the `main` figures that a model has, by key, on `limit` validation examples."""
    from training import evaluate

    metrics = evaluate.score(place, "valid", limit)
    known = [key for key, one in metrics.items() if isinstance(one, Mapping) and "value" in one]
    key = next((key for key in main if key in known), known[0])
    return {key: metrics[key]["value"]}


def verdict(names: Sequence[str], figures: Sequence[Mapping[str, float]]) -> str:
    """The figures side by side, the mean's last, and whether it is any good.

    Example:
        >>> print(verdict(["a", "b", "ab"], [{"accuracy": 90}, {"accuracy": 91}, {"accuracy": 50}]))
        accuracy on validation examples, higher is better: a 90.00 %, b 91.00 %; of the mean 50.00 %
        The mean is worse than all of them: they began apart, or went too far from each other.
    """
    from zoo.metric_info import of_card

    [key] = figures[-1]
    info = of_card({}, key)
    each = [f"{name} {info.text(one[key])}" for name, one in zip(names, figures, strict=True)]
    better = "higher" if info.higher_is_better else "lower"
    said = (
        f"{info.name} on validation examples, {better} is better: {', '.join(each[:-1])}; "
        f"of the mean {info.text(figures[-1][key])}"
    )
    sign = 1 if info.higher_is_better else -1
    values = [sign * one[key] for one in figures]
    if values[-1] < min(values[:-1]):
        said += (
            "\nThe mean is worse than all of them: they began apart, or went too far from each "
            "other."
        )
    return said


if __name__ == "__main__":
    app()
