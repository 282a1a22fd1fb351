"""LiteRT graphs without their weights: small enough to lie beside the weights of a shipped model.

A template is a zip of the graphs in which every weight is zeros, and of a list that says which
weight belongs where. Filling it in takes a fraction of a second and needs no TensorFlow. It is
right for the weights it was made of and for no others, since constants that are no plain copy of a
weight stay in it; `zoo.inference.litert_refilling` makes those that are right for any weights.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.inference.litert_folder import DESCRIPTION, sum_of_file
from zoo.runtime.litert import GraphError

FILE = "graphs.zip"
PLACES = "places.json"
SMALLEST = 256
"""Bytes: what is smaller stays in the graph, unless another size is asked for."""
TURNED = {2: (1, 0), 4: (3, 0, 1, 2)}
"""How LiteRT turns a matrix and the filters of a convolution, by the number of axes."""
WORD, AT_A_TIME = 4, 4_000_000
"""Bytes that are compared first, and of a graph that are searched at a time."""
ANY = ""
"""The checksum in a template that is right for any weights."""
LARGEST = 500_000_000
"""Bytes of one graph, unpacked: a file from a stranger must not fill the memory."""


def make(
    graphs: Path,
    weights: Mapping[str, np.ndarray],
    checksum: str,
    constants: Mapping[str, np.ndarray] | None = None,
    factors: Sequence[float] = (),
    smallest: int = SMALLEST,
) -> bytes:
    """The template of the float32 graphs in a folder.

    Args:
        graphs: the folder.
        weights: the arrays of the network, by the names of its weights file.
        checksum: of that file, see `checksum_of`; or `ANY`.
        constants: other large arrays that are in several graphs; they are kept once.
        factors: numbers that a weight may have been multiplied by, when graphs were made simpler.
        smallest: bytes of an array that is taken out.
    """
    places: dict[str, list[list[Any]]] = {}
    sums: dict[str, str] = {}
    constants = {f"{name}.f32": array for name, array in (constants or {}).items()}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for path in sorted(graphs.glob("*.tflite")):
            content = bytearray(path.read_bytes())
            places[path.name] = _take_out(content, {**weights, **constants}, factors, smallest)
            file.writestr(_entry(path.name), content)
            sums[path.name] = checksum_of(content)
        for name, array in constants.items():
            file.writestr(_entry(name), _bytes(array, False, 1.0))
        file.writestr(_entry(PLACES), json.dumps({"weights": checksum, "places": places}))
        described = (graphs / DESCRIPTION).read_bytes()
        file.writestr(_entry(DESCRIPTION), _with(described, sums) if checksum == ANY else described)
    return written.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """A file of a zip without the time: the same graphs give the same bytes."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _with(description: bytes, sums: Mapping[str, str]) -> bytes:
    """A description with other checksums, by the graph's file."""
    found = json.loads(description)
    for one in found["graphs"].values():
        one["sha256"] = sums[one["file"]]
    return json.dumps(found).encode()


def _take_out(
    content: bytearray, arrays: Mapping[str, np.ndarray], factors: Sequence[float], smallest: int
) -> list[list[Any]]:
    """Overwrite every array in a graph with zeros.

    Returns:
        Where each was: offset, name, whether it lay turned, and what it was multiplied by.
    """
    wanted = []
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].size):
        for factor in (1.0, *factors):
            for turned in (False, True) if array.ndim in TURNED else (False,):
                data = _bytes(array, turned, factor)
                if len(data) >= smallest and any(data):
                    wanted.append((name, turned, factor, data[:WORD]))
    begins = _places(content, {first for *_, first in wanted})
    found: list[list[Any]] = []
    for name, turned, factor, first in wanted:
        if first not in begins:
            continue
        data = _bytes(arrays[name], turned, factor)
        for at in begins[first]:
            if content[at : at + len(data)] == data:
                content[at : at + len(data)] = bytes(len(data))
                found.append([at, name, turned, factor])
    return found


def _places(content: bytearray, words: Collection[bytes]) -> dict[bytes, list[int]]:
    """Where each of these words of four bytes is in a graph, which has numbers at fours alone."""
    wanted = np.sort(np.frombuffer(b"".join(words), "<u4"))
    found: dict[bytes, list[int]] = {}
    for begin in range(0, len(content), AT_A_TIME):
        part = bytes(content[begin : begin + AT_A_TIME])
        some = np.frombuffer(part, "<u4", len(part) // WORD)
        near = np.minimum(np.searchsorted(wanted, some), len(wanted) - 1)
        for place in np.flatnonzero(wanted[near] == some):
            found.setdefault(some[place].tobytes(), []).append(begin + int(place) * WORD)
    return found


def _bytes(array: np.ndarray, turned: bool, factor: float) -> bytes:
    array = np.asarray(array, "<f4") * np.float32(factor)
    return (array.transpose(TURNED[array.ndim]) if turned else array).tobytes()


def checksum_of(weights: bytes | bytearray) -> str:
    """Of the content of a weights file."""
    return hashlib.sha256(weights).hexdigest()


def placed(template: bytes) -> set[str]:
    """The names of the weights that have a place in a template."""
    with zipfile.ZipFile(io.BytesIO(template)) as file:
        every = json.loads(file.read(PLACES))["places"].values()
    return {name for places in every for _, name, *_ in places}


def fill(template: Path, weights: bytes, arrays: Mapping[str, np.ndarray], out: Path) -> None:
    """Write the graphs of a template into the folder `out`, with the weights in their places.

    Args:
        template: the zip.
        weights: the content of the weights file, and `arrays` what is in it; unread where the
            template is right for any weights.
        arrays: by name.
        out: an empty folder.

    Raises:
        GraphError: a damaged template, or one of other weights.
    """
    emptied: dict[str, str] = {}
    try:
        with zipfile.ZipFile(template) as file:
            known = json.loads(file.read(PLACES))
            if known["weights"] not in (ANY, checksum_of(weights)):
                raise GraphError(f"{template.name} belongs to other weights than those beside it")
            for name, places in known["places"].items():
                size = file.getinfo(name).file_size
                if size > LARGEST:
                    raise GraphError(f"{template.name} is damaged: {name} is too large")
                path = out / Path(name).name
                # Part by part: a graph is as large as the network.
                with file.open(name) as graph, path.open("wb") as written:
                    shutil.copyfileobj(graph, written, AT_A_TIME)
                if known["weights"] == ANY:
                    emptied[name] = sum_of_file(path)
                with path.open("r+b") as written:
                    for at, weight, turned, factor in places:
                        if weight not in arrays:
                            data = file.read(weight)
                        else:
                            data = _bytes(arrays[weight], bool(turned), float(factor))
                        if not 0 <= at <= size - len(data):
                            raise GraphError(f"{template.name} is damaged: {weight} has no place")
                        written.seek(at)
                        written.write(data)
            described = file.read(DESCRIPTION)
            if known["weights"] == ANY:
                if _with(described, emptied) != described:
                    raise GraphError(f"{template.name} is damaged: a graph is another")
                sums = {name: sum_of_file(out / Path(name).name) for name in emptied}
                described = _with(described, sums)
            # Last: without it the folder counts as empty.
            (out / DESCRIPTION).write_bytes(described)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, GraphError):
            raise
        raise GraphError(f"{template.name} is damaged") from error
