"""Ray for the service: started on this machine alone, or a cluster that is there is joined."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def prepare(address: str) -> None:
    """Set Ray's variables, before it is imported: no usage data is sent.

    Where Ray is started here (`address` ""), it listens on 127.0.0.1 alone, and whoever is on this
    machine too needs the token that is made here; nothing is written to the home folder.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_DISABLE_IMPORT_WARNING"] = "1"
    os.environ.setdefault("RAY_DEDUP_LOGS", "1")
    os.environ.setdefault("RAY_SERVE_LOG_TO_STDERR", "0")
    # A gateway that shares its cores with replicas can always refuse; Ray's own 15 gives them too
    # little time where anything else is at work.
    os.environ.setdefault("RAY_worker_niceness", "5")
    if not address:
        # The name speaks of other systems; what it does is give the node the address 127.0.0.1.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        os.environ.pop("RAY_ADDRESS", None)


@contextlib.contextmanager
def running(address: str) -> Iterator[None]:
    """Ray with Serve while the block runs; what was started for it ends with it.

    Args:
        address: of a cluster ("auto": the one this machine is part of); "": Ray is started here.

    Raises:
        ConnectionError: there is no cluster at `address`.
    """
    import ray
    from ray import serve

    for name in ("ray", "ray.serve"):
        logging.getLogger(name).setLevel(logging.ERROR)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING}
    environment: dict[str, Any] = {"env_vars": {"PYTHONPATH": python_path()}}
    if not address or address.startswith("127."):
        hook = f"{__name__}.{listen_on_loopback.__name__}"
        environment["worker_process_setup_hook"] = hook
    quiet["runtime_env"] = environment
    if address:
        ray.init(address=address, namespace="serve", **quiet)
        try:
            serve.start(proxy_location="Disabled")
            yield
        finally:
            ray.shutdown()
        return
    place = tempfile.mkdtemp(prefix="zoo-ray-")
    # Processes of Ray end without a chance to clear up: what they leave goes with the folder.
    environment["env_vars"]["TMPDIR"] = place
    try:
        ray.init(include_dashboard=False, namespace="serve", _temp_dir=place, **quiet, **_memory())
        serve.start(proxy_location="Disabled")
        yield
    finally:
        ray.shutdown()  # with everything that was started for it
        shutil.rmtree(place, ignore_errors=True)


def python_path() -> str:
    """Where replicas find this code: the tree that it was started from, first."""
    root = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


def listen_on_loopback() -> None:
    """Run in each of Ray's processes before all else: ports for one another on 127.0.0.1 only.

    A replica opens its own on all networks, whatever the node's address is.
    """
    from ray._common import tls_utils

    original = getattr(tls_utils, "add_port_to_grpc_server", None)
    if original is not None:
        tls_utils.add_port_to_grpc_server = lambda server, address: original(
            server, address.replace("[::]", "127.0.0.1")
        )


def _memory() -> dict[str, int]:
    """Requests and answers are small and travel in messages: the shared memory may be small too."""
    least = 80 * 2**20
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError:
        free = 0
    return {"object_store_memory": least if free < 4 * least else 2 * least}
