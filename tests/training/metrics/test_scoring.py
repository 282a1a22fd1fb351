"""BLEU of scripts without spaces and of targets of a few words: a perfect answer scores 100."""

from __future__ import annotations

import json

import pytest

from training import card_writer, evaluate_pairs, tasks
from training.metrics import scoring
from training.metrics import text as metrics
from training.metrics.scoring import Scoring, choose
from training.tasks.base import Example

SENTENCES = {
    "zh": ["我爱北京。", "他今天不来了。", "请在 GitHub 上提交代码"],
    "ja": ["ありがとうございます。", "東京へ行きます。", "これは何ですか"],
    "th": ["ฉันรักกรุงเทพ", "วันนี้เขาไม่มา", "สวัสดีครับ"],
    "lo": ["ຂ້ອຍຮັກວຽງຈັນ", "ສະບາຍດີຕອນເຊົ້າ"],
    "km": ["ខ្ញុំស្រលាញ់ភ្នំពេញ", "អរគុណច្រើន"],
    "my": ["ကျေးဇူးတင်ပါတယ်", "မင်္ဂလာပါခင်ဗျာ"],
}
SHORT = {
    "": [["Sí."], ["Hola"], ["Muy bien"]],
    "zh": [["猫"], ["你好"], ["是的"]],
    "th": [["คน"], ["มา"]],
}


def perfect(texts: list[str], how: Scoring) -> metrics.Figure:
    return metrics.bleu(texts, [[text] for text in texts], how)


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("named", [True, False])
def test_a_perfect_answer_scores_100_in_scripts_without_spaces(language, named):
    texts = SENTENCES[language]
    how = choose(language if named else "", texts)
    assert how.language == language and not how.rouge
    figure = perfect(texts, how)
    assert figure.value == pytest.approx(100)
    assert f"tok:{how.tokenizer}|" in figure.signature
    # What is partly right is worth something, which it is not where a sentence is one word.
    partly = metrics.bleu([text[:-1] + "x" for text in texts], [[text] for text in texts], how)
    assert 20 < partly.value < 99


def test_each_language_has_the_tokenizer_that_sacrebleu_advises():
    found = {language: choose("", texts).tokenizer for language, texts in SENTENCES.items()}
    japanese = "ja-mecab" if scoring.installed("ja-mecab") else "char"
    assert found == {
        "zh": "zh",
        "ja": japanese,
        **dict.fromkeys(("th", "lo", "km", "my"), "char"),
    }
    assert choose("", ["저는 학생입니다.", "안녕하세요 세계"]).language == "ko"
    assert choose("cmn", ["?"]).tokenizer == choose("yue", ["?"]).tokenizer == "zh"
    # Only the name can tell that kanji alone are Japanese.
    assert choose("ja", ["東京駅"]).language == "ja"
    assert choose("", ["東京駅"]).language == "zh"
    for language, text in (("es", "¿Dónde vives tú ahora?"), ("", "Где ты теперь живёшь?")):
        assert choose(language, [text] * 3).tokenizer == "13a"


@pytest.mark.parametrize("language", SHORT)
def test_a_perfect_answer_of_one_to_three_words_scores_100(language):
    texts = [text for (text,) in SHORT[language]]
    how = choose(language, texts)
    assert how.effective_order
    figure = perfect(texts, how)
    assert figure.value == pytest.approx(100) and "|eff:yes|" in figure.signature
    assert 0 < metrics.bleu([*texts[:-1], "x"], SHORT[language], how).value < 100


def test_a_few_longer_targets_among_short_ones_change_nothing_of_that():
    texts = ["Sí.", "Hola", "No.", "Muy bien", "Esto es algo más largo que los demás."]
    how = choose("es", texts)
    assert how.effective_order and perfect(texts, how).value == pytest.approx(100)
    # All short ones right, the long one cut short: no run of four, and yet not nothing.
    assert metrics.bleu([*texts[:-1], "Esto es"], [[t] for t in texts], how).value > 30


def test_short_examples_of_a_corpus_of_sentences_are_not_0_when_perfect():
    texts = ["Sí.", "Hola", "Tom no sabe lo que ha pasado.", "¿Dónde vives tú ahora?"] * 2
    how = choose("es", texts)
    assert not how.effective_order
    figure = perfect(texts, how)
    assert "|eff:no|" in figure.signature
    rows = metrics.by_length({"bleu": figure}, [1, 1, 6, 4] * 2, (2, 10))
    assert [row["bleu"] for row in rows] == [pytest.approx(100)] * 2


