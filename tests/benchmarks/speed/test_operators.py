"""The times of operations are added up by kind; what contains operations is left out."""

from __future__ import annotations

import keras
import pytest

from benchmarks.speed import operators


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's profiler")
def test_operations_are_added_up_by_kind_over_all_threads():
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    plane = space.planes.add()
    for key, name in enumerate(
        ("block_0/MatMul:_MklMatMul", "b:Mul", "Run:of a step", "one_step", "x:Process")
    ):
        plane.event_metadata[key].name = name
    for events in ((0, 1, 2), (0, 3, 4)):  # two threads
        line = plane.lines.add()
        for key in events:
            line.events.add(metadata_id=key, duration_ps=10 + key)
    times, calls = operators.operations(space.SerializeToString())
    assert times == {"_MklMatMul": 20, "Mul": 11}
    assert calls == {"_MklMatMul": 2, "Mul": 1}
