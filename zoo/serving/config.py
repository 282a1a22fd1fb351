"""What is served and how: one YAML file, each setting a checked field of a dataclass.

`python -m zoo.serving --settings` prints all of them with their defaults.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo import yaml_files
from zoo.configs.base import Range, check


def option(
    default: Any,
    help: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[Any, ...] = (),
) -> Any:
    """A setting with its default, what it is, and the values it may have."""
    allowed = Range(least, most, None, choices)
    return field(default=default, metadata={"range": allowed, "help": help})


@dataclass(frozen=True)
class ModelConfig:
    """Settings of one served model; each field says what it is in its `help`.

    Raises:
        ValueError: a value of another type, or outside its range.

    Example:
        >>> ModelConfig(min_replicas=2, max_replicas=1)
        Traceback (most recent call last):
        ValueError: max_replicas must be at least min_replicas, 2. Received: max_replicas=1
    """

    path: str = option("", 'A model folder; "": the shipped model of that name.')
    runtime: str = option("litert", "What computes.", choices=("litert", "keras"))
    precision: str = option("float32", "Of LiteRT's weights.", choices=("float32", "int8"))
    min_replicas: int = option(1, "Processes that always run.", least=1, most=1000)
    max_replicas: int = option(1, "Processes under load; more than min: autoscaling.", least=1)
    target_ongoing_requests: float = option(
        8.0, "Requests at work on a replica, by which it is scaled.", least=0.1
    )
    upscale_delay_s: float = option(5.0, "Seconds of load before replicas are added.", least=0)
    downscale_delay_s: float = option(300.0, "Seconds of calm before they are taken.", least=0)
    max_ongoing_requests: int = option(32, "Requests at work on one replica.", least=1)
    max_queued_requests: int = option(
        64, "Requests of one gateway that wait for a replica; more are refused with 503.", least=0
    )
    batch_rows: int = option(32, "Rows computed together; longer requests are cut.", least=1)
    batch_wait_s: float = option(0.002, "How long a batch waits for more rows.", least=0, most=1)
    threads: int = option(1, "Processor threads of one replica.", least=1)
    cpus: float = option(
        0.05, "Cores that Ray reserves for one replica, when it places it.", least=0
    )

    def __post_init__(self) -> None:
        _check(self)
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas must be at least min_replicas, {self.min_replicas}. "
                f"Received: max_replicas={self.max_replicas}"
            )

    @property
    def most_requests(self) -> int:
        """How many requests a gateway has under way at most, at work and waiting."""
        return self.max_replicas * self.max_ongoing_requests + self.max_queued_requests


@dataclass(frozen=True)
class ServeConfig:
    """Settings of the service.

    `models`: those served, by name; None: all that there are, with `default_model`.

    Raises:
        ValueError: a value of another type, or outside its range.
    """

    host: str = option("127.0.0.1", "Where the gateway listens; 0.0.0.0: on every network.")
    port: int = option(8000, "0: any that is free.", least=0, most=65535)
    max_body_bytes: int = option(1_000_000, "Of a request; more is refused with 413.", least=100)
    max_rows: int = option(256, "Of a request; more are refused with 413.", least=1)
    max_requests: int = option(512, "At work in one gateway, of all models.", least=1)
    body_timeout_s: float = option(10.0, "Seconds that a client has to send its body.", least=0.1)
    request_timeout_s: float = option(60.0, "Seconds until a request ends with 504.", least=0.1)
    retry_after_s: int = option(1, "What a 503 tells its client to wait.", least=1, most=3600)
    health_check_period_s: float = option(2.0, "Seconds between looks at a replica.", least=0.5)
    stop_timeout_s: float = option(30.0, "Seconds for requests under way at the end.", least=0)
    models: Mapping[str, ModelConfig] | None = None
    default_model: ModelConfig = field(default_factory=ModelConfig)

    def __post_init__(self) -> None:
        _check(self)


def _check(config: Any) -> None:
    for one in dataclasses.fields(config):
        if "range" in one.metadata:
            check(one, getattr(config, one.name))


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def make(values: Mapping[str, Any]) -> ServeConfig:
    """Settings from plain values, as the YAML file has them.

    `defaults` are settings of every model; `models` maps a name to settings of its own, or to
    nothing. Without `models` all shipped models are served that their runtime can load.

    Raises:
        ValueError: an unknown setting, or a value of another type or outside its range.

    Example:
        >>> made = make({"defaults": {"threads": 2}, "models": {"dates-lstm": {"max_replicas": 3}}})
        >>> made.models["dates-lstm"].threads, made.models["dates-lstm"].max_replicas
        (2, 3)
        >>> make({"modles": {}})
        Traceback (most recent call last):
        ValueError: unknown setting 'modles'; there are host, port, ..., models, defaults
    """
    values = dict(values)
    defaults = _mapping("defaults", values.pop("defaults", None))
    default = _made(ModelConfig, defaults, "defaults: ")
    models = values.pop("models", None)
    made = None
    if models is not None:
        if isinstance(models, list):
            models = dict.fromkeys(map(str, models))
        made = {}
        for name, own in _mapping("models", models).items():
            if not NAME.fullmatch(name):
                raise ValueError(
                    "models: a name has letters, digits, '-', '_' and '.' only. "
                    f"Received: {name[:80]!r}"
                )
            own = _mapping(f"models: {name}", own)
            made[name] = _made(ModelConfig, {**defaults, **own}, f"models: {name}: ")
        if not made:
            raise ValueError("models: names no model; leave it out to serve all shipped ones")
    config = _made(ServeConfig, values, "", further=("models", "defaults"))
    return dataclasses.replace(config, models=made, default_model=default)


def _mapping(what: str, value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{what} must hold names with values. Received: {str(value)[:80]!r}")
    return dict(value)


def _made(kind: type, values: Mapping[str, Any], where: str, further: tuple[str, ...] = ()) -> Any:
    known = [one.name for one in dataclasses.fields(kind) if "range" in one.metadata]
    if odd := [name for name in values if name not in known]:
        listed = ", ".join([*known, *further])
        raise ValueError(f"{where}unknown setting {odd[0][:80]!r}; there are {listed}")
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None


def read(path: Path) -> dict[str, Any]:
    """The plain values of a YAML file.

    Raises:
        ValueError: no such file, no YAML, or no settings in it.
    """
    found = yaml_files.read(path)
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise ValueError(f"{path} holds no settings")
    return dict(found)


def described() -> str:
    """All settings with their defaults and what they are, as a YAML file."""

    def lines(kind: type, indent: str) -> list[str]:
        found = []
        for one in dataclasses.fields(kind):
            if "range" not in one.metadata:
                continue
            value = f'"{one.default}"' if isinstance(one.default, str) else one.default
            limits = str(one.metadata["range"])
            said = one.metadata["help"] + (f" ({limits})" if limits else "")
            found.append(f"{indent}{one.name}: {value}  # {said}")
        return found

    return "\n".join(
        [
            *lines(ServeConfig, ""),
            "defaults:  # of every model; each may have its own below",
            *lines(ModelConfig, "  "),
            "# models:  # without it: all shipped models that their runtime can load",
            "#   en-es-transformer: {max_replicas: 4}",
            "#   mine: {path: runs/mine}",
            "",
        ]
    )
