"""Tables, sources and checks that the tests of generation share."""

from __future__ import annotations

import numpy as np

from zoo.inference import generation
from zoo.tokenizer import BOS, EOS, PAD, UNK

A, B, C = 4, 5, 6
LETTERS = (A, B, C)

# The likelier first piece leads to the less likely text.
TRAP = {(): {A: 0.6, B: 0.4}, (A,): {EOS: 0.4, A: 0.35, B: 0.25}, (B,): {EOS: 0.9, A: 0.1}}
# "b" has probability .30, "a a a" .28: short wins on the sum, long once length counts.
LONG = {
    (): {A: 0.28, B: 0.30, C: 0.42},
    (A,): {A: 1.0},
    (A, A): {A: 1.0},
    (C,): {A: 0.34, B: 0.33, C: 0.33},
}


def source(*firsts: int) -> np.ndarray:
    """One row for each table, told by its first id; 0 gives a row of padding."""
    return np.array([[first, EOS if first else PAD, PAD] for first in firsts], "int32")


def written(found: generation.Generated, row: int = 0) -> list[tuple[int, ...]]:
    """The pieces of each hypothesis of a row, padding cut off."""
    return [
        tuple(int(token) for token in tokens[:length])
        for tokens, length in zip(found.tokens[row], found.lengths[row], strict=True)
    ]


def check_shape_of(found: generation.Generated, beams: int, length: int) -> None:
    """What holds for every answer, whatever was written."""
    rows = len(found.tokens)
    assert found.tokens.shape == found.log_probs.shape == (rows, beams, length)
    assert found.lengths.shape == found.scores.shape == (rows, beams)
    assert found.tokens.dtype == found.lengths.dtype == np.int32
    assert found.log_probs.dtype == found.scores.dtype == np.float32
    after = np.arange(length) >= found.lengths[..., None]
    assert (found.tokens[after] == PAD).all() and (found.log_probs[after] == 0).all()
    assert not np.isin(found.tokens[~after], (PAD, BOS, UNK)).any()
    ends = (found.tokens == EOS).sum(-1)
    last = np.take_along_axis(found.tokens, np.maximum(found.lengths - 1, 0)[..., None], -1)
    assert (ends == (last[..., 0] == EOS)).all()
