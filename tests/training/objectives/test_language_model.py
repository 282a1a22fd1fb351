"""What a language model is validated on: parts of the text that stand for all of it."""

from __future__ import annotations

import numpy as np
import pytest

from training.objectives.language_model import STRETCHES, stretches


@pytest.mark.parametrize("count, most", [(2, 9), (100, 100), (100, 16), (1000, 7), (1000, 512)])
def test_parts_are_spread_evenly_and_never_more_than_asked_for(count, most):
    parts = stretches(np.arange(count), most)
    read = np.concatenate(parts)
    assert len(read) == len(set(read.tolist())) and len(read) <= most
    assert all((np.diff(part) == 1).all() for part in parts)  # each is read on
    assert read[0] == 0 and len(parts) <= STRETCHES
    if most < count:
        assert read[-1] == count - 1 and len(read) > most - 2 * STRETCHES
    else:
        assert len(read) == count
