"""Model folders: what is written, and what is said of damaged, foreign and hostile ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

import zoo
from tests.zoo import tiny_models
from zoo import saving
from zoo.saving import ModelFolderError

WEIGHT = "decoder_1/cross/query/kernel"


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def edit(folder: Path, **changes: object) -> None:
    """Change fields of config.json; None takes a field away."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    kept = {key: value for key, value in config.items() if value is not None}
    path.write_text(json.dumps(kept))


def edit_weights(folder: Path, **changes: np.ndarray | None) -> None:
    path = folder / saving.WEIGHTS
    arrays = load(path.read_bytes()) | changes
    path.write_bytes(save({name: a for name, a in arrays.items() if a is not None}))


def refused(folder: Path, *words: str) -> None:
    """Loading ends in one clear sentence that has all the words in it."""
    with pytest.raises(ModelFolderError) as error:
        zoo.load(folder)
    for word in words:
        assert word in str(error.value)


def test_a_folder_holds_plain_data_only(folder):
    assert {path.name for path in folder.iterdir()} == {
        "config.json",
        "weights.safetensors",
        "tokenizer.model",
    }
    config = json.loads((folder / "config.json").read_text())
    assert (config["format"], config["kind"]) == (2, "seq2seq")
    assert config["hyperparameters"]["hidden_size"] == 16
    assert config["tokenizers"] == {"source": "tokenizer.model", "target": "tokenizer.model"}
    assert {a.dtype for a in load((folder / saving.WEIGHTS).read_bytes()).values()} == {
        np.dtype("float16")
    }


def test_load_and_save_gives_the_same_folder(folder, tmp_path):
    loaded = zoo.load(folder)
    saving.save_folder(
        tmp_path / "again",
        saving.weight_arrays(loaded.model),
        loaded.config,
        {"tokenizer.model": loaded.source_tokenizer},
    )
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_what_is_loaded_is_what_was_described(folder):
    loaded = zoo.load(folder)
    assert loaded.name == "nano-transformer" and loaded.path == folder
    assert loaded.card == {}
    assert loaded.parameters == loaded.model.count_params()
    assert loaded.source_tokenizer is loaded.target_tokenizer
    assert zoo.load(str(folder)).name == loaded.name


def test_a_folder_is_made_of_whole_files(folder, tmp_path):
    """Written aside, then renamed: what is there is never cut off, and nothing is left over."""
    path = tmp_path / "file"
    saving.write_aside(path, b"old")
    with pytest.raises(TypeError):
        saving.write_aside(path, "no bytes")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_missing_folder(tmp_path):
    refused(tmp_path / "nothing", "no model folder", "nothing")
    refused(tmp_path / ("x" * 5000), "no model folder")
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "no model folder")


@pytest.mark.parametrize("file", ["config.json", "weights.safetensors", "tokenizer.model"])
def test_a_missing_file(copy, file):
    (copy / file).unlink()
    refused(copy, str(copy), file)


@pytest.mark.parametrize("file", ["config.json", "weights.safetensors", "tokenizer.model"])
def test_a_folder_in_place_of_a_file(copy, file):
    (copy / file).unlink()
    (copy / file).mkdir()
    refused(copy, file)


@pytest.mark.parametrize("file", ["config.json", "weights.safetensors", "tokenizer.model"])
@pytest.mark.parametrize("size", [0, 10, -20])
def test_a_file_that_was_cut_off(copy, file, size):
    data = (copy / file).read_bytes()
    (copy / file).write_bytes(data[:size])
    refused(copy, file)


@pytest.mark.parametrize("file", ["config.json", "weights.safetensors", "tokenizer.model"])
def test_a_file_of_something_else(copy, file):
    (copy / file).write_bytes(np.random.default_rng(1).bytes(4000))
    refused(copy, file)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '"text"',
        "{}",
        '{"format": 1}',
        '{"architectures": ["MarianMTModel"], "d_model": 512}',
        "[" * 100_000,
        '{"format": ' + "1" * 5000 + "}",
    ],
    ids=lambda text: text[:20],
)
def test_a_config_of_something_else(copy, text):
    (copy / "config.json").write_text(text)
    refused(copy, "config.json")


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"format": 3}, ["format 3", "reads formats 1 and 2"]),
        ({"kind": "painter"}, ["kind must be one of", "'painter'"]),
        ({"kind": ["seq2seq"]}, ["kind must be one of"]),
        ({"format": "1"}, ["format '1'"]),
        ({"model": "gpt"}, ["Unknown model", "transformer", "'gpt'"]),
        ({"model": ["transformer"]}, ["config.json"]),
        ({"model": "lstm"}, ["Unknown hyper-parameter", "Recurrent"]),
        ({"hyperparameters": []}, ["hyper-parameters"]),
        ({"hyperparameters": {}}, ["source_vocabulary, target_vocabulary"]),
        ({"tokenizers": None}, ["tokenizers"]),
        ({"tokenizers": "tokenizer.model"}, ["tokenizers"]),
        ({"tokenizers": {"source": "tokenizer.model"}}, ["name tokenizers", "source, target"]),
        ({"max_source_length": "8"}, ["max_source_length", "'8'"]),
        ({"max_target_length": 0}, ["max_target_length", "0"]),
    ],
    ids=str,
)
def test_a_config_that_says_something_wrong(copy, changes, words):
    edit(copy, **changes)
    refused(copy, *words)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"hidden_size": 0}, ["hidden_size=0"]),
        ({"hidden_size": "16"}, ["hidden_size='16'"]),
        ({"hidden_size": True}, ["hidden_size=True"]),
        ({"heads": 3}, ["width=16, heads=3"]),
        ({"dropout": 1.0}, ["dropout=1.0"]),
        ({"positions": "rotary"}, ["rotary"]),
        ({"layers": 2}, ["Unknown hyper-parameter", "'layers'"]),
        ({"hidden_size": 32}, ["shape"]),
        ({"decoder_layers": 3}, ["decoder_2"]),
        ({"encoder_layers": 1}, ["encoder_1"]),
        ({"source_vocabulary": 7}, ["tokens", "7"]),
    ],
    ids=str,
)
def test_hyperparameters_that_do_not_fit(copy, changes, words):
    config = json.loads((copy / "config.json").read_text())
    edit(copy, hyperparameters={**config["hyperparameters"], **changes})
    refused(copy, *words)


