"""Where a run begins that goes on from a trained model: fine-tuning, or training for longer.

Weights, tokenizers, architecture and hyper-parameters are the model's; only its dropout may change.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training import paths
from zoo import adapters, registry, saving, shipped
from zoo.adapters import Adapter
from zoo.class_inputs import TextInput
from zoo.configs.base import renamed
from zoo.normalizer import Normalizer
from zoo.pretrained import sources
from zoo.pretrained.base import PretrainedError, sum_of

if TYPE_CHECKING:
    from training.config import TrainConfig
    from training.tasks.base import Task

OWN = ("format", "kind", "name", "task", "model", "preset", "hyperparameters", "adapter")
"""Entries of config.json that a new model has of its own; all others it takes over."""


@dataclass(frozen=True)
class Start:
    """A trained model that a run begins from.

    Args:
        name: what it is called.
        weights: SHA-256 of its file of weights.
        config: its config.json.
        hyperparameters: a dataclass of `zoo.registry`.
        tokenizers: of "source" and "target", with the normalizers of their texts, or of "text"; of
            a classifier its "input".
        arrays: its weights by name.
        longest: the most tokens of a source and of a target; None of a language model.
        minutes: of a processor that it was trained for in all; None where its card does not say.
        adapter: what is trained of it, where that is not all.
        headless: what it was trained to say is not among its weights: a task's classes get a head
            of their own.
    """

    name: str
    weights: str
    config: dict[str, Any]
    hyperparameters: Any
    tokenizers: dict[str, Any]
    arrays: dict[str, np.ndarray]
    longest: tuple[int, int] | None
    minutes: float | None = None
    adapter: Adapter | None = None
    headless: bool = False

    @property
    def free(self) -> tuple[str, ...]:
        """Hyper-parameters that a run may change."""
        # Coverage is a weight more, 0 at first: See et al. 2017 add it to a trained network.
        without = getattr(self.hyperparameters, "coverage", None) is False
        more = ("pooling",) * self.headless + ("coverage",) * without
        return ("dropout", *more)

    @property
    def origin(self) -> dict[str, Any]:
        """What a run's settings and its card say of this model."""
        found = {"name": self.name, "weights": self.weights}
        # Earlier versions scaled these embeddings: their checkpoints are of another network.
        if getattr(self.hyperparameters, "scaled_embedding", True):
            return found
        return {**found, "scaled_embedding": False}

    def configured(self, asked: TrainConfig) -> TrainConfig:
        """The settings of a run that were `asked` for, with those that are this model's.

        Raises:
            ValueError: another architecture, size or hyper-parameter was asked for.
        """
        given = {key: self.config.get(key) or "custom" for key in ("model", "preset")}
        for key, own in given.items():
            if getattr(asked, key) not in (None, own):
                raise ValueError(
                    f"--start-from {self.name} is a {' '.join(given.values())}: leave out --{key}. "
                    f"Received: --{key} {getattr(asked, key)}"
                )
        own = asdict(self.hyperparameters)
        override = renamed(type(self.hyperparameters), asked.override)
        for name, value in override.items():
            if name not in self.free and own.get(name) != value:
                has = f"has {name}={own[name]}" if name in own else f"knows no {name}"
                raise ValueError(
                    f"--start-from {self.name} {has}, and only its {' and '.join(self.free)} may "
                    "change. "
                    f"Received: --set {name}={value}"
                )
        size = getattr(next(reversed(self.tokenizers.values())), "size", 0)
        if asked.vocabulary not in (0, size):
            raise ValueError(
                f"--start-from {self.name} has a vocabulary of {size} tokens. "
                f"Received: --vocabulary {asked.vocabulary}"
            )
        self.changed(override)  # a dropout that is none
        return asked.changed(**given, override=override)

    def changed(self, override: dict[str, Any]) -> Any:
        """The hyper-parameters, with those of `override` that may change."""
        other = {name: override[name] for name in self.free if name in override}
        kept = registry.make_config(
            type(self.hyperparameters), asdict(self.hyperparameters) | other
        )
        return replace(self.hyperparameters, **{name: getattr(kept, name) for name in other})

    def inherited(self) -> dict[str, Any]:
        """What a new config.json takes over: tokenizers, lengths, how text is prepared."""
        return {key: value for key, value in self.config.items() if key not in OWN}

    def fit(self, task: Task) -> None:
        """Let `task` give pairs as long as the model reads and writes, and no longer."""
        if self.longest:
            task.max_source_length, task.max_target_length = self.longest

    def draws(self) -> bool:
        """Whether its tokenizers know several ways to cut a word."""
        try:
            return all(tokenizer.ways("a", 1) for tokenizer in self.tokenizers.values())
        except RuntimeError:  # SentencePiece: not a unigram model
            return False


