from __future__ import annotations

import numpy as np
import pytest

from apps import inference, labels, saved_models
from apps.differences import differing, sentence
from apps.labels import chosen_map, from_prediction, from_record, read
from apps.markdown import plain
from tests.apps import fake_saved_models
from zoo.prediction import Hypothesis, Prediction


def subwords() -> dict:
    """Two written words of which the first has two tokens, two read words likewise."""
    return {
        "source": "good cat",
        "text": "gato bueno",
        "source_pieces": ["▁go", "od", "▁cat", "</s>"],
        "target_pieces": ["▁ga", "to", "▁bueno", "</s>"],
        "log_probs": [-1.0, -0.5, 0.0, 0.0],
        "attention": {
            "cross": [
                [[[0.1, 0.2, 0.7, 0], [0.3, 0, 0.7, 0], [0.5, 0.4, 0.1, 0], [0, 0, 0, 1]]],
                [[[1, 0, 0, 0]] * 4],
            ]
        },
        "ms": {"median": 8.0},
    }


def test_words_add_up_what_was_read_and_average_what_was_written():
    reading = read(from_record("en-es-transformer", subwords()), "word")
    assert reading.source == ["good", "cat", "(end)"]
    assert reading.target == ["gato", "bueno", "(end)"]
    np.testing.assert_allclose(reading.log_probs, [-1.5, 0, 0])
    layer = chosen_map(reading, "cross", 0, None)
    np.testing.assert_allclose(layer[:2], [[0.3, 0.7, 0], [0.9, 0.1, 0]], atol=1e-6)


def test_layer_and_head_choose_and_none_is_the_mean():
    reading = read(from_record("en-es-transformer", subwords()), "word")
    first, second = (chosen_map(reading, "cross", layer, 0) for layer in (0, 1))
    np.testing.assert_allclose(chosen_map(reading, "cross", None, None), (first + second) / 2)
    np.testing.assert_allclose(chosen_map(reading, "cross", 9, 9), (first + second) / 2)
    with pytest.raises(ValueError, match="'decoder'"):
        chosen_map(reading, "decoder", None, None)


def test_characters_and_sounds_are_not_merged():
    record = fake_saved_models.example("dates", "lstm", ("3 May", "2021"))
    dates = read(from_record("dates-lstm", record), "character")
    assert dates.source == ["3", "␣", "M", "a", "y", "↵"]
    assert not any(dates.gaps)
    answer = from_record(
        "p", fake_saved_models.example("pronounce", "transformer", ("zoo", "Z UW"))
    )
    reading = read(answer, "character")
    assert reading.target == ["Z", "UW", "↵"]
    assert reading.gaps == [True, True, False]
    assert reading.length == 2
    assert read(answer, "character").maps["decoder"].shape == (2, 2, 3, 3)


def test_saliency_stands_in_where_there_is_no_attention():
    record = fake_saved_models.example("en-es", "lstm", fake_saved_models.SENTENCES["en-es"])
    reading = read(from_record("en-es-lstm", record), "word")
    assert list(reading.maps) == [labels.SALIENCY]
    np.testing.assert_allclose(
        chosen_map(reading, labels.SALIENCY, None, None).sum(axis=1), 1, atol=0.01
    )


def test_nothing_written_is_no_error():
    record = {**subwords(), "target_pieces": [], "log_probs": [], "attention": {}, "text": ""}
    assert read(from_record("m", record), "word").target == []


@pytest.mark.parametrize(
    "damage",
    [
        {"log_probs": [0.0]},
        {"attention": {"cross": [[[[1.0]]]]}},
        {"attention": {"cross": [1.0]}},
        {"saliency": [[1.0]]},
        {"ms": 7},
        {"text": None, "source_pieces": None},
    ],
)
def test_a_damaged_record_is_refused(damage):
    with pytest.raises(ValueError, match="stored"):
        from_record("m", {**subwords(), **damage})


def test_prediction_becomes_an_answer():
    prediction = Prediction(
        text="hi",
        source_pieces=["▁a", "</s>"],
        target_pieces=["▁hi", "</s>"],
        log_probs=np.array([-0.5, -0.5], "float32"),
        alternatives=[Hypothesis("hi", ["▁hi"], np.zeros(1), -0.3)],
        notes=["short"],
    )
    answer = labels.from_prediction("m", prediction, milliseconds=[4.0, 2.0, 3.0])
    assert answer.median == 3.0
    assert answer.tokens_per_second == pytest.approx(2000 / 3)
    assert answer.probability == pytest.approx(np.exp(-1))
    assert answer.alternatives == (("hi", -0.3),)
    assert answer.stored is None


