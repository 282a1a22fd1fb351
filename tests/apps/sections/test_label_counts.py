"""The figure of accuracy by number of labels tells what the file has, and stands without it."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

from apps.sections import label_counts

FOUND = {
    f"{arm}-{labels}-{seed}": {"arm": arm, "labels": labels, "seed": seed, "accuracy": accuracy}
    for arm, labels, seed, accuracy in (
        ("full", 50, 1, 80.0),
        ("full", 50, 2, 84.0),
        ("full", 1000, 1, 88.0),
        ("naive-bayes", 50, 1, 55.0),
        ("naive-bayes", 1000, 1, 70.0),
    )
}
OTHERS = {"odd": {"arm": "magic", "labels": 5, "accuracy": 1}, "failed": {"arm": "full"}, "no": 3}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_BENCHMARKS", str(tmp_path))
    path = tmp_path / label_counts.FILE
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(FOUND | OTHERS))
    return path


def shown():
    at = AppTest.from_string("from apps.sections import label_counts\nlabel_counts.show()").run()
    assert not at.exception
    return at


def test_draws_are_averaged_and_what_cannot_be_read_is_left_out(place):
    points = label_counts.read()
    assert [(one.arm, one.labels, one.accuracy, one.draws) for one in points] == [
        ("full", 50, 82.0, 2),
        ("full", 1000, 88.0, 1),
        ("naive-bayes", 50, 55.0, 1),
        ("naive-bayes", 1000, 70.0, 1),
    ]
    said = label_counts.saved(points)
    assert "With 50 labels" in said and "20 times fewer" in said and "70.0 %" in said


def test_the_figure_is_drawn_and_said_in_words(place):
    at = shown()
    assert at.caption and "20 times fewer" in at.caption[-1].value
    assert "Naive Bayes, 1,000 labels: 70.0 %" in label_counts.spoken(label_counts.read())


@pytest.mark.parametrize("content", [None, "", "[]", '{"full-50-1": 7}', "{"])
def test_without_figures_it_says_so(place, content):
    place.unlink() if content is None else place.write_text(content)
    assert label_counts.read() == []
    assert "no figures" in shown().info[0].value


def test_where_nothing_is_saved_nothing_is_claimed(place):
    place.write_text(json.dumps({k: v for k, v in FOUND.items() if v["labels"] == 1000}))
    assert "fewer" not in label_counts.saved(label_counts.read())
