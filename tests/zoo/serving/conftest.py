"""One small shipped model behind the gateway, without Ray."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="the service's packages are not installed")
pytest.importorskip("prometheus_client", reason="the service's packages are not installed")
pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")

from starlette.testclient import TestClient

import zoo
from zoo import shipped
from zoo.serving import config as configuration
from zoo.serving import signatures
from zoo.serving.gateway import Gateway
from zoo.serving.local import LocalBackend

RNN, TRANSFORMER = "dates-simple-rnn", "dates-transformer"


@pytest.fixture(scope="session")
def models():
    return {name: zoo.load(name, runtime="litert") for name in (RNN, TRANSFORMER)}


@pytest.fixture(scope="session")
def descriptions(models):
    folder = shipped.saved_models_path()
    return {name: signatures.describe(name, folder / name) for name in models}


@pytest.fixture
def gateway(descriptions, models):
    """Makes a gateway with settings of its own, over the models or another backend."""

    def make(backend=None, described=descriptions, **settings):
        service = configuration.make({"models": [*described], **settings})
        return Gateway(service, described, service.models, backend or LocalBackend(models))

    return make


@pytest.fixture
def client(gateway):
    return TestClient(gateway(), raise_server_exceptions=False)
