"""Figures against values worked out by hand, and against the libraries they stand on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.metrics import text as metrics


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("abc", "", 3),
        ("", "ab", 2),
        ("kitten", "sitting", 3),
        ("flaw", "lawn", 2),
        (["K", "AE", "T"], ["K", "AE", "T", "S"], 1),
        (["K", "AE", "T"], ("K", "AE", "T"), 0),
    ],
)
def test_edit_distance(a, b, distance):
    assert metrics.edit_distance(a, b) == metrics.edit_distance(b, a) == distance


def test_exact_match_on_any_reference():
    figure = metrics.exact_match(["a", "b", "c", "A"], [["x", "a"], ["b"], ["d"], ["a"]])
    assert figure.value == 50.0


def test_word_error_is_one_minus_any_match():
    references = [["K AE T"], ["D AA G", "D AO G"], ["D AE"]]
    assert metrics.word_error(["K AE T", "D AO G", "D AA"], references).value == pytest.approx(
        100 / 3
    )


def test_error_rate_takes_the_closest_reference():
    # two edits from the first, one from the second, which has four phonemes: 1 / 4
    figure = metrics.error_rate([["A", "B", "C"]], [[["A"], ["A", "B", "C", "D"]]])
    assert figure.value == 25.0


def test_error_rate_is_over_the_corpus_not_the_mean_of_sentences():
    # 1 edit of 1, 0 edits of 9: 10 %, where the mean of rates would be 50 %
    figure = metrics.error_rate([["X"], list("abcdefghi")], [[["Y"]], [list("abcdefghi")]])
    assert figure.value == 10.0


def test_of_equally_close_references_the_longest_counts():
    figure = metrics.error_rate([["A", "B"]], [[["A"], ["A", "B", "C"]]])
    assert figure.value == pytest.approx(100 / 3)


def test_bleu_by_hand():
    # 5 tokens; unigrams 4/5, bigrams 3/4, trigrams 2/3, 4-grams 1/2; no brevity penalty
    figure = metrics.bleu(["the cat sat on mats"], [["the cat sat on it"]])
    expected = 100 * math.exp(sum(map(math.log, (4 / 5, 3 / 4, 2 / 3, 1 / 2))) / 4)
    assert figure.value == pytest.approx(expected)


def test_bleu_brevity_penalty_by_hand():
    # all n-grams match, 4 tokens against 8: exp(1 - 8 / 4)
    figure = metrics.bleu(["a b c d"], [["a b c d e f g h"]])
    assert figure.value == pytest.approx(100 * math.exp(-1))


def test_bleu_and_chrf_agree_with_sacrebleu_on_many_references():
    from sacrebleu.metrics import BLEU, CHRF

    predictions = ["Tom está aquí .", "¿Dónde vives tú ahora?", "", "No sé."]
    references = [
        ["Tom está aquí.", "Tom se encuentra aquí."],
        ["¿Dónde vives ahora?", "¿Dónde vive usted ahora?", "¿En dónde vives ahora mismo?"],
        ["Nada."],
        ["No lo sé.", "No sé."],
    ]
    columns = metrics.streams(references)
    assert [len(column) for column in columns] == [4, 4, 4]
    assert columns[2] == [None, "¿En dónde vives ahora mismo?", None, None]
    for figure, reference in (
        (metrics.bleu(predictions, references), BLEU()),
        (metrics.chrf(predictions, references), CHRF()),
    ):
        assert figure.value == pytest.approx(reference.corpus_score(predictions, columns).score)
        assert figure.signature == str(reference.get_signature())
        assert "nrefs:var" in figure.signature


def test_a_second_reference_can_only_help():
    one = metrics.bleu(["a b c d e"], [["a b x d e"]]).value
    two = metrics.bleu(["a b c d e"], [["a b x d e", "a b c d f"]]).value
    assert two > one


def test_signature_counts_references():
    assert "nrefs:1|" in metrics.bleu(["a"], [["a"]]).signature
    assert "nrefs:2|" in metrics.bleu(["a"], [["a", "b"]]).signature


def test_rouge_by_hand():
    # prediction 3 words, reference 4; 2 common: P 2/3, R 2/4, F1 4/7. Bigrams: 1 of 2 and 1 of 3:
    # P 1/2, R 1/3, F1 2/5. Longest common subsequence: 2. Case is ignored.
    figures = metrics.rouge(["The Cat ran"], [["the cat sat down"]])
    assert figures["rouge1"].value == pytest.approx(100 * 4 / 7)
    assert figures["rouge2"].value == pytest.approx(100 * 2 / 5)
    assert figures["rougeL"].value == pytest.approx(100 * 4 / 7)


def test_rouge_first_and_best_reference():
    figures = metrics.rouge(["one two", "three"], [["nine", "one two"], ["three", "four"]])
    assert figures["rouge1"].value == 50.0
    assert figures["rouge1_best"].value == 100.0


def test_rouge_is_left_out_where_it_knows_no_letter():
    assert metrics.rouge(["кот сидит"], [["кот сидит"]]) == {}
    assert metrics.rouge(["está aquí"], [["está aquí"]])["rouge1"].value == 100.0


@pytest.mark.parametrize("call", [metrics.exact_match, metrics.bleu, metrics.rouge])
def test_wrong_counts_are_refused(call):
    with pytest.raises(ValueError, match="Received: 1 predictions, 2 examples"):
        call(["a"], [["a"], ["b"]])
    with pytest.raises(ValueError, match="needs a reference"):
        call(["a"], [[]])


@pytest.mark.parametrize("call", [metrics.exact_match, metrics.bleu, metrics.chrf])
def test_no_examples_give_zero(call):
    figure = call([], [])
    assert figure.value == 0.0
    assert metrics.bootstrap(figure) == (0.0, 0.0)


def test_bootstrap_is_seeded_and_holds_the_value():
    rng = np.random.default_rng(3)
    figure = metrics.mean(rng.random(400) < 0.7)
    low, high = metrics.bootstrap(figure, seed=1)
    assert (low, high) == metrics.bootstrap(figure, seed=1)
    assert (low, high) != metrics.bootstrap(figure, seed=2)
    assert low < figure.value < high
    # the normal approximation of a proportion: 1.96 sqrt(p q / n), within a tenth
    p = figure.value / 100
    assert high - low == pytest.approx(100 * 2 * 1.96 * math.sqrt(p * (1 - p) / 400), rel=0.1)


def test_bootstrap_of_a_constant_has_no_width():
    assert metrics.bootstrap(metrics.mean([1.0] * 50)) == (100.0, 100.0)


def test_bootstrap_resamples_sentences_of_a_corpus_figure():
    """The interval is of resampled corpus BLEU: the same draws through sacreBLEU's own score."""
    from sacrebleu.metrics import BLEU

    predictions = [f"the cat {n} sat on the mat" for n in range(20)]
    references = [[f"the cat {n % 7} sat on a mat"] for n in range(20)]
    figure = metrics.bleu(predictions, references)
    counts = np.random.default_rng(0).multinomial(20, np.full(20, 1 / 20), size=100)
    values = []
    for row in counts:
        drawn = [i for i, times in enumerate(row) for _ in range(times)]
        stream = [references[i][0] for i in drawn]
        values.append(BLEU().corpus_score([predictions[i] for i in drawn], [stream]).score)
    low, high = metrics.bootstrap(figure, resamples=100, seed=0)
    assert (low, high) == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])))


