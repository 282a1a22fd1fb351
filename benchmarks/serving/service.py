"""The service as a process, on Ray of its own or on a cluster of two nodes on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.serving.processes import below

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180


class Service:
    """A service that runs: its process and its port."""

    def __init__(self, process: subprocess.Popen, port: int):
        self.process, self.port = process, port

    def get(self, path: str) -> Any:
        """The JSON at a path."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return json.load(answer)


@contextlib.contextmanager
def running(settings: Mapping[str, Any], address: str = "") -> Iterator[Service]:
    """The command with these settings, until the block ends; then all it started has ended too.

    Raises:
        RuntimeError: it did not start; the message is what it said.
    """
    place = Path(tempfile.mkdtemp(prefix="zoo-serving-"))
    (place / "serve.yaml").write_text(json.dumps(settings), encoding="utf-8")
    command = f"-m zoo.serving --port 0 --config {place / 'serve.yaml'}"
    command += f" --address {address}" if address else ""
    log = place / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *command.split()],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + START_SECONDS
        found = None
        while not found and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
            found = re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())
        if not found:
            raise RuntimeError(f"The service did not start: {log.read_text()}")
        yield Service(process, int(found[1]))
    finally:
        started = below(process.pid)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()
        for pid in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        said = log.read_text().strip().splitlines()[-20:]
        print(*(f"  service: {line}" for line in said), sep="\n", flush=True)
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def two_nodes() -> Iterator[tuple[Any, Any]]:
    """A Ray cluster of two nodes on 127.0.0.1: the cluster, and the node that may be killed."""
    from zoo.serving import cluster as ours

    ours.prepare("")
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    from ray.cluster_utils import Cluster

    place = tempfile.mkdtemp(prefix="zoo-ray-")
    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args={**node, "temp_dir": place})
    try:
        second = made.add_node(**node)
        yield made, second
    finally:
        made.shutdown()
        shutil.rmtree(place, ignore_errors=True)
