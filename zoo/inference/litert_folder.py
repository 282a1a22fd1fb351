"""A folder of LiteRT graphs and the JSON file that describes them. No framework is imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.runtime.litert import Graph, GraphError

DESCRIPTION = "graphs.json"
FORMAT = 1
"""Counts up when graphs of before cannot be run any more."""
BEAM_ROWS = 5
"""Rows of the step graph for beams; narrower beams leave rows unused, wider ones run it often."""
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
            the axis on which each `state` grows.
    """

    path: Path
    precision: str
    parameters: int
    files: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, folder: Path) -> GraphFolder:
        """The description in a folder, each graph checked against its sum.

        Raises:
            GraphError: no description, one of another format, or a missing or changed graph.
        """
        try:
            found = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            if found["format"] != FORMAT:
                raise GraphError(
                    f"{DESCRIPTION} has the format {found['format']!r}, this version of the zoo "
                    f"reads {FORMAT}: export the model again"
                )
            files = {str(name): dict(one) for name, one in found["graphs"].items()}
            for one in files.values():
                data = (folder / Path(one["file"]).name).read_bytes()
                if hashlib.sha256(data).hexdigest() != one["sha256"]:
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
        return Graph(self.path / Path(one["file"]).name, one["inputs"], threads)

    def growing(self, name: str) -> dict[str, int]:
        """Of the step graph `name`: the axis on which each state tensor grows; -1: none."""
        return dict(self.files[name]["state"])


def write(
    folder: Path,
    graphs: Iterable[tuple[str, bytes, Mapping[str, list[int | str]], Mapping[str, int]]],
    **facts: Any,
) -> None:
    """Write graphs, each by name, content, axes of its inputs and of its state; then the JSON."""
    described = {}
    for name, content, inputs, state in graphs:
        (folder / f"{name}.tflite").write_bytes(content)
        described[name] = {
            "file": f"{name}.tflite",
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": {key: list(axes) for key, axes in inputs.items()},
            **({"state": dict(state)} if state else {}),
        }
    text = json.dumps({"format": FORMAT, **facts, "graphs": described}, indent=1)
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
