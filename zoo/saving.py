"""A model as a folder of plain data: JSON, half-precision weights, SentencePiece files. No code.

Reading one runs nothing from it: weights are safetensors, everything else is JSON or a protocol
buffer, and names and shapes are checked against what the registry builds.
"""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import adapters, registry
from zoo.adapters import Adapter
from zoo.building import build
from zoo.checks import Checks
from zoo.normalizer import Normalizer

if TYPE_CHECKING:
    from zoo.kinds.base import Network

FORMAT = 2
"""Since 2 a folder names its kind; in format 1 all are `seq2seq`."""
WEIGHTS = "weights.safetensors"
TABLES = "tables.safetensors"
"""What a counted model has instead of weights."""
REQUIRED = ("format", "kind", "name", "task", "model", "hyperparameters", "tokenizers")


class ModelFolderError(ValueError):
    """A model folder is missing, damaged, or not one of ours; the message says which and why."""


class MissingTablesError(ModelFolderError):
    """A counted model's tables are not there, and can be counted from the corpus."""


def write_aside(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write `data` beside `path`, flush it to disk, then rename: never half a file.

    Given in parts, it is never in memory as a whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o644)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any, *, indent: int | None = 1) -> None:
    """`value` as UTF-8 JSON, indented, or on one line with `indent=None`, written aside."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    write_aside(path, f"{text}\n".encode())


def read_json(path: Path) -> Any:
    """The JSON in `path`. Raises ModelFolderError when it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelFolderError(f"{path.parent} has no {path.name}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFolderError(f"{path} cannot be read as JSON: {error}") from error


def named_weights(network: Network) -> dict[str, Any]:
    """Every weight of `network` by the names of the layers that lead to it: `decoder_0/cross/...`.

    Keras's own `weight.path` will not do: it names the layers that were being called when the
    weight was made, so the same layer of every decoder block may be called alike.

    Raises:
        ValueError: two weights have the same name.
    """
    found: dict[str, Any] = {}
    seen: set[int] = set()
    weights = set(map(id, network.weights))

    def walk(layer: Any, prefix: str) -> None:
        seen.add(id(layer))
        for weight in [*layer._trainable_variables, *layer._non_trainable_variables]:
            if id(weight) not in weights:
                continue  # a state of training, as those of dropout
            name = f"{prefix}{weight.name}"
            if name in found:
                raise ValueError(f"Two weights of {network.name} are called {name}")
            found[name] = weight
        for inner in layer._flatten_layers(include_self=False, recursive=False):
            if id(inner) not in seen:  # a shared embedding is in two places
                walk(inner, f"{prefix}{inner.name}/")

    walk(network, "")
    if len(found) != len(network.weights):
        raise ValueError(f"{network.name} has {len(network.weights)} weights, {len(found)} named")
    return found


def weight_arrays(network: Network) -> dict[str, np.ndarray]:
    """The value of every weight of `network` by name, as NumPy arrays."""
    return {name: np.asarray(weight) for name, weight in named_weights(network).items()}


def set_weight_arrays(network: Network, arrays: Mapping[str, np.ndarray]) -> None:
    """Give `network` the weights in `arrays`. Raises ModelFolderError as `check_weight_arrays`."""
    for name, weight in check_weight_arrays(network, arrays).items():
        weight.assign(arrays[name].astype("float32"))


def check_weight_arrays(network: Network, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The weights of `network` by name, which those in `arrays` fit.

    Raises:
        ModelFolderError: names or shapes are not those of the network, or a value is not finite.
    """
    wanted = named_weights(network)
    if odd := sorted(set(wanted) ^ set(arrays)):
        raise ModelFolderError(
            f"The weights do not belong to this model: {odd[0]} is in one but not the other"
        )
    for name, weight in wanted.items():
        array = arrays[name]
        if tuple(array.shape) != tuple(weight.shape):
            raise ModelFolderError(
                f"Weight {name} should have shape {tuple(weight.shape)}. "
                f"Received: shape {tuple(array.shape)}"
            )
        if not np.isfinite(array).all():
            raise ModelFolderError(f"Weight {name} holds values that are not finite")
    return wanted


def pack_weights(arrays: dict[str, np.ndarray]) -> bytes:
    """`arrays` in half precision, as the bytes of a safetensors file.

    Raises:
        ValueError: a value is not finite, or too large for half precision.
    """
    from safetensors.numpy import save

    most = np.finfo("float16").max
    for name, array in arrays.items():
        if not (np.abs(array) <= most).all():
            raise ValueError(f"Weight {name} holds values beyond half precision, {most:.0f}")
    # In C's order: of an array that lies otherwise safetensors would write the numbers as they lie.
    halved = ((name, np.asarray(a).astype("float16", order="C")) for name, a in arrays.items())
    return save(dict(sorted(halved)))


def save_folder(
    path: str | Path,
    arrays: dict[str, np.ndarray],
    config: dict[str, Any],
    tokenizers: Mapping[str, Any],
) -> None:
    """Write a loadable model folder; one that is there has its files replaced one by one.

    Args:
        path: the folder.
        arrays: weights by name, from `weight_arrays`.
        config: what `model_config` gives.
        tokenizers: objects with `bytes`, by file name as `config["tokenizers"]` has it.
    """
    folder = Path(path)
    for file, tokenizer in tokenizers.items():
        write_aside(folder / file, tokenizer.bytes)
    write_json(folder / "config.json", config)
    write_aside(folder / WEIGHTS, pack_weights(arrays))


def save_tables(
    path: str | Path, tables: Any, config: dict[str, Any], tokenizers: Mapping[str, Any]
) -> None:
    """Write the folder of a counted model; as `save_folder`, with tables in place of weights."""
    folder = Path(path)
    for file, tokenizer in tokenizers.items():
        write_aside(folder / file, tokenizer.bytes)
    write_json(folder / "config.json", config)
    write_tables(folder, tables)


def write_tables(folder: Path, tables: Any) -> None:
    """Write the arrays of `tables` beside a model's config.json."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in tables.arrays().items()}
    write_aside(folder / TABLES, save(arrays))


def model_config(
    *,
    name: str,
    task: str,
    model: str,
    preset: str,
    network: Network,
    kind: str = "seq2seq",
    **rest: Any,
) -> dict[str, Any]:
    """The content of `config.json`."""
    return {
        "format": FORMAT,
        "kind": kind,
        "name": name,
        "task": task,
        "model": model,
        "preset": preset,
        "hyperparameters": asdict(network.config),
        **rest,
    }


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json`, checked. Raises ModelFolderError with the field that is wrong."""
    try:
        found = folder.is_dir()
    except OSError:  # a name that is too long for a file
        found = False
    if not found:
        raise ModelFolderError(f"There is no model folder {str(folder)[:200]}")
    config = read_json(folder / "config.json")
    if isinstance(config, dict) and config.get("format") == 1:
        config = {"kind": "seq2seq", **config, "format": FORMAT}
    missing = [key for key in REQUIRED if not isinstance(config, dict) or key not in config]
    if missing and (folder / "model.bin").is_file():
        raise ModelFolderError(
            f"{folder} is an export for CTranslate2, which ctranslate2.Translator opens: the "
            "README.md there has an example"
        )
    if missing:
        raise ModelFolderError(f"{folder / 'config.json'} lacks {missing[0]!r}")
    if config["format"] != FORMAT:
        raise ModelFolderError(
            f"{folder} has format {config['format']!r}; this version reads formats 1 and {FORMAT}"
        )
    if not isinstance(config["hyperparameters"], dict):
        raise ModelFolderError(f"{folder / 'config.json'} must name the hyper-parameters' values")
    for name in ("max_source_length", "max_target_length"):
        value = config.get(name, 1)
        if not isinstance(value, int) or value < 1:
            raise ModelFolderError(f"{folder / 'config.json'}: {name} is {value!r}, not a length")
    if not isinstance(config["kind"], str) or config["kind"] not in registry.KINDS:
        raise ModelFolderError(
            f"{folder / 'config.json'}: kind must be one of {', '.join(registry.KINDS)}. "
            f"Received: {str(config['kind'])[:80]!r}"
        )
    kind = registry.KINDS[config["kind"]]
    sides, endings = kind.tokenizers, kind.files
    files = config["tokenizers"]
    if not isinstance(files, dict) or not set(sides) <= set(files):
        raise ModelFolderError(f"{folder / 'config.json'} must name tokenizers: {', '.join(sides)}")
    for file in files.values():
        # A folder from a stranger must not make us read elsewhere.
        if not isinstance(file, str) or Path(file).name != file or not file.endswith(endings):
            raise ModelFolderError(
                f"A tokenizer must be a {' or '.join(endings)} file beside it. Got: {file!r}"
            )
    read_normalizers(folder, config)
    try:
        Checks(config.get("checks"))
        adapters.read(config)
    except ValueError as error:
        raise ModelFolderError(f"{folder / 'config.json'}: {error}") from error
    read_hyperparameters(folder, config)
    return config


def read_normalizers(folder: Path, config: dict[str, Any]) -> dict[str, Normalizer]:
    """How each side's text is prepared, checked; a side that is not named is left as it is."""
    given = config.get("normalizers", {})
    if not isinstance(given, dict) or not all(isinstance(v, list) for v in given.values()):
        raise ModelFolderError(f"{folder / 'config.json'}: normalizers must be a list for a side")
    try:
        return {side: Normalizer(given.get(side, ())) for side in ("source", "target")}
    except ValueError as error:
        raise ModelFolderError(f"{folder / 'config.json'}: {error}") from error


def read_hyperparameters(folder: Path, config: dict[str, Any]) -> Any:
    """The network's hyper-parameters, checked by name and type."""
    try:
        found = registry.architecture(config["model"], config["kind"])
        return registry.make_config(found.config, adapters.hyperparameters(config))
    except (ValueError, TypeError) as error:
        raise ModelFolderError(f"{folder / 'config.json'}: {error}") from error


def read_card(folder: Path) -> dict[str, Any]:
    """`card.json`, {} when there is none."""
    path = folder / "card.json"
    card = read_json(path) if path.exists() else {}
    if not isinstance(card, dict):
        raise ModelFolderError(f"{path} must hold an object")
    return card


def read_weights(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a folder's weights file by name, as they are kept. Raises ModelFolderError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load((folder / WEIGHTS).read_bytes())
    except FileNotFoundError as error:
        raise ModelFolderError(f"{folder} has no {WEIGHTS}") from error
    except (OSError, SafetensorError) as error:
        raise ModelFolderError(f"{folder / WEIGHTS} is damaged: {error}") from error
    except (KeyError, TypeError) as error:  # number types that NumPy has not
        raise ModelFolderError(f"{folder / WEIGHTS} must hold half precision: {error}") from error


def read_network(folder: Path, config: dict[str, Any]) -> Network:
    """Build the network that `config` describes and give it the folder's weights.

    An adapter's base is found by its name.
    """
    arrays = read_weights(folder)
    hyperparameters = read_hyperparameters(folder, config)
    adapter = adapters.read(config)
    if adapter:
        arrays = {**base_arrays(folder.name, adapter), **arrays}
    try:
        network = build(config["model"], hyperparameters, kind=config["kind"], adapter=adapter)
    except ValueError as error:  # sizes that do not go together
        raise ModelFolderError(f"{folder / 'config.json'}: {error}") from error
    set_weight_arrays(network, arrays)
    return network


def base_arrays(name: str, adapter: Adapter) -> dict[str, np.ndarray]:
    """The weights that the adapter of the model `name` was trained beside, but for a head.

    Raises:
        ModelFolderError: the base is not there, or has other weights than those.
    """
    from zoo import shipped
    from zoo.pretrained import sources
    from zoo.pretrained.base import PretrainedError, sum_of

    try:
        if adapter.base in shipped.folders():
            folder = shipped.saved_models_path() / adapter.base
            found, arrays = sum_of(folder / WEIGHTS), functools.partial(read_weights, folder)
        else:
            # A config.json from a stranger must not make us read any folder.
            if adapter.base.startswith(sources.ELSEWHERE):
                raise PretrainedError(f"its name must be that of a folder in {sources.PLACE}")
            base = sources.find(adapter.base)
            found, arrays = base.sha256, base.arrays
    except (PretrainedError, OSError) as error:
        raise ModelFolderError(f"{name} is an adapter for {adapter.base}: {error}") from error
    if found != adapter.sha256:
        raise ModelFolderError(
            f"{name} is an adapter for weights of {adapter.base} with the SHA-256 "
            f"{adapter.sha256[:12]}..., and those here have {found[:12]}..."
        )
    head = f"{adapters.HEAD}/"
    return {key: array for key, array in arrays().items() if not key.startswith(head)}


def read_tables(folder: Path, config: dict[str, Any]) -> Any:
    """The tables of a counted model.

    Raises:
        MissingTablesError: they were not passed on; `training.counting.rebuild` makes them.
        ModelFolderError: they are damaged, or not those of the config.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    from zoo.models.ngram import KneserNey

    path = folder / TABLES
    try:
        found = KneserNey.from_arrays(load(path.read_bytes()))
    except FileNotFoundError as error:
        raise MissingTablesError(
            f"{folder.name} is counted from its corpus, which is not passed on: "
            f"python -m training.evaluate {folder.name} counts it here"
        ) from error
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelFolderError(f"{path} is damaged: {error}") from error
    wanted = config["hyperparameters"]
    if (found.vocabulary, found.order) != (wanted.get("vocabulary"), wanted.get("order")):
        raise ModelFolderError(f"{path} holds other tables than config.json says")
    return found
