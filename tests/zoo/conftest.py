"""Small model folders, made once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.zoo import tiny_models


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A Transformer with one tokenizer for both sides, reading and writing up to 8 pieces."""
    path = tmp_path_factory.mktemp("models") / "nano-transformer"
    return tiny_models.folder(path, max_source_length=8, max_target_length=8)


@pytest.fixture(scope="session")
def character_folder(tmp_path_factory) -> Path:
    """A SimpleRNN with a tokenizer of characters for each side."""
    path = tmp_path_factory.mktemp("models") / "nano-simple-rnn"
    lengths = {"max_source_length": 8, "max_target_length": 8, "unit": "character"}
    return tiny_models.folder(path, "simple-rnn", shared=False, **lengths)
