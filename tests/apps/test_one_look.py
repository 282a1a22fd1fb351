"""A page looks at a file once; another page, or none, looks again."""

from __future__ import annotations

import threading

from apps import one_look, saved_models


def test_within_a_page_the_first_answer_holds():
    looked = []

    @one_look.once
    def look(name: str, *, part: str = "") -> int:
        looked.append((name, part))
        return len(looked)

    assert [look("a"), look("a")] == [1, 2]
    with one_look.looking():
        assert [look("a"), look("a"), look("b"), look("a", part="c"), look("b")] == [3, 3, 4, 5, 4]
        other: list[int] = []
        thread = threading.Thread(target=lambda: other.append(look("a")))
        thread.start()
        thread.join()
        assert other == [6]
    assert look("a") == 7


def test_the_next_page_sees_a_model_that_came_meanwhile(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    with one_look.looking():
        assert saved_models.models("dates") == []
        folder = tmp_path / "dates-lstm"
        folder.mkdir()
        shipped = saved_models.folders._BESIDE / "dates-lstm" / "config.json"
        (folder / "config.json").write_bytes(shipped.read_bytes())
        assert saved_models.models("dates") == []
    with one_look.looking():
        assert saved_models.models("dates") == ["dates-lstm"]
