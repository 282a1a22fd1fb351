"""A made-up saved_models folder, named to the pages by ZOO_SAVED_MODELS."""

from __future__ import annotations

import pytest

from tests.apps import shelf


@pytest.fixture
def saved_models(tmp_path, monkeypatch):
    root = shelf.make(tmp_path / "saved_models")
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(root))
    return root


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    """A made-up saved_models folder whose translators are random networks, which really answer."""
    root = shelf.make(tmp_path_factory.mktemp("networks") / "saved_models")
    shelf.make_networks(root, "en-es")
    return root
