"""What computes: how many cores there are, and how results name the processor or accelerators."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def device_name(count: int = 0) -> str:
    """The accelerators' number (`count`, or all there are) and name, or the processor's."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        first = jax.devices()[0]
        if first.platform != "cpu":
            return f"{count or jax.device_count()} x {first.device_kind}"
    else:
        import tensorflow as tf

        if gpus := tf.config.list_physical_devices("GPU"):
            details = tf.config.experimental.get_device_details(gpus[0])
            return f"{count or len(gpus)} x {details.get('device_name', 'GPU')}"
    return f"CPU: {processor_name()}, {os.cpu_count()} cores"


def cores() -> int:
    """How many cores this process may use: no more than OMP_NUM_THREADS, where that is set."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(own, int(allowed)) if allowed.isdigit() and int(allowed) else own


def processor_name() -> str:
    """The processor's name as the system gives it, with its matrix instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    found = {key.strip(): value.strip() for key, value in found.items()}
    flags = found.get("flags", "").split()
    units = [flag for flag in ("avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return " ".join([found.get("model name", platform.machine()), *units])
