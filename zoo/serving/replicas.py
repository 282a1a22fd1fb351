"""Replicas on Ray Serve, one application a model, and the backend that asks them."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ray import exceptions, serve
from ray.serve import exceptions as serve_exceptions

from zoo.serving import cluster, signatures
from zoo.serving.config import ModelConfig, ServeConfig
from zoo.serving.protocol import RefusedError
from zoo.serving.tensors import DEFAULT

STATUS_SECONDS = 1.0
"""For so long the controller's word on the replicas is kept."""
ATTEMPTS = 10
"""How many replicas one request may lose: it could be the cause that they fail."""
PAUSE, LONGEST_PAUSE = 0.02, 1.0
"""Seconds between attempts: the first, doubled each time up to the second."""

LOST = (
    exceptions.RayActorError,
    exceptions.NodeDiedError,
    exceptions.WorkerCrashedError,
    exceptions.OwnerDiedError,
    exceptions.ObjectLostError,
    serve_exceptions.ReplicaUnavailableError,
)
"""A replica, or its machine, has failed with the request, which is sent to another."""


class Replica:
    """One model in a process of its own; requests that come together are answered together."""

    def __init__(self, place: str, config: ModelConfig):
        import zoo

        runtime = "" if config.runtime == "keras" else config.runtime
        self.model = zoo.load(_place(place), runtime=runtime, precision=config.precision)
        self._together.set_max_batch_size(config.batch_rows)
        self._together.set_batch_wait_timeout_s(config.batch_wait_s)
        # The first answer of a process is slower than all others.
        signatures.answer(self.model, DEFAULT, [signatures.example(self.model)])

    async def answer(self, signature: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answer to each row of a signature."""
        return await self._together((signature, rows))

    # The computation blocks this loop on purpose: requests gather meanwhile, and the next batch
    # has all of them. Ray's own loop, with its health checks, is another thread.
    @serve.batch(batch_size_fn=lambda calls: sum(len(rows) for _, rows in calls))
    async def _together(self, calls: list[tuple[str, list[dict[str, Any]]]]) -> list[Any]:
        found: list[Any] = [None] * len(calls)
        for signature in dict.fromkeys(name for name, _ in calls):
            places = [n for n, (name, _) in enumerate(calls) if name == signature]
            rows = [row for n in places for row in calls[n][1]]
            made = iter(signatures.answer(self.model, signature, rows))
            for n in places:
                found[n] = [next(made) for _ in calls[n][1]]
        return found


def _place(place: str) -> str | Path:
    """A shipped model's name as it is, a path as a `Path`."""
    return Path(place) if "/" in place else place


def deployment(name: str, place: str, config: ModelConfig, service: ServeConfig) -> Any:
    """The application of one model, to be run."""
    variables = {"OMP_NUM_THREADS": str(config.threads), "PYTHONPATH": cluster.python_path()}
    for kept in ("ZOO_CACHE_DIR", "ZOO_SAVED_MODELS", "TF_CPP_MIN_LOG_LEVEL"):
        if kept in os.environ:
            variables[kept] = os.environ[kept]
    fixed = config.min_replicas == config.max_replicas
    scaling = {
        "min_replicas": config.min_replicas,
        "max_replicas": config.max_replicas,
        "target_ongoing_requests": config.target_ongoing_requests,
        "upscale_delay_s": config.upscale_delay_s,
        "downscale_delay_s": config.downscale_delay_s,
    }
    count = {"num_replicas": config.min_replicas} if fixed else {"autoscaling_config": scaling}
    made = serve.deployment(
        Replica,
        name=name,
        max_ongoing_requests=config.max_ongoing_requests,
        # The gateway refuses before this is reached, without asking Ray.
        max_queued_requests=config.most_requests * -(-service.max_rows // config.batch_rows),
        health_check_period_s=service.health_check_period_s,
        health_check_timeout_s=max(30.0, service.health_check_period_s),
        graceful_shutdown_timeout_s=service.stop_timeout_s,
        ray_actor_options={"num_cpus": config.cpus, "runtime_env": {"env_vars": variables}},
        **count,
    )
    return made.bind(place, config)


def deploy(models: Mapping[str, ModelConfig], service: ServeConfig, wait: bool = True) -> None:
    """Start the replicas of all models, and wait until they answer.

    Raises:
        RuntimeError: a model that does not start.
    """
    serve.run_many(
        [
            serve.RunTarget(deployment(name, config.path or name, config, service), name, None)
            for name, config in models.items()
        ],
        wait_for_applications_running=wait,
    )


class RayBackend:
    """Asks the replicas; requests that a failed replica had are sent again.

    Args:
        models: settings of each model.
        retried: called with a model's name when a call is made again.
        handles: of the models' deployments, where they are no applications of their own.
    """

    def __init__(
        self,
        models: Mapping[str, ModelConfig],
        retried: Callable[[str], None] = lambda name: None,
        handles: Mapping[str, Any] | None = None,
    ):
        self.models, self.retried = models, retried
        self._handles: dict[str, Any] = dict(handles or {})
        self._states: tuple[float, dict[str, tuple[str, str]]] = (-STATUS_SECONDS, {})
        self._asking = asyncio.Lock()

    async def answer(
        self, model: str, signature: str, rows: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """The answer to each row; long requests in parts, on as many replicas as there are."""
        size = self.models[model].batch_rows
        parts = [list(rows[start : start + size]) for start in range(0, len(rows), size)]
        if len(parts) == 1:
            return await self._asked(model, signature, parts[0])
        found = await asyncio.gather(*(self._asked(model, signature, part) for part in parts))
        return [row for rows in found for row in rows]

    async def _asked(self, model: str, signature: str, rows: list[Any]) -> list[dict[str, Any]]:
        pause = PAUSE
        for _ in range(ATTEMPTS):
            try:
                return await self._handle(model).answer.remote(signature, rows)
            except serve_exceptions.BackPressureError:
                raise RefusedError(503, f"{model} has too many requests; try again") from None
            except serve_exceptions.DeploymentUnavailableError:
                raise RefusedError(503, f"{model} could not be started") from None
            except LOST:
                self.retried(model)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise RefusedError(503, f"{model} lost its replicas {ATTEMPTS} times; try again")

    def _handle(self, model: str) -> Any:
        if model not in self._handles:
            self._handles[model] = serve.get_app_handle(model)
        return self._handles[model]

    async def states(self) -> dict[str, tuple[str, str]]:
        """Of each model "AVAILABLE", "LOADING" or "END", and what is wrong with it."""
        async with self._asking:
            when, found = self._states
            if time.monotonic() - when > STATUS_SECONDS:
                found = await asyncio.to_thread(self._look)
                self._states = time.monotonic(), found
        return found

    def _look(self) -> dict[str, tuple[str, str]]:
        found = dict.fromkeys(self.models, ("END", "It is not running"))
        for application in serve.status().applications.values():
            said = " ".join(application.message.split())[:300]
            for name, one in application.deployments.items():
                if name not in found:
                    continue
                if one.replica_states.get("RUNNING"):
                    found[name] = "AVAILABLE", ""
                elif application.status in ("DEPLOYING", "RUNNING", "UNHEALTHY"):
                    found[name] = "LOADING", ""
                else:
                    found[name] = "END", said or "It is not running"
        return found
