"""What every test runs in: one quiet backend, and no trace of the person who runs the tests."""

from __future__ import annotations

import collections
import gc
import json
import os
from pathlib import Path

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


ROOT = Path(__file__).resolve().parents[1]
SECONDS = Path(__file__).with_name("seconds.json")
"""How long files took: `make test ARGS=--keep-seconds` writes it. Short ones are left out."""
SHORT = 2.0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--thorough",
        action="store_true",
        help="run what is repeated in depth too: see tests/thorough.py",
    )
    parser.addoption(
        "--keep-seconds",
        action="store_true",
        help=f"write to tests/{SECONDS.name} how long each file took; the longest begin first",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.option.keep_seconds and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Clock(SECONDS))


def file_of(nodeid: str) -> str:
    """`tests/zoo/test_a.py` of `tests/zoo/test_a.py::test_b[c]`."""
    return nodeid.partition("::")[0]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first: the last one must not run for minutes beside idle processes."""
    if not config.option.thorough:
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
    known = json.loads(SECONDS.read_text("utf-8"))
    items.sort(key=lambda item: -known.get(file_of(item.nodeid), 0))


class Clock:
    """Adds up how long the tests of each file take, on whichever process, and writes it down.

    Args:
        path: of the JSON; what it knows of other files stays while they are there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: collections.Counter[str] = collections.Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[file_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        known = json.loads(self.path.read_text("utf-8")) | self.seconds
        there = [file for file in known if (ROOT / file).exists() and known[file] >= SHORT]
        longest_first = sorted(there, key=lambda file: (-known[file], file))
        kept = {file: round(known[file]) for file in longest_first}
        self.path.write_text(json.dumps(kept, indent=0) + "\n", "utf-8")
