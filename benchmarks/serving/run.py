"""The service under load: `python -m benchmarks.serving.run losses|overload|fuzz`.

losses     so many clients for minutes, while replicas are killed, and one of two nodes once: is a
           request lost, or answered otherwise than `zoo.load(...).predict` does?
overload   ten times as many requests as can be answered: how long a refusal takes, and the memory
fuzz       nonsense of a seeded generator: is there a 500?

Each starts a service of its own on 127.0.0.1 and writes its part of the file of results.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.serving import fuzz as fuzzing
from benchmarks.serving import killing, service
from benchmarks.serving.client import GONE, Answer, Client, Reached, closed_loop, open_loop
from benchmarks.serving.killing import DATES, TRANSLATE, asked
from benchmarks.serving.processes import below, megabytes, replicas
from benchmarks.speed.run import device_name
from training import card_writer
from zoo.saving import write_json

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)

OUT = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "serving" / "serving.json"
Out = Annotated[Path, typer.Option(help="The file of results.")]


def kept(out: Path, name: str, command: str, found: dict[str, Any]) -> None:
    """Write one part of the file of results, and print it."""
    parts = json.loads(out.read_text(encoding="utf-8")) if out.is_file() else {}
    about = {
        "command": f"python -m benchmarks.serving.run {command}",
        "device": device_name(),
        "date": time.strftime("%Y-%m-%d"),
        "load_before": round(os.getloadavg()[0], 1),
        "commit": card_writer.commit(),
    }
    parts[name] = {**about, **found}
    write_json(out, parts)
    typer.echo(json.dumps(parts[name], indent=1))


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95 %, 99 % and the longest of some times."""
    if not seconds:
        return {}
    if len(seconds) == 1:
        return {"p50": round(1000 * seconds[0], 1)}
    cut = statistics.quantiles(seconds, n=100, method="inclusive")
    named = {"p50": cut[49], "p95": cut[94], "p99": cut[98], "longest": max(seconds)}
    return {name: round(1000 * one, 1) for name, one in named.items()}


@app.command()
def losses(
    clients: int = 64,
    seconds: float = 300.0,
    kill_every: float = 20.0,
    out: Out = OUT,
) -> None:
    """Replicas are killed, and one of two nodes once, halfway."""
    found = killing.measure(clients, seconds, kill_every)
    found["milliseconds"] = milliseconds(found.pop("times"))
    command = f"losses --clients {clients} --seconds {seconds:g} --kill-every {kill_every:g}"
    kept(out, "losses", command, found)


@app.command()
def overload(seconds: float = 60.0, times: float = 10.0, out: Out = OUT) -> None:
    """Ten times as many requests as can be answered."""
    settings = {
        "models": {
            TRANSLATE: {"max_ongoing_requests": 16, "max_queued_requests": 16, "batch_rows": 16}
        }
    }

    def ask(number: int) -> tuple[str, bytes]:
        return asked(2 * number)

    with service.running(settings) as running:
        pid = running.process.pid
        answered: list[float] = []

        def count(number: int, answer: Answer) -> None:
            answered.append(answer.seconds)

        asyncio.run(closed_loop(running.port, 8, 5, ask, count))
        answered.clear()
        asyncio.run(closed_loop(running.port, 16, 15, ask, count))
        capacity = len(answered) / 15
        before = _memory(pid)
        found: dict[int, list[float]] = {}
        lacking = []
        memory: list[dict[str, int]] = []

        def told(number: int, answer: Answer) -> None:
            found.setdefault(answer.status, []).append(answer.seconds)
            if answer.status == 503 and "retry-after" not in answer.headers:
                lacking.append(number)

        async def run() -> Reached:
            async def watch() -> None:
                while True:
                    memory.append(_memory(pid))
                    await asyncio.sleep(2)

            watching = asyncio.create_task(watch())
            reached = await open_loop(running.port, times * capacity, seconds, ask, told)
            watching.cancel()
            return reached

        reached = asyncio.run(run())
        after = _memory(pid)
        time.sleep(2)
        last = asyncio.run(Client(running.port).post(*ask(0)))
    made = {
        "capacity_per_second": round(capacity, 1),
        "offered_per_second": round(times * capacity, 1),
        "reached_per_second": round(reached.rate, 1),
        "client_woke_late_milliseconds": milliseconds(reached.late),
        "seconds": seconds,
        "statuses": {str(status): len(one) for status, one in sorted(found.items())},
        "answered_per_second": round(len(found.get(200, ())) / seconds, 1),
        "milliseconds": {str(status): milliseconds(one) for status, one in sorted(found.items())},
        "refused_within_100_ms_percent": _share([s <= 0.1 for s in found.get(503, ())]),
        "without_retry_after": len(lacking),
        "megabytes": {
            "before": before,
            "most": {name: max(one[name] for one in memory) for name in before},
            "after": after,
        },
        "answered_afterwards": last.status == 200,
    }
    kept(out, "overload", f"overload --seconds {seconds:g} --times {times:g}", made)


def _share(true: Sequence[bool]) -> float | None:
    return round(100 * sum(true) / len(true), 2) if true else None


def _memory(pid: int) -> dict[str, int]:
    """Of the gateway, of its replicas, and of all that was started with them."""
    everything = [pid, *below(pid)]
    return {
        "gateway": round(megabytes(pid)),
        "replicas": round(sum(map(megabytes, replicas(pid)))),
        "all": round(sum(map(megabytes, everything))),
    }


@app.command()
def fuzz(requests: int = 10_000, seed: int = 1, clients: int = 8, out: Out = OUT) -> None:
    """Nonsense: what is wrong is refused, and nothing fails."""
    names = ["dates-simple-rnn", DATES]
    statuses: Counter[int] = Counter()
    errors: list[Any] = []

    def request(number: int) -> fuzzing.Fuzzed:
        return fuzzing.request(random.Random(f"{seed} {number}"), names)

    with service.running({"models": dict.fromkeys(names)}) as running:

        async def ask(numbers: Any) -> None:
            client = Client(running.port)
            for number in numbers:
                one = request(number)
                answer = await client.send(one.raw(), head=one.method == "HEAD")
                statuses[answer.status] += 1
                if answer.status >= 500 or answer.status == GONE:
                    errors.append([number, answer.status, repr(one.raw()[:300])])

        async def run() -> None:
            numbers = iter(range(requests))
            await asyncio.gather(*(ask(numbers) for _ in range(clients)))

        before = _memory(running.process.pid)
        asyncio.run(run())
        after = _memory(running.process.pid)
        last = asyncio.run(Client(running.port).post(*asked(1)))
    found = {
        "requests": requests,
        "seed": seed,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "of_500": statuses[500],
        "unanswered": statuses[GONE],
        "examples": errors[:5],
        "megabytes": {"before": before, "after": after},
        "answered_afterwards": last.status == 200,
    }
    kept(out, "fuzz", f"fuzz --requests {requests} --seed {seed} --clients {clients}", found)


if __name__ == "__main__":
    app()
