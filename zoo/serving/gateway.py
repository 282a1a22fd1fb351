"""The gateway: an ASGI application that speaks the protocol, over any backend that answers rows.

Needs Starlette; nothing here knows of Ray.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from zoo.serving import answers, protocol
from zoo.serving.config import ModelConfig, ServeConfig
from zoo.serving.metrics import Metrics
from zoo.serving.protocol import RefusedError, Target
from zoo.serving.signatures import Description

log = logging.getLogger(__name__)

CLIENT_GONE = 499
"""Counted where the client has closed the connection; it is told nothing."""
METHODS = {"predict": ("POST",)}
READ_ONLY = ("GET", "HEAD")


class Backend(Protocol):
    """Where rows are answered: `zoo.serving.local` in this process, or `zoo.serving.replicas`."""

    async def answer(
        self, model: str, signature: str, rows: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """The answer to each row. Raises RefusedError: 503 where there is no room."""
        ...

    async def states(self) -> dict[str, tuple[str, str]]:
        """Of each model "AVAILABLE", "LOADING" or "END", and what is wrong with it, or ""."""
        ...


class Gateway:
    """The ASGI application.

    Args:
        config: its limits.
        models: what may be asked, by name.
        settings: of each model.
        backend: where it is answered.
        metrics: what is counted.
    """

    def __init__(
        self,
        config: ServeConfig,
        models: Mapping[str, Description],
        settings: Mapping[str, ModelConfig],
        backend: Backend,
        metrics: Metrics | None = None,
    ):
        self.config, self.models, self.settings, self.backend = config, models, settings, backend
        self.metrics = metrics or Metrics()
        self.under_way: Counter[str] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            request = Request(scope, receive)
            response = await self._response(request)
            try:
                await response(scope, receive, send)
            except OSError:  # the client has gone
                log.debug("the client closed the connection")
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})

    async def _response(self, request: Request) -> Response:
        began = time.perf_counter()
        known = ""
        try:
            target = protocol.target(request.scope["path"], [*self.models])
            known = target.model
            allowed = METHODS.get(target.what, READ_ONLY)
            if request.method not in allowed:
                raise RefusedError(
                    405, f"Only {' or '.join(allowed)} here", {"Allow": ", ".join(allowed)}
                )
            if target.what == "predict":
                response = await self._predict(request, target.model)
                self.metrics.seconds.labels(known).observe(time.perf_counter() - began)
            else:
                response = await self._told(target)
        except RefusedError as error:
            response = self._refused(error)
        except ClientDisconnect:
            response = Response(status_code=CLIENT_GONE)
        except Exception:
            log.exception("%s %s failed", request.method, request.scope["path"][:200])
            response = self._refused(RefusedError(500, "The request failed; the log says why"))
        self.metrics.requests.labels(known, response.status_code).inc()
        return response

    async def _told(self, target: Target) -> Response:
        if target.what == "metrics":
            text, kind = self.metrics.text()
            return Response(text, media_type=kind)
        if target.what == "healthz":
            return _json({"status": "ok"})
        if target.what == "metadata":
            return _json(answers.metadata(self.models[target.model]))
        states = await self.backend.states()
        if target.what == "readyz":
            waited = sorted(name for name in self.models if states[name][0] != "AVAILABLE")
            if waited:
                raise RefusedError(503, f"Not ready: {', '.join(waited)}")
            return _json({"status": "ok"})
        if target.what == "models":
            listed = [
                {"name": n, "kind": m.kind, "task": m.task, "state": states[n][0]}
                for n, m in self.models.items()
            ]
            return _json({"models": listed})
        return _json(answers.status(*states[target.model]))

    async def _predict(self, request: Request, name: str) -> Response:
        if (
            self.under_way[name] >= self.settings[name].most_requests
            or self.under_way.total() >= self.config.max_requests
        ):
            raise self.busy()
        gauge = self.metrics.under_way.labels(name)
        self.under_way[name] += 1
        gauge.inc()
        try:
            body = await self._body(request)
            model = self.models[name]
            asked = protocol.read(body, model, self.config.max_rows)
            del body
            try:
                async with asyncio.timeout(self.config.request_timeout_s):
                    rows = await self._unless_gone(
                        request, self.backend.answer(name, asked.signature, asked.rows)
                    )
            except TimeoutError:
                seconds = self.config.request_timeout_s
                raise RefusedError(504, f"There was no answer within {seconds:g} s") from None
        finally:
            self.under_way[name] -= 1
            gauge.dec()
        self.metrics.rows.labels(name).inc(len(rows))
        return _json(answers.written(asked, model.signatures[asked.signature], rows))

    async def _unless_gone(self, request: Request, answer: Any) -> Any:
        """What `answer` gives; it is given up when the client closes the connection."""
        work = asyncio.ensure_future(answer)
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ClientDisconnect
            return work.result()
        finally:
            gone.cancel()
            work.cancel()

    async def _body(self, request: Request) -> bytes:
        most = self.config.max_body_bytes
        said = f"The body is larger than {most} bytes"
        too_large = RefusedError(413, said, {"Connection": "close"})
        length = request.headers.get("content-length", "")
        if length.isdigit() and (len(length) > 18 or int(length) > most):
            # A connection that is closed while its client still sends may lose it the answer: the
            # server reads on and keeps nothing, unless there is far too much.
            raise too_large if len(length) > 8 else RefusedError(413, said)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.config.body_timeout_s):
                async for part in request.stream():
                    size += len(part)
                    if size > most:
                        raise too_large
                    parts.append(part)
        except TimeoutError:
            seconds = self.config.body_timeout_s
            raise RefusedError(
                408, f"The body did not arrive within {seconds:g} s", {"Connection": "close"}
            ) from None
        return b"".join(parts)

    def busy(self) -> RefusedError:
        """What is said where there is no room."""
        seconds = str(self.config.retry_after_s)
        return RefusedError(503, "Too many requests at a time; try again", {"Retry-After": seconds})

    def _refused(self, error: RefusedError) -> Response:
        headers = error.headers
        if error.status == 503:
            headers = {"Retry-After": str(self.config.retry_after_s), **headers}
        return _json({"error": error.message}, error.status, headers)


async def _disconnected(request: Request) -> None:
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        answers.encoded(content), status, headers=headers, media_type="application/json"
    )
