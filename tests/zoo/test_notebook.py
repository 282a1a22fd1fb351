"""The notebook of docs/ runs from its first cell to its last, on the shipped models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from tests import thorough

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs" / "look_inside.ipynb"
NEEDED = {"en-es-transformer", "dates-lstm-bahdanau"}


@pytest.mark.slow
@thorough.mark
@pytest.mark.skipif(not set(zoo.names()) >= NEEDED, reason="shipped models are missing")
def test_every_cell_runs(capsys):
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    space: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)
    assert "Mi hermana" in capsys.readouterr().out