def test_figures_of_ordinary_corpora_stay_as_sacrebleu_has_them():
    from sacrebleu.metrics import BLEU

    predictions = ["Tom está aquí .", "¿Dónde vives tú ahora?", "", "No sé.", "a b"]
    references = [["Tom está aquí."], ["¿Dónde vives ahora?", "¿Dónde?"], ["Nada."], ["No lo sé."]]
    references.append(["Otra cosa muy distinta."])
    found = metrics.bleu(predictions, references, choose("es", [r[0] for r in references]))
    theirs = BLEU()
    score = theirs.corpus_score(predictions, metrics.streams(references)).score
    assert found.value == score and found.signature == str(theirs.get_signature())
    nothing = metrics.bleu(["x y", "z"], [["a b c d"], ["e f g h i"]], Scoring())
    assert nothing.value == 0.0 and "|eff:no|" in nothing.signature


def test_what_a_card_holds_is_what_an_evaluation_uses():
    how = choose("", SENTENCES["zh"])
    record = json.loads(json.dumps(how.record()))
    assert record["tokenizer"] == "zh" and "ROUGE is left out" in record["note"]
    assert Scoring.of(record) == how
    assert choose("es", ["Una frase de verdad."]).record()["note"] == ""
    with pytest.raises(ValueError, match="Received: flores9000"):
        Scoring.of({"tokenizer": "flores9000"})


def test_a_tokenizer_that_is_missing_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setattr(scoring, "find_spec", lambda name: None)
    assert choose("ja", SENTENCES["ja"]).tokenizer == "char"
    assert choose("ko", ["안녕하세요 세계"]).tokenizer == "13a"
    with pytest.raises(ValueError, match=r"ja-mecab.*pip install 'sacrebleu\[ja\]'"):
        Scoring.of({"tokenizer": "ja-mecab"})


class Echo:
    """A model that answers with what it read."""

    def predict(self, texts, **options):
        from zoo.prediction import Prediction

        return [Prediction(text, [], [], [-1.0]) for text in texts]


@pytest.fixture
def chinese(tmp_path):
    lines = [f"第{n}个人爱北京。\t第{n}个人爱北京。" for n in range(200)]
    (tmp_path / "zh.tsv").write_text("\n".join(lines), encoding="utf-8")
    return tasks.get(f"tsv:{tmp_path / 'zh.tsv'}")


def test_an_evaluation_counts_as_the_card_says_and_in_characters(chinese):
    examples = chinese.examples("test")
    result, records = evaluate_pairs.evaluate_examples(Echo(), chinese, examples)
    assert result["bleu"]["value"] == pytest.approx(100) and "tok:zh" in result["bleu"]["signature"]
    assert not any(key.startswith("rouge") for key in result)
    assert {record["length"] for record in records} == {8}
    assert [row["label"] for row in result["by_length"]] == ["6-10"]

    chosen = chinese.choose_scoring(examples)
    chinese.score_as({**chosen, "tokenizer": "char", "effective_order": True})
    result, _ = evaluate_pairs.evaluate_examples(Echo(), chinese, examples[:3])
    assert "eff:yes|tok:char" in result["bleu"]["signature"]
    assert result["note"] == scoring.NO_ROUGE
    card = {"name": "m", "metrics": {"1": result}}
    assert scoring.NO_ROUGE in card_writer.render(card) and "tok:char" in card_writer.render(card)


def test_lengths_of_latin_sources_are_words_as_before():
    task = tasks.get("tatoeba/en-es")
    for text in ("I don't know.", "Où est-il ?", "安 hm"):
        assert task.length(text) == len(text.split())
    assert task.length("我有3只cats。") == 6
    assert tasks.get("dates").length("3月4日") == 4


def test_rouge_is_left_out_by_the_corpus_and_not_by_the_example(chinese):
    """Of Chinese with much Latin in it a part may be mostly Latin letters."""
    chinese.score_as(chinese.choose_scoring(chinese.examples("test")))
    latin = [Example("a", ("TensorFlow 很好",))]
    assert not any(key.startswith("rouge") for key in chinese.score(["TensorFlow"], latin))
