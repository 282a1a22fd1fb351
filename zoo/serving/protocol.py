"""TensorFlow Serving's REST protocol: paths and the JSON bodies of requests.

Nothing here knows of HTTP servers, models or Ray: bytes in, plain values or a `RefusedError` out.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.serving.signatures import Description, shown
from zoo.serving.tensors import DEFAULT, FLOAT, STRING, Signature, Tensor

VERSION = "1"
"""The version of every served model."""
MOST_IDS = 4_096
"""Ids that one row may hold."""


class RefusedError(Exception):
    """A request that is not answered: its HTTP status, one clear sentence, and further headers."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status, self.message = status, message
        self.headers = dict(headers or {})

    def __reduce__(self) -> Any:
        return type(self), (self.status, self.message, self.headers)


@dataclass(frozen=True)
class Target:
    """What a path asks for: "models", "status", "metadata", "predict", "healthz", ..."""

    what: str
    model: str = ""


@dataclass(frozen=True)
class Asked:
    """A request to predict.

    Args:
        signature: its name.
        rows: the inputs of each row, by name.
        by_row: whether the answer is "predictions" (else "outputs").
    """

    signature: str
    rows: list[dict[str, Any]]
    by_row: bool


PLAIN = {"/v1/models": "models", "/healthz": "healthz", "/readyz": "readyz", "/metrics": "metrics"}
PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/(?P<by>versions|labels)/(?P<version>[^/:]+))?"
    r"(?:/(?P<metadata>metadata)|:(?P<verb>[^/]+))?"
)


def target(path: str, names: Sequence[str]) -> Target:
    """What a path asks for, of the models called `names`.

    Raises:
        RefusedError: 404: no such path, model or version.

    Example:
        >>> target("/v1/models/dates/versions/1:predict", ["dates"])
        Target(what='predict', model='dates')
    """
    bare = path.rstrip("/")
    if bare in PLAIN:
        return Target(PLAIN[bare])
    match = PATH.fullmatch(bare)
    if not match:
        raise RefusedError(
            404, f"There is no {shown(path)}; GET /v1/models lists the models that are served"
        )
    name = match["name"]
    if name not in names:
        raise RefusedError(
            404, f"There is no model {shown(name)}; GET /v1/models lists those that are served"
        )
    if match["by"] == "labels":
        raise RefusedError(404, f"The model {name} has no labels; its version is {VERSION}")
    if match["version"] and match["version"] != VERSION:
        raise RefusedError(
            404, f"The model {name} has no version {shown(match['version'])}, only {VERSION}"
        )
    if match["verb"] and match["verb"] != "predict":
        raise RefusedError(
            404, f"Models are asked with :predict, there is no :{shown(match['verb'])[1:-1]}"
        )
    return Target("predict" if match["verb"] else match["metadata"] or "status", name)


def read(body: bytes, model: Description, most_rows: int) -> Asked:
    """The body of a request to predict, checked against the model's signatures.

    Args:
        body: JSON in UTF-8.
        model: what may be asked.
        most_rows: the most that one request may hold.

    Raises:
        RefusedError: 400 with what is wrong; 413: too many rows.
    """
    try:
        found = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise RefusedError(400, "The body is no UTF-8") from None
    except RecursionError:
        raise RefusedError(400, "The body is JSON that is nested too deeply") from None
    except ValueError as error:
        said = shown(str(error), 80)[1:-1]
        raise RefusedError(400, f"The body is no JSON: {said}") from None
    if not isinstance(found, dict):
        raise RefusedError(400, 'The body must be a JSON object with "instances" or "inputs"')
    known = ("signature_name", "instances", "inputs")
    if odd := [key for key in found if key not in known]:
        raise RefusedError(
            400, f"The body has an unknown field {shown(odd[0])}; known are {', '.join(known)}"
        )
    if ("instances" in found) == ("inputs" in found):
        raise RefusedError(400, 'The body must have either "instances" or "inputs"')
    name = found.get("signature_name", DEFAULT)
    if not isinstance(name, str) or (name or DEFAULT) not in model.signatures:
        listed = ", ".join(model.signatures)
        raise RefusedError(400, f"{model.name} has no signature {shown(name)}; it has {listed}")
    name = name or DEFAULT
    signature = model.signatures[name]
    by_row = "instances" in found
    rows = _rows(found["instances"], signature) if by_row else _columns(found["inputs"], signature)
    if not rows:
        raise RefusedError(400, "There is nothing to answer: the request has no rows")
    if len(rows) > most_rows:
        raise RefusedError(413, f"At most {most_rows} rows a request. Received: {len(rows)}")
    return Asked(name, [_checked(row, signature, n) for n, row in enumerate(rows)], by_row)


