"""A folder of LiteRT graphs and the JSON file that describes them. No framework is imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.runtime.litert import Graph, GraphError

DESCRIPTION = "graphs.json"
FORMAT = 2
"""Counts up when there are other graphs than before."""
READABLE = (1, 2)
"""Formats that can be run; 1 has no graph for batches."""
BEAM_ROWS = 5
"""Rows of the step graph for beams; narrower beams leave rows unused, wider ones run it often."""
ONE_ROW = "step_1"
"""The step graph for a single row."""
BATCH, BATCH_ROWS = "batch", 14
"""The step graph for several sources at a time: two tiles of seven rows, as XNNPACK multiplies."""
READ = 32
"""Tokens that a language model without a context reads at a time."""
BLOCK = 64
"""Of so many logits a step graph also gives the largest, so that a search need not read all."""
NEVER = -1e9
"""Added to the logits of tokens that are no answer."""


@dataclass(frozen=True)
class GraphFolder:
    """Where the graphs of a model are, and what they take.

    Args:
        path: the folder.
        precision: of the weights, "float32" or "int8".
        parameters: how many weights the network has.
        files: for each graph its `file`, `sha256`, the axes of its `inputs`, and of a step graph
            the axis on which each `state` grows, and what it `begins` with where that is not 0.
        again: makes the graphs again, where others may remove them to save space.
    """

    path: Path
    precision: str
    parameters: int
    files: Mapping[str, Mapping[str, Any]]
    again: Callable[[], object] | None = None

    @classmethod
    def read(cls, folder: Path) -> GraphFolder:
        """The description in a folder, each graph checked against its sum.

        Raises:
            GraphError: no description, one of another format, or a missing or changed graph.
        """
        try:
            found = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            if found["format"] not in READABLE:
                raise GraphError(
                    f"{DESCRIPTION} has the format {found['format']!r}, this version of the zoo "
                    f"reads {' and '.join(map(str, READABLE))}: export the model again"
                )
            files = {str(name): dict(one) for name, one in found["graphs"].items()}
            for one in files.values():
                if sum_of_file(folder / Path(one["file"]).name) != one["sha256"]:
                    raise GraphError(f"{one['file']} is damaged: export the model again")
            return cls(folder, found["precision"], int(found["parameters"]), files)
        except FileNotFoundError as error:
            missing = Path(str(error.filename)).name
            raise GraphError(f"there is no {missing}: export the model again") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, GraphError):
                raise
            raise GraphError(f"{DESCRIPTION} is damaged: export the model again") from error

    def open(self, name: str, threads: int = 1) -> Graph:
        """A new interpreter of the graph `name`. Raises GraphError."""
        one = self.files.get(name)
        if one is None:
            raise GraphError(f"these graphs have no {name}: export the model again")
        path = self.path / Path(one["file"]).name
        if self.again is not None and not path.is_file():
            self.again()
        return Graph(path, one["inputs"], threads)

    def begins(self, name: str) -> dict[str, float]:
        """Of the step graph `name`: the value of each state tensor before the first token."""
        one = self.files[name]
        return {key: float(one.get("begins", {}).get(key, 0)) for key in one["state"]}

    def growing(self, name: str) -> dict[str, int]:
        """Of the step graph `name`: the axis on which each state tensor grows; -1: none."""
        return dict(self.files[name]["state"])


def sum_of_file(path: Path) -> str:
    """The SHA-256 of a file, which is never in memory as a whole."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path, graphs: Iterable[tuple[Any, bytes]], **facts: Any) -> None:
    """Write graphs, each a `litert_states.Traced` with its content; then the JSON, with facts."""
    described = {}
    for one, content in graphs:
        (folder / f"{one.name}.tflite").write_bytes(content)
        described[one.name] = {
            "file": f"{one.name}.tflite",
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": {key: list(spec.axes) for key, spec in one.inputs.items()},
            **({"state": dict(one.state)} if one.state else {}),
            **({"begins": dict(one.begins)} if one.begins else {}),
        }
    text = json.dumps({"format": FORMAT, **facts, "graphs": described}, indent=1)
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
