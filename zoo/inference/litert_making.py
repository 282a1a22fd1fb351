"""Making the LiteRT graphs of a model: kept on disk, so that it happens once.

TensorFlow converts them in a process of its own, which ends: who answers with them imports neither
TensorFlow nor Keras, whatever the backend. `python -m zoo.inference.litert_making MODEL OUT
PRECISION` is that process.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry
from zoo.inference import litert_folder, litert_template
from zoo.inference.litert_folder import GraphFolder
from zoo.runtime import program_cache
from zoo.runtime.imports import tensorflow_alone
from zoo.runtime.litert import GraphError
from zoo.saving import WEIGHTS, read_weights

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.inference.seq2seq import Seq2SeqPredictor
    from zoo.kinds.base import Network

    Loaded = Seq2SeqPredictor | LanguageModelPredictor

SECONDS = 300
REVISION = 1
"""Of what is converted: raise it where the same weights give other graphs than before."""
_lock = threading.Lock()


def find(folder: Path, config: dict[str, Any], precision: str = "float32") -> GraphFolder:
    """The graphs of the model in `folder`: those kept from before, or made now (seconds).

    Raises:
        GraphError: they cannot be made; the message says why and what to do.
    """
    if why := registry.without_graphs(config):
        raise GraphError(f"{why}: load {folder.name} without runtime='litert'")
    with _lock:
        place = _place(folder, precision)
        again = functools.partial(find, folder, config, precision)
        try:
            found = GraphFolder.read(place)
            os.utime(place / litert_folder.DESCRIPTION)  # used now: what was longest ago goes first
        except (GraphError, OSError):
            if not (precision == "float32" and _filled(folder, place)):
                _make_aside(folder, place, precision)
            found = GraphFolder.read(place)
        return dataclasses.replace(found, again=again)


def _filled(folder: Path, place: Path) -> bool:
    """Fill in the template that lies beside the weights, if there is one for them."""
    path = folder / litert_template.FILE
    if not path.is_file():
        return False
    try:
        arrays = read_weights(folder)
        weights = (folder / WEIGHTS).read_bytes()
        with _aside(place) as aside:
            litert_template.fill(path, weights, arrays, aside)
    except ValueError:  # what is wrong is told when the graphs are made from the weights
        return False
    return True


@contextlib.contextmanager
def _aside(place: Path) -> Iterator[Path]:
    """A folder whose files go to `place` at the end, the description last."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="making-") as aside:
        yield Path(aside)
        place.mkdir(exist_ok=True)
        # Without its description a folder counts as empty.
        for file in sorted(Path(aside).iterdir(), key=lambda path: path.suffix == ".json"):
            os.replace(file, place / file.name)


def make(loaded: Loaded, folder: Path, precision: str = "float32") -> None:
    """Convert the network of a loaded model and write its graphs into `folder`.

    Raises:
        zoo.runtime.litert_conversion.ConversionError: it has no such graphs.
    """
    convert_network(loaded.model, folder, precision, loaded.config["kind"])


def convert_network(
    network: Network, folder: Path, precision: str = "float32", kind: str = "seq2seq"
) -> None:
    """Write the graphs of a network of a kind, trained or not, into `folder`: as `make`."""
    from zoo.runtime.litert_conversion import convert

    every = registry.named(registry.KINDS[kind].graphs)(network)
    made = ((one, convert(network, one.function, one.inputs, precision)) for one in every)
    parameters = int(network.count_params())
    litert_folder.write(folder, made, precision=precision, parameters=parameters)


def template(loaded: Loaded) -> bytes:
    """The template of a model that came from a folder: its float32 graphs without its weights."""
    from zoo.saving import weight_arrays

    with tempfile.TemporaryDirectory() as place:
        make(loaded, Path(place))
        checksum = litert_template.checksum_of((loaded.path / WEIGHTS).read_bytes())
        constants, factors = besides(loaded.config["hyperparameters"])
        arrays = weight_arrays(loaded.model)
        return litert_template.make(Path(place), arrays, checksum, constants, factors)


def besides(sizes: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], list[float]]:
    """Constants and factors of the weights that may be in graphs of a network of these sizes.

    See `litert_template.make`.
    """
    from zoo.layers.positions import sinusoids

    hidden = sizes.get("hidden_size", 1)
    width = sizes.get("embedding_size") or hidden
    # Of embeddings, of the queries of a head, and of those of what is copied.
    factors = [width**0.5, width**0.25, (hidden / sizes.get("heads", 1)) ** -0.5, hidden**-0.5]
    if sizes.get("positions") != "sinusoidal":
        return {}, factors
    return {"sinusoids": sinusoids(sizes["max_length"], sizes["hidden_size"])}, factors


def _place(folder: Path, precision: str) -> Path:
    """Where the graphs of these weights are kept, or would be."""
    found = hashlib.sha256(f"{litert_folder.FORMAT} {REVISION} {precision}".encode())
    for name in ("config.json", WEIGHTS):
        try:
            found.update((folder / name).read_bytes())
        except OSError as error:
            raise GraphError(f"{folder} has no {name} to make graphs of") from error
    kept = program_cache.folder("litert", found.hexdigest()[:20])
    return kept or _not_kept() / found.hexdigest()[:20]


@functools.cache
def _not_kept() -> Path:
    """A folder for this process alone, where nothing may be kept."""
    place = Path(tempfile.mkdtemp(prefix="attention-zoo-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def _make_aside(folder: Path, place: Path, precision: str) -> None:
    """Have the graphs made, and put them in their place when they are complete."""
    if importlib.util.find_spec("tensorflow") is None:
        raise GraphError(
            "LiteRT graphs are made with TensorFlow, which is not installed here: where it is, "
            f"python -m training.export {folder.name} --format litert writes a folder to load"
        )
    with _aside(place) as aside:
        run_apart(__name__, folder.name, str(folder.resolve()), str(aside), precision)


def run_apart(module: str, what: str, *words: str) -> None:
    """Run a module, with these arguments, that makes graphs of `what` in a process of its own.

    Raises:
        GraphError: it failed; the message says why.
    """
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    env = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    env |= {"MALLOC_ARENA_MAX": "1", "PYTHONPATH": path}  # with one heap there are fewer holes
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise GraphError(f"the graphs of {what} took over {SECONDS} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["no reason was given"]
        raise GraphError(f"no graphs could be made of {what}: {said[0][:400]}")


def _main(model: str, out: str, precision: str) -> None:
    from zoo import saving

    tensorflow_alone()
    folder = Path(model)
    config = saving.read_config(folder)
    predictor = registry.named(registry.KINDS[config["kind"]].predictor)
    loaded: Loaded = predictor.from_folder(folder, config, name=folder.name)
    make(loaded, Path(out), precision)


if __name__ == "__main__":
    _main(*sys.argv[1:])
