"""An engine of LiteRT graphs in a process of its own, whose memory goes back when it ends.

It is for who has no memory to spare, such as a process that trains; others have `Engine`. The
process is `python -m zoo.inference.litert_apart FOLDER THREADS`; it ends when its input does.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from zoo.inference.litert_engine import Engine, Maps
from zoo.inference.litert_folder import GraphFolder
from zoo.inference.sampling import Generated
from zoo.runtime.litert import GraphError


class EngineApart:
    """As `zoo.inference.litert_engine.Engine`, in another process, until it is closed.

    Args:
        graphs: the folder of its graphs.
        threads: how many rows of a batch are answered at a time.

    Raises:
        GraphError: graphs that cannot be run.
    """

    def __init__(self, graphs: GraphFolder, threads: int = 1):
        self.graphs = graphs
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(graphs.path), str(threads)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for who started it
        )
        try:
            self._received()
        except GraphError:
            self.close()
            raise

    def generate(self, source: np.ndarray, **options: Any) -> Generated:
        """`Engine.generate`: (B, S) ids to hypotheses."""
        return self._answer("generate", source, **options)

    def log_probs_and_maps(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, Maps]:
        """`Engine.log_probs_and_maps` of (B, S) and (B, T) ids, padded with PAD."""
        return self._answer("log_probs_and_maps", source, target)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self, method: str, *given: Any, **options: Any) -> Any:
        with contextlib.suppress(BrokenPipeError):  # told below
            _send(self._process.stdin, (method, given, options))
        return self._received()

    def _received(self) -> Any:
        try:
            found = pickle.load(self._process.stdout)  # noqa: S301 - written by `_main` below
        except (EOFError, pickle.UnpicklingError) as error:
            raise GraphError("the process that runs the graphs died: out of memory?") from error
        if isinstance(found, GraphError):
            raise found
        return found


def _send(stream: Any, what: Any) -> None:
    pickle.dump(what, stream)
    stream.flush()


def _main(folder: str, threads: str) -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may be written among the answers
    try:
        engine = Engine(GraphFolder.read(Path(folder)), int(threads))
    except GraphError as error:
        _send(answers, error)
        return
    _send(answers, None)
    while True:
        try:
            method, given, options = pickle.load(sys.stdin.buffer)  # noqa: S301 - by `_answer`
        except EOFError:
            return
        try:
            found = getattr(engine, method)(*given, **options)
        except GraphError as error:
            found = error
        _send(answers, found)


if __name__ == "__main__":
    _main(*sys.argv[1:])
