"""What a run runs on: finds the devices, sets threads, and cuts batches for them."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from training.distributed import matrix_speed
from training.distributed.processes import Processes
from zoo.runtime import keras_settings
from zoo.runtime.devices import cores, device_name, processor_name
from zoo.runtime.host_memory import one_heap
from zoo.runtime.imports import left_out

if TYPE_CHECKING:
    from training.data.batches import Batch


@dataclass(frozen=True)
class Devices:
    """The devices of one run. A batch is cut over them; their gradients are added up.

    Args:
        count: of all processes together.
        processes: those of the run, each with as many devices.
        strategy: what spreads the work, a `keras.distribution.DataParallel` on JAX and a
            `tf.distribute.MirroredStrategy` on TensorFlow; None for one device alone.
        parts: what a step of TensorFlow on one CPU cuts its batch into, side by side; see
            `prepare`.
    """

    count: int = 1
    processes: Processes = field(default_factory=Processes)
    strategy: Any = None
    parts: int = 1

    def __str__(self) -> str:
        parts = [device_name(self.count)]
        if self.count > 1 and parts[0].startswith("CPU"):
            parts.append(f"{self.count} devices")
        if self.processes.count > 1:
            parts.append(f"{self.processes.count} processes")
        return ", ".join(parts)

    def scope(self) -> AbstractContextManager[Any]:
        """Where the network to train is made and trained. What is made outside stays local."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def accelerated(self) -> bool:
        """Whether these are GPUs or TPUs."""
        return not device_name().startswith("CPU")

    def precision(self) -> str:
        """What is fastest here: `mixed_bfloat16` where there are instructions for it, and they pay.

        On a CPU TensorFlow's kernels have them (oneDNN); XLA's, which JAX uses, have not.
        """
        import keras

        if self.accelerated():
            return "mixed_bfloat16"
        known = {"avx512_bf16", "amx_bf16"} & set(processor_name().split())
        half = known and keras.backend.backend() == "tensorflow" and matrix_speed.bfloat16_pays()
        return "mixed_bfloat16" if half else "float32"

    def compiles_steps(self) -> bool:
        """Whether training steps should go through XLA: not for TensorFlow on a CPU, where
        oneDNN's kernels are faster and every new shape would cost a compilation; nor under its
        MirroredStrategy, whose sums over devices XLA cannot compile.
        """
        import keras

        return keras.backend.backend() == "jax" or (self.accelerated() and self.strategy is None)

    def rounding(self) -> int:
        """What lengths of batches are padded to a multiple of; see `training.data.batches.Batches`.

        Where steps are compiled, `training.data.buckets` sees to it. Elsewhere 4 costs no speed,
        and less memory is spent on code for shapes.
        """
        return 1 if self.compiles_steps() else 4

    def share(self, batch: Batch) -> Batch:
        """The rows of the global `batch` that this process provides, filled up to equal shares."""
        from training.data.batches import fill, up

        if self.count == 1:
            return batch
        if hasattr(batch, "source"):
            batch = fill(batch, up(len(batch.source), self.count))
        rows = len(batch.target_out) // self.processes.count
        mine = slice(self.processes.index * rows, (self.processes.index + 1) * rows)
        arrays = {f.name: getattr(batch, f.name) for f in fields(batch)}
        return replace(
            batch, **{k: v[mine] for k, v in arrays.items() if isinstance(v, np.ndarray)}
        )

    def spread(self, network: Any) -> None:
        """Make the compiled TensorFlow `network` cut its batches over the devices.

        Keras does so in `fit` only; `train_on_batch` would give the whole batch to each device.
        And it clips each device's gradients before they are added up, so that the same batch
        would be clipped otherwise than on one device. JAX does both right by itself.
        """
        import keras

        if self.strategy is None or keras.backend.backend() != "tensorflow":
            return
        import tensorflow as tf

        whole, clip = network.train_step, network.optimizer._clip_gradients

        def train_step(data: Any) -> Any:
            def rows(array: Any) -> Any:
                size = tf.shape(array)[0] // self.count
                replica = tf.distribute.get_replica_context().replica_id_in_sync_group
                return array[replica * size : (replica + 1) * size]

            return whole(tf.nest.map_structure(rows, data))

        def clip_sum(gradients: list[Any]) -> list[Any]:
            context = tf.distribute.get_replica_context()
            return clip(context.all_reduce(tf.distribute.ReduceOp.SUM, gradients))

        network.train_step = train_step
        network.optimizer._clip_gradients = clip_sum
        network.optimizer._all_reduce_sum_gradients = list  # they are added up by now


ONE = Devices()


