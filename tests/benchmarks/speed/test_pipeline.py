"""The benchmark of the input pipeline: its corpus, its figures, its file."""

from __future__ import annotations

from typer.testing import CliRunner

from benchmarks.speed import pipeline
from zoo.saving import read_json, write_json


def test_the_corpus_is_of_sentences_of_a_real_length(tmp_path):
    pipeline.make_corpus(tmp_path / "a.tsv", 2_000)
    pairs = [line.split("\t") for line in (tmp_path / "a.tsv").read_text().splitlines()]
    lengths = [len(source.split()) for source, _ in pairs]
    assert len(pairs) == 2_000 and 10 < sum(lengths) / 2_000 < 16 and max(lengths) <= 90
    assert all(source and target for source, target in pairs)
    pipeline.make_corpus(tmp_path / "b.tsv", 2_000)
    assert (tmp_path / "b.tsv").read_bytes() == (tmp_path / "a.tsv").read_bytes()


def test_it_measures_and_replaces_its_own_row(tmp_path, monkeypatch):
    # In this process: that each phase has one of its own matters to its memory only.
    monkeypatch.setattr(pipeline, "alone", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(pipeline, "RESULTS", tmp_path)
    trained = {"measure": "train/transformer", "device": "a CPU", "values": {"zoo": 10.0}}
    write_json(tmp_path / "a-cpu.json", [trained])
    out = tmp_path / "scale" / "pipeline.json"
    options = ["--vocabulary", "150", "--processes", "1", "--out", str(out)]
    for pairs in ("300", "200", "300"):
        result = CliRunner().invoke(pipeline.app, ["--pairs", pairs, *options])
        assert result.exit_code == 0, result.output
    found = read_json(out)
    assert [row["pairs"] for row in found] == [200, 300]
    row = found[-1]
    # A tenth for the test, a twentieth for validation, and few sources twice.
    assert 240 <= row["store"]["pairs_kept"] <= 255
    taken = row["batches"]
    assert taken["taken"] == taken["of"] and taken["memory"][-1]["epoch"] == 1
    assert all(0 <= taken["padding_share"][side] < 0.5 for side in ("source", "target"))
    assert row["times_the_model"] == {"a CPU": round(taken["tokens_per_second"] / 10)}
    assert not list(tmp_path.glob("*.tsv"))
