"""A Llama's weights give the zoo's decoder the logits that KerasHub's has."""

from __future__ import annotations

import json

import numpy as np
import pytest
from keras import ops

from tests.zoo.pretrained import tiny_llama as tiny
from zoo import building, registry, saving, tokenizer_files
from zoo.byte_pairs import BEGIN, DIGITS, LETTERS, BytePairs
from zoo.inference.language_model import LanguageModelPredictor
from zoo.pretrained import sources
from zoo.pretrained.base import PretrainedError

pytest.importorskip("gguf")
PARTS = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm")
PARTS += ("ffn_gate", "ffn_up", "ffn_down")
IDS = np.array([[0, 40, 41, 42, 258, 259, 70, 12]], "int32")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    tiny.write(path, tiny.drawn())
    return sources.find(f"gguf:{path}")


@pytest.fixture(scope="module")
def network(base):
    config = registry.make_config(registry.architecture(base.model, base.kind).config, base.sizes)
    made = building.build(base.model, config, kind=base.kind)
    saving.set_weight_arrays(made, base.arrays())
    return made


def keras_hub_logits(weights, ids):
    """Of the same weights in KerasHub's network, whose heads rotate halves too."""
    import keras_hub

    from zoo.pretrained.llama import halves

    depth = tiny.WIDTH // tiny.HEADS
    made = keras_hub.models.LlamaBackbone(
        vocabulary_size=len(tiny.TOKENS),
        num_layers=tiny.LAYERS,
        num_query_heads=tiny.HEADS,
        hidden_dim=tiny.WIDTH,
        intermediate_dim=tiny.INNER,
        num_key_value_heads=tiny.KEY_HEADS,
        rope_max_wavelength=50_000.0,
        layer_norm_epsilon=1e-5,
        tie_word_embeddings=True,
    )
    made.token_embedding.embeddings.assign(weights["token_embd.weight"])
    made.layer_norm.scale.assign(weights["output_norm.weight"])
    for i, layer in enumerate(made.transformer_layers):
        own = {name: weights[f"blk.{i}.{name}.weight"] for name in PARTS}
        attention = layer._self_attention_layer
        query, key = halves(own["attn_q"], tiny.HEADS), halves(own["attn_k"], tiny.KEY_HEADS)
        for dense, matrix, heads in (
            (attention._query_dense, query, tiny.HEADS),
            (attention._key_dense, key, tiny.KEY_HEADS),
            (attention._value_dense, own["attn_v"], tiny.KEY_HEADS),
        ):
            dense.kernel.assign(matrix.T.reshape(tiny.WIDTH, heads, depth))
        attention._output_dense.kernel.assign(
            own["attn_output"].T.reshape(tiny.HEADS, depth, tiny.WIDTH)
        )
        layer._feedforward_gate_dense.kernel.assign(own["ffn_gate"].T)
        layer._feedforward_intermediate_dense.kernel.assign(own["ffn_up"].T)
        layer._feedforward_output_dense.kernel.assign(own["ffn_down"].T)
        layer._self_attention_layernorm.scale.assign(own["attn_norm"])
        layer._feedforward_layernorm.scale.assign(own["ffn_norm"])
    states = made({"token_ids": ids, "padding_mask": np.ones_like(ids)})
    return ops.convert_to_numpy(made.token_embedding(states, reverse=True))


def test_keras_hub_has_the_same_logits(network):
    wanted = keras_hub_logits(tiny.drawn(), IDS)
    found = ops.convert_to_numpy(network(IDS))
    np.testing.assert_allclose(found, wanted, atol=2e-4, rtol=1e-3)
    assert wanted.std() > 0.5


def test_embeddings_are_as_large_as_there(base):
    """Adam's step is as long whatever the weight: of smaller ones it would be a larger share."""
    found, ours = tiny.drawn(), base.arrays()
    np.testing.assert_array_equal(ours["embedding/embeddings"], found["token_embd.weight"])
    np.testing.assert_array_equal(ours["norm/scale"], found["output_norm.weight"])


