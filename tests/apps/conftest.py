"""A made-up saved_models folder, named to the pages by ZOO_SAVED_MODELS."""

from __future__ import annotations

import pytest

from tests.apps import shelf


@pytest.fixture
def saved_models(tmp_path, monkeypatch):
    root = shelf.make(tmp_path / "saved_models")
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(root))
    return root