def test_by_length():
    figures = {"right": metrics.mean([1, 0, 1, 1, 0])}
    rows = metrics.by_length(figures, [1, 5, 6, 30, 0], (5, 10, 20))
    assert [(row["label"], row["count"]) for row in rows] == [("1-5", 3), ("6-10", 1), ("21+", 1)]
    assert [row["right"] for row in rows] == [pytest.approx(33.333), 100.0, 100.0]
    assert sum(row["count"] for row in rows) == 5


def test_figures_by_length_have_intervals_of_their_own_examples():
    rng = np.random.default_rng(3)
    right = rng.integers(0, 2, 240).astype(float)
    lengths = [3] * 200 + [8] * 40
    figures = {"right": metrics.mean(right)}
    few, many = (metrics.by_length(figures, lengths, (5,))[i] for i in (1, 0))
    for row, part in ((many, right[:200]), (few, right[200:])):
        low, high = row["intervals"]["right"]
        assert (low, high) == pytest.approx(metrics.bootstrap(metrics.mean(part)), abs=1e-3)
        assert low < row["right"] < high
    widths = [high - low for row in (many, few) for low, high in (row["intervals"]["right"],)]
    assert widths[0] < widths[1]  # fewer examples say less


def test_report_is_what_a_card_holds():
    figures = {"bleu": metrics.bleu(["a b c d", "e f g h"], [["a b c d"], ["e f g x"]])}
    report = metrics.report(figures, [4, 4], (5,))
    assert set(report["bleu"]) == {"value", "low", "high", "signature"}
    assert report["bleu"]["low"] <= report["bleu"]["value"] <= report["bleu"]["high"]
    whole = report["bleu"]
    intervals = {"bleu": [whole["low"], whole["high"]]}  # all examples are of one class
    assert report["by_length"] == [
        {"label": "1-5", "count": 2, "bleu": whole["value"], "intervals": intervals}
    ]
    assert "by_length" not in metrics.report(figures)
