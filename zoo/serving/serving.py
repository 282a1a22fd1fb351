"""Running the service: models found, replicas started, and the gateway until a signal comes."""

from __future__ import annotations

import dataclasses
import errno
import gc
import signal
import socket
import sys
from pathlib import Path

from zoo import shipped
from zoo.serving import cluster, signatures
from zoo.serving.config import ModelConfig, ServeConfig
from zoo.serving.gateway import Gateway
from zoo.serving.metrics import Metrics
from zoo.serving.signatures import Description

BACKLOG = 2048
"""Connections that wait to be taken up."""


def run(service: ServeConfig, address: str = "", join: bool = False) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        service: the settings.
        address: of a Ray cluster; "": Ray is started here, and ends with the service.
        join: whether the models have been started by another gateway.

    Raises:
        ValueError: a model that is not there or cannot be loaded; no model at all.
        OSError: the port is taken.
        RuntimeError: replicas that do not start.
    """
    import uvicorn

    with _listening(service.host, service.port) as listener:
        models = find(service)
        descriptions = {name: describe(name, one) for name, one in models.items()}
        cluster.prepare(address)
        doing = "Joining" if join else "Starting"
        _say(f"{doing} {len(models)} model{'s' * (len(models) > 1)} on Ray Serve")
        with cluster.running(address):
            from zoo.serving.replicas import RayBackend, deploy

            if not join:
                deploy(models, service)
            metrics = Metrics()
            backend = RayBackend(models, lambda name: metrics.retries.labels(name).inc())
            app = Gateway(service, descriptions, models, backend, metrics)
            port = listener.getsockname()[1]
            listener.listen(BACKLOG)  # from here on no request is refused
            _say(f"Serving {', '.join(models)}")
            host = f"[{service.host}]" if ":" in service.host else service.host
            _say(f"Attention Zoo: http://{host}:{port}/v1/models (Ctrl-C ends it)")
            server = uvicorn.Server(
                uvicorn.Config(
                    app,
                    lifespan="off",
                    log_level="warning",
                    access_log=False,
                    server_header=False,
                    backlog=BACKLOG,
                    timeout_keep_alive=75,  # longer than a load balancer keeps an idle connection
                    timeout_graceful_shutdown=max(1, round(service.stop_timeout_s)),
                )
            )
            # The server ends on them, then hands them on: the exit code is that of a job done.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: None)
            server.run(sockets=[listener])


def _say(text: str) -> None:
    print(text, flush=True)


def _listening(host: str, port: int) -> socket.socket:
    """The gateway's socket, before anything slow is begun."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise OSError(f"port {port} of {host} is taken: name another with --port") from None
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return made


def find(service: ServeConfig) -> dict[str, ModelConfig]:
    """The models to serve: those named, or all shipped ones that their runtime can load.

    Raises:
        ValueError: a model that was named and cannot be loaded; none at all.
    """
    import zoo

    named = service.models
    asked = dict.fromkeys(shipped.names(), service.default_model) if named is None else named
    found: dict[str, ModelConfig] = {}
    left_out: dict[str, list[str]] = {}
    for name, one in asked.items():
        runtime = "" if one.runtime == "keras" else one.runtime
        one = dataclasses.replace(one, path=str(Path(one.path).resolve())) if one.path else one
        try:
            # Its graphs are made now, once, and not by all replicas at the same time.
            zoo.load(Path(one.path) if one.path else name, runtime=runtime, precision=one.precision)
        except ValueError as error:
            if named is not None:
                raise ValueError(f"models: {name}: {error}") from None
            left_out.setdefault(str(error).replace(name, "it"), []).append(name)
            continue
        found[name] = one
        gc.collect()
    for said, some in left_out.items():
        print(f"Not served: {', '.join(some)}: {said}", file=sys.stderr)
    if not found:
        raise ValueError("there is no model to serve")
    return found


def describe(name: str, one: ModelConfig) -> Description:
    """What can be asked of a model. Raises ModelFolderError."""
    return signatures.describe(name, folder(name, one))


def folder(name: str, one: ModelConfig) -> Path:
    """Where a served model lies."""
    return Path(one.path) if one.path else shipped.saved_models_path() / name
