"""What every task keeps: its splits apart, its order fixed, its figures and examples usable."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training import training_runs
from training import tasks
from training.metrics.text import Figure
from training.tasks.base import Example, group


def corpus(folder: Path, code: str = "spa", english: int = 6_000) -> Path:
    """A Tatoeba file of made-up sentences with up to three translations each."""
    path = folder / f"tatoeba-{code}" / f"{code}.txt"
    path.parent.mkdir(parents=True)
    lines = [
        f"Sentence number {n}.\tFrase {form} {n}.\tCC-BY attribution"
        for n in range(english)
        for form in ("uno", "dos", "tres")[: n % 3 + 1]
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(params=["dates", "pronounce", "tatoeba/en-es"])
def task(request, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    if request.param.startswith("tatoeba"):
        corpus(tmp_path)
    if request.param == "dates":
        monkeypatch.setattr(
            "training.tasks.dates.SIZES", {"train": 3000, "valid": 200, "test": 300}
        )
    return tasks.get(request.param)


def test_no_source_of_one_split_is_in_another(task):
    sources = {s: [e.source for e in task.examples(s)] for s in ("train", "valid", "test")}
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        assert not set(sources[one]) & set(sources[other])
    for held in ("valid", "test"):
        assert len(sources[held]) == len(set(sources[held])) > 100
    assert len(sources["train"]) > len(sources["test"])


def test_train_has_one_reference_an_example_and_all_are_filled(task):
    assert all(len(e.references) == 1 for e in task.examples("train"))
    for split in ("train", "valid", "test"):
        for e in task.examples(split):
            assert e.source and all(e.references) and len(set(e.references)) == len(e.references)


def test_examples_are_the_same_in_another_process(task, tmp_path):
    # another hash seed: nothing may depend on the order of a set
    script = (
        "import hashlib; from training import tasks; from training.tasks import dates;"
        "dates.SIZES = {'train': 3000, 'valid': 200, 'test': 300};"
        f"t = tasks.get({task.name!r});"
        "print(hashlib.sha256(repr([t.examples(s) for s in ('train', 'valid', 'test')])"
        ".encode()).hexdigest())"
    )
    digests = {
        training_runs.python(
            script, env={"PYTHONHASHSEED": seed, "ZOO_DATA_DIR": str(tmp_path), "PATH": ""}
        )
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_perfect_predictions_score_perfectly_and_empty_ones_do_not(task):
    examples = task.examples("test")
    right = task.score([e.references[-1] for e in examples], examples)
    wrong = task.score(["" for _ in examples], examples)
    assert task.metric in right
    best = 100.0 if task.higher_is_better else 0.0
    assert right[task.metric] == pytest.approx(best)
    assert wrong[task.metric] == pytest.approx(100.0 - best)
    assert all(
        isinstance(f, Figure) and len(f.statistics) == len(examples)
        for f in task.figures([e.references[0] for e in examples], examples).values()
    )


def test_the_showcase_is_unseen_and_long_enough(task):
    seen = {e.source for e in task.examples("train")}
    shown = task.showcase()
    assert 8 <= len(shown) <= 12
    assert not seen & set(shown)


def test_provenance_is_filled_and_repeats(task):
    found = task.provenance()
    assert len(found.sha256) == 64
    assert found == task.provenance()
    assert found.corpus and found.licence and found.attribution and "2017" in found.split_rule


def test_tokenizers_cover_both_sides(task):
    specs = task.tokenizers()
    assert set(specs) == {"source", "target"}
    assert specs["source"].shared == specs["target"].shared == task.name.startswith("tatoeba")


def test_an_unknown_split_is_refused(task):
    with pytest.raises(ValueError, match="Received: split='dev'"):
        task.examples("dev")


WRONG = (
    " ,bogus,Dates,dates/en,pronounce:x,tatoeba,tatoeba/en,tatoeba/en-xx,tatoeba/fr-es,"
    "tatoeba/en-en,tatoeba/../../etc-en,multi30k/en-es,tsv,tsv:,files:one,tfds:"
).split(",")


@pytest.mark.parametrize("name", [*WRONG, "files:a,b,c", ""])
def test_a_wrong_name_is_refused_with_what_there_is(name):
    with pytest.raises(ValueError, match="Received"):
        tasks.get(name)


def test_the_unknown_task_message_lists_the_tasks():
    with pytest.raises(
        ValueError, match=r"dates, contacts, pronounce, tatoeba/en-es .*tfds:ted_hrlr"
    ):
        tasks.get("knitting")


def test_group_keeps_order_and_drops_repeats():
    pairs = [("b", "1"), ("a", "2"), ("b", "3"), ("b", "1")]
    assert group(pairs) == [Example("b", ("1", "3")), Example("a", ("2",))]


def test_tasks_and_metrics_import_no_framework():
    script = (
        "import training.metrics.text, training.tasks.translation, training.tasks.dates,"
        "training.tasks.pronunciation, training.evaluate, training.card_writer;"
        "print([m for m in ('tensorflow', 'keras', 'jax', 'sacrebleu') if m in sys.modules])"
    )
    assert training_runs.python(script).strip() == "[]"
