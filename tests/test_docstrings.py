"""The examples in docstrings say what happens."""

from __future__ import annotations

import doctest
import functools
import importlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import zoo

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): source
    for package in ("zoo", "training", "apps", "benchmarks")
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>>" in (source := path.read_text(encoding="utf-8"))
}
load = functools.cache(zoo.load)
"""Examples share a model, and with it what was compiled."""


@pytest.mark.parametrize("name", SOURCES)
def test_examples_of_a_module(name, monkeypatch):
    needed = set(re.findall(r">>> .*zoo\.load\(\"([\w-]+)\"\)", SOURCES[name]))
    if missing := needed - set(zoo.names()):
        pytest.skip(f"no shipped model {', '.join(sorted(missing))}")
    monkeypatch.setattr(zoo, "load", load)
    module = importlib.import_module(name)
    # In a thread of their own, as asyncio allows one loop in each: a browser's may be in this one.
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(doctest.testmod, module, optionflags=doctest.ELLIPSIS).result()
    assert not found.failed and (found.attempted or "+SKIP" in SOURCES[name])
