"""Nonsense is made alike for the same seed, and never fails the gateway."""

from __future__ import annotations

import random
from collections import Counter

import pytest

pytest.importorskip("starlette", reason="the service's packages are not installed")
pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")

from starlette.testclient import TestClient

import zoo
from benchmarks.serving import fuzz
from zoo import shipped
from zoo.serving import config as configuration
from zoo.serving import signatures
from zoo.serving.gateway import Gateway
from zoo.serving.local import LocalBackend

MODEL = "dates-simple-rnn"


def requests(count: int, seed: int) -> list[fuzz.Fuzzed]:
    rng = random.Random(seed)
    return [fuzz.request(rng, [MODEL]) for _ in range(count)]


def test_the_same_seed_makes_the_same_requests():
    assert requests(20, 3) == requests(20, 3) != requests(20, 4)


def test_nonsense_is_refused_and_nothing_fails():
    service = configuration.make({"models": [MODEL], "max_body_bytes": 100_000, "max_rows": 8})
    described = {MODEL: signatures.describe(MODEL, shipped.saved_models_path() / MODEL)}
    backend = LocalBackend({MODEL: zoo.load(MODEL, runtime="litert")})
    client = TestClient(Gateway(service, described, service.models, backend))
    statuses: Counter[int] = Counter()
    for one in requests(150, 5):
        if len(one.body) > 1_000_000:
            continue
        headers = dict(line.split(": ", 1) for line in one.headers)
        path = one.path.replace("?", "%3F")
        answer = client.request(
            one.method, f"http://testserver{path}", content=one.body, headers=headers
        )
        statuses[answer.status_code] += 1
    assert set(statuses) <= {200, 400, 404, 405, 413}
    assert statuses[200] > 8 and statuses[400] > 30
