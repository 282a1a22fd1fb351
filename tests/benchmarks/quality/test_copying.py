"""Copying from few examples: which runs there are, what is kept, what the page says."""

from __future__ import annotations

from benchmarks.quality import copying, training_runs


def test_every_network_is_trained_with_and_without(monkeypatch, tmp_path):
    asked = []

    def trained(arguments, place):
        asked.append(" ".join(arguments))
        card = {
            "metrics": {"1": {"exact_match": {"value": 90.0}, "cer": {"value": 1.5}}},
            "training": {"minutes": 2.0},
        }
        return {
            "command": "python",
            **({"failed": "no"} if "500" in str(place) else {"card": card}),
        }

    monkeypatch.setattr(training_runs, "trained", trained)
    found = dict(copying.measured([1], ["transformer"], 1, tmp_path))
    assert list(found) == [
        f"transformer-{way}-{size}-1" for size in (500, 2000) for way in ("alone", "copying")
    ]
    assert ["copying=true" in one for one in asked] == [False, True] * 2
    page = copying.page(found)
    assert "| transformer, with copying |  | 90.0 (1.5) |" in page
    assert "- transformer-alone-500-1: no" in page
