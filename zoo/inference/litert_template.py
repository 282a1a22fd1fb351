"""LiteRT graphs without their weights: small enough to lie beside the weights of a shipped model.

A template is a zip of the graphs in which every weight is zeros, and of a list that says which
weight belongs where. Filling it in takes a fraction of a second and needs no TensorFlow. It is
right for the weights it was made of and for no others: constants that are no plain copy of a
weight stay in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.inference.litert_folder import DESCRIPTION
from zoo.runtime.litert import GraphError

FILE = "graphs.zip"
PLACES = "places.json"
SMALLEST = 256
"""Bytes: what is smaller stays in the graph."""
LARGEST = 500_000_000
"""Bytes of one graph, unpacked: a file from a stranger must not fill the memory."""


def make(
    graphs: Path,
    weights: Mapping[str, np.ndarray],
    checksum: str,
    constants: Mapping[str, np.ndarray] | None = None,
    factors: Sequence[float] = (),
) -> bytes:
    """The template of the float32 graphs in a folder.

    Args:
        graphs: the folder.
        weights: the arrays of the network, by the names of its weights file.
        checksum: of that file, see `checksum_of`.
        constants: other large arrays that are in several graphs; they are kept once.
        factors: numbers that a weight may have been multiplied by, when graphs were made simpler.
    """
    places: dict[str, list[list[Any]]] = {}
    constants = {f"{name}.f32": array for name, array in (constants or {}).items()}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for path in sorted(graphs.glob("*.tflite")):
            content = bytearray(path.read_bytes())
            places[path.name] = _take_out(content, {**weights, **constants}, factors)
            file.writestr(_entry(path.name), content)
        for name, array in constants.items():
            file.writestr(_entry(name), _bytes(array, False, 1.0))
        file.writestr(_entry(PLACES), json.dumps({"weights": checksum, "places": places}))
        file.writestr(_entry(DESCRIPTION), (graphs / DESCRIPTION).read_bytes())
    return written.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """A file of a zip without the time: the same graphs give the same bytes."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _take_out(
    content: bytearray, arrays: Mapping[str, np.ndarray], factors: Sequence[float]
) -> list[list[Any]]:
    """Overwrite every array in a graph with zeros.

    Returns:
        Where each was: offset, name, whether it lay turned, and what it was multiplied by.
    """
    found: list[list[Any]] = []
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].size):
        for factor in (1.0, *factors):
            for turned in (False, True) if array.ndim == 2 else (False,):
                data = _bytes(array, turned, factor)
                if len(data) < SMALLEST or not any(data):
                    continue
                while (at := content.find(data)) >= 0:
                    content[at : at + len(data)] = bytes(len(data))
                    found.append([at, name, turned, factor])
    return found


def _bytes(array: np.ndarray, turned: bool, factor: float) -> bytes:
    array = np.asarray(array, "<f4") * np.float32(factor)
    return (array.T if turned else array).tobytes()


def checksum_of(weights: bytes) -> str:
    """Of the content of a weights file."""
    return hashlib.sha256(weights).hexdigest()


def fill(template: Path, weights: bytes, arrays: Mapping[str, np.ndarray], out: Path) -> None:
    """Write the graphs of a template into the folder `out`, with the weights in their places.

    Args:
        template: the zip.
        weights: the content of the weights file, and `arrays` what is in it.
        arrays: by name.
        out: an empty folder.

    Raises:
        GraphError: a damaged template, or one of other weights.
    """
    try:
        with zipfile.ZipFile(template) as file:
            known = json.loads(file.read(PLACES))
            if known["weights"] != checksum_of(weights):
                raise GraphError(f"{template.name} belongs to other weights than those beside it")
            for name, places in known["places"].items():
                if file.getinfo(name).file_size > LARGEST:
                    raise GraphError(f"{template.name} is damaged: {name} is too large")
                content = bytearray(file.read(name))
                for at, weight, turned, factor in places:
                    if weight not in arrays:
                        data = file.read(weight)
                    else:
                        data = _bytes(arrays[weight], bool(turned), float(factor))
                    if not 0 <= at <= len(content) - len(data):
                        raise GraphError(f"{template.name} is damaged: {weight} has no place")
                    content[at : at + len(data)] = data
                (out / Path(name).name).write_bytes(content)
            # Last: without it the folder counts as empty.
            (out / DESCRIPTION).write_bytes(file.read(DESCRIPTION))
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, GraphError):
            raise
        raise GraphError(f"{template.name} is damaged") from error
