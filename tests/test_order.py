"""Long files of tests begin first, and how long they take is written down when asked for."""

from __future__ import annotations

import itertools
import json
import types

from tests.conftest import ROOT, SECONDS, Clock, file_of


def test_the_longest_files_begin_first(request):
    known = json.loads(SECONDS.read_text("utf-8"))
    files = [file_of(item.nodeid) for item in request.session.items]
    order = [known.get(file, 0) for file, _ in itertools.groupby(files)]
    assert order == sorted(order, reverse=True)
    assert len(order) == len(set(files))  # no file is torn apart


def test_seconds_are_added_up_by_file_and_other_files_keep_theirs(tmp_path):
    path = tmp_path / "seconds.json"
    path.write_text(json.dumps({"tests/test_docs.py": 7, "tests/gone.py": 9, "README.md": 1}))
    clock = Clock(path)
    for name, seconds in (("order.py::test_a[1]", 2.0), ("order.py::test_b", 6.4)):
        report = types.SimpleNamespace(nodeid=f"tests/test_{name}", duration=seconds)
        clock.pytest_runtest_logreport(report)
    clock.pytest_sessionfinish()
    kept = json.loads(path.read_text())
    assert list(kept.items()) == [("tests/test_order.py", 8), ("tests/test_docs.py", 7)]


def test_files_with_known_seconds_are_there():
    known = json.loads(SECONDS.read_text("utf-8"))
    assert [file for file in known if not (ROOT / file).is_file()] == []
