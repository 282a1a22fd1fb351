"""What a run runs on: names the device, sets threads and precision, fixes the seed."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def prepare(threads: int = 0) -> None:
    """Choose how many CPU threads to use, before any framework is imported; 0: all of them.

    With a fixed number of threads the same seed gives the same weights on the same machine.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        os.environ["XLA_FLAGS"] = (
            os.environ.get("XLA_FLAGS", "")
            + f" --xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
        ).strip()
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        if threads:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.experimental.enable_op_determinism()


def device_name() -> str:
    """The accelerator's name, or the processor's with its number of cores."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        first = jax.devices()[0]
        if first.platform != "cpu":
            return f"{jax.device_count()} x {first.device_kind}"
    else:
        import tensorflow as tf

        if gpus := tf.config.list_physical_devices("GPU"):
            details = tf.config.experimental.get_device_details(gpus[0])
            return f"{len(gpus)} x {details.get('device_name', 'GPU')}"
    return f"CPU: {processor_name()}, {os.cpu_count()} cores"


def compiles_steps() -> bool:
    """Whether training steps should go through XLA: not for TensorFlow on a CPU, where oneDNN's
    kernels are faster and every new shape would cost a compilation.
    """
    import keras

    return keras.backend.backend() == "jax" or not device_name().startswith("CPU")


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
