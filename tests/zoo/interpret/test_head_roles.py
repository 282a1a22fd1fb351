"""Heads are called after what they look at."""

from __future__ import annotations

import numpy as np
import pytest

from tests.zoo import tiny_language_models as tiny
from zoo.interpret.head_roles import ROLES, HeadRoles, roles_of_heads


class Looking:
    """A model of which each head looks at one place: what `tokens` back of the place it is at."""

    name, context = "looking", 64

    def __init__(self, length):
        self.attention_heads = {"decoder": (2, 2)}
        self.tokenizer = tiny.tokenizer("character")
        self.back = [[1, length - 1], [length, None]]
        self.read = []

    def maps(self, ids):
        self.read.append(ids)
        maps = np.zeros((2, 2, len(ids), len(ids)), "float32")
        for layer, heads in enumerate(self.back):
            for head, back in enumerate(heads):
                for t in range(len(ids)):
                    maps[layer, head, t, 0 if back is None else max(t - back, 0)] = 1
        return {"decoder": maps}


def test_heads_are_called_after_what_they_look_at():
    model = Looking(12)
    found = roles_of_heads(model, length=12, rows=2)
    assert set(found.scores) == set(ROLES)
    named = {(layer, head): (role, score) for layer, head, role, score in found.named()}
    assert named == {
        (0, 0): ("previous token", 1.0),
        (0, 1): ("induction", 1.0),
        (1, 0): ("same token", 1.0),
        (1, 1): ("first token", 1.0),
    }
    for ids in model.read:
        assert len(ids) == 25 and ids[1:13] == ids[13:]
        assert not set(ids[1:]) & set(model.tokenizer.excluded)
    assert model.read[0] != model.read[1]


def test_a_weight_below_the_mark_names_nothing():
    scores = {role: np.full((1, 2), 0.1, "float32") for role in ROLES}
    scores["induction"][0, 1] = 0.6
    found = HeadRoles(scores)
    assert [one[:3] for one in found.named()] == [(0, 1, "induction")]
    assert len(found.named(least=0.05)) == 2


def test_a_short_context_is_enough_and_none_is_not():
    model = tiny.predictor("gpt", max_length=9)
    found = roles_of_heads(model, rows=1)
    assert found.scores["induction"].shape == (2, 2)
    total = sum(found.scores.values())
    assert (total <= 1 + 1e-5).all()
    with pytest.raises(ValueError, match="too few"):
        roles_of_heads(tiny.predictor("gpt", max_length=3))
    with pytest.raises(ValueError, match="no attention over what it reads"):
        roles_of_heads(tiny.predictor("lstm"))


def test_maps_are_of_as_many_tokens_as_are_read():
    model = tiny.predictor("gpt", max_length=9)
    assert model.maps([5, 6, 7])["decoder"].shape == (2, 2, 3, 3)
    assert tiny.predictor("lstm").maps([5, 6]) == {}
    for wrong in ([], [5] * 10):
        with pytest.raises(ValueError, match="reads 1 to 9 tokens"):
            model.maps(wrong)