def _rows(given: Any, signature: Signature) -> list[dict[str, Any]]:
    if not isinstance(given, list):
        raise RefusedError(400, f'"instances" must be a list. Received: {_type(given)}')
    alone = _alone(signature)
    rows = []
    for one in given:
        named = isinstance(one, dict) and set(one) != {"b64"}
        if not named and alone is None:
            raise RefusedError(
                400, f"Each instance must be an object with {', '.join(signature.inputs)}"
            )
        rows.append(one if named else {alone: one})
    return rows


def _columns(given: Any, signature: Signature) -> list[dict[str, Any]]:
    if not isinstance(given, dict) or set(given) == {"b64"}:
        alone = _alone(signature)
        if alone is None:
            raise RefusedError(
                400, f'"inputs" must be an object with {", ".join(signature.inputs)}'
            )
        given = {alone: given}
    columns = {}
    for name, column in given.items():
        # TensorFlow Serving takes a value by itself for a tensor without axes: here a single row.
        columns[name] = column if isinstance(column, list) else [column]
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{shown(name)} {len(one)}" for name, one in columns.items())
        raise RefusedError(400, f"All inputs must have the same number of rows. Received: {sizes}")
    count = len(next(iter(columns.values()), ()))
    return [{name: column[n] for name, column in columns.items()} for n in range(count)]


def _alone(signature: Signature) -> str | None:
    """The input that need not be named: the only one without a default."""
    needed = [name for name, one in signature.inputs.items() if one.default is None]
    return needed[0] if len(needed) == 1 else None


def _checked(row: Mapping[str, Any], signature: Signature, number: int) -> dict[str, Any]:
    inputs = signature.inputs
    if odd := [name for name in row if name not in inputs]:
        listed = ", ".join(inputs)
        raise RefusedError(
            400, f"Row {number} has an unknown input {shown(odd[0])}; known: {listed}"
        )
    made = {}
    for name, tensor in inputs.items():
        if name in row:
            made[name] = _value(row[name], tensor, f"{name} of row {number}")
        elif tensor.default is None:
            raise RefusedError(400, f"Row {number} lacks the input {name}")
        else:
            made[name] = tensor.default
    return made


def _value(value: Any, tensor: Tensor, what: str) -> Any:
    if tensor.image:
        return _image(value, what)
    if tensor.dtype == STRING:
        return _text(value, what)
    if len(tensor.shape) == 3:
        return _table(value, tensor.shape[1:], what)
    if len(tensor.shape) == 2:
        if not isinstance(value, list) or not all(map(_is_id, value)):
            raise RefusedError(400, f"{what} must be a list of ids, 0 or more and below 2^31")
        if len(value) > MOST_IDS:
            raise RefusedError(413, f"{what} has {len(value)} ids; at most {MOST_IDS} are taken")
        return value
    number = isinstance(value, int if tensor.dtype != FLOAT else int | float)
    if isinstance(value, bool) or not number or not math.isfinite(value):
        kind = "a number" if tensor.dtype == FLOAT else "an integer"
        raise RefusedError(400, f"{what} must be {kind}. Received: {_type(value)}")
    if not tensor.least <= value <= tensor.most:
        raise RefusedError(
            400, f"{what} must be from {tensor.least:g} to {tensor.most:g}. Received: {value:g}"
        )
    return value


def _table(value: Any, shape: tuple[int, ...], what: str) -> list[list[float]]:
    """A list of lists of numbers, of this shape."""
    rows, columns = shape
    wanted = f"{what} must be a list of {rows} lists of {columns} numbers"
    if not isinstance(value, list) or len(value) != rows:
        got = f"{len(value)} lists" if isinstance(value, list) else _type(value)
        raise RefusedError(400, f"{wanted}. Received: {got}")
    for number, row in enumerate(value):
        if not isinstance(row, list) or len(row) != columns or not all(map(_is_number, row)):
            raise RefusedError(400, f"{wanted}, and list {number} is none. Received: {shown(row)}")
    return value


def _is_number(value: Any) -> bool:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and math.isfinite(value) and abs(value) < 1e30


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _text(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    if (raw := _bytes(value, what)) is not None:
        return raw.decode("utf-8", "replace").replace("\ufffd", " ")
    raise RefusedError(400, f'{what} must be a string, or {{"b64": ...}}. Received: {_type(value)}')


def _bytes(value: Any, what: str) -> bytes | None:
    """What `{"b64": ...}` stands for; None: it is something else."""
    if not isinstance(value, dict) or set(value) != {"b64"} or not isinstance(value["b64"], str):
        return None
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(400, f"{what} has a b64 that is no base64") from None


def _image(value: Any, what: str) -> bytes:
    """The bytes of an image file, which can be read."""
    from zoo import images

    raw = _bytes(value, what)
    if raw is None:
        raise RefusedError(
            400, f'{what} must be {{"b64": ...}} of an image file. Received: {_type(value)}'
        )
    try:
        images.decoded(raw)
    except ValueError as error:
        raise RefusedError(400, f"{what}: {error}") from None
    return raw


def _type(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", type(None): "null"}
    return names.get(type(value), f"{type(value).__name__} {shown(value)[1:-1]}")
