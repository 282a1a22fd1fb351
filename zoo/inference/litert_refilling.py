"""LiteRT graphs for a network whose weights change: a template that is right for any weights.

A network in training is answered for by LiteRT without converting it again and again. The template
is made once, in processes of their own that need the network's sizes alone:
`python -m zoo.inference.litert_refilling OUT DESCRIPTION DRAW`.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import registry, saving
from zoo.building import build
from zoo.inference import litert_folder, litert_making, litert_template
from zoo.inference.litert_folder import BATCH
from zoo.runtime.host_memory import give_back
from zoo.runtime.imports import tensorflow_alone
from zoo.runtime.litert import GraphError

if TYPE_CHECKING:
    from zoo.inference.litert_states import Traced
    from zoo.kinds.seq2seq import Seq2Seq

GRAPHS = ("score", BATCH, "encode")
"""Those that greedy answers to many sources, and their scores, take; the largest first."""
SMALLEST = 4
"""Bytes of a weight that is looked for: a single number."""
PACKAGES = ("tensorflow", "tensorflow-cpu", "keras")


def find(folder: Path, network: Seq2Seq) -> Path:
    """The template for networks of the sizes of `network` in a folder, made there if need be.

    That it is right for any weights is tested: two draws of random ones must give the same
    template, to the byte. A constant that a weight went into, other than as a plain copy, would
    differ. Each draw has a process of its own, since the converter does not return its memory.

    Raises:
        GraphError: it cannot be made, or is not right for all; the message says why.
    """
    description = json.dumps({"model": network.name, "sizes": asdict(network.config)})
    path = folder / f"graphs-{_key(description)}.zip"
    if path.is_file():
        return path
    what = f"the {network.name}"
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / str(draw) for draw in (1, 2)]
        for file in files:
            litert_making.run_apart(__name__, what, str(file), description, file.name)
        content = same([file.read_bytes() for file in files], saving.named_weights(network), what)
    for other in folder.glob("graphs-*.zip"):  # of an earlier version
        other.unlink()
    saving.write_aside(path, content)
    return path


def same(drawn: Sequence[bytes], weights: Collection[str], what: str) -> bytes:
    """The one template that all draws gave, with a place for each of the weights.

    Raises:
        GraphError: they differ, or a weight has no place.
    """
    if any(one != drawn[0] for one in drawn):
        raise GraphError(f"the graphs of {what} hold numbers made of its weights")
    if missing := sorted(set(weights) - litert_template.placed(drawn[0])):
        raise GraphError(f"the graphs of {what} lack its weight {missing[0]}")
    return drawn[0]


def _key(description: str) -> str:
    """A few letters that differ where the graphs may: other sizes, code or packages."""
    found = hashlib.sha256(description.encode())
    root = Path(__file__).resolve().parents[1]
    for path in sorted(root.rglob("*.py")):
        found.update(path.read_bytes())
    for package in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found.update(version(package).encode())
    return found.hexdigest()[:12]


def make(network: Seq2Seq, draw: int) -> bytes:
    """The template of the graphs `GRAPHS` with a draw of random weights, which replace its own.

    Raises:
        zoo.runtime.litert_conversion.ConversionError: there are no such graphs.
    """
    from zoo.inference.litert_graphs import graphs

    every = {one.name: one for one in graphs(network, maps=False)}
    arrays = drawn(network, draw)
    saving.set_weight_arrays(network, arrays)
    constants, factors = litert_making.besides(asdict(network.config))
    facts = {"precision": "float32", "parameters": int(network.count_params())}
    with tempfile.TemporaryDirectory() as place:
        converted = ((every[name], _converted(network, every[name])) for name in GRAPHS)
        litert_folder.write(Path(place), converted, **facts)
        return litert_template.make(
            Path(place), arrays, litert_template.ANY, constants, factors, SMALLEST
        )


def _converted(network: Seq2Seq, one: Traced) -> bytes:
    """A graph; the converter leaves much behind, in circles and in the heap."""
    from zoo.runtime.litert_conversion import convert

    content = convert(network, one.function, one.inputs)
    gc.collect()
    give_back()
    return content


def drawn(network: Seq2Seq, seed: int) -> dict[str, np.ndarray]:
    """Weights by name of which none is 0 or 1, and hardly two are the same."""
    random = np.random.default_rng(seed)
    return {
        name: (random.uniform(0.01, 0.9, weight.shape) * random.choice([-1, 1], weight.shape))
        .astype("float32")
        .reshape(weight.shape)
        for name, weight in saving.named_weights(network).items()
    }


def _main(out: str, description: str, draw: str) -> None:
    tensorflow_alone()
    given: Mapping[str, Any] = json.loads(description)
    entry = registry.architecture(given["model"])
    network = build(given["model"], registry.make_config(entry.config, given["sizes"]))
    saving.write_aside(Path(out), make(network, int(draw)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
