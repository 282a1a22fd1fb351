"""An export for CTranslate2 writes what the zoo writes; what it cannot hold is refused by name."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from tests.zoo import tiny_models
from tests.zoo.export.ctranslate2_checks import assert_greedy, expected
from training import export as command
from zoo import shipped
from zoo.export import ctranslate2 as ctranslate2_export
from zoo.export import ctranslate2_model
from zoo.export.ctranslate2_model import CTranslate2Error
from zoo.normalizer import Normalizer
from zoo.tokenizer import BOS, EOS, PAD, UNK, Tokenizer

ctranslate2 = pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")

TEXTS = [
    "Tom sees the red car.",
    "",
    "my\u00a0sister “wants” the house.",
    "she </s> <s>",
    "she buys the book. " * 9,
    "🦓 <b>أين</b> e\u0301",
]
STEPS = [{"unicode": "NFKC"}, {"replace": {"“": '"', "”": '"'}}, {"remove": ["So"]}]


def names(count: int) -> list[str]:
    return [f"t{i}" for i in range(count)]


def translated(folder, sources: list[list[str]], length: int) -> list[list[str]]:
    """What CTranslate2 writes, greedily, the end included."""
    found = ctranslate2.Translator(str(folder), device="cpu", intra_threads=1).translate_batch(
        sources,
        beam_size=1,
        min_decoding_length=0,
        max_decoding_length=length,
        return_end_token=True,
    )
    return [one.hypotheses[0] for one in found]


def same_as_here(network, folder) -> None:
    """Ids that are written and log-probabilities of ids that are given are those of the network."""
    sizes = network.config.source_vocabulary, network.config.target_vocabulary
    ctranslate2_model.write(network, folder, *map(names, sizes))
    lengths = [5, 2, 9, 7, 3, 12, 4, 8]
    sides = [
        tiny_models.rows(lengths[::step], size) for step, size in zip((1, -1), sizes, strict=True)
    ]
    sources, targets = ([row[row != PAD].tolist() for row in side] for side in sides)
    called = [[[f"t{i}" for i in row] for row in rows] for rows in (sources, targets)]
    written = translated(folder, called[0], 16)
    assert_greedy(network, sources, [[int(token[1:]) for token in row] for row in written])
    translator = ctranslate2.Translator(str(folder), device="cpu", intra_threads=1)
    scored = translator.score_batch(called[0], [row[:-1] for row in called[1]])
    wanted = expected(network, sources, targets)
    for row, (one, ids) in enumerate(zip(scored, targets, strict=True)):
        np.testing.assert_allclose(one.log_probs, wanted[row, range(len(ids)), ids], atol=2e-3)


@pytest.mark.parametrize(
    "overrides",
    [
        {"positions": "sinusoidal"},
        {"positions": "learned", "encoder_layers": 1, "decoder_layers": 3},
        {"positions": "none", "heads": 4},
        {"shared_vocabulary": True, "target_vocabulary": tiny_models.SOURCE_VOCABULARY},
    ],
    ids=str,
)
def test_every_hyper_parameter_is_written(overrides, tmp_path):
    same_as_here(tiny_models.network("transformer", **overrides), tmp_path)


def test_what_layers_do_otherwise_is_written_as_they_do_it(tmp_path):
    network = tiny_models.network("transformer")
    network.scale = 1.7
    for block in [*network.encoder_layers, *network.decoder_layers]:
        block.feedforward.inner.activation = keras.activations.gelu
    for layer in network._flatten_layers():
        if hasattr(layer, "epsilon"):
            layer.epsilon = 0.2
    same_as_here(network, tmp_path)


def test_padding_begin_and_unknown_are_never_written(tmp_path):
    network = tiny_models.network("transformer")
    table = np.asarray(network.target_embedding.embeddings).copy()
    direction = np.sign(np.random.default_rng(0).normal(size=table.shape[1]))
    network.decoder_norm.beta.assign(9 * direction)
    table[[PAD, BOS, UNK]] = direction
    table[EOS] = -direction
    network.target_embedding.embeddings.assign(table)
    ctranslate2_model.write(network, tmp_path, names(19), names(17))
    [ids] = translated(tmp_path, [["t5", "t6", "t2"]], 9)
    assert len(ids) == 9 and not {"t0", "t1", "t3"} & set(ids)


@dataclasses.dataclass(frozen=True)
class Wider(type(tiny_models.network("transformer").config)):
    relative: bool = False


def test_what_cannot_be_held_is_named(tmp_path, monkeypatch):
    def refused(network, said: str) -> None:
        with pytest.raises(CTranslate2Error, match=said):
            ctranslate2_model.write(network, tmp_path, names(19), names(17))
        assert not list(tmp_path.iterdir())

    network = tiny_models.network("transformer")
    with pytest.raises(CTranslate2Error, match="precision is one of float32, int8"):
        ctranslate2_model.write(network, tmp_path, names(19), names(17), "int4")
    config = network.config
    network.config = Wider(**dataclasses.asdict(config))
    ctranslate2_model._Writer(network)
    network.config = Wider(**dataclasses.asdict(config), relative=True)
    refused(network, "has relative=True, which cannot be written for CTranslate2: --format litert")
    network.config = dataclasses.replace(config, positions="rotary")
    refused(network, "has positions='rotary'")
    network.config = config
    network.encoder_layers[0].attention.rotary = object()
    refused(network, "has rotary positions")
    network.encoder_layers[0].attention.rotary = None
    network.encoder_layers[0].feedforward.inner.activation = keras.activations.elu
    refused(network, "has the activation elu")
    network.encoder_layers[0].feedforward.inner.activation = keras.activations.gelu
    refused(network, r"has different activations \(GELU, RELU\)")
    network.encoder_layers[0].feedforward.inner.activation = keras.activations.relu
    network.add_weight(shape=(3,), name="gate")
    refused(network, "has the weight .*gate")
    monkeypatch.setitem(sys.modules, "ctranslate2.specs", None)
    refused(network, "CTranslate2 is not installed.*: pip install ctranslate2$")


# A folder


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A model on Keras, and the folder of its export."""
    place = tmp_path_factory.mktemp("ctranslate2")
    pieces = tiny_models.tokenizers(shared=False)
    pieces["source.model"] = Tokenizer(pieces["source.model"].bytes, Normalizer(STEPS))
    steps = {"source": STEPS, "target": []}
    folder = tiny_models.folder(place / "model", shared=False, pieces=pieces, normalizers=steps)
    (folder / "card.json").write_text("{}")
    loaded = zoo.load(folder)
    return loaded, ctranslate2_export.export(loaded, place / "exported", example=TEXTS[0])


