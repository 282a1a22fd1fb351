"""What people type, asked of Python and of the export: the same answers, and the same notes."""

from __future__ import annotations

import keras
import pytest

import zoo
from tests.zoo import tiny_models
from zoo import checks
from zoo.checks import Checks

if keras.backend.backend() != "tensorflow":
    pytest.skip("only the TensorFlow backend exports", allow_module_level=True)

import tensorflow as tf

from zoo.export import note_operations, seq2seq_graph, seq2seq_text

DATES = [
    "3rd of May 2021",
    "05/03/21",
    "Sept 5, ’99",
    "Sept. 5, 1999",
    "12.IV.2020",
    "２０２１年５月３日",
    "二〇二一年十二月三十一日",
    "令和3年5月3日",
    "٣\u200f/٥\u200f/٢٠٢١",
    "๓ พฤษภาคม ๒๕๖๔",
    "3\u202fMay\u00a02021",
    "3\u200b May\u00ad 2021",
    "03‑05‑2021",
    "2021-05-03T10:00:00Z",
    "31/02/2021",
    "29.02.1900",
    "May 2021",
    "yesterday",
    "hello world 🦓 µ",
    "3 May 2150",
    "3 May 1821",
    "20210503",
    "5" * 40 + " " + "7" * 40,
    "on the 3rd of May 2021, " * 10,
    "",
    " \t\n ",
    "!!!",
]
WORDS = [
    "NASA",
    "Don’t",
    "café",
    "cafe\u0301",
    "NAÏVE",
    "straße",
    "İstanbul",
    "ﬁrst",
    "Ｈello",
    "well-known",
    "well known",
    "hello !",
    "“hello”",
    "hel\u00adlo\u200b",
    "\ufeffhello",
    "2nd",
    "c3po",
    "мир",
    "a日b本c",
    "x²",
    "a" * 60,
    "",
    "!!!",
    "123",
    "🦓",
]


def asked(loaded, texts):
    """What the graph of an export answers: texts and notes."""
    side = seq2seq_text.TextSide(loaded, loaded.max_source_length)
    writer = seq2seq_graph.Writer(loaded.model, loaded.max_target_length)
    run = tf.function(lambda text: side.answered(text, writer.greedy), autograph=False)
    made = run(tf.constant(texts))
    return [[one.decode() for one in made[key].numpy()] for key in ("text", "notes")]


@pytest.mark.parametrize(("name", "texts"), [("dates", DATES), ("pronounce", WORDS)])
def test_an_export_of_a_shipped_model_says_what_python_says(name, texts):
    model = zoo.load(f"{name}-simple-rnn")
    predictions = model.predict(texts, attention=False)
    answers, notes = asked(model, texts)
    assert answers == [p.text for p in predictions]
    assert notes == ["\n".join(p.notes) for p in predictions]
    assert len(set(notes)) > 6


@pytest.mark.parametrize("model", ["lstm", "transformer"])
def test_cut_and_unknown_sources_are_said_alike(model, tmp_path):
    """Sub-words with bytes, and characters without, on a model that is asked far too much."""
    from zoo.tokenizer import train_tokenizer

    pieces = tiny_models.tokenizers()
    if model == "lstm":
        texts = [text for pair in tiny_models.SENTENCES for text in pair]
        pieces["tokenizer.model"] = train_tokenizer(
            texts, model_type="unigram", vocabulary_size=330, byte_fallback=True
        )
    loaded = zoo.load(
        tiny_models.folder(tmp_path / "m", model, pieces=pieces, checks={"empty": {}})
    )
    texts = [
        "Tom sees the red car.",
        "",
        "🦓 日本 ÿ 🦓 the book",
        "the \U0010ffff ǆ ж щ ю я э 1 2 3 4 book",
        "she wants the book. " * 2_000,
        " " * 25_000 + "x",
        "🦓" * 30,
    ]
    predictions = loaded.predict(texts)
    _, notes = asked(loaded, texts)
    assert notes == ["\n".join(p.notes) for p in predictions]
    said = "\n".join(notes)
    for part in (checks.CUT, checks.EMPTY, "Not in the", "20,000 characters", "only the first 23"):
        assert part in said


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"empty": {}, "word": {}},
        {"date": {"years": [1900, 2099], "pivot": 69}},
        {"empty": {}, "copied": {}},
    ],
)
def test_every_answer_to_every_input_is_judged_alike(given):
    """Texts and answers that no model would give, too."""
    answers = ["", "2021-05-03", "2021-02-31", "1900-02-29", "2000-02-29", "0000-00-00"]
    answers += ["2021-13-01", "1999-09-05", "2099-99-99", "2021-5-3", "٢٠٢١-٠٥-٠٣", "2069-05-03"]
    more = ["5.9.99", "9 9 2021", "3 May 69", "三十 5 2021", "5 3 900", "21 05 03", "0 0 0", "1 1"]
    answers += ["9, Müller; hello 2nd", "c3po", "hello - мир; (мир) 123", "5, 9 99"]
    texts = [*DATES, *WORDS, *more, "Müller 9", "мир/hello: 12-3", "hello hello 9"]
    pairs = [(text, answer) for text in texts for answer in answers]
    found = Checks(given)
    cleaned = [checks.clean(text) for text, _ in pairs]
    text, read = tf.constant(cleaned), tf.constant(cleaned)
    answer = tf.constant([answer for _, answer in pairs])
    notes = [
        *note_operations.of_input(found, text, read),
        *note_operations.of_answer(found, read, answer),
    ]
    made = note_operations.joined([tf.fill([len(pairs)], ""), *notes]).numpy()
    for (_, one), source, note in zip(pairs, cleaned, made, strict=True):
        wanted = [*found.of_input(source, source), *found.of_answer(source, one)]
        assert note.decode() == "\n".join(wanted), (source, one)
