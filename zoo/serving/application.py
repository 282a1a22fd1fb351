"""The service as one Ray Serve application, behind Ray's own HTTP proxies: for a RayService.

applications:
  - name: zoo
    import_path: zoo.serving.application:build
    route_prefix: /
    args: {models: {en-es-transformer: {max_replicas: 4}}}
"""

from __future__ import annotations

import dataclasses
from typing import Any

from ray import serve

from zoo.serving import config as configuration
from zoo.serving.gateway import Gateway
from zoo.serving.metrics import Metrics
from zoo.serving.replicas import RayBackend, deployment
from zoo.serving.serving import describe, find


class Ingress:
    """The gateway as a deployment: Ray's proxies hand it the requests.

    Args:
        values: the settings, as the YAML file has them.
        handles: of the models' deployments.
    """

    def __init__(self, values: dict[str, Any], handles: dict[str, Any]):
        self.service, self.handles = configuration.make(values), handles

    def __serve_build_asgi_app__(self) -> Gateway:
        models = self.service.models
        metrics = Metrics()
        backend = RayBackend(models, lambda n: metrics.retries.labels(n).inc(), self.handles)
        described = {name: describe(name, one) for name, one in models.items()}
        return Gateway(self.service, described, models, backend, metrics)


def build(args: dict[str, Any]) -> Any:
    """The application.

    Args:
        args: settings, as in the YAML file of `python -m zoo.serving`, and `gateways`, the number
            of processes that speak HTTP (2 by default). Ray itself sets `host` and `port`.

    Raises:
        ValueError: a wrong setting, or a model that cannot be loaded.
    """
    values = dict(args)
    gateways = values.pop("gateways", 2)
    if not isinstance(gateways, int) or isinstance(gateways, bool) or gateways < 1:
        raise ValueError(f"gateways must be an int, at least 1. Received: {gateways!r}")
    service = configuration.make(values)
    models = find(service)
    handles = {
        name: deployment(name, one.path or name, one, service) for name, one in models.items()
    }
    # Which models there are is decided once, here.
    values["models"] = {name: dataclasses.asdict(one) for name, one in models.items()}
    values.pop("defaults", None)
    ingress = serve.deployment(
        serve.ingress()(Ingress),
        name="gateway",
        num_replicas=gateways,
        max_ongoing_requests=service.max_requests,
        health_check_period_s=service.health_check_period_s,
        ray_actor_options={"num_cpus": 0.05},
    )
    return ingress.bind(values, handles)
