"""GPT-2's weights give the zoo's decoder the logits that KerasHub's has."""

from __future__ import annotations

import json

import numpy as np
import pytest
from keras import ops
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

import zoo
from training import import_pretrained
from zoo import building, registry, saving
from zoo.byte_pairs import BEGIN, LETTERS
from zoo.pretrained import gpt2, sources
from zoo.pretrained.base import PretrainedError

MERGES = ["t o", "\u0120 to", "h e"]
TOKENS = [*LETTERS.values(), *(one.replace(" ", "") for one in MERGES), BEGIN]
IDS = np.array([[258, 40, 41, 42, 256, 257, 70, 12]], "int32")


@pytest.fixture(scope="module")
def backbone():
    """KerasHub's network with weights drawn at random, norms and biases too."""
    import keras_hub

    made = keras_hub.models.GPT2Backbone(
        vocabulary_size=len(TOKENS),
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=12,
        max_sequence_length=16,
    )
    random = np.random.default_rng(0)
    for weight in made.weights:
        weight.assign(random.normal(0.3, 0.5, weight.shape))
    return made


@pytest.fixture
def preset(backbone, tmp_path):
    import keras_hub

    backbone.save_to_preset(str(tmp_path))
    index = {token: i for i, token in enumerate(TOKENS)}
    tokenizer = keras_hub.models.GPT2Tokenizer(vocabulary=index, merges=MERGES)
    tokenizer.save_to_preset(str(tmp_path))
    return tmp_path


@pytest.fixture
def folder(backbone, tmp_path):
    """As Hugging Face writes it."""
    found = gpt2.named_as_hugging_face(backbone)
    save_file({f"transformer.{k}": v.copy() for k, v in found.items()}, tmp_path / gpt2.WEIGHTS)
    sizes = {"vocab_size": len(TOKENS), "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 16}
    write_config(tmp_path, model_type="gpt2", n_inner=12, **sizes)
    index = {token: i for i, token in enumerate(TOKENS)}
    (tmp_path / gpt2.VOCABULARY).write_text(json.dumps(index), encoding="utf-8")
    lines = ["#version: 0.2", *MERGES, ""]
    (tmp_path / gpt2.MERGES).write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def write_config(folder, **fields):
    path = folder / gpt2.CONFIG
    before = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(before | fields))


def logits(base):
    config = registry.make_config(registry.architecture(base.model, base.kind).config, base.sizes)
    network = building.build(base.model, config, kind=base.kind)
    saving.set_weight_arrays(network, base.arrays())
    return ops.convert_to_numpy(network(IDS))


def keras_hub_logits(backbone):
    states = backbone({"token_ids": IDS, "padding_mask": np.ones_like(IDS)})
    return ops.convert_to_numpy(backbone.token_embedding(states, reverse=True))


def test_embeddings_are_as_large_as_there(backbone, folder):
    """Adam's step is as long whatever the weight: of smaller ones it would be a larger share."""
    found, ours = gpt2.named_as_hugging_face(backbone), sources.find(f"hf:{folder}").arrays()
    np.testing.assert_array_equal(ours["embedding/embeddings"], found["wte.weight"])
    np.testing.assert_array_equal(ours["norm/gamma"], found["ln_f.weight"])


def test_keras_hub_has_the_same_logits(backbone, preset):
    base, wanted = sources.find(f"keras-hub:{preset}"), keras_hub_logits(backbone)
    np.testing.assert_allclose(logits(base), wanted, atol=2e-4, rtol=1e-3)
    assert wanted.std() > 0.5
    assert base.tokenizer.tokens == TOKENS and base.tokenizer.start == TOKENS.index(BEGIN)


def test_a_folder_has_the_same_logits(backbone, folder):
    base = sources.find(f"hf:{folder}")
    np.testing.assert_allclose(logits(base), keras_hub_logits(backbone), atol=2e-4, rtol=1e-3)
    assert base.tokenizer.decode(base.tokenizer.encode("to be, naïve 🎉")) == "to be, naïve 🎉"


def test_a_folder_among_the_pre_trained_is_known_by_its_name(folder, monkeypatch):
    monkeypatch.setenv(sources.PLACE, str(folder.parent))
    assert sources.is_name(folder.name) and sources.find(folder.name).sizes["layers"] == 2
    (folder / gpt2.MERGES).unlink()
    assert not sources.is_name(folder.name)


def test_it_becomes_a_model_folder_that_continues_a_text(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "mine"
    done = CliRunner().invoke(
        import_pretrained.app, [f"hf:{folder}", "--out", str(out), "--no-graphs"]
    )
    assert done.exit_code == 0, done.output
    model = zoo.load(out)
    [answer] = model.predict("to be or not to be", 20)  # beyond the context
    assert len(answer.tokens) == 20
    assert answer.attention["decoder"].shape[:2] == (2, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"activation_function": "relu"}, "activation_function must be gelu_new. Received: 'relu'"),
        ({"n_layer": "2"}, "config.json of .* must have vocab_size, n_embd"),
        ({"vocab_size": 300}, "260 tokens; its weights are for 300"),
        ({"model_type": "opt"}, "is no BERT|has no vocab.txt"),
    ],
)
def test_what_the_zoo_has_not_is_said(folder, change, said):
    write_config(folder, **change)
    with pytest.raises(PretrainedError, match=said):
        _ = sources.find(f"hf:{folder}").tokenizer


def test_another_network_of_keras_hub_is_named(tmp_path):
    import keras_hub

    sizes = {"num_layers": 1, "num_query_heads": 2, "num_key_value_heads": 1}
    made = keras_hub.models.LlamaBackbone(
        vocabulary_size=9, hidden_dim=8, intermediate_dim=8, **sizes
    )
    made.save_to_preset(str(tmp_path))
    with pytest.raises(PretrainedError, match="is a LlamaBackbone, and the zoo has networks for"):
        sources.find(f"keras-hub:{tmp_path}")


def test_damaged_files_are_said(folder):
    weights = load_file(folder / gpt2.WEIGHTS)
    other = dict(weights, **{"lm_head.weight": weights["transformer.wte.weight"] + 1})
    save_file(other, folder / gpt2.WEIGHTS)
    with pytest.raises(PretrainedError, match="an output matrix other than its embedding"):
        sources.find(f"hf:{folder}").arrays()
    del weights["transformer.h.1.mlp.c_fc.bias"]
    save_file(weights, folder / gpt2.WEIGHTS)
    with pytest.raises(PretrainedError, match=r"has no weight 'h.1.mlp.c_fc.bias'"):
        sources.find(f"hf:{folder}").arrays()
    (folder / gpt2.WEIGHTS).write_bytes(b"{")
    with pytest.raises(PretrainedError, match=r"model.safetensors of .* is damaged"):
        sources.find(f"hf:{folder}").arrays()
    (folder / gpt2.MERGES).write_text("no merge")
    with pytest.raises(PretrainedError, match=r"the tokenizer of .* a merge must be two tokens"):
        _ = sources.find(f"hf:{folder}").tokenizer
    (folder / gpt2.CONFIG).write_text("{broken")
    with pytest.raises(PretrainedError, match=r"config.json of .* cannot be read"):
        sources.find(f"hf:{folder}")
    (folder / gpt2.MERGES).unlink()
    (folder / gpt2.CONFIG).write_text('{"model_type": "gpt2"}')
    with pytest.raises(PretrainedError, match=r"has no merges.txt: a GPT-2 is a folder with"):
        sources.find(f"hf:{folder}")
