"""Requests that are nearly right, or not at all: the same ones for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

PIECES = (
    "3 May 2021",
    "",
    "a",
    "\u0000",
    "\ud800",
    "é",
    "日本",
    "🦓",
    "\u202e",
    "x" * 3000,
    "1e999",
)
METHODS = ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE")
SIGNATURES = ("serving_default", "attention", "beam", "ids", "", "sample", "x" * 500, "serving\n")
SCALARS = (None, True, False, 0, -1, 1.5, 1e308, 2**31, -(10**30), "NaN", "Infinity")
KEYS = ("text", "ids", "b64", "instances", "inputs", "signature_name", "prompts", "", "\u0000")


class Fuzzed(NamedTuple):
    """A request: its method, path, body, and further header lines."""

    method: str
    path: str
    body: bytes
    headers: tuple[str, ...] = ()

    def raw(self) -> bytes:
        """As HTTP/1.1 has it."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1", *self.headers]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogatepass") + self.body


def request(rng: random.Random, models: Sequence[str]) -> Fuzzed:
    """One request.

    Example:
        >>> one, same = (request(random.Random(3), ["dates"]) for _ in range(2))
        >>> one == same
        True
    """
    method = rng.choice(METHODS) if rng.random() < 0.1 else "POST"
    headers = ()
    if rng.random() < 0.2:
        kind = rng.choice(("text/plain", "application/json; charset=utf-16", "x", "multipart/form"))
        headers = (f"Content-Type: {kind}",)
    return Fuzzed(method, _path(rng, models), _body(rng), headers)


def _path(rng: random.Random, models: Sequence[str]) -> str:
    model = rng.choice(models) if rng.random() < 0.97 else "nobody"
    if rng.random() < 0.9:
        return f"/v1/models/{model}:predict"
    parts = ["v1", "models", model, "versions", "labels", "1", "2", "metadata", "%00", "..", "%2f"]
    parts += ["healthz", "readyz", "metrics", "%ff%fe", "a" * 500, ":predict", ":", "?a=b", "//"]
    path = "/" + "/".join(rng.choice(parts) for _ in range(rng.randint(0, 6)))
    return path + rng.choice(("", ":predict", ":classify", "/", "?x", "/metadata"))


def _body(rng: random.Random) -> bytes:
    if rng.random() < 0.1:
        return rng.randbytes(rng.randint(0, 300))
    if rng.random() < 0.03:
        opened, closed = rng.choice((("[", "]"), ('{"a":', "}")))
        depth = rng.choice((10, 1000, 100_000))
        return ('{"instances":' + opened * depth + "1" + closed * depth + "}").encode()
    text = json.dumps(_asked(rng), ensure_ascii=rng.random() < 0.5)
    raw = bytearray(text.encode("utf-8", "surrogatepass"))
    if rng.random() < 0.2:
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(len(raw) + 1)
            change = rng.random()
            if change < 0.4:
                del raw[place : place + rng.randint(1, 10)]
            elif change < 0.7:
                raw[place:place] = rng.randbytes(rng.randint(1, 5))
            else:
                raw[place:place] = rng.choice((b"[", b"{", b'"', b",", b":", b"9" * 5000, b"\\u"))
    return bytes(raw)


def _asked(rng: random.Random) -> Any:
    body: dict[str, Any] = {}
    if rng.random() < 0.95:
        body[rng.choice(("instances", "inputs"))] = _rows(rng)
    if rng.random() < 0.4:
        body["signature_name"] = rng.choice(SIGNATURES if rng.random() < 0.9 else SCALARS)
    if rng.random() < 0.1:
        body[rng.choice(KEYS)] = _anything(rng)
    return body if rng.random() < 0.97 else _anything(rng)


def _rows(rng: random.Random) -> Any:
    chance = rng.random()
    count = rng.choice((0, 1, 1, 1, 2, 3, 5, 300))
    if chance < 0.55:
        return [_text(rng) for _ in range(count)]
    if chance < 0.65:
        return {rng.choice(KEYS): [_text(rng) for _ in range(count)]}
    if chance < 0.75:
        ids = [[rng.randint(-1 if rng.random() < 0.1 else 0, 400) for _ in range(9)]]
        return ids * min(count, 5) if rng.random() < 0.8 else {"ids": ids}
    if chance < 0.88:
        return [{rng.choice(("text", *KEYS)): _text(rng)} for _ in range(min(count, 5))]
    return _anything(rng)


def _text(rng: random.Random) -> str:
    if rng.random() < 0.02:
        return rng.choice("ab ") * rng.choice((1_000, 30_000, 1_100_000))
    return " ".join(rng.choice(PIECES) for _ in range(rng.randint(1, 3)))


def _anything(rng: random.Random, depth: int = 0) -> Any:
    chance = rng.random()
    if depth > 4 or chance < 0.4:
        return rng.choice(SCALARS) if rng.random() < 0.5 else _text(rng)
    if chance < 0.7:
        return [_anything(rng, depth + 1) for _ in range(rng.randint(0, 4))]
    return {rng.choice(KEYS): _anything(rng, depth + 1) for _ in range(rng.randint(0, 4))}
