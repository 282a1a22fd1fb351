"""Interventions on language models, their gradients, queries and keys: against what they mean."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from tests import thorough
from tests.zoo import tiny_language_models as tiny
from zoo import registry
from zoo.inference.sampling import Sampling
from zoo.interpret import (
    Force,
    Intervention,
    Off,
    attribute,
    continuations,
    gradients,
    intervene,
    query_key_value,
    saliency,
)
from zoo.interpret.gradients import replaced_embedding

PROMPT = "Or to take arms"
COUNT = 7
NETWORKS = [
    name
    for name in registry.of_kind("language_model")
    if not registry.ARCHITECTURES["language_model", name].counted
]


@pytest.fixture(
    scope="module", params=thorough.params(NETWORKS, ["feed-forward", "min-gru", "gpt"])
)
def model(request):
    return tiny.predictor(request.param)


@pytest.fixture(scope="module")
def gpt():
    return tiny.predictor("gpt")


@pytest.fixture(scope="module")
def answer(model):
    return model.predict(PROMPT, COUNT)[0]


def window(model):
    return getattr(model.model.config, "window", None)


@pytest.mark.parametrize("sampling", thorough.params([None, Sampling(0.9, 20, 0.95)], [None]))
def test_nothing_done_changes_nothing(model, sampling):
    [before] = model.predict(PROMPT, COUNT, sampling=sampling, seed=4)
    found = intervene(model, before, Intervention(), sampling=sampling, seed=4)
    assert found.after.text == before.text and not found.changed
    assert found.after.prompt == PROMPT and found.after.labels == before.labels
    for one in (found.before, found.after, found.forced):
        np.testing.assert_allclose(one.log_probs, before.log_probs, atol=1e-4)
    assert found.kl.max() < 1e-5
    for one, other in zip(found.after.tokens, before.tokens, strict=True):
        assert [label for label, _ in one.candidates] == [label for label, _ in other.candidates]
    for kind, maps in before.attention.items():
        np.testing.assert_allclose(found.after.attention[kind], maps, atol=1e-5)


@pytest.mark.parametrize(
    ("what", "prompt"),
    [
        (Intervention(mask=(1,), how="removed"), "Or take arms"),
        (Intervention(mask=(0, 2), how="removed"), " to arms"),
        (Intervention(swap=((0, 3),)), " arms to takeOr"),
        (Intervention(mask=(3,), how="removed", unit="piece"), "Or o take arms"),
    ],
)
def test_another_prompt_is_answered_as_that_prompt(model, answer, what, prompt):
    found = intervene(model, answer, what)
    [expected] = model.predict(prompt, COUNT)
    assert (found.after.prompt, found.after.text) == (prompt, expected.text)
    np.testing.assert_allclose(found.after.log_probs, expected.log_probs, atol=1e-4)
    [whole] = [model.log_probs(f"{prompt}{answer.text}")[len(prompt) :]]
    np.testing.assert_allclose(found.forced.log_probs, whole, atol=1e-4)
    # A network with a window of four characters does not see what changed further back.
    assert (found.kl.max() > 0) == (PROMPT[-4:] != prompt[-4:] or not window(model))


def test_unknown_letters_are_read_as_unknown(model, answer):
    found = intervene(model, answer, Intervention(mask=(1,)))
    assert found.after.prompt == "Or \u2047\u2047 take arms"


def test_a_hidden_word_is_looked_at_by_nobody(gpt):
    [answer] = gpt.predict(PROMPT, COUNT)
    found = intervene(gpt, answer, Intervention(mask=(1,), how="hidden"))
    hidden = [i for i, label in enumerate(answer.labels) if 3 <= i <= 5]  # behind the start token
    assert "".join(answer.labels[i] for i in hidden) == "␣to"
    others = [i for i in range(len(answer.labels)) if i not in hidden]
    for one in (found.forced, found.after):
        maps = one.attention["decoder"]
        assert np.abs(maps[:, :, others][..., hidden]).max() == 0
        np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)
    assert found.kl.max() > 1e-4
    # Nothing that such a token is can matter to those that follow.
    [other] = gpt.predict(PROMPT.replace(" to", "\nso"), COUNT)
    same = intervene(gpt, other, Intervention(mask=(1,), how="hidden"))
    assert same.after.text == found.after.text
    np.testing.assert_allclose(same.after.log_probs, found.after.log_probs, atol=1e-5)


def test_without_any_head_only_the_last_token_counts(gpt):
    layers, _ = gpt.attention_heads["decoder"]
    off = Intervention(off=tuple(Off("decoder", layer) for layer in range(layers)))
    answers = [gpt.predict(prompt, COUNT)[0] for prompt in (PROMPT, "die, to sleeps")]
    texts = [intervene(gpt, answer, off).after.text for answer in answers]
    assert texts[0] == texts[1] and answers[0].text != texts[0]


def test_forced_attention_goes_where_it_is_told(gpt):
    [answer] = gpt.predict(PROMPT, COUNT)
    row, column = len(PROMPT) + 1, 2  # of the tokens of prompt and continuation
    begin = 1  # the start token is not counted
    force = Force(row, column, kind="decoder", layer=1, head=0)
    found = intervene(gpt, answer, Intervention(force=(force,)))
    maps = found.forced.attention["decoder"]
    expected = np.zeros(maps.shape[-1])
    expected[begin + column] = 1
    np.testing.assert_allclose(maps[1, 0, begin + row], expected, atol=1e-6)
    # With a word of three letters taken out between them, the row moves up.
    other = Force(row, 1, kind="decoder", layer=1, head=0)
    moved = intervene(gpt, answer, Intervention(force=(other,), mask=(1,), how="removed"))
    assert moved.forced.attention["decoder"][1, 0, begin + row - 3, begin + 1] == 1


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Intervention(mask=(9,)), "has 4 words"),
        (Intervention(mask=(0, 1, 2, 3), how="removed"), "must be left"),
        (Intervention(prefix="x"), "add the text to the prompt"),
        (Intervention(off=(Off("cross", 0),)), "kinds of attention"),
    ],
)
def test_what_cannot_be_done_is_refused(model, answer, what, said):
    with pytest.raises(ValueError, match=said):
        intervene(model, answer, what)


def test_what_attention_alone_could_do(gpt):
    [answer] = gpt.predict(PROMPT, COUNT)
    with pytest.raises(ValueError, match="last word"):
        intervene(gpt, answer, Intervention(mask=(3,), how="hidden"))
    with pytest.raises(ValueError, match="looks only at itself"):
        intervene(gpt, answer, Intervention(force=(Force(1, 4, kind="decoder"),)))
    with pytest.raises(ValueError, match="beams"):
        intervene(gpt, answer, Intervention(), beams=2)
    lstm = tiny.predictor("lstm")
    [other] = lstm.predict(PROMPT, COUNT)
    with pytest.raises(ValueError, match="no attention that a word could be hidden from"):
        intervene(lstm, other, Intervention(mask=(1,), how="hidden"))


def test_a_text_beyond_the_context_is_refused():
    small = tiny.predictor("gpt", max_length=16)
    [answer] = small.predict("To be", 30)
    for ask in (lambda: intervene(small, answer, Intervention()), lambda: saliency(small, answer)):
        with pytest.raises(ValueError, match="may have 16 tokens together"):
            ask()


def test_a_table_of_counts_is_no_network():
    counted = tiny.ngram()
    [answer] = counted.predict("to be", 3)
    with pytest.raises(ValueError, match="table of counts"):
        intervene(counted, answer, Intervention())
    with pytest.raises(ValueError, match="table of counts"):
        saliency(counted, answer)


def test_gradients_of_some_rows_at_a_time_are_those_of_all(model, answer, monkeypatch):
    together = attribute(model, answer).scores
    monkeypatch.setattr(gradients, "NUMBERS_AT_ONCE", 1)  # one row at a time
    np.testing.assert_allclose(attribute(model, answer).scores, together, atol=1e-5)


def test_gradients_are_those_of_finite_differences(model, answer):
    found = attribute(model, answer)
    read, written = continuations.read_and_written(model, answer)
    assert found.source == model.tokenizer.labels(read)
    assert found.scores.shape == (COUNT, len(read))
    tokens = np.array([read])
    embedded = ops.convert_to_numpy(model.model.embedding(tokens))

    def log_probs(scale: np.ndarray) -> np.ndarray:
        with replaced_embedding(model.model.embedding, ops.array(embedded * scale[:, None])):
            logits, _ = model.model.decode(tokens, {})
        rows = ops.convert_to_numpy(ops.log_softmax(logits))[0, len(read) - COUNT :]
        return rows[np.arange(COUNT), written]

    step = 0.02
    for place in (len(read) - 1, len(read) - 3):
        there = np.arange(len(read)) == place
        both = (log_probs(1 + sign * step * there.astype("float32")) for sign in (1, -1))
        slope = np.subtract(*both) / (2 * step)
        np.testing.assert_allclose(found.scores[:, place], slope, rtol=0.05, atol=5e-3)


def test_no_token_depends_on_a_later_one(model, answer):
    shares = saliency(model, answer)
    first = shares.shape[1] - COUNT
    for row in range(COUNT):
        assert np.abs(shares[row, first + row + 1 :]).max(initial=0) == 0
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)
    with pytest.raises(ValueError, match="method gradient"):
        attribute(model, answer, method="occlusion")


@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_queries_and_keys_give_back_the_map(positions):
    model = tiny.predictor("gpt", positions=positions)
    [answer] = model.predict(PROMPT, COUNT)
    found = query_key_value(model, answer)["decoder"]
    layers, heads = model.attention_heads["decoder"]
    count = len(answer.labels)
    later = np.triu(np.ones((count, count), bool), 1)
    for layer in range(layers):
        for head in range(heads):
            energy = np.where(later, -np.inf, found.energy(layer, head))
            weights = np.exp(energy - energy.max(axis=1, keepdims=True))
            weights /= weights.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(weights, answer.attention["decoder"][layer, head], atol=1e-4)
    assert query_key_value(tiny.predictor("lstm"), answer) == {}


@pytest.mark.parametrize(
    ("texts", "spans"),
    [
        ([], []),
        (["to", " be", " or"], [(0, 1), (1, 2), (2, 3)]),
        (list("to be"), [(0, 2), (2, 5)]),
        (list("O:\n\nSo"), [(0, 2), (2, 6)]),
        ([" ", " "], [(0, 2)]),
    ],
)
def test_a_word_takes_the_white_space_before_it(texts, spans):
    assert continuations.word_spans(texts) == spans


@pytest.mark.parametrize("unit", tiny.UNITS)
def test_words_of_every_tokenizer(unit):
    model = tiny.predictor("feed-forward", unit)
    texts = PROMPT.split()
    spans = continuations.prompt_units(model, PROMPT, "word")
    assert len(spans) == len(texts)
    ids, begin = model.read_ids(PROMPT)
    words = [model.tokenizer.decode(ids[begin:][a:b]).strip() for a, b in spans]
    assert words == texts
    assert len(continuations.prompt_units(model, PROMPT, "piece")) == len(ids) - begin
    [answer] = model.predict(PROMPT, 3)
    assert model.tokenizer.labels([one.id for one in answer.tokens]) == [
        one.label for one in answer.tokens
    ]