def example(folder) -> str:
    """The Python of its README."""
    [code] = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.S)
    return code


def test_the_example_of_the_readme_answers_as_predict_does(both, monkeypatch):
    loaded, folder = both
    monkeypatch.chdir(folder)
    space = {"__name__": "example"}
    exec(compile(example(folder), "README.md", "exec"), space)
    read, write = loaded.source_tokenizer, loaded.target_tokenizer
    sources = [loaded.read(text).ids for text in TEXTS]
    cut = [space["cut"](text) for text in TEXTS]
    assert cut == [read.pieces(ids) for ids in sources]
    assert len(cut[4]) == loaded.max_source_length and len(cut[1]) == 1
    written = [write.ids(row) for row in translated(folder, cut, loaded.max_target_length)]
    assert_greedy(loaded.model, sources, written)
    likely = expected(loaded.model, sources, written)
    for penalty in (0.0, 0.6):
        found = space["answer"](TEXTS, length_penalty=penalty)
        for row, (answers, ids) in enumerate(zip(found, written, strict=True)):
            score = likely[row, range(len(ids)), ids].sum() / max(len(ids), 1) ** penalty
            wanted = (write.decode(ids), pytest.approx(score, abs=2e-3))
            assert answers == ([wanted] if TEXTS[row] else [("", 0.0)])
    beams = space["answer"](TEXTS[:1], beams=3)[0]
    assert len({text for text, _ in beams}) == 3
    assert [score for _, score in beams] == sorted([s for _, s in beams], reverse=True)