@pytest.mark.parametrize(
    "file",
    [
        "../tokenizer.model",
        "/etc/passwd",
        "/tmp/tokenizer.model",
        "sub/tokenizer.model",
        "..",
        "",
        "config.json",
        7,
        None,
    ],
)
def test_a_tokenizer_outside_the_folder_is_never_read(copy, file):
    shutil.copy(copy / "tokenizer.model", copy.parent / "tokenizer.model")
    edit(copy, tokenizers={"source": file, "target": "tokenizer.model"})
    refused(copy, "tokenizer")


def test_weights_of_another_shape(copy):
    edit_weights(copy, **{WEIGHT: np.zeros((16, 8), "float16")})
    refused(copy, WEIGHT, "(16, 16)", "(16, 8)")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers(copy, value):
    edit_weights(copy, **{WEIGHT: np.full((16, 16), value, "float16")})
    refused(copy, WEIGHT, "not finite")


def test_weights_by_other_names(copy):
    edit_weights(copy, **{WEIGHT: None})
    refused(copy, WEIGHT)
    edit_weights(copy, **{WEIGHT: np.zeros((16, 16), "float16"), "more": np.zeros(1)})
    refused(copy, "more")


def test_weights_of_a_number_type_that_numpy_lacks(copy):
    header = json.dumps({WEIGHT: {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    data = len(header).to_bytes(8, "little") + header + b"\x00\x00"
    (copy / saving.WEIGHTS).write_bytes(data)
    refused(copy, saving.WEIGHTS)


def test_pickled_weights_are_not_unpickled(copy, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    import pickle

    for file in (saving.WEIGHTS, "config.json", "tokenizer.model"):
        before = (copy / file).read_bytes()
        (copy / file).write_bytes(pickle.dumps(Bomb()))
        refused(copy, file)
        (copy / file).write_bytes(before)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("text", ["[]", "{", '"card"'])
def test_a_damaged_card(copy, text):
    (copy / "card.json").write_text(text)
    refused(copy, "card.json")


def test_two_weights_of_one_name_are_refused_when_saving():
    network = tiny_models.network("transformer")
    network.decoder_layers[1].name = network.decoder_layers[0].name
    with pytest.raises(ValueError, match="decoder_0"):
        saving.weight_arrays(network)


def test_weights_too_large_for_half_precision_are_refused_when_saving():
    with pytest.raises(ValueError, match="heavy"):
        saving.pack_weights({"light": np.ones(3), "heavy": np.array([1.0, 7e4])})


def test_json_that_is_not_json_is_refused_when_saving(tmp_path):
    with pytest.raises(ValueError):
        saving.write_json(tmp_path / "card.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_folder_of_format_1_is_read(copy):
    """It names no kind: all were encoder-decoders."""
    path = copy / "config.json"
    config = json.loads(path.read_text())
    del config["kind"]
    path.write_text(json.dumps(config | {"format": 1}))
    assert saving.read_config(copy)["kind"] == "seq2seq"
    assert zoo.load(copy).predict("a")[0].text is not None


def test_arrays_are_kept_however_they_lie(tmp_path):
    """Turned ones too, and every other row: safetensors itself writes numbers as they lie."""
    array = np.arange(12.0).reshape(3, 4)
    kept = {"turned": array.T, "whole": array, "some": array[::2]}
    (tmp_path / saving.WEIGHTS).write_bytes(saving.pack_weights(kept))
    found = saving.read_weights(tmp_path)
    for name, wanted in kept.items():
        np.testing.assert_array_equal(found[name], wanted)
