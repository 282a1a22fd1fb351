"""What if: nothing done changes nothing, and what is done is exactly what was asked for."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from tests import thorough
from tests.zoo import tiny_models
from zoo import padding, registry
from zoo.inference.sampling import Sampling
from zoo.interpret import Force, Intervention, Off, edited_network, intervene, predict_without
from zoo.interpret.edits import Edits
from zoo.interpret.interventions import HIDDEN, alter
from zoo.tokenizer import EOS, PAD, UNK

TEXT = "my sister buys the red car."
KINDS = [
    (name, kind)
    for name in registry.of_kind("seq2seq")
    for kind in tiny_models.attention_heads(name)
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """One of each kind, loaded when first asked for."""
    made = {}

    def get(name: str):
        if name not in made:
            path = tmp_path_factory.mktemp("what-if") / name
            made[name] = zoo.load(tiny_models.folder(path, name, max_target_length=8))
        return made[name]

    return get


@pytest.fixture(
    params=thorough.params(registry.of_kind("seq2seq"), ["transformer", "lstm-bahdanau"])
)
def model(request, models):
    return models(request.param)


def answer(model, beams: int = 1):
    return model.predict([TEXT], beams=beams)[0]


@pytest.mark.parametrize("beams", thorough.params([1, 3], [1]))
def test_an_intervention_that_changes_nothing_changes_nothing(model, beams):
    before = answer(model, beams)
    found = intervene(model, before, Intervention(), beams=beams)
    assert not found.changed
    assert found.after.source_pieces == before.source_pieces
    np.testing.assert_allclose(found.difference, 0, atol=1e-5)
    np.testing.assert_allclose(found.kl, 0, atol=1e-5)
    np.testing.assert_allclose(found.after.log_probs, before.log_probs, atol=1e-5)
    for kind, maps in before.attention.items():
        np.testing.assert_allclose(found.after.attention[kind], maps, atol=1e-5)
        np.testing.assert_allclose(found.forced.attention[kind], maps, atol=1e-5)


PIECES = ["▁a", "b", "▁c", "▁d", "</s>"]
IDS = [10, 11, 12, 13, EOS]


@pytest.mark.parametrize(
    ("what", "ids", "pieces"),
    [
        (Intervention(mask=(0,)), [UNK, UNK, 12, 13, EOS], "▁<unk> <unk> ▁c ▁d </s>"),
        (
            Intervention(mask=(1,), how="hidden"),
            [10, 11, PAD, 13, EOS],
            f"▁a b ▁{HIDDEN} ▁d </s>",
        ),
        (Intervention(mask=(0, 2), how="removed"), [12, EOS], "▁c </s>"),
        (Intervention(swap=((0, 2),)), [13, 12, 10, 11, EOS], "▁d ▁c ▁a b </s>"),
        (
            Intervention(mask=(0,), swap=((0, 1), (0, 2))),
            [12, 13, UNK, UNK, EOS],
            "▁c ▁d ▁<unk> <unk> </s>",
        ),
        (Intervention(mask=(1,), unit="piece"), [10, UNK, 12, 13, EOS], "▁a <unk> ▁c ▁d </s>"),
    ],
)
def test_words_are_masked_and_swapped(what, ids, pieces):
    found = alter(IDS, PIECES, what)
    assert found.ids == ids
    assert found.pieces == pieces.split()
    assert sorted(found.places) == sorted(set(found.places))


@pytest.mark.parametrize("unit", ["word", "piece"])
def test_a_character_of_several_bytes_is_masked_as_one(unit):
    pieces = ["▁我", "<0xE4>", "<0xBA>", "<0x86>", "吗", "</s>"]
    found = alter([9, 8, 7, 6, 5, EOS], pieces, Intervention(mask=(1,), unit=unit))
    assert found.ids == [9, UNK, UNK, UNK, 5, EOS]
    found = alter([9, 8, 7, 6, 5, EOS], pieces, Intervention(swap=((1, 2),), unit=unit))
    assert found.pieces == ["▁我", "吗", "<0xE4>", "<0xBA>", "<0x86>", "</s>"]


@pytest.mark.parametrize(
    "what",
    [
        Intervention(mask=(4,)),
        Intervention(swap=((0, -1),)),
        Intervention(mask=(0, 1, 2), how="hidden"),
        Intervention(mask=(0, 1, 2, 3), how="removed"),
    ],
)
def test_words_that_are_not_there_are_refused(what):
    with pytest.raises(ValueError, match="Received"):
        alter(IDS, PIECES, what)


def test_what_is_hidden_is_not_looked_at(model):
    before = answer(model)
    found = intervene(model, before, Intervention(mask=(1,), how="hidden"))
    at = [i for i, piece in enumerate(found.after.source_pieces) if HIDDEN in piece]
    assert at
    for kind in found.after.attention.keys() & {"cross", "encoder"}:
        assert not found.after.attention[kind][..., at].any()
    assert found.kl.max() > 1e-5


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_a_forced_row_is_that_row_and_no_other(models, name, kind):
    model = models(name)
    before = answer(model)
    row, column = (3, 1) if kind == "decoder" else (2, 5)
    force = Force(row, column, kind, layer=0, head=0)
    found = intervene(model, before, Intervention(force=(force,), unit="piece"))
    new, old = found.forced.attention[kind][0, 0], before.attention[kind][0, 0]
    np.testing.assert_array_equal(new[row], np.eye(new.shape[1])[column])
    others = [i for i in range(len(new)) if i != row and not (name == "lstm-bahdanau" and i > row)]
    np.testing.assert_allclose(new[others], old[others], atol=1e-5)
    assert np.abs(found.difference).max() > 1e-4


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_steps_under_an_intervention_are_what_decoding_at_once_says(models, name, kind):
    model = models(name)
    layers, heads = model.attention_heads[kind]
    edits = Edits(
        model.attention_heads,
        [Off(kind, layers - 1, heads - 1)] if layers * heads > 1 else [],
        [(Force(2, 1, kind, layer=0), [2, 3], [1])],
    )
    source = padding.pad([model.source_tokenizer.encode(TEXT)], 24)
    made = edited_network.generate(model.model, source, edits.arrays(8, 24), length=8, limit=8)
    target = made.tokens[:, 0]
    log_probs, _ = edited_network.score(
        model.model, source, padding.shift(target), target, edits.arrays(8, 24)
    )
    written = int(made.lengths[0, 0])
    np.testing.assert_allclose(
        made.log_probs[0, 0, :written], np.asarray(log_probs)[0, :written], atol=1e-4
    )


@pytest.mark.parametrize("kind", tiny_models.attention_heads("transformer"))
def test_a_head_switched_off_is_its_output_zeroed(models, kind):
    model = models("transformer")
    network = model.model
    layer = {"encoder": network.encoder_layers, "decoder": network.decoder_layers}.get(
        kind, network.decoder_layers
    )[1]
    attention = layer.cross if kind == "cross" else layer.attention
    [found] = predict_without(model, [TEXT], target=["el libro rojo"], off=[Off(kind, 1, 0)])
    kernel = attention.output_projection.kernel
    before = np.asarray(kernel).copy()
    zeroed = before.copy()
    zeroed[: len(before) // attention.heads] = 0
    kernel.assign(zeroed)
    try:
        [wanted] = model.predict([TEXT], target=["el libro rojo"])
    finally:
        kernel.assign(before)
    [untouched] = model.predict([TEXT], target=["el libro rojo"])
    np.testing.assert_allclose(found.log_probs, wanted.log_probs, atol=1e-5)
    assert np.abs(found.log_probs - untouched.log_probs).max() > 1e-3


def test_bahdanaus_attention_off_is_a_context_of_zero(models):
    model = models("lstm-bahdanau")
    [found] = predict_without(model, [TEXT], target=["el libro"], off=[Off("cross", 0)])
    network, units = model.model, model.model.config.hidden_size
    kernels = [network.state_gates.kernel, network.readout.kernel]
    before = [np.asarray(kernel).copy() for kernel in kernels]
    for kernel, first in zip(kernels, (0, units), strict=True):
        zeroed = np.asarray(kernel).copy()
        zeroed[first : first + units] = 0
        kernel.assign(zeroed)
    try:
        [wanted] = model.predict([TEXT], target=["el libro"])
    finally:
        for kernel, values in zip(kernels, before, strict=True):
            kernel.assign(values)
    np.testing.assert_allclose(found.log_probs, wanted.log_probs, atol=1e-5)


def test_answers_with_heads_off_are_those_of_the_intervention(models):
    model = models("transformer")
    off = (Off("cross", 0), Off("encoder", 1, 1))
    found = intervene(model, answer(model), Intervention(off=off)).after
    texts = [TEXT, "Tom sees the book."]
    batch = predict_without(model, texts, off)
    assert batch[0].text == found.text
    np.testing.assert_allclose(batch[0].log_probs, found.log_probs, atol=1e-4)
    assert batch[1].text == predict_without(model, texts[1], off)[0].text


def test_nothing_off_changes_nothing_and_nothing_is_drawn_with_heads_off(models):
    model, off = models("transformer"), [Off("cross", 0)]
    assert predict_without(model, TEXT, ())[0].text == answer(model).text
    with pytest.raises(ValueError, match="while sampling"):
        predict_without(model, TEXT, off, sampling=Sampling())
    assert "edits" not in vars(model)


@pytest.mark.parametrize("beams", thorough.params([1, 3], [3]))
def test_an_answer_begins_as_it_is_told(model, beams):
    before = answer(model, beams)
    found = intervene(model, before, Intervention(prefix="ella ve el"), beams=beams).after
    prefix = model.target_tokenizer.encode("ella ve el")[:-1]
    assert model.target_tokenizer.ids(found.target_pieces)[: len(prefix)] == prefix
    # The numbers are the model's own, and not those of what it had to write.
    [scored] = model.predict([TEXT], target=[found.text])
    if found.finished and scored.target_pieces == found.target_pieces:
        np.testing.assert_allclose(found.log_probs, scored.log_probs, atol=1e-4)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"off": (Off("cross", 7),)}, "cross has 2 layers.*layer=7"),
        ({"off": (Off("cross", 0, -1),)}, "head=-1"),
        ({"off": (Off("sideways", 0),)}, "cross, encoder, decoder.*sideways"),
        ({"force": (Force(99, 0),)}, "target has .* words.*99"),
        ({"force": (Force(0, 2, "decoder"),), "unit": "piece"}, "only at what was written before"),
        ({"force": (Force(0, 1),), "mask": (1,), "how": "removed"}, "masked"),
        ({"prefix": "🦓"}, "cannot write"),
        ({"prefix": "el " * 90}, "shorter than"),
    ],
)
def test_what_cannot_be_done_is_said(models, what, message):
    model = models("transformer")
    with pytest.raises(ValueError, match=message):
        intervene(model, answer(model), Intervention(**what))


def test_a_model_without_attention_has_none_to_force(models):
    model = models("lstm")
    with pytest.raises(ValueError, match="kinds of attention: none"):
        intervene(model, answer(model), Intervention(off=(Off("cross", 0),)))
    with pytest.raises(ValueError, match="how must be"):
        Intervention(how="eaten")


def test_the_divergence_is_that_of_the_distributions(models):
    model = models("transformer")
    before = answer(model)
    found = intervene(model, before, Intervention(swap=((0, 3),)))
    ids = model.target_tokenizer.ids(before.target_pieces)
    target_in = padding.shift(padding.pad([ids], len(ids)))

    def expected(pieces):
        source = np.array([model.source_tokenizer.ids(pieces)], "int32")
        logits, _ = model.model.decode(target_in, model.model.encode(source))
        logits = np.asarray(logits, "float64")[0]
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    p, q = expected(before.source_pieces), expected(found.forced.source_pieces)
    np.testing.assert_allclose(found.kl, (np.exp(p) * (p - q)).sum(-1), rtol=1e-3, atol=1e-5)


@pytest.fixture(scope="module")
def dates():
    return zoo.load("dates-transformer")


@pytest.mark.skipif("dates-transformer" not in zoo.names(), reason="the model is not there")
@pytest.mark.parametrize(
    ("text", "masked", "changes"),
    [("23.08.2011", 4, {6}), ("17 March 1998", 12, {3}), ("March 17, 1998", 6, {8})],
)
def test_masking_a_digit_flips_what_it_determines_and_nothing_else(dates, text, masked, changes):
    before = dates.predict([text])[0]
    found = intervene(dates, before, Intervention(mask=(masked,), unit="piece"))
    pairs = zip(before.text, found.after.text, strict=True)
    assert {i for i, (old, new) in enumerate(pairs) if old != new} == changes
    assert {int(i) for i in np.flatnonzero(found.kl > 1)} == changes
