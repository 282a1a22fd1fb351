"""What every test runs in: one quiet backend, and no trace of the person who runs the tests."""

from __future__ import annotations

import gc
import os

import pytest

# Read when TensorFlow is imported: without it every import prints a page.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Most of the time of a small model's first answer is XLA's compiling: here quickly, not well.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false",
)
# Processes that share the tests have a core each: more threads would only wait for one another.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
# Nothing is kept in the home of who runs the tests, nor read from there.
os.environ.setdefault("ZOO_CACHE_DIR", "off")
# Pages load models when a test asks them to, and not in the background.
os.environ.setdefault("ZOO_WARM", "off")
# Keras answers on pages, unless a test is about LiteRT: no graphs are made for each made-up model.
os.environ.setdefault("ZOO_RUNTIME", "keras")
# Tracing makes objects by the hundred thousand, which Python would look through again and again.
gc.set_threshold(50_000, 20, 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: the last one must not run for minutes beside idle processes."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
