"""A small HTTP/1.1 client that keeps its connection, and loads of many of them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import NamedTuple

GONE = 0
"""The status where the connection ended without an answer."""


class Answer(NamedTuple):
    """What came back, and after how many seconds."""

    status: int
    body: bytes
    seconds: float
    headers: dict[str, str]


class Client:
    """One connection to 127.0.0.1, opened when it is needed.

    Args:
        port: of the service.
        timeout: seconds that an answer may take.
    """

    def __init__(self, port: int, timeout: float = 120.0):
        self.port, self.timeout = port, timeout
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, body: bytes) -> Answer:
        """Send JSON."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return await self.send(head.encode() + body)

    async def send(self, raw: bytes, head: bool = False) -> Answer:
        """Send bytes as they are; `head`: an answer to this has no body."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self.timeout):
                if self._writer is None:
                    opened = await asyncio.open_connection("127.0.0.1", self.port)
                    self._reader, self._writer = opened
                with contextlib.suppress(ConnectionError):  # refused halfway: the answer is there
                    self._writer.write(raw)
                    await self._writer.drain()
                status, headers, body = await self._answer(head)
        except (OSError, EOFError, TimeoutError, ValueError, IndexError):
            self.close()
            return Answer(GONE, b"", time.perf_counter() - began, {})
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, body, time.perf_counter() - began, headers)

    async def _answer(self, head: bool) -> tuple[int, dict[str, str], bytes]:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int((await self._reader.readline()).split(b";")[0], 16):
                body += await self._reader.readexactly(size)
                await self._reader.readline()
            await self._reader.readline()
        else:
            size = 0 if head else int(headers.get("content-length", 0))
            body = await self._reader.readexactly(size)
        return int(lines[0].split()[1]), headers, body

    def close(self) -> None:
        """Give the connection up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


Ask = Callable[[int], tuple[str, bytes]]
"""The path and the body of request number n."""
Told = Callable[[int, Answer], None]


async def closed_loop(port: int, clients: int, seconds: float, ask: Ask, told: Told) -> None:
    """So many clients, each of which asks again as soon as it has been answered."""
    until = time.perf_counter() + seconds
    numbers = iter(range(10**9))

    async def one() -> None:
        client = Client(port)
        while time.perf_counter() < until:
            number = next(numbers)
            told(number, await client.post(*ask(number)))
        client.close()

    await asyncio.gather(*(one() for _ in range(clients)))


class Reached(NamedTuple):
    """How well a client kept to its plan: requests a second, and by how many seconds it woke late.

    What it woke late by is in the times of its answers too.
    """

    rate: float
    late: list[float]


async def open_loop(port: int, rate: float, seconds: float, ask: Ask, told: Told) -> Reached:
    """So many requests a second, however long answers take."""
    idle: list[Client] = []
    tasks: set[asyncio.Task] = set()

    async def one(number: int) -> None:
        client = idle.pop() if idle else Client(port)
        told(number, await client.post(*ask(number)))
        idle.append(client)

    began = time.perf_counter()
    number, late = 0, []
    while (passed := time.perf_counter() - began) < seconds:
        while number < passed * rate:
            task = asyncio.ensure_future(one(number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        slept = time.perf_counter()
        await asyncio.sleep(0.005)
        late.append(time.perf_counter() - slept - 0.005)
    reached = Reached(number / (time.perf_counter() - began), late)
    await asyncio.gather(*tasks)
    for client in idle:
        client.close()
    return reached
