"""Contacts: every answer can be copied, each letter from one place, and names are new ones."""

from __future__ import annotations

import pytest

from training import tasks
from training.tasks import contacts


@pytest.fixture(scope="module")
def task():
    return tasks.get("contacts")


def test_each_letter_of_an_answer_is_where_the_alignment_says(task):
    for one in task.examples("valid"):
        answer = one.references[0]
        assert len(one.alignment) == len(answer)
        for character, places in zip(answer, one.alignment, strict=True):
            assert len(places) == (character not in ",; ") or character == " "
            assert all(one.source[place] == character for place in places)


def test_the_order_changes_and_nothing_but_values_is_kept(task):
    moved = 0
    for one in task.examples("valid"):
        last, first, town, phone = one.references[0].replace(", ", "; ", 1).split("; ")
        assert phone.isdigit() and 6 <= len(phone) <= 10
        assert all(part in one.source for part in (last, first, town))
        places = [place for places in one.alignment for place in places]
        moved += places != sorted(places)
    assert moved > 500


def test_no_name_of_the_test_side_is_one_of_training(task):
    def values(split: str) -> set[str]:
        return {
            part.removeprefix("New ").removeprefix("Port ").removeprefix("Old ")
            for one in task.examples(split)
            for part in one.references[0].replace(", ", "; ", 1).split("; ")[:3]
        }

    # Other syllables may spell the same; the shortest do.
    both = values("train") & values("test")
    assert len(both) < 0.05 * len(values("test")), sorted(both)[:9]


def test_every_split_can_be_read_and_written(task):
    known = {c for one in task.examples("train") for c in one.source + one.references[0]}
    for split in ("valid", "test"):
        for one in task.examples(split):
            assert set(one.source) <= known
            assert len(one.source) < task.max_source_length
            assert len(one.references[0]) < task.max_target_length
    assert len({one.source for one in task.examples("train")}) == contacts.SIZES["train"]


def test_the_showcase_has_answers_of_the_same_form(task):
    known = {c for one in task.examples("train") for c in one.source}
    for source in task.showcase():
        [answer] = task.accepted(source)
        assert set(source) <= known
        digits = "".join(c for c in source if c.isdigit())
        assert answer.endswith(f"; {digits}")
    assert task.accepted("nobody") == ()


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="the task is called 'contacts'"):
        tasks.get("contacts/x")