def test_the_readme_can_be_run_as_it_stands(both):
    _, folder = both
    done = subprocess.run(
        [sys.executable, "-I", "-c", example(folder)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(-\d+\.\d{3} .*\n){5}", done.stdout)


def test_a_folder_has_all_that_it_needs(both):
    _, folder = both
    assert {path.name for path in folder.iterdir()} == {
        *("README.md", "card.json", "config.json", "model.bin", "preprocessing.json"),
        *("source.model", "source_vocabulary.json", "target.model", "target_vocabulary.json"),
    }
    assert json.loads((folder / "preprocessing.json").read_text("utf-8")) == {
        "source": {"tokenizer": "source.model", "max_tokens": 24, "normalizer": STEPS},
        "target": {"tokenizer": "target.model", "max_tokens": 16},
    }


def test_loading_it_here_says_what_it_is(both):
    with pytest.raises(ValueError, match=r"is an export for CTranslate2, which ctranslate2\.Trans"):
        zoo.load(both[1])


def test_an_export_replaces_an_export_and_nothing_else(both, tmp_path):
    loaded, folder = both
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds no CTranslate2 model: give another --out"):
        ctranslate2_export.export(loaded, tmp_path / "mine")
    again = tmp_path / "again"
    sizes = {}
    for precision in ("int8", "float32"):
        ctranslate2_export.export(loaded, again, precision)
        sizes[precision] = (again / "model.bin").stat().st_size
    assert sizes["int8"] < sizes["float32"]
    assert (again / "model.bin").read_bytes() == (folder / "model.bin").read_bytes()


@pytest.mark.parametrize(
    "name",
    [name for name, config in shipped.configs().items() if not ctranslate2_export.missing(config)],
)
def test_shipped_models_write_the_same_tokens(name, tmp_path):
    loaded = zoo.load(name)
    sides = (loaded.source_tokenizer, loaded.target_tokenizer)
    read, write = (side.pieces(range(side.size)) for side in sides)
    ctranslate2_model.write(loaded.model, tmp_path, read, write)
    records = json.loads((loaded.path / "predictions.json").read_text("utf-8"))
    texts = [record["source"] for record in records[:8]]
    sources = [loaded.read(text).ids for text in texts]
    called = [[read[i] for i in ids] for ids in sources]
    written = translated(tmp_path, called, loaded.max_target_length)
    assert_greedy(loaded.model, sources, [loaded.target_tokenizer.ids(row) for row in written])
    assert sum(map(len, written)) > 8 * 4


# On the command line


def invoke(*arguments: object):
    return CliRunner().invoke(command.app, list(map(str, arguments)))


def test_all_shipped_models_that_can_be_held_are_exported(both, tmp_path, monkeypatch):
    loaded, folder = both
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path / "shelf"))
    tiny_models.folder(tmp_path / "shelf" / "an-lstm", "lstm")
    (tmp_path / "shelf" / "model").symlink_to(loaded.path)
    done = invoke("--all", "--format", "ctranslate2", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out/model/model.bin").read_bytes() == (folder / "model.bin").read_bytes()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["model"]
    assert "an-lstm is left out: CTranslate2 runs Transformers" in done.output
    assert not (tmp_path / "out" / "models.config").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x", "--format", "onnx"], "one of saved_model, litert, ctranslate2. Received: onnx"),
        (
            ["x", "--format", "ctranslate2", "--ids-only"],
            "--base-path go with --format saved_model",
        ),
        (["x", "--format", "litert", "--length-cap", 3], "--ids-only, --length-cap and --base"),
        (["x", "--precision", "int8"], "goes with --format litert or ctranslate2. Received: int8"),
        (["x", "--format", "litert", "--precision", "int4"], "is one of float32, int8, and goes"),
        (["x", "--all"], "give one model, or --all. Received: both"),
        (["dates-lstm", "--format", "ctranslate2"], "dates-lstm is an LSTM model: --format litert"),
        (["ptb-ngram", "--format", "ctranslate2"], None),
    ],
    ids=str,
)
def test_one_sentence_says_what_is_wrong(arguments, said, tmp_path):
    if said is None:
        config = {"kind": "language_model", "model": "ngram"}
        assert ctranslate2_export.missing(config).endswith("this is a language model (n-gram)")
        return
    done = invoke(*arguments, "--out", tmp_path / "out")
    assert done.exit_code == 2 and done.output.startswith("error: ")
    assert said in done.output and done.output.count("\n") == 1
    assert not (tmp_path / "out").exists()