def read(config: TrainConfig, out: Path) -> Start:
    """The model that a run begins from which writes to `out`.

    It is a model of the zoo, by name or folder, or one that others trained (`zoo.pretrained`). A
    folder may also be named without a path separator, if no shipped model has that name.

    Raises:
        ValueError: no such model, a damaged one, or `out` is its folder.
    """
    from zoo.loading import load

    name = str(config.start_from)
    if name not in shipped.names() and sources.is_name(name):
        return _pretrained(config, name)
    try:
        loaded = load(folder(name))
    except saving.ModelFolderError as error:
        raise ValueError(f"--start-from: {error}") from error
    if loaded.path.resolve() == out.resolve():
        raise ValueError(
            f"--start-from and --out are one folder, {out}, and the model would be overwritten. "
            "Choose another --out"
        )
    entry = registry.architecture(loaded.config["model"], loaded.config["kind"])
    if entry.floor:
        how = "counted" if entry.counted else "computed"
        raise ValueError(
            f"--start-from {loaded.name} was {how} and not trained: it has no weights to begin from"
        )
    adapter = adapters.read(loaded.config)
    if adapter and config.adapt != "full":
        raise ValueError(
            f"--start-from {loaded.name} is an adapter itself: --adapt {config.adapt} is for "
            f"its base, {adapter.base}, or a whole model; --adapt full continues from both"
        )
    tokenizers, longest = _tokenizers(loaded)
    weights = sum_of(loaded.path / saving.WEIGHTS)
    if config.adapt != "full" and loaded.name not in shipped.names():
        raise ValueError(
            f"an adapter needs its base again, by name: --adapt {config.adapt} is for shipped and "
            f"pre-trained models. Received: --start-from {paths.shown(name)}"
        )
    return Start(
        name=loaded.name,
        weights=weights,
        config=loaded.config,
        hyperparameters=loaded.model.config,
        tokenizers=tokenizers,
        arrays=whole(loaded),
        longest=longest,
        minutes=trained(loaded.card),
        adapter=_adapter(config, loaded.name, weights),
    )


def whole(loaded: Any) -> dict[str, np.ndarray]:
    """All weights of a loaded model by name, those of an adapter merged with its base's."""
    arrays, adapter = saving.weight_arrays(loaded.model), adapters.read(loaded.config)
    return adapters.merged(arrays, adapter) if adapter else arrays


def folder(name: str) -> str | Path:
    """A shipped model's name as it is, and any other folder that is there as its path."""
    path = Path(name).expanduser()
    return path if name not in shipped.names() and path.is_dir() else name


def _pretrained(config: TrainConfig, name: str) -> Start:
    """Weights that others trained, without what they were trained to say."""
    try:
        base = sources.find(name)
        if config.adapt != "full" and name.startswith(sources.ELSEWHERE):
            raise PretrainedError(
                f"an adapter needs its base again, by name: put the folder into the one that "
                f"{sources.PLACE} names"
            )
        entry = registry.architecture(base.model, base.kind)
        headless = base.kind == "classifier"
        decided = {"classes": 2} if headless else {}
        sizes = registry.make_config(entry.config, {**base.sizes, **decided})
        arrays, tokenizer, sha256 = base.arrays(), base.tokenizer, base.sha256
    except ValueError as error:
        raise ValueError(f"--start-from {name}: {error}") from None
    known: dict[str, Any] = {"kind": base.kind, "model": base.model, "preset": base.name}
    if headless:
        reader = TextInput(tokenizer, Normalizer(base.normalizer), sizes.max_length)
        tokenizers: dict[str, Any] = {"input": reader}
    else:
        tokenizers = {"text": tokenizer}
        known |= {"tokenizers": {"text": f"tokenizer{tokenizer.suffix}"}, "unit": tokenizer.unit}
    return Start(
        name=base.name,
        weights=sha256,
        config=known,
        hyperparameters=sizes,
        tokenizers=tokenizers,
        arrays=arrays,
        longest=None,
        adapter=_adapter(config, base.name, sha256),
        headless=headless,
    )


def _adapter(config: TrainConfig, base: str, weights: str) -> Adapter | None:
    if config.adapt == "full":
        return None
    if config.adapt == "head":
        return Adapter("head", base, weights)
    sizes = {"rank": config.lora_rank, "alpha": config.lora_alpha, "layers": config.lora_layers}
    return Adapter("lora", base, weights, **sizes)


def _tokenizers(loaded: Any) -> tuple[dict[str, Any], tuple[int, int] | None]:
    if loaded.config["kind"] == "language_model":
        return {"text": loaded.tokenizer}, None
    if loaded.config["kind"] == "forecaster":
        return {"scaler": loaded.scaler}, None
    if loaded.config["kind"] == "classifier":
        return {"input": loaded.reader}, None
    tokenizers = {"source": loaded.source_tokenizer, "target": loaded.target_tokenizer}
    return tokenizers, (loaded.max_source_length, loaded.max_target_length)


def trained(card: dict[str, Any]) -> float | None:
    """Processor minutes that a model was trained for, what it began from included."""
    training = card.get("training")
    if not isinstance(training, dict):
        return None
    minutes = training.get("total_cpu_minutes", training.get("cpu_minutes"))
    return float(minutes) if isinstance(minutes, int | float) else None
