"""Large models answer in eight bits where nothing else is asked for, their adapters too."""

from __future__ import annotations

import json

import pytest

from zoo import saving
from zoo.loading import LARGE, usual_precision


@pytest.mark.parametrize(
    ("size", "parameters", "wanted"),
    [
        (10, 5, "float32"),
        (10, None, "float32"),
        (LARGE + 1, None, "int8"),
        (10, LARGE, "int8"),  # an adapter beside a large base
        (10, "many", "float32"),
    ],
)
def test_the_size_decides(tmp_path, size, parameters, wanted):
    with (tmp_path / saving.WEIGHTS).open("wb") as file:
        file.truncate(size)
    (tmp_path / "card.json").write_text(json.dumps({"parameters": parameters}))
    assert usual_precision(tmp_path) == wanted


def test_what_cannot_be_read_is_left_to_who_loads_it(tmp_path):
    assert usual_precision(tmp_path / "none") == "float32"
    (tmp_path / saving.WEIGHTS).write_bytes(b"")
    (tmp_path / "card.json").write_text("{")
    assert usual_precision(tmp_path) == "float32"
