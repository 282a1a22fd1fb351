"""Imports point one way: no block imports one below it, and no modules import each other.

Every import counts, whether at the top of a module, inside of a function or under TYPE_CHECKING.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("zoo", "training", "benchmarks", "apps")

BLOCKS: tuple[tuple[str, ...], ...] = (
    (  # need no framework
        "zoo.stats",
        "zoo.metric_info",
        "zoo.task_info",
        "zoo.cleaning",
        "zoo.writing_systems",
        "zoo.normalizer",
        "zoo.tokenizer",
        "zoo.padding",
        "zoo.prediction",
        "zoo.continuation",
        "zoo.forecast",
        "zoo.scaler",
        "zoo.label",
        "zoo.images",
        "zoo.class_inputs",
        "zoo.text_tokenizers",
        "zoo.wordpieces",
        "zoo.byte_pairs",
        "zoo.tokenizer_files",
        "zoo.pretrained",
        "zoo.yaml_files",
        "zoo.checks",
        "zoo.configs",
        "zoo.architectures",
        "zoo.registry",
        "zoo.shipped",
    ),
    ("zoo.runtime",),
    ("zoo.layers",),
    ("zoo.kinds",),
    ("zoo.models",),
    (
        "zoo.adapters",
        "zoo.building",
        "zoo.saving",
        "zoo.saved_tokenizers",
        "zoo.inference",
        "zoo.loading",
        "zoo.__init__",
    ),
    ("zoo.command_line", "zoo.__main__"),
    ("zoo.interpret",),
    ("zoo.export",),
    ("zoo.serving",),
    ("training",),
    ("benchmarks",),
    ("apps",),
)
"""Each block may import itself and those above it. The name of a package is all that is in it."""

ALLOWED: dict[tuple[str, str], str] = {
    ("apps.inference", "training.counting"): "tables that are not passed on are counted here",
    ("apps.model_places", "training.folder_lock"): "whether a run is still training",
    ("apps.sections.run_settings", "training.config"): "the defaults, which a command leaves out",
    ("apps.sections.own_forecasts", "training.data.series"): "files are read by one policy",
    ("apps.continuing", "training.data.download"): "only a corpus that is here is looked at",
    ("apps.continuing", "training.tasks.__init__"): "the training text, to find what was copied",
    ("apps.stretches", "training.data.download"): "only series that are here are looked at",
    ("apps.stretches", "training.tasks.__init__"): "the test side, cut by the models' protocol",
    ("apps.stretches", "training.store_windows"): "which stretches are stored, so as to open alike",
    ("apps.forecasting", "training.metrics.forecasting"): "errors are computed as in the cards",
    ("apps.sections.against", "training.metrics.classification"): "pairs are compared as there",
    ("apps.own_series", "training.data.series"): "a file of one's own is read as for a training",
}
"""Imports that are right although they point down: (importer, imported), and the reason.

The same for modules of `apps` that import `training`: pages read what training wrote.
"""


def modules() -> dict[str, Path]:
    """Every module by name; `zoo.__init__` is what `import zoo` runs."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            found[".".join(path.relative_to(ROOT).with_suffix("").parts)] = path
    return found


def imported(name: str, source: str, known: set[str]) -> Iterator[str]:
    """The modules among `known` that the source of the module `name` imports, wherever it does."""

    def module(dotted: str) -> str | None:
        return next((one for one in (dotted, f"{dotted}.__init__") if one in known), None)

    package = name.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found = [module(alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*above, *filter(None, [node.module])])
            # A name may be a module of the package, or something the package defines.
            found = [module(f"{start}.{alias.name}") or module(start) for alias in node.names]
        else:
            continue
        yield from (one for one in found if one and one != name)


def block(name: str) -> int | None:
    """The number of a module's block; None where no block has it."""
    for number, names in enumerate(BLOCKS):
        if any(name == one or name.startswith(f"{one}.") for one in names):
            return number
    return None


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules each of which imports, by way of others, itself (Tarjan 1972)."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        numbers[name] = lowest[name] = len(numbers)
        path.append(name)
        for other in sorted(graph[name]):
            if other not in numbers:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in path:
                lowest[name] = min(lowest[name], numbers[other])
        if lowest[name] == numbers[name]:
            group = path[path.index(name) :]
            del path[path.index(name) :]
            if len(group) > 1:
                found.append(sorted(group))

    for name in graph:
        if name not in numbers:
            visit(name)
    return found


@pytest.fixture(scope="module")
def graph():
    paths = modules()
    return {
        name: set(imported(name, path.read_text(encoding="utf-8"), set(paths)))
        for name, path in paths.items()
    }


def test_every_module_belongs_to_a_block(graph):
    assert [name for name in graph if block(name) is None] == []


def test_imports_point_up(graph):
    down = [
        f"{name} imports {other}"
        for name, others in graph.items()
        for other in sorted(others)
        if block(other) > block(name)
        or (name.startswith("apps.") and other.startswith("training."))
        if (name, other) not in ALLOWED
    ]
    assert down == []


def test_no_exception_outlives_its_import(graph):
    assert [pair for pair in ALLOWED if pair[1] not in graph.get(pair[0], ())] == []


def test_no_modules_import_each_other(graph):
    assert circles(graph) == []


def test_all_kinds_of_imports_are_seen():
    source = """
import a.b
from a import c, name
if TYPE_CHECKING:
    from . import d
def later():
    from .e import f
    from .. import g
"""
    known = {"a.b", "a.c", "a.__init__", "p.q.d", "p.q.e", "p.g", "p.q.m"}
    found = [*imported("p.q.m", source, known)]
    assert found == ["a.b", "a.c", "a.__init__", "p.q.d", "p.q.e", "p.g"]


def test_circles_are_found_and_chains_are_not():
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]