def choose(
    devices: int = 0,
    processes: int = 1,
    process: int | None = None,
    coordinator: str | None = None,
    distributed: bool = False,
) -> Devices:
    """What to run on. Several processes meet here: it returns when all of them are there.

    Args:
        devices: of each process; 0: all accelerators of the machine, or one CPU. On a CPU, any
            number of virtual ones, to try things out.
        processes, process, coordinator: how many processes there are, which this is, and the
            HOST:PORT where process 0 is to be found.
        distributed: take those three from the environment.

    Raises:
        ValueError: what was asked for does not go together, or is not there.
    """
    import keras

    several = processes > 1 or distributed
    if distributed and (processes > 1 or process is not None or coordinator):
        raise ValueError(
            "--distributed finds processes, process and coordinator by itself. "
            f"Received: --processes {processes} --process {process} --coordinator {coordinator}"
        )
    if processes == 1 and (process or coordinator):
        raise ValueError(
            "--process and --coordinator need --processes. "
            f"Received: --process {process} --coordinator {coordinator}"
        )
    if processes > 1 and (process is None or not coordinator or ":" not in coordinator):
        raise ValueError(
            "--processes needs --process I, from 0 on, and --coordinator HOST:PORT. "
            f"Received: --process {process} --coordinator {coordinator}"
        )
    if processes > 1 and not 0 <= process < processes:
        raise ValueError(
            f"--process must be from 0 to {processes - 1}. Received: --process {process}"
        )
    if keras.backend.backend() == "jax":
        return _jax_devices(devices, several, processes, process, coordinator)
    if several:
        raise ValueError(
            "Keras 3 trains in several processes on JAX only (keras-team/keras#20585): set "
            f"KERAS_BACKEND=jax. Received: KERAS_BACKEND={keras.backend.backend()}"
        )
    return _tensorflow_devices(devices)


def _jax_devices(
    devices: int, several: bool, processes: int, process: int | None, coordinator: str | None
) -> Devices:
    import jax
    import keras

    if devices:
        jax.config.update("jax_num_cpu_devices", devices)
    if several:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        # It would take SIGTERM, on which the trainer itself saves and stops.
        jax.config.update("jax_enable_preemption_service", False)
        known = {"num_processes": processes, "process_id": process} if coordinator else {}
        try:
            jax.distributed.initialize(coordinator, **known)
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"The processes did not find each other: {error}") from error
    here = jax.local_devices()
    wanted = devices or (1 if here[0].platform == "cpu" else len(here))
    _check_there(wanted, len(here), here[0].platform.upper())
    if wanted == 1 and not several:
        return Devices()
    # By process: the rows that a process provides are next to each other in the global batch.
    everywhere = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    taken = [
        device
        for index in range(jax.process_count())
        for device in [d for d in everywhere if d.process_index == index][:wanted]
    ]
    return Devices(
        len(taken),
        Processes(jax.process_count(), jax.process_index()),
        keras.distribution.DataParallel(
            devices=[f"{d.platform}:{d.id}" for d in taken], auto_shard_dataset=False
        ),
    )


def _tensorflow_devices(devices: int) -> Devices:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    wanted = devices or max(len(gpus), 1)
    if wanted == 1:
        return Devices()
    if gpus:
        _check_there(wanted, len(gpus), "GPU")
    else:
        virtual = [tf.config.LogicalDeviceConfiguration()] * wanted
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0], virtual
        )
    names = [f"{'GPU' if gpus else 'CPU'}:{i}" for i in range(wanted)]
    return Devices(wanted, strategy=tf.distribute.MirroredStrategy(names))


def _check_there(wanted: int, there: int, kind: str) -> None:
    if wanted > there:
        raise ValueError(f"There are {there} {kind} devices here. Received: --devices {wanted}")


MOST_PARTS = 4
"""Of a batch that are trained on side by side: each has gradients of its own to keep."""


def prepare(threads: int = 0, *, in_parts: bool = False) -> int:
    """Choose how many CPU threads to use, before any framework is imported.

    With a fixed number of threads the same seed gives the same weights on the same machine.

    Args:
        threads: 0 for all that there are.
        in_parts: steps of training may cut their batch into parts and train on them side by side,
            where that is faster: with TensorFlow on a CPU. Most operations of a step are too small
            to be shared between threads, and end sooner on one.

    Returns:
        how many parts, for `Devices.parts`; the threads are shared out between them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    keras_settings.make_importable()
    one_heap()
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)
        os.environ["XLA_FLAGS"] = (
            os.environ.get("XLA_FLAGS", "")
            + f" --xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
        ).strip()
    # Both are imported wherever they are found, and are not needed here: 170 MB and two seconds.
    with left_out("pandas", *(["jax"] if backend_wanted() == "tensorflow" else [])):
        import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        tf.config.experimental.enable_op_determinism()
        there = threads or cores()
        on_cpu = in_parts and not tf.config.list_physical_devices("GPU")
        parts = min(there, MOST_PARTS) if on_cpu else 1
        if parts > 1 or threads:
            try:
                tf.config.threading.set_intra_op_parallelism_threads(there // parts)
                tf.config.threading.set_inter_op_parallelism_threads(parts if parts > 1 else there)
            except RuntimeError:
                if threads:
                    raise
                return 1  # TensorFlow has begun in this process: its threads are chosen
        return parts
    return 1


def backend_wanted() -> str:
    """The backend that Keras will take when it is imported: of the environment, or of its file."""
    configured = keras_settings.read_keras_json().get("backend")
    return os.environ.get("KERAS_BACKEND") or configured or "tensorflow"