def test_a_text_is_continued_beyond_the_context(base, network):
    model = LanguageModelPredictor("tiny", network, base.tokenizer, {"model": "gpt"})
    [answer] = model.predict("to be, or not to be", 40)
    assert len(answer.tokens) == 40
    assert answer.attention["decoder"].shape[:2] == (tiny.LAYERS, tiny.HEADS)
    assert answer.prompt_labels[-2:] == ["b", "e"] or answer.prompt_labels


def test_its_sizes_are_those_of_the_file(base):
    assert base.sizes["key_heads"] == tiny.KEY_HEADS and base.sizes["max_length"] == 32
    assert base.sizes["rotary_base"] == 50_000.0 and base.sizes["norm_epsilon"] == 1e-5
    assert base.tokenizer.split == DIGITS and len(base.sha256) == 64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"architecture": "qwen2"}, "a network for GGUF files of llama"),
        ({"tokenizer": "llama"}, "a tokenizer that the zoo has not: llama"),
    ],
)
def test_what_the_zoo_has_not_is_said(tmp_path, change, said):
    tiny.write(tmp_path / "other.gguf", tiny.drawn(), **change)
    with pytest.raises(PretrainedError, match=said):
        _ = sources.find(f"gguf:{tmp_path / 'other.gguf'}").tokenizer


def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF" + bytes(40))
    with pytest.raises(PretrainedError, match=r"broken.gguf of .* is no GGUF file|does not say"):
        sources.find(f"gguf:{path}")
    with pytest.raises(PretrainedError, match="has no file"):
        sources.find(f"gguf:{tmp_path / 'none.gguf'}")
    weights = tiny.drawn()
    del weights["blk.1.ffn_up.weight"]
    tiny.write(path, weights)
    with pytest.raises(PretrainedError, match=r"has no weight blk.1.ffn_up.weight"):
        sources.find(f"gguf:{path}").arrays()


def pairs(**others):
    given = {"tokens": tiny.TOKENS, "merges": tiny.MERGES, "special": tiny.TOKENS[:2]}
    return BytePairs(**{**given, **others})


def test_any_text_comes_back():
    made = pairs(split=DIGITS)
    for text in ("to be or not to be", "", "naïve 日本 🎉\n\t 2026", "<|im_end|>", "\x00\u200d"):
        ids = made.encode(text)
        assert made.decode(ids) == text
        assert made.byte_lengths(ids).sum() == len(text.encode())
        whole = [made.growth(ids[:i].tolist(), int(one)) for i, one in enumerate(ids)]
        assert "".join(whole) == text
    assert made.labels(made.encode("to to 20")) == ["to", "␣to", "␣", "2", "0"]
    assert not {0, 1} & set(made.encode("<|endoftext|><|im_end|>").tolist())
    assert made.start == 0 and made.excluded == (0, 1)


def test_a_byte_without_a_token_is_named():
    tokens = [token for token in tiny.TOKENS if token != LETTERS[0xF0]]
    made = pairs(tokens=tokens)
    assert made.missing("a 🎉 🎉 b") == ["🎉"] and pairs().missing("a 🎉") == []


def test_a_file_gives_the_same_tokenizer(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(pairs().bytes)
    found = tokenizer_files.load(path)
    assert found.encode("to the").tolist() == pairs().encode("to the").tolist()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"merges": ["a b c"]}, "a merge must be two tokens"),
        ({"merges": ["q q"]}, "a merge must be two tokens"),
        ({"special": ["<none>"]}, "no token <none>"),
        ({"special": []}, "must be a special token"),
        ({"tokens": [*tiny.TOKENS, BEGIN]}, "there twice"),
        ({"split": "other"}, "split must be one of"),
        ({"tokens": None}, "lists of words"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, change, said):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(json.loads(pairs().bytes) | change))
    with pytest.raises(ValueError, match=said):
        tokenizer_files.load(path)
