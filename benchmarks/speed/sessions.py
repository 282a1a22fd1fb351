"""A class at the dashboard: `python -m benchmarks.speed.sessions`, so many sessions at once.

Starts the dashboard with nothing kept on disk, opens sessions as a browser does (one WebSocket
each, Streamlit's own messages) and has each ask Compare for a sentence that was not asked before.
All begin at the same moment, right after the start of the server (cold), and again (warm). Written
down is how long a session waited for all answers and for the whole page, and the server's memory.
With `--minutes` they go on asking for so long, and the memory is written down after each round.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.speed.run import device_name
from training import card_writer
from training.commands import plainly
from zoo.saving import write_json

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "benchmarks" / "results" / "engine" / "sessions.json"
COMMAND = "python -m benchmarks.speed.sessions"
ANSWERED = b"sure of the whole output"
"""What is in each answer."""
WAIT = 300
WHO = ("My sister", "The old man", "Tom", "Our teacher", "Nobody", "The little girl")
DOES = ("has", "sees", "wants", "would like to buy", "cannot find", "never had")
WHAT = ("red cars", "black cats", "books about the sea", "good friends in this town", "new shoes")


@app.command(help=__doc__)
@plainly()
def main(
    sessions: Annotated[str, typer.Option(help="How many at once; commas between.")] = "1,8,30,60",
    minutes: Annotated[float, typer.Option(help="How long they go on asking.")] = 0.0,
    out: Annotated[Path, typer.Option(help="The file of results.")] = OUT,
) -> None:
    """Measure each number of sessions on a server of its own; see the text of the module."""
    found = []
    for count in (int(part) for part in sessions.split(",")):
        found.append(measure(count, minutes))
        typer.echo(json.dumps(found[-1]))
    write_json(
        out,
        {
            "command": f"{COMMAND} --sessions {sessions}"
            + (f" --minutes {minutes:g}" if minutes else ""),
            "device": device_name(),
            "commit": card_writer.commit(),
            "date": time.strftime("%Y-%m-%d"),
            "runs": found,
        },
    )


def measure(count: int, minutes: float = 0.0) -> dict[str, Any]:
    """Seconds that `count` sessions waited, cold and warm, and megabytes of the server.

    `minutes`: how long they go on asking after that, in rounds of one sentence each.
    """
    with tempfile.TemporaryDirectory() as kept:
        port = free_port()
        server = serve(port, Path(kept))
        try:
            result: dict[str, Any] = {"sessions": count}
            for number, state in enumerate(("cold", "warm")):
                result[state] = together(port, sentences(count, number))
                result[state]["megabytes"] = round(megabytes(server.pid))
            if minutes:
                result["rounds"] = list(rounds(port, count, minutes, server.pid))
            return result
        finally:
            server.kill()
            server.wait()


def rounds(port: int, count: int, minutes: float, process: int) -> Iterator[dict[str, float]]:
    """After each round: minutes since the first began, p95 of the answers, megabytes."""
    began, number = time.monotonic(), 2
    while (passed := (time.monotonic() - began) / 60) < minutes:
        waited = together(port, sentences(count, number))["answers"]["p95"]
        number += 1
        size = round(megabytes(process))
        yield {"minutes": round(passed, 1), "p95": waited, "megabytes": size}


def sentences(count: int, number: int) -> list[str]:
    """Texts of several lengths, each another."""
    return [
        f"{WHO[i % 6]} {DOES[i // 6 % 6]} {number * 100 + i + 2} {WHAT[i % 5]}"
        + (" because it rains." if i % 3 == 0 else ".")
        for i in range(count)
    ]


def free_port() -> int:
    """A port that no process listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def serve(port: int, kept: Path) -> subprocess.Popen[bytes]:
    """The dashboard, as `make dashboard` starts it, ready to take sessions."""
    command = [sys.executable, "-m", "streamlit", "run", "apps/dashboard.py"]
    command += ["--server.address", "127.0.0.1", "--server.port", str(port)]
    command += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    env = {**os.environ, "ZOO_CACHE_DIR": str(kept), "TF_CPP_MIN_LOG_LEVEL": "3"}
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=quiet, stderr=quiet)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).read()
            return server
        except OSError:
            time.sleep(0.1)
    server.kill()
    raise RuntimeError("the dashboard did not start")


def together(port: int, texts: Sequence[str]) -> dict[str, Any]:
    """Every text asked in a session of its own, all at the same moment."""
    waited: list[tuple[float, float]] = []
    failed: list[str] = []
    ready = threading.Barrier(len(texts))

    def one(text: str) -> None:
        try:
            waited.append(ask(port, text, ready))
        except Exception as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=one, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(texts)} sessions failed: {failed[0]}")
    answered, whole = (sorted(column) for column in zip(*waited, strict=True))
    return {
        "answers": {"p50": middle(answered), "p95": high(answered), "last": round(answered[-1], 2)},
        "page": {"p50": middle(whole), "p95": high(whole), "last": round(whole[-1], 2)},
    }


def middle(values: Sequence[float]) -> float:
    """The median."""
    return round(statistics.median(values), 2)


def high(values: Sequence[float]) -> float:
    """What 95 % do not exceed, of sorted values."""
    return round(values[max(0, -(-95 * len(values) // 100) - 1)], 2)


def ask(port: int, text: str, ready: threading.Barrier) -> tuple[float, float]:
    """Seconds until all answers of Compare were there, and until the page was done."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.sync.client import connect

    question = BackMsg()
    question.rerun_script.query_string = urllib.parse.urlencode({"text": text})
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    with connect(address, max_size=None, subprotocols=["streamlit"]) as session:  # type: ignore
        ready.wait(60)
        began = time.monotonic()
        session.send(question.SerializeToString())
        answers, answered = 0, 0.0
        while True:
            content = session.recv(timeout=WAIT)
            answers += content.count(ANSWERED) if isinstance(content, bytes) else 0
            message = ForwardMsg.FromString(content)
            if answers >= 4 and not answered:
                answered = time.monotonic() - began
            if message.HasField("script_finished"):
                if answers < 4:
                    raise RuntimeError(f"{answers} answers on a page that is done")
                return answered, time.monotonic() - began


def megabytes(process: int) -> float:
    """Memory of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    app()
