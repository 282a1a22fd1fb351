"""The service with real replicas on Ray: started, a replica killed under load, ended."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.serving.processes import below, replicas
from tests.zoo.serving.conftest import RNN

ROOT = Path(__file__).resolve().parents[3]
CONFIG = f"""
models:
  {RNN}: {{min_replicas: 2, max_replicas: 2, max_ongoing_requests: 4}}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc to look in"),
]


def open_to_others(pids: set[int]) -> list[str]:
    """Ports on which these processes listen on more than the loopback address."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                inodes |= set(re.findall(r"socket:\[(\d+)\]", str(link.readlink())))
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            local = fields[1].split(":")[0]
            inside = local in ("0100007F", "0000000000000000FFFF00000100007F")
            inside |= local == "00000000000000000000000001000000"
            if fields[3] == "0A" and fields[9] in inodes and not inside:
                found.append(fields[1])
    return found


@pytest.fixture
def service(tmp_path):
    """The command, running: its process and its address. All that it started ends with it."""
    (tmp_path / "serve.yaml").write_text(CONFIG, encoding="utf-8")
    log = (tmp_path / "log").open("w+")
    # Nothing is written to the home folder, and there need not be one.
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"}
    command = f"-m zoo.serving --port 0 --config {tmp_path / 'serve.yaml'}"
    process = subprocess.Popen(
        [sys.executable, *command.split()],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        address = None
        for _ in range(600):
            address = re.search(r"http://[\d.:]+", (tmp_path / "log").read_text())
            if address or process.poll() is not None:
                break
            time.sleep(0.1)
        assert address, (tmp_path / "log").read_text()
        yield process, address[0]
    finally:
        started = below(process.pid)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
        for pid in started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        log.close()


def predict(address: str, text: str) -> tuple[int, dict]:
    body = json.dumps({"instances": [text]}).encode()
    url = f"{address}/v1/models/{RNN}:predict"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_replica_that_dies_takes_no_request_along(service, models, tmp_path):
    process, address = service
    texts = [f"{day} May 2021" for day in range(1, 29)]
    wanted = [one.text for one in models[RNN].predict(texts)]
    status, first = predict(address, texts[0])
    assert status == 200 and first["predictions"][0]["text"] == wanted[0]
    started = below(process.pid)
    assert open_to_others({process.pid, *started}) == []

    killed = replicas(process.pid)[0]
    halfway = threading.Event()

    def ask(number: int) -> tuple[int, str]:
        if number == 60:
            os.kill(killed, signal.SIGKILL)
            halfway.set()
        status, body = predict(address, texts[number % len(texts)])
        return status, body["predictions"][0]["text"] if status == 200 else body["error"]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(200)))
    assert halfway.is_set()
    assert answers == [(200, wanted[n % len(texts)]) for n in range(200)]

    for _ in range(300):  # another takes its place
        if len(set(replicas(process.pid)) - {killed}) == 2:
            break
        time.sleep(0.1)
    assert len(set(replicas(process.pid)) - {killed}) == 2
    assert predict(address, texts[0])[0] == 200

    place = next(re.search(r"(/\S*zoo-ray-\w+)", c)[1] for c in started.values() if "zoo-ray" in c)
    started |= below(process.pid)
    process.terminate()
    assert process.wait(20) == 0
    for _ in range(100):
        left = [pid for pid in started if Path(f"/proc/{pid}").exists()]
        left = [pid for pid in left if "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]]
        if not left:
            break
        time.sleep(0.1)
    assert not left and not Path(place).exists()
    assert not (tmp_path / "home").exists()
