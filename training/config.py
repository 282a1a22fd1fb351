"""What a run of training is asked to do: one dataclass, of which every option is a field.

`python -m training.train --help` is made from it, a run's folder keeps it as config.yaml, and
`--config runs/x/config.yaml` gives it back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from training import paths
from zoo import adapters, yaml_files
from zoo.configs.base import Range

FILE = "config.yaml"
"""What a run's settings are called in its folder."""


def option(
    default: Any = dataclasses.MISSING,
    *,
    help: str,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
    flag: str = "",
    learned: bool = True,
) -> Any:
    """A setting with its default, what it is, and the values it may have.

    Args:
        default: its value where none is given; none: it has to be given.
        help: what it is, for `--help`.
        least, most: the smallest and largest number.
        choices: the only values there are.
        flag: the option's name where it is not the field's.
        learned: whether it decides what is learned: such settings may not change when a run goes
            on.
    """
    metadata = {
        "help": help,
        "range": Range(least, most, None, choices),
        "flag": flag,
        "learned": learned,
    }
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TrainConfig:
    """All settings of a run; each field says what it is in its `help`.

    Raises:
        ValueError: a value of another type, or outside its range.

    Example:
        >>> TrainConfig(task="dates", model="lstm", epochs=3).learned()["epochs"]
        3.0
        >>> TrainConfig(task="dates", model="lstm", batch_tokens=0)
        Traceback (most recent call last):
        ValueError: batch_tokens must be an int, at least 1. Received: batch_tokens=0
    """

    task: str = option(
        help="What to learn: dates, tatoeba/en-es, tsv:PATH, shakespeare, text:PATH, "
        "text:tfds:NAME, ...; README.md lists all."
    )
    model: str | None = option(None, help="Which network; see zoo/registry.py.")
    preset: str | None = option(
        None, help="Its size: tiny, compact, small, base; by default small."
    )
    start_from: str | None = option(
        None,
        help="Begin from a model, NAME or folder, instead of --model and --preset: its weights, "
        "tokenizers and hyper-parameters; or from weights that others trained: minilm, "
        "hf:FOLDER, keras-hub:PRESET.",
    )
    adapt: str = option(
        "full",
        help="What is trained of the model that --start-from names: full, all of it; lora, "
        "matrices of low rank beside its weights, which stay (Hu et al. 2021), and a classifier's "
        "head; head, that alone.",
        choices=("full", *adapters.WAYS),
    )
    lora_rank: int = option(8, help="Rank of these matrices.", least=1)
    lora_alpha: float = option(16.0, help="Their product is multiplied by this over the rank.")
    lora_layers: str = option(
        "all",
        help="Which layers get them: all, attention or feed-forward.",
        choices=tuple(adapters.PARTS),
    )
    teacher: str | None = option(
        None,
        help="Classifiers, NAME or folder, several with commas, whose probabilities are learned "
        "beside the labels: distillation (Hinton et al. 2015).",
    )
    teacher_weight: float = option(
        0.5, help="Of the teachers' probabilities; the labels have the rest.", least=0, most=1
    )
    out: Path | None = option(  # noqa: RUF009
        None,
        help="Where the model goes; by default runs/TASK-MODEL-PRESET, or runs/TASK-from-NAME.",
        learned=False,
    )
    epochs: float = option(10.0, help="Passes over the data, unless --steps is given.", least=0)
    steps: int = option(0, help="Optimizer steps; 0: as many as --epochs makes.", least=0)
    batch_tokens: int = option(2048, help="Target (and source) tokens a batch.", least=1)
    optimizer: str = option(
        "adam",
        help="adam, or sgd: plain steps down the gradient, for recurrent language models, with a "
        "--learning-rate about 20 and a --clip of 0.25.",
        choices=("adam", "sgd"),
    )
    learning_rate: float = option(2e-3, help="At its peak, after the warm-up.")
    layer_decay: float = option(
        1.0,
        help="The learning rate of each block is so many times that of the block above: with 0.8 "
        "fine-tuning changes what reads words least. 1: one rate for all.",
        least=0,
        most=1,
    )
    warmup: int = option(400, help="Steps of linear warm-up, at most a quarter of all.", least=0)
    smoothing: float | None = option(
        None,
        help="Label smoothing; by default 0.1 for pairs of texts, 0 for language models.",
        least=0,
        most=1,
    )
    clip: float = option(1.0, help="Largest norm of the gradient.")
    averaging: float = option(
        0.999, help="Decay of the weights' average; 0: none.", least=0, most=1
    )
    dropout: float | None = option(None, help="Overrides the preset's.")
    noise: float = option(
        0.0, help="Share of the tokens read that are made unreadable.", least=0, most=1
    )
    augment: float = option(
        0.0,
        help="Shift, turn and stretch images, or shift, stretch and scale series and add noise, in "
        "every epoch anew: 1 by up to 8 % of their side or length, 12 degrees and 10 %; 0: not.",
        least=0,
    )
    subword_regularization: float = option(
        0.0,
        help="Cut texts into other sub-words in every epoch: 1 as likely as they are, 0.2 far more "
        "freely; 0: never.",
        least=0,
    )
    exchange_numbers: int = option(
        0,
        help="Copies of each pair with numbers, with other numbers on both sides; 0: none.",
        least=0,
    )
    exchange_names: int = option(
        0,
        help="How many pairs to add that are copies with another name, often of letters that the "
        "vocabulary writes as bytes, on both sides; 0: none.",
        least=0,
    )
    window: int = option(
        0,
        help="Tokens that a language model reads at a time; 0: its context, or 128 without one.",
        least=0,
    )
    carry_state: bool = option(
        False,
        help="A recurrent language model begins each window with the state it had at the end of "
        "the one before: a batch is as many places of the text, each of which goes on.",
    )
    lookback: int = option(
        0, help="Steps of a series that a forecaster reads; 0: as the task has it.", least=0
    )
    horizon: int = option(0, help="Steps that it forecasts; 0: as the task has it.", least=0)
    season: int = option(
        0, help="Steps after which a series repeats; 0: as the task has it.", least=0
    )
    time: str | None = option(
        None, help="Column of times of csv:FILE; without it rows are even steps."
    )
    target: str | None = option(
        None, help="Columns of csv:FILE to forecast, with commas; by default all but the times."
    )
    missing: str | None = option(
        None,
        help="Missing values of a series: refuse, previous (repeat the one before), or as "
        "published (left in, as figures in papers have it).",
        choices=("refuse", "previous", "as published"),
    )
    protocol: str = option(
        "exact",
        help="exact, or literature: series as published figures have them, with sentinels left in "
        "and the last incomplete test batch left out.",
        choices=("exact", "literature"),
    )
    vocabulary: int = option(0, help="Sub-words of the tokenizer; 0: as the task has it.", least=0)
    weight_decay: float = option(0.0, help="Of every matrix, times the learning rate.", least=0)
    override: dict[str, Any] = option(  # noqa: RUF009
        {},
        help="Another hyper-parameter: --set hidden_size=192 --set positions=learned.",
        flag="--set",
    )
    validate_every: int = option(0, help="Steps between validations; 0: one epoch.", least=0)
    validate_on: int = option(
        500,
        help="How many validation examples to decode, or windows to read, spread over the text.",
        least=1,
    )
    validate_with: str = option(
        "auto",
        help="What decodes them: litert, which takes less memory and time, or keras; auto: litert "
        "where it is installed and the processor trains.",
        choices=("auto", "litert", "keras"),
    )
    keep: str = option(
        "best",
        help="Which weights to keep: the best on the validation side, or the last, where that side "
        "does not show what is learned.",
        choices=("best", "last"),
    )
    patience: int = option(
        8,
        help="Stop after so many validations without a better one; 0: never.",
        least=0,
        learned=False,
    )
    checkpoint_every: int = option(200, help="Steps between checkpoints.", least=1, learned=False)
    limit: int = option(0, help="Use only so many training pairs, or tokens; 0: all.", least=0)
    threads: int = option(0, help="CPU threads; 0: all cores.", least=0)
    precision: str = option(
        "auto",
        help="float32 or mixed_bfloat16; auto: the latter where the device has it.",
        choices=("auto", "float32", "mixed_bfloat16"),
    )
    seed: int = option(1, help="Of weights, dropout and the order of the data.", least=0)
    fresh: bool = option(False, help="Forget an earlier run in the same folder.", learned=False)
    devices: int = option(
        0, help="Of this machine; 0: all accelerators, or one CPU.", least=0, learned=False
    )
    processes: int = option(
        1,
        help="How many processes train together, one a machine; see docs/scale.md.",
        least=1,
        learned=False,
    )
    process: int | None = option(
        None, help="Which of them this is, from 0 on.", least=0, learned=False
    )
    coordinator: str | None = option(
        None, help="HOST:PORT where process 0 is to be found.", learned=False
    )
    distributed: bool = option(
        False, help="Take these three from Cloud TPU, Slurm or Open MPI.", learned=False
    )

    def __post_init__(self) -> None:
        hints = types()
        for one in fields(self):
            value = _checked(one, hints[one.name], getattr(self, one.name))
            object.__setattr__(self, one.name, value)
        if self.dropout is not None:
            object.__setattr__(self, "override", {**self.override, "dropout": self.dropout})

    def learned(self) -> dict[str, Any]:
        """The settings that decide what is learned, as JSON: a run goes on only with the same.

        Without folders of this machine.
        """
        kept = {
            one.name: getattr(self, one.name) for one in fields(self) if one.metadata["learned"]
        }
        kept["task"] = paths.shown(self.task)
        return kept

    def folder(self) -> Path:
        """Where the model goes; its name is the folder's."""
        if self.out:
            return self.out
        how = (
            f"from-{Path(self.start_from).resolve().name}{self._adapted()}"
            if self.start_from
            else f"{self.model}-{self.preset}"
        )
        return Path("runs") / f"{paths.shown(self.task)}-{how}".replace("/", "-")

    def _adapted(self) -> str:
        return "" if self.adapt == "full" else f"-{self.adapt}"

    def changed(self, **values: Any) -> TrainConfig:
        """The same with other values."""
        return replace(self, **values)

    def write(self, folder: Path) -> None:
        """Keep it in a run's folder, to be given back with `--config`.

        Files of a task are named without their folders: give `--task` again where they are not in
        the working folder.
        """
        import yaml

        from zoo.saving import write_aside

        # Where a run takes place and what it forgets is said anew each time.
        left_out = {"out", "fresh", "devices", "processes", "process", "coordinator", "distributed"}
        record = {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in left_out and getattr(self, one.name) is not None
        }
        record = paths.scrubbed(record)
        text = yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
        header = f"# Settings of a run: python -m training.train --config {FILE}\n"
        write_aside(folder / FILE, (header + text).encode())


