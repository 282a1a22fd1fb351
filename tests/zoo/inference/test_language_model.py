"""Continuations: the same alone, in a batch and streamed, and what a plain loop would write."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from keras import ops

from tests.zoo import tiny_language_models as tiny
from zoo.continuation import Token
from zoo.inference import language_model as module
from zoo.inference.language_model import LanguageModelPredictor
from zoo.inference.language_model_base import MAX_CHARACTERS
from zoo.inference.ngram import drawn
from zoo.inference.sampling import Sampling, draw
from zoo.tokenizer import UNK

CONTEXT = 16
PROMPTS = ["To be, ", "", "or not", "T", "Whether 'tis n"]
LONG = 40
"""Tokens beyond the context: it slides several times."""


@pytest.fixture(scope="module")
def gpt():
    return tiny.predictor("gpt", max_length=CONTEXT)


@pytest.fixture(scope="module")
def lstm():
    return tiny.predictor("lstm")


@pytest.fixture(scope="module")
def sub_words():
    return tiny.predictor("feed-forward", "sub-word")


@pytest.fixture(scope="module")
def ngram():
    return tiny.ngram()


@pytest.fixture(scope="module", params=["gpt", "lstm"])
def model(request):
    return request.getfixturevalue(request.param)


def by_hand(
    model: LanguageModelPredictor, read: list[int], limit: int, sampling: Any = None, seed: int = 0
) -> tuple[list[int], list[float], list[np.ndarray]]:
    """Ids, log-probabilities and distributions of a loop that reads all anew for each token.

    Where the context is full it goes on from the second half of what it has read.
    """
    window, found = list(read), ([], [], [])
    uniform = draw(seed, 1, limit)[0]
    for number in range(limit):
        if model.context and len(window) == model.context:
            window = window[-(model.context // 2) :]
        after = tiny.log_softmax(model, window)[-1]
        allowed = after.copy()
        allowed[list(model.tokenizer.excluded)] = -np.inf
        token = int(allowed.argmax())
        if sampling is not None:
            chances = np.exp(allowed - np.logaddexp.reduce(allowed[np.isfinite(allowed)]))
            token = drawn(chances, np.argsort(-chances, kind="stable"), sampling, uniform[number])
        window.append(token)
        for values, value in zip(found, (token, float(after[token]), after), strict=True):
            values.append(value)
    return found


def texts(tokens: list[Token]) -> list[str]:
    return [token.text for token in tokens]


def same(one: list[Token], other: list[Token]) -> None:
    assert [(t.text, t.label) for t in one] == [(t.text, t.label) for t in other]
    for ours, theirs in zip(one, other, strict=True):
        assert ours.log_prob == pytest.approx(theirs.log_prob, abs=2e-4)
        assert [name for name, _ in ours.candidates][:1] == [n for n, _ in theirs.candidates][:1]


def test_greedy_writing_is_that_of_a_plain_loop_also_where_it_slides(model):
    found = model.predict("To be, ", LONG)[0]
    read = [model.tokenizer.start, *model.tokenizer.encode("To be, ").tolist()]
    ids, log_probs, distributions = by_hand(model, read, LONG)
    assert found.text == model.tokenizer.decode(ids)
    assert [t.label for t in found.tokens] == model.tokenizer.labels(ids)
    np.testing.assert_allclose(found.log_probs, log_probs, atol=2e-4)
    assert found.log_probs.shape == (LONG,) and not found.finished
    for token, after in zip(found.tokens, distributions, strict=True):
        chances = [chance for _, chance in token.candidates]
        assert len(chances) == 5 and chances == sorted(chances, reverse=True)
        allowed = np.delete(np.exp(after), model.tokenizer.excluded)
        np.testing.assert_allclose(chances, np.sort(allowed)[::-1][:5], atol=1e-4)
        assert token.candidates[0][0] == token.label
        assert {name for name, _ in token.candidates}.isdisjoint(("<pad>", "<s>", "</s>", "<unk>"))


@pytest.mark.parametrize(
    "sampling", [Sampling(), Sampling(0.7, top_k=5), Sampling(1.3, top_p=0.8)], ids=repr
)
def test_sampled_writing_is_that_of_a_plain_loop(model, sampling):
    found = model.predict(["To be, "], LONG, sampling, seed=3)[0]
    read = [model.tokenizer.start, *model.tokenizer.encode("To be, ").tolist()]
    ids, log_probs, _ = by_hand(model, read, LONG, sampling, seed=3)
    assert found.text == model.tokenizer.decode(ids)
    # Before temperature, top-k and top-p.
    np.testing.assert_allclose(found.log_probs, log_probs, atol=2e-4)


def test_the_seed_decides_and_a_longer_text_begins_as_a_shorter_one(model):
    one, again, other = (
        model.predict("To be, ", LONG, Sampling(), seed)[0].text for seed in (1, 1, 2)
    )
    assert one == again != other
    assert model.predict("To be, ", 33, Sampling(), 1)[0].text == one[:33]
    same_prompt = model.predict(["To be, "] * 2, 20, Sampling(), 1)
    assert same_prompt[0].text == one[:20] != same_prompt[1].text  # each row has its own draws
    assert model.predict([], sampling=Sampling()) == [] == model.predict([])


def test_drawing_among_one_token_is_greedy(model):
    greedy = model.predict("To be, ", 20)[0]
    same(model.predict("To be, ", 20, Sampling(2.0, top_k=1), seed=5)[0].tokens, greedy.tokens)
    same(model.predict("To be, ", 20, Sampling(top_p=1e-9), seed=5)[0].tokens, greedy.tokens)


@pytest.mark.parametrize("limit", [1, 3, LONG])
def test_a_batch_answers_as_its_prompts_do_one_by_one(model, limit):
    """With 3 tokens some slide and some do not; with 40 all do, at moments of their own."""
    together = model.predict(PROMPTS, limit)
    for prompt, found in zip(PROMPTS, together, strict=True):
        alone = model.predict(prompt, limit)[0]
        assert (found.prompt, found.text, found.labels) == (prompt, alone.text, alone.labels)
        assert found.notes == alone.notes and found.prompt_labels == alone.prompt_labels
        same(found.tokens, alone.tokens)
        for kind, array in found.attention.items():
            np.testing.assert_allclose(array, alone.attention[kind], atol=1e-4)


def test_a_batch_of_drawn_texts_is_that_of_its_rows(model):
    """Row 3 alone has the draws of row 0, so it is asked for in its place."""
    together = model.predict(PROMPTS, 20, Sampling(), seed=4)
    for place, prompt in enumerate(PROMPTS):
        others = ["x"] * place
        assert model.predict([*others, prompt], 20, Sampling(), 4)[place].text == (
            together[place].text
        )


def test_more_prompts_than_a_batch_holds_keep_their_order(lstm):
    prompts = [tiny.TEXT[n : n + 1 + n % 3] for n in range(70)]
    found = lstm.predict(prompts, 2)
    assert [one.prompt for one in found] == prompts
    for place in (0, 64, 69):
        assert found[place].text == lstm.predict(prompts[place], 2)[0].text


def test_a_row_that_has_stopped_does_not_change_the_others(model):
    alone = [model.predict(prompt, LONG, Sampling(), 2)[0].text for prompt in PROMPTS[:1]]
    stop = alone[0][2:4]
    prompts = [PROMPTS[0], PROMPTS[0]]
    free = model.predict(prompts, LONG, Sampling(), 2)
    stopped = model.predict(prompts, LONG, Sampling(), 2, stop=stop)
    for without, with_stop in zip(free, stopped, strict=True):
        at = without.text.find(stop)
        assert with_stop.text == (without.text[:at] if at >= 0 else without.text)
        assert with_stop.finished == (at >= 0)
    assert stopped[0].finished and len(stopped[0].text) <= 2


@pytest.mark.parametrize("sampling", [None, Sampling(1.5)], ids=repr)
def test_streaming_equals_predict(model, sampling):
    free = model.predict("To be, ", LONG, sampling, 7)[0]
    same(list(model.stream("To be, ", LONG, sampling, 7)), free.tokens)
    text = free.text
    for stop in (text[9:12], text[-1], (text[20:24], text[22:25]), "never", text[-2:] + "\0"):
        ended = model.predict("To be, ", LONG, sampling, 7, stop=stop)[0]
        same(list(model.stream("To be, ", LONG, sampling, 7, stop=stop)), ended.tokens)
        stops = [stop] if isinstance(stop, str) else stop
        assert ended.finished == any(each in text for each in stops)
        assert text.startswith(ended.text) and not any(each in ended.text for each in stops)


class Scripted(LanguageModelPredictor):
    """Writes given tokens, a chunk at a time, so that stop texts can be tried by the thousand."""

    script: tuple[str, ...] = ()

    context, attention_heads = None, {}

    def _written(self, rows, options):
        script, chunk = self.script[: options.limit], options.chunk
        for at in range(0, len(script), chunk):
            for row in rows:
                row.tokens += [Token(text, text, 0.0) for text in script[at : at + chunk]]
                row.ids += [UNK] * len(script[at : at + chunk])
                row.ended = options.is_stopped(row)
            yield
            if all(row.ended for row in rows):
                return


def token_by_token(script: list[str], stops: list[str]) -> tuple[str, bool]:
    """What is left where one looks for a stop text after every single token."""
    text = ""
    for piece in script:
        text += piece
        if found := [text.find(stop) for stop in stops if stop in text]:
            return text[: min(found)], True
    return text, False


def test_stop_texts_end_a_text_where_they_are_complete_first():
    """Split over tokens, within one, only begun, one within the other; streamed or not."""
    generator = random.Random(3)
    model = Scripted("scripted", None, tiny.tokenizer("character"), {})
    cases = [(["a", "b", "c"], ["abc", "b"]), (["ab", "", "c"], ["c"]), (["xa", "b"], ["ab"])]
    for _ in range(400):
        script = [
            "".join(generator.choice("ab\n") for _ in range(generator.randint(0, 3)))
            for _ in range(generator.randint(1, 40))
        ]
        stops = [
            "".join(generator.choice("ab\n") for _ in range(generator.randint(1, 5)))
            for _ in range(generator.randint(0, 3))
        ]
        cases.append((script, stops))
    for script, stops in cases:
        model.script = tuple(script)
        found = model.predict("a", 50, stop=stops)[0]
        assert (found.text, found.finished) == token_by_token(script, stops), (script, stops)
        assert found.text.startswith("".join(texts(found.tokens)))
        assert texts(list(model.stream("a", 50, stop=stops))) == texts(found.tokens)


def test_a_token_is_streamed_before_the_text_is_done_unless_it_may_be_cut():
    model = Scripted("scripted", None, tiny.tokenizer("character"), {})
    model.script = ("a", "b", "c", "d", "a", "b", "x", "y")
    seen = []
    for token in model.stream("a", 50, stop="abx"):
        seen.append(token.text)
    assert seen == ["a", "b", "c", "d"]
    stream = model.stream("a", 50, stop="cde")
    assert [next(stream).text for _ in range(2)] == ["a", "b"]


def test_sub_words_and_words_join_to_the_text_with_its_spaces(sub_words, ngram):
    for model in (sub_words, ngram):
        for sampling in (None, Sampling()):
            found = model.predict("sea of", 30, sampling, 5)[0]
            assert found.text == "".join(texts(found.tokens))
            read = model.tokenizer.encode("sea of").tolist()
            assert len(found.tokens) == 30 and len(found.labels) == len(read) + 1 + 29
            same(list(model.stream("sea of", 30, sampling, 5)), found.tokens)
            stop = found.text[-3:]
            ended = model.predict("sea of", 30, sampling, 5, stop=stop)[0]
            assert ended.text == found.text[: found.text.find(stop)] and ended.finished
            assert texts(list(model.stream("sea of", 30, sampling, 5, stop))) == texts(ended.tokens)
    text = ngram.predict("sea of", 30)[0].text
    assert text.startswith((" ", "\n"))
    assert ngram.tokenizer.decode(ngram.tokenizer.encode("sea of" + text)) == "sea of" + text


def test_candidates_are_as_many_as_may_be_written(lstm, ngram):
    size, never = lstm.tokenizer.size, len(lstm.tokenizer.excluded)
    candidates = lstm.predict("T", 1, candidates=size)[0].tokens[0].candidates
    assert len(candidates) == size - never
    assert len({name for name, _ in candidates}) == size - never
    assert 0.5 < sum(chance for _, chance in candidates) <= 1 + 1e-5
    counted = ngram.predict("To", 1, candidates=ngram.tokenizer.size)[0].tokens[0].candidates
    assert len(counted) == ngram.tokenizer.size - len(ngram.tokenizer.excluded)
    assert sum(chance for _, chance in counted) == pytest.approx(1)
    assert len(lstm.predict("T", 1, candidates=1)[0].tokens[0].candidates) == 1


def test_excluded_ids_are_never_written(lstm):
    """Neither greedily nor drawn, however likely the network finds them."""
    table = lstm.model.embedding.embeddings
    before = np.asarray(table)
    try:
        pushed = before.copy()
        pushed[UNK] = before[lstm.tokenizer.encode("e")[0]] * 3
        table.assign(pushed)
        for sampling in (None, Sampling(5.0)):
            found = lstm.predict("To be, ", LONG, sampling)[0]
            assert "\u2047" not in found.text and len(found.text) == LONG
            assert "<unk>" not in {name for t in found.tokens for name, _ in t.candidates}
    finally:
        table.assign(before)


def test_attention_is_that_of_what_was_read(gpt, lstm):
    found = gpt.predict("To be, ", 5)[0]
    assert found.attention["decoder"].shape == (2, 2, 12, 12)  # 1 + 7 read, 4 of 5 written
    assert found.labels == [*found.prompt_labels, *(t.label for t in found.tokens[:-1])]
    ids = [gpt.tokenizer.start, *gpt.tokenizer.encode("To be, " + found.text)][:12]
    maps = gpt.model.decode(ops.convert_to_tensor([ids]), {})[1]["decoder"]
    np.testing.assert_allclose(found.attention["decoder"], np.asarray(maps)[0], atol=1e-5)
    slid = gpt.predict("To be, ", LONG)[0]
    assert slid.attention["decoder"].shape[-2:] == (CONTEXT, CONTEXT) and len(slid.labels) == 16
    np.testing.assert_allclose(slid.attention["decoder"].sum(-1), 1, atol=1e-5)
    assert gpt.predict("To be, ", 5, attention=False)[0].attention == {}
    assert lstm.predict("To be, ", 5)[0].attention == {}


@pytest.mark.parametrize("length", [CONTEXT - 3, CONTEXT - 2, CONTEXT - 1, CONTEXT, CONTEXT + 1])
def test_a_prompt_about_as_long_as_the_context(gpt, length):
    prompt = tiny.TEXT[:length]
    ids = gpt.tokenizer.encode(prompt).tolist()
    read = [gpt.tokenizer.start, *ids] if length < CONTEXT - 1 else ids[-(CONTEXT - 1) :]
    found = gpt.predict(prompt, 12)[0]
    assert found.text == gpt.tokenizer.decode(by_hand(gpt, read, 12)[0])
    assert found.prompt_labels == gpt.tokenizer.labels(read)
    assert any("at most 16 tokens" in note for note in found.notes) == (length >= CONTEXT)


HOSTILE = {
    "10,000 words": "to be " * 5_000,
    "no space": "b" * 50_000,
    "emoji": "👩‍👩‍👧 🦓",
    "control characters": "\x00\x07\x1b[31m",
    "lone surrogates": "to \ud800 be \udfff",
    "special": "<s> </s> <pad> <unk>",
    "right to left": "أين المكتبة؟ \u202e",
    "line breaks": "\n\r\n\u2028\n\n",
    "only spaces": "   ",
}


@pytest.mark.parametrize("name", ["gpt", "lstm", "sub_words", "ngram"])
def test_hostile_prompts_are_answered(request, name):
    model = request.getfixturevalue(name)
    found = model.predict(list(HOSTILE.values()), 3)
    for prompt, one in zip(HOSTILE.values(), found, strict=True):
        assert one.prompt == prompt and len(one.tokens) == 3
        assert np.isfinite(one.log_probs).all() and (one.log_probs <= 0).all()
        for note in one.notes:
            assert len(note) < 300 and note.replace("\u200d", "").isprintable()


def test_notes_say_what_was_not_read(gpt, lstm):
    (found,) = gpt.predict("x" * 30 + "€ to be 🦓€", 1)
    assert found.notes[0] == "Not in the model's vocabulary: x € 🦓"
    assert found.notes[1] == "The model reads at most 16 tokens: the last 15 were."
    (found,) = lstm.predict("\u00a0\u2028\x1b", 1)
    assert found.notes == ["Not in the model's vocabulary: U+00A0 U+2028 U+001B"]
    (found,) = lstm.predict("".join(map(chr, range(0x4E00, 0x4E20))), 1)
    assert found.notes[0].endswith(" ...") and len(found.notes[0]) < 60
    (found,) = lstm.predict("", 1)
    assert found.notes == ["An empty prompt: it begins as a text does."]
    assert found.prompt_labels == ["↵"]
    assert lstm.predict("To be", 1)[0].notes == []
    (found,) = lstm.predict("To be, " * 30_000, 1)
    assert found.notes == [f"Only the last {MAX_CHARACTERS:,} characters were read."]
    assert len(found.prompt_labels) == MAX_CHARACTERS + 1


def test_a_long_prompt_is_read_to_its_end_by_a_network_without_a_context(lstm, monkeypatch):
    prompt = tiny.TEXT[:60]
    wanted = lstm.predict(["T", prompt], 5)
    monkeypatch.setattr(module, "UNBOUNDED", 8)  # eight pieces; the short one ends in the first
    found = lstm.predict(["T", prompt], 5)
    for one, other in zip(found, wanted, strict=True):
        same(one.tokens, other.tokens)
    ids = [lstm.tokenizer.start, *lstm.tokenizer.encode(prompt).tolist()]
    assert found[1].text == lstm.tokenizer.decode(by_hand(lstm, ids, 5)[0])


WRONG = {
    "no text": ({"prompts": [5]}, TypeError, "must be a string. Received: int"),
    "bytes": ({"prompts": b"To be"}, TypeError, "must be a string. Received: int"),
    "none among texts": ({"prompts": ["a", None]}, TypeError, "Received: NoneType"),
    "no tokens": ({"max_new_tokens": 0}, ValueError, "max_new_tokens"),
    "half a token": ({"max_new_tokens": 2.5}, ValueError, "max_new_tokens"),
    "an empty stop": ({"stop": ["a", ""]}, ValueError, "stop"),
    "a stop that is no text": ({"stop": [3]}, ValueError, "stop"),
    "no candidates": ({"candidates": 0}, ValueError, "candidates must be from 1 to"),
    "too many candidates": ({"candidates": 1000}, ValueError, "candidates must be from 1 to"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_sense_is_refused(lstm, case):
    options, kind, words = WRONG[case]
    with pytest.raises(kind, match=words):
        lstm.predict(**{"prompts": "To be", **options})
    if "prompts" not in options:
        with pytest.raises(kind, match=words):
            next(lstm.stream("To be", **options))
