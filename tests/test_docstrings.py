"""The examples in docstrings say what happens."""

from __future__ import annotations

import doctest
import functools
import importlib
import pkgutil
import re

import pytest

import zoo

SOURCES = {
    name: importlib.util.find_spec(name).loader.get_source(name) or ""
    for name in (m.name for m in pkgutil.walk_packages(zoo.__path__, "zoo."))
}
MODULES = [name for name, source in SOURCES.items() if ">>>" in source]
load = functools.cache(zoo.load)
"""Examples share a model, and with it what was compiled."""


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name, monkeypatch):
    needed = set(re.findall(r">>> .*zoo\.load\(\"([\w-]+)\"\)", SOURCES[name]))
    if missing := needed - set(zoo.names()):
        pytest.skip(f"no shipped model {', '.join(sorted(missing))}")
    monkeypatch.setattr(zoo, "load", load)
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert not found.failed and (found.attempted or "+SKIP" in SOURCES[name])
