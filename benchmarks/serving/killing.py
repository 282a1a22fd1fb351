"""Many clients, while replicas are killed, and one of two Ray nodes once: is a request lost?"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
import urllib.request
from collections import Counter
from typing import Any

from benchmarks.serving import service
from benchmarks.serving.client import Answer, closed_loop
from benchmarks.serving.processes import megabytes, replicas

TRANSLATE, DATES = "en-es-transformer", "dates-transformer"
SENTENCES = (
    "Where is the library?",
    "My sister would like to buy new shoes.",
    "Tom never had good friends in this town.",
    "The old man has a black cat.",
)


def question(number: int) -> tuple[str, str]:
    """The model and the text of request number n; 2,800 different ones."""
    if number % 2:
        return DATES, f"{number % 28 + 1} May {1950 + number % 100}"
    return TRANSLATE, SENTENCES[number // 2 % len(SENTENCES)]


def asked(number: int) -> tuple[str, bytes]:
    """The path and the body of that request."""
    model, text = question(number)
    return f"/v1/models/{model}:predict", json.dumps({"instances": [text]}).encode()


def right_answers() -> dict[tuple[str, str], str]:
    """What each question is answered with in Python."""
    import zoo

    questions = list(dict.fromkeys(question(number) for number in range(2_800)))
    found = {}
    for name in (TRANSLATE, DATES):
        own = [text for model, text in questions if model == name]
        made = zoo.load(name, runtime="litert").predict(own, attention=False)
        found |= {(name, text): one.text for text, one in zip(own, made, strict=True)}
    return found


class Killer:
    """Kills replicas of this process's cluster, and its second node once.

    Args:
        cluster, second: as `service.two_nodes` gives them.
        seconds: of the whole measurement; the node is killed after half of it.
        every: seconds between two kills.
    """

    def __init__(self, cluster: Any, second: Any, seconds: float, every: float):
        self.cluster, self.second = cluster, second
        self.seconds, self.every = seconds, every
        self.events: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Go on until half a period before the end."""
        rng, began = random.Random(1), time.perf_counter()
        passed = 0.0
        while passed < self.seconds - 1.5 * self.every:
            await asyncio.sleep(self.every)
            passed = round(time.perf_counter() - began, 1)
            before = sorted(replicas(os.getpid()))
            if passed > self.seconds / 2 and not any(e["killed"] == "node" for e in self.events):
                await asyncio.to_thread(self.cluster.remove_node, self.second, False)
                killed = "node"
            elif before:
                os.kill(rng.choice(before), signal.SIGKILL)
                killed = "replica"
            else:
                continue
            await asyncio.sleep(0.2)
            left = len(replicas(os.getpid()))
            event = {"second": passed, "killed": killed, "replicas_before": len(before)}
            self.events.append({**event, "replicas_after": left})


def measure(clients: int, seconds: float, every: float) -> dict[str, Any]:
    """The figures; `times` are the seconds of all answers."""
    texts = right_answers()
    models = {name: {"min_replicas": 2, "max_replicas": 2} for name in (DATES, TRANSLATE)}
    statuses: Counter[int] = Counter()
    wrong: list[Any] = []
    times: list[float] = []

    def told(number: int, answer: Answer) -> None:
        statuses[answer.status] += 1
        times.append(answer.seconds)
        if (
            answer.status != 200
            or json.loads(answer.body)["predictions"][0]["text"] != texts[question(number)]
        ):
            wrong.append([number, answer.status, answer.body.decode("utf-8", "replace")[:200]])

    with (
        service.two_nodes() as (cluster, second),
        service.running({"request_timeout_s": 110, "models": models}, cluster.address) as running,
    ):
        killer = Killer(cluster, second, seconds, every)

        async def run() -> None:
            killing = asyncio.create_task(killer.run())
            await closed_loop(running.port, clients, seconds, asked, told)
            killing.cancel()

        asyncio.run(run())
        memory = round(megabytes(running.process.pid))
        retries = counted(running, "zoo_retries_total")
    return {
        "clients": clients,
        "seconds": seconds,
        "requests": sum(statuses.values()),
        "lost_or_wrong": len(wrong),
        "examples": wrong[:5],
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "calls_made_again": retries,
        "killed": Counter(one["killed"] for one in killer.events),
        "events": killer.events,
        "gateway_megabytes": memory,
        "times": times,
    }


def counted(running: service.Service, name: str) -> int:
    """The sum of a counter of the gateway's, over its labels."""
    url = f"http://127.0.0.1:{running.port}/metrics"
    with urllib.request.urlopen(url, timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return round(sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name}{{")))
