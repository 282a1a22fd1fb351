"""Fine-tuning on formal sentences: which pairs are taken, what is counted, what the page says."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from benchmarks.quality import formal_address
from training.tasks.base import Example


class Corpus:
    """A task of few sentences."""

    name = "corpus"

    def __init__(self, formal_pairs: int):
        self.train = [
            Example(f"Do you see {n}?", (f"¿Ve usted {n}?",)) for n in range(formal_pairs)
        ]
        self.train += [Example("You see.", ("Tú ves.",)), Example("He sees.", ("Él ve.",))]

    def examples(self, split):
        return self.train


def test_the_pairs_are_formal_and_the_same_every_time():
    task = Corpus(700)
    found = formal_address.own(task)
    assert len({e.source for e in found}) == formal_address.COUNT
    assert all("usted" in e.references[0] for e in found)
    assert found == formal_address.own(task) != task.train[: formal_address.COUNT]
    with pytest.raises(ValueError, match="499 pairs"):
        formal_address.own(Corpus(499))


def test_only_formal_references_are_held_against_the_answers():
    examples = [
        Example("Will you pay?", ("¿Va usted a pagar?", "¿Vas a pagar?", "¿Pagan Ustedes?")),
        Example("You see.", ("Ves.", "Ajustedes.")),
    ]
    found = formal_address.only_formal(examples)
    assert [e.references for e in found] == [("¿Va usted a pagar?", "¿Pagan Ustedes?")]
    assert [bool(formal_address.YOU.search(s)) for s in ("your car", "Young men", "yourself")] == [
        1,
        0,
        1,
    ]


def test_without_models_and_without_a_file_it_says_what_to_give():
    result = CliRunner().invoke(formal_address.app, [])
    assert result.exit_code == 2 and "--write" in result.output


def test_the_page_has_each_model_and_what_trained_it():
    row = {"model": "m", "usted": 12.5, "with_you": 8, "formal_chrf": 60.0}
    row |= {"formal_references": 3, "bleu": 50.1, "chrf": 67.0, "training": "python -m t"}
    row |= {"date": "2026-01-02", "commit": "0" * 40, "versions": {"keras": "3.15.1"}}
    page = formal_address.page([row])
    assert "| m | 12.5 (of 8) | 60.0 (of 3) | 50.1 | 67.0 |" in page
    assert "`python -m t`" in page and "2026-01-02" in page
