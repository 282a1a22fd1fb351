"""What a network copied: a line of shaded words on Compare, a map on Attention."""

from __future__ import annotations

import numpy as np
import pytest

from apps import labels
from apps.labels import Answer
from tests.apps.app_runner import opened, said

MODEL, TEXT = "contacts-lstm-bahdanau", "Orla Ek (12-34), Ur"


def answer(copy: np.ndarray | None) -> Answer:
    maps = {} if copy is None else {"copy": copy[None, None]}
    return Answer(
        "m", "ab c", ["▁ab", "▁c", "</s>"], ["▁ab", "▁c", "</s>"], np.log([0.5] * 3), maps
    )


def test_a_word_is_copied_as_far_as_its_tokens_are():
    found = labels.copied(answer(np.array([[0.5, 0.2, 0], [0.1, 0.25, 0], [0.9, 0, 0]])), "word")
    # What stands at other places does not count: they hold another word.
    np.testing.assert_allclose(found, [1.0, 0.5, 0.0], atol=1e-6)
    assert labels.copied(answer(None), "word") is None


@pytest.mark.parametrize(
    ("page", "part"),
    [
        ("compare", "The same, shaded by how much of each was copied from the input:"),
        ("attention", "Copied from the input"),
    ],
)
def test_pages_show_what_was_copied(page, part):
    params = {"task": "contacts", "text": TEXT, "map": "copy"}
    at = opened(page, **params, **({"model": MODEL} if page == "attention" else {}))
    assert not at.exception and not at.error
    assert part in said(at)
    assert str(at.query_params["map"]) == "copy"


def test_a_cell_of_what_was_copied_cannot_be_looked_into():
    params = {"task": "contacts", "text": TEXT, "map": "copy", "view": "cell", "model": MODEL}
    at = opened("attention", **params)
    assert not at.exception and not at.error