def types() -> dict[str, Any]:
    """The type of each field of `TrainConfig`."""
    return get_type_hints(TrainConfig)


def read(path: Path) -> dict[str, Any]:
    """The settings in a config.yaml, checked by name.

    Raises:
        ValueError: no such file, no YAML, or a setting that there is not.
    """
    try:
        found = yaml_files.read(path)
    except ValueError as error:
        raise ValueError(f"--config: {error}") from None
    if not isinstance(found, Mapping):
        raise ValueError(f"--config: {path} holds no settings")
    known = types()
    if odd := [str(name) for name in found if name not in known]:
        raise ValueError(
            f"--config: unknown setting {odd[0]!r} in {path}; there are {', '.join(known)}"
        )
    if not isinstance(found.get("override") or {}, Mapping):
        raise ValueError(f"--config: override in {path} holds no names with values")
    return dict(found)


def _checked(one: dataclasses.Field, hint: Any, value: Any) -> Any:
    """The value, an int as a float where one is wanted. Raises ValueError."""
    kinds = get_args(hint) or (hint,)
    if value is None and type(None) in kinds:
        return None
    kind = next(k for k in kinds if k is not type(None))
    kind = getattr(kind, "__origin__", kind)
    if hint == dict[str, Any]:
        kind = dict
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    right = {
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, int | float) and not isinstance(value, bool),
        bool: isinstance(value, bool),
        str: isinstance(value, str),
        dict: isinstance(value, Mapping) and all(isinstance(key, str) for key in value),
    }.get(kind, False)
    allowed = one.metadata["range"]
    if not right or (kind in (int, float, str) and not allowed.holds(value)):
        limits = f", {allowed}" if str(allowed) else ""
        article = "an" if kind is int else "a"
        raise ValueError(
            f"{one.name} must be {article} {kind.__name__}{limits}. Received: {one.name}={value!r}"
        )
    return float(value) if kind is float else value