def test_only_words_without_a_counterpart_differ():
    reference = "el gato negro duerme".split()
    assert differing("el gato duerme".split(), reference) == [False] * 3
    assert differing("el perro negro duerme ya".split(), reference) == [0, 1, 0, 0, 1]
    assert sentence([True, False], False, "LSTM", "word").startswith("1 word different")
    assert sentence([False], True, "LSTM", "word") == "Same as LSTM."
    assert "Leaves out" in sentence([False], False, "LSTM", "word")


def test_markdown_in_text_stays_text():
    assert plain("![x](http://a)\n $1$ :red[b]") == (r"\!\[x\]\(http\:\/\/a\) \$1\$ \:red\[b\]")


def test_stored_answers_stand_only_for_what_was_asked(shelf):
    text = fake_saved_models.SENTENCES["dates"][0]
    kept = inference.stored("dates-lstm", text, beams=1, max_length=None)
    assert kept.stored == "a test computer, 2026-01-02"
    assert inference.stored("dates-lstm", text, beams=5, max_length=None) is None
    assert inference.stored("dates-lstm", text, beams=1, max_length=9) is None
    assert inference.stored("dates-lstm", "other", beams=1, max_length=None) is None
    file = shelf / "dates-lstm" / "examples.json"
    fake_saved_models.write(file, [{"source": text, "beams": 1, "text": 3}])
    assert inference.stored("dates-lstm", text, beams=1, max_length=None) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"parameters": "x"}', "\x00"])
def test_unreadable_files_are_empty(shelf, content):
    for file in ("card.json", "examples.json", "config.json", "predictions.json"):
        (shelf / "dates-lstm" / file).write_text(content, encoding="utf-8")
    assert saved_models.parameters("dates-lstm") is None
    assert saved_models.examples("dates-lstm") == []
    assert saved_models.predictions("dates-lstm") == []
    assert saved_models.length_cap("dates") == 32


def test_an_error_is_answered_afresh(shelf, monkeypatch):
    calls = []

    def broken(*args):
        calls.append(args)
        raise RuntimeError(f"{shelf}/dates-lstm is damaged\nsecond line")

    monkeypatch.setattr(inference, "_compute", broken)
    for _ in range(2):
        with pytest.raises(RuntimeError) as caught:
            inference.computed("dates-lstm", "x", beams=1, max_length=None)
    assert len(calls) == 2
    assert inference.explain(caught.value) == "saved_models/dates-lstm is damaged"


def bytes_and_characters() -> Prediction:
    """Chinese written in four tokens of which three are the bytes of one character."""
    written = ["▁我", "<0xE4>", "<0xBA>", "<0x86>", "</s>"]
    return Prediction(
        text="我了",
        source_pieces=["▁hm", "<0xC3>", "<0xA9>", "</s>"],
        target_pieces=written,
        log_probs=np.array([-1, -0.5, -0.25, -0.25, -2], "float32"),
        attention={"cross": np.tile([0.1, 0.2, 0.3, 0.4], (1, 1, 5, 1)).astype("float32")},
    )


@pytest.mark.parametrize("unit", ["word", "character"])
def test_bytes_are_shown_as_the_character_they_spell(unit):
    saliency = np.full((5, 4), 0.25, "float32")
    answer = from_prediction("en-es-transformer", bytes_and_characters(), saliency=saliency)
    reading = read(answer, unit)
    end = "(end)" if unit == "word" else "↵"
    assert reading.target == ["我", "了", end]
    assert reading.source == (["hmé", end] if unit == "word" else ["hm", "é", end])
    assert not reading.gaps[1]  # nothing stands between the characters of such a text
    np.testing.assert_allclose(reading.log_probs, [-1, -1, -2])
    for maps in reading.maps.values():
        assert maps.shape == (1, 1, 3, len(reading.source))
        np.testing.assert_allclose(maps.sum(-1), 1, atol=1e-6)
    assert labels.shown("<0xE4>") == "byte E4"  # one alone, as a candidate is
