"""Alignments out of maps, the rules that join two directions, and Och and Ney's figures by hand."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.interpret import alignment
from zoo.interpret.alignment import Gold
from zoo.prediction import Prediction


def diagonal(size: int) -> set[tuple[int, int]]:
    return {(i, i) for i in range(size)}


def figures(links, gold, size):
    """Precision, recall and AER of pairs."""
    sums = alignment.counts(alignment.matrix(links, *size), gold)
    return tuple(f(sums).item() for f in (alignment.precision, alignment.recall, alignment.aer))


def test_pairs_and_matrices():
    links = [(0, 1), (3, 0)]  # source, target
    matrix = alignment.matrix(links, 2, 4)
    assert matrix.shape == (2, 4)
    assert matrix[1, 0]
    assert matrix[0, 3]
    assert alignment.pairs(matrix) == links
    for outside in ((4, 0), (0, 2), (-1, 0)):
        with pytest.raises(ValueError, match="4 source and 2 target words"):
            alignment.matrix([outside], 2, 4)


def test_the_true_alignment_has_no_error():
    gold = Gold(diagonal(4), {(0, 1), (2, 3)})
    assert figures(diagonal(4), gold, (4, 4)) == (1.0, 1.0, 0.0)
    # sure links and any of the possible ones: still none
    assert figures(diagonal(4) | {(0, 1)}, gold, (4, 4)) == (1.0, 1.0, 0.0)


def test_a_shifted_alignment_by_hand():
    shifted = {(0, 1), (1, 2), (2, 3)}
    assert figures(shifted, Gold(diagonal(4)), (4, 4)) == (0.0, 0.0, 1.0)
    # all three possible, none of the four sure: 1 - (0 + 3) / (3 + 4)
    assert figures(shifted, Gold(diagonal(4), shifted), (4, 4)) == pytest.approx((1.0, 0.0, 4 / 7))


def test_och_and_neys_formula_with_sure_among_possible():
    gold = Gold({(0, 0), (1, 1)}, {(2, 1)})
    assert gold.sure < gold.possible
    # of three proposed two are possible; of two sure one is found: 1 - (1 + 2) / (3 + 2)
    found = figures({(0, 0), (2, 1), (2, 2)}, gold, (3, 3))
    assert found == pytest.approx((2 / 3, 1 / 2, 2 / 5))


def test_nothing_proposed_and_nothing_sure():
    assert figures(set(), Gold(diagonal(2)), (2, 2)) == (0.0, 0.0, 1.0)
    assert figures(set(), Gold(), (2, 2)) == (0.0, 0.0, 0.0)
    assert figures(diagonal(2), Gold(set(), {(0, 0)}), (2, 2)) == (0.5, 0.0, 0.5)


def test_a_corpus_divides_once_and_every_head_has_its_figures():
    gold = [Gold(diagonal(2)), Gold(diagonal(6))]
    right = [np.eye(2, dtype=bool), np.eye(6, dtype=bool)]
    wrong = [right[0][::-1], right[1]]  # 0 of 2 and 6 of 6: over sentences 1/2, over links 6/8
    links = [np.stack([a, b])[None] for a, b in zip(right, wrong, strict=True)]
    found = alignment.evaluate(links, gold, resamples=200)
    assert set(found) == {"precision", "recall", "aer"}
    np.testing.assert_allclose(found["precision"].value, [[1.0, 0.75]])
    np.testing.assert_allclose(found["aer"].value, [[0.0, 0.25]])
    # resamples hold either sentence only, or both
    np.testing.assert_allclose(found["aer"].low, [[0.0, 0.0]])
    np.testing.assert_allclose(found["aer"].high, [[0.0, 1.0]])
    again = alignment.evaluate(links, gold, resamples=200)
    assert all((found[k].high == again[k].high).all() for k in found)
    with pytest.raises(ValueError, match="2 alignments, 1 gold"):
        alignment.evaluate(links, gold[:1])
    with pytest.raises(ValueError, match="at least one"):
        alignment.evaluate([], [])


def test_argmax_takes_one_a_row_the_first_of_equals_and_none_of_zeros():
    maps = np.array([[[[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.0, 0.0, 0.0]]]])
    links = alignment.argmax(maps)
    assert links.shape == maps.shape
    assert alignment.pairs(links[0, 0]) == [(0, 1), (1, 0)]
    assert alignment.pairs(alignment.argmax(maps, by="source")[0, 0]) == [(0, 1), (1, 0), (2, 0)]
    assert alignment.argmax(np.zeros((1, 1, 0, 3))).shape == (1, 1, 0, 3)
    with pytest.raises(ValueError, match="by='column'"):
        alignment.argmax(maps, by="column")


def test_threshold_takes_all_of_at_least_that_weight():
    links = alignment.threshold(np.array([[0.2, 0.5, 0.3], [0.1, 0.9, 0.0]]), 0.3)
    assert alignment.pairs(links) == [(1, 0), (1, 1), (2, 0)]
    for least in (0.0, -1.0, 1.1):
        with pytest.raises(ValueError, match=f"least={least}"):
            alignment.threshold(np.eye(2), least)


def test_the_diagonal_goes_from_corner_to_corner():
    np.testing.assert_array_equal(alignment.diagonal(4, 4), np.eye(4, dtype=bool))
    assert alignment.pairs(alignment.diagonal(2, 4)) == [(1, 0), (3, 1)]
    # the middles of five rows, 1/10 to 9/10, in thirds
    assert alignment.pairs(alignment.diagonal(5, 3)) == [(0, 0), (0, 1), (1, 2), (2, 3), (2, 4)]
    assert alignment.diagonal(0, 3).shape == (0, 3)
    assert not alignment.diagonal(3, 0).size


def test_a_piece_is_read_one_step_after_it_is_written():
    maps = np.eye(4)[[3, 0, 1, 2]][None, None]  # each step looks at what it has read
    assert alignment.pairs(alignment.argmax(alignment.when_read(maps))[0, 0]) == sorted(diagonal(3))


# target, source; worked by hand from the pseudocode, target words in the outer loop
FORWARD = {(0, 0), (1, 1), (2, 1), (3, 3), (4, 0), (5, 5)}
BACKWARD = {(0, 0), (1, 1), (1, 2), (2, 3), (0, 4), (3, 5)}
GROWN = {(0, 0), (1, 1), (2, 1), (1, 2), (2, 3), (3, 3)}  # a chain, diagonally from (1, 2) on
WORKED = {
    "intersection": {(0, 0), (1, 1)},
    "union": FORWARD | BACKWARD,
    "grow-diag": GROWN,
    # target 4 and source 4 were unaligned; source 5 is aligned once (5, 5) of forward is in
    "grow-diag-final": GROWN | {(4, 0), (5, 5), (0, 4)},
    "grow-diag-final-and": GROWN | {(5, 5)},
}


def cells(which: set[tuple[int, int]], size: int = 6) -> np.ndarray:
    return alignment.matrix([(s, t) for t, s in which], size, size)


@pytest.mark.parametrize("rule", alignment.RULES)
def test_rules_by_hand(rule):
    found = alignment.symmetrise(cells(FORWARD), cells(BACKWARD), rule)
    np.testing.assert_array_equal(found, cells(WORKED[rule]))


def pseudocode(forward: np.ndarray, backward: np.ndarray, rule: str) -> np.ndarray:
    """The published GROW-DIAG-FINAL, line by line (Moses manual, "Word alignment")."""
    neighboring = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
    e2f, f2e = (set(map(tuple, np.argwhere(x).tolist())) for x in (forward, backward))
    points, union = e2f & f2e, e2f | f2e
    size_e, size_f = forward.shape

    def e_free(e):
        return all(point[0] != e for point in points)

    def f_free(f):
        return all(point[1] != f for point in points)

    before = None
    while before != len(points):
        before = len(points)
        for e in range(size_e):
            for f in range(size_f):
                if (e, f) in points:
                    for de, df in neighboring:
                        new = (e + de, f + df)
                        if (e_free(new[0]) or f_free(new[1])) and new in union:
                            points.add(new)
    if rule != "grow-diag":
        both = all if rule.endswith("and") else any
        for a in (e2f, f2e):
            for e in range(size_e):
                for f in range(size_f):
                    if both((e_free(e), f_free(f))) and (e, f) in a:
                        points.add((e, f))
    found = np.zeros(forward.shape, bool)
    for point in points:
        found[point] = True
    return found


@pytest.mark.parametrize("rule", alignment.RULES[2:])
def test_growing_is_the_published_pseudocode(rule):
    rng = np.random.default_rng(7)
    near = np.abs(np.arange(7)[:, None] - np.arange(9) * 7 / 9) < 2.5
    for _ in range(25):
        forward = alignment.argmax(rng.random((7, 9)) * near)
        backward = alignment.argmax(rng.random((7, 9)) * near, by="source")
        found = alignment.symmetrise(forward, backward, rule)
        np.testing.assert_array_equal(found, pseudocode(forward, backward, rule))
        assert not (forward & backward & ~found).any()
        assert not (found & ~(forward | backward)).any()


def test_rules_are_applied_to_each_layer_and_head():
    two = [np.stack([cells(x), np.eye(6, dtype=bool)])[None] for x in (FORWARD, BACKWARD)]
    found = alignment.symmetrise(*two, "grow-diag-final-and")
    np.testing.assert_array_equal(found[0, 0], cells(WORKED["grow-diag-final-and"]))
    np.testing.assert_array_equal(found[0, 1], np.eye(6, dtype=bool))
    with pytest.raises(ValueError, match="rule='refined'"):
        alignment.symmetrise(*two, "refined")
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        alignment.symmetrise(np.eye(2, 3) > 0, np.eye(3, 2) > 0, "union")


def test_words_that_come_from_nowhere_are_not_asked_about():
    links = np.ones((2, 3, 2), bool)
    asked = alignment.within(links, Gold({(0, 0)}, {(1, 2)}))
    assert asked[:, [0, 2]].all()
    assert not asked[:, 1].any()
    assert not alignment.within(links, Gold()).any()


def test_pieces_spell_words_as_shares():
    pieces = ["▁un", "known", "▁", "¿", "▁it", "'s.", "</s>"]
    shares = alignment.spelled(pieces, ["unknown", "¿", "it", "'s", "."])
    by_word = [shares[:, word].nonzero()[0].tolist() for word in range(6)]
    assert by_word == [[0, 1], [2, 3], [4], [5], [5], [6]]
    np.testing.assert_allclose(shares[5], [0, 0, 0, 2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_characters_with_their_spaces_are_words_too():
    text = "1 de 二〇"
    pieces = [*text.replace(" ", "▁"), "</s>"]
    np.testing.assert_array_equal(alignment.spelled(pieces, list(text)), np.eye(8))
    # a run of unknown characters is one piece
    shares = alignment.spelled(["1", "<unk>", "e", "▁", "<unk>"], list(text))
    assert [row.nonzero()[0].tolist() for row in shares] == [[0], [1, 2], [3], [4], [5, 6]]


def test_the_bytes_of_a_character_go_where_it_goes():
    pieces = ["▁", "<0xE4>", "<0xBA>", "<0x86>", "吗", "<0xC3>", "<0xA9>", "</s>"]
    shares = alignment.spelled(pieces, ["了", "吗é"])
    assert [row.nonzero()[0].tolist() for row in shares] == [[0]] * 4 + [[1]] * 3 + [[2]]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)


def test_unknown_pieces_end_where_the_next_one_is_found():
    pieces = ["▁", "<unk>", "▁", "<unk>", "s", "▁end", "</s>"]
    shares = alignment.spelled(pieces, ["Жs", "Щs", "end"])
    # the first goes on to the start of a word, over an s; the second only to the s
    assert [row.nonzero()[0].tolist() for row in shares] == [[0], [0], [1], [1], [1], [2], [3]]


def test_compatibility_characters_are_spelled_as_tokenizers_write_them():
    pieces = ["▁1⁄2", "▁.", ".", ".", "</s>"]
    shares = alignment.spelled(pieces, ["½", "…"])
    assert shares.argmax(axis=1).tolist() == [0, 1, 1, 1, 2]


def test_pieces_that_do_not_spell_the_words_are_refused():
    with pytest.raises(ValueError, match=r"token '▁du' where the words have 'de'"):
        alignment.spelled(["▁du", "</s>"], ["de"])
    with pytest.raises(ValueError, match=r"2 words, 'b' without a token"):
        alignment.spelled(["▁a", "</s>"], ["a", "b"])
    with pytest.raises(ValueError, match="every word"):
        alignment.spelled(["▁a"], ["a", ""])
    assert alignment.spelled(["</s>"], []).shape == (1, 1)


def test_merging_is_what_a_prediction_does_and_keeps_rows():
    rng = np.random.default_rng(0)
    cross = rng.dirichlet(np.ones(4), size=(2, 3, 3)).astype("float32")
    prediction = Prediction(
        text="Wörter",
        source_pieces=["▁un", "known", "▁word", "</s>"],
        target_pieces=["▁Wör", "ter", "</s>"],
        log_probs=np.zeros(3, "float32"),
        attention={"cross": cross},
    )
    rows = alignment.spelled(prediction.target_pieces, ["Wörter"])
    columns = alignment.spelled(prediction.source_pieces, ["unknown", "word"])
    found = alignment.merge(cross, rows, columns)
    np.testing.assert_allclose(found, prediction.words().attention["cross"], atol=1e-6)
    assert found.dtype == np.float32
    # a piece over two words: what it was given is shared, and rows still sum to 1
    shared = alignment.spelled(["▁un", "known", "▁word", "</s>"], ["unknown", "wo", "rd"])
    split = alignment.merge(cross, rows, shared)
    np.testing.assert_allclose(split.sum(axis=-1), 1.0, atol=1e-5)
    np.testing.assert_allclose(split[..., 1], split[..., 2])
    with pytest.raises(ValueError, match="4 written and 3 read"):
        alignment.merge(cross, columns, rows)
