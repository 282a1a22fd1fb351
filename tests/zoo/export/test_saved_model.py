"""The SavedModel answers as `zoo.load` does, in a process that has none of this code."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from tests import thorough
from tests.zoo import tiny_models
from training import export as command
from zoo import registry

if keras.backend.backend() != "tensorflow":
    pytest.skip("only the TensorFlow backend exports", allow_module_level=True)

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from tensorflow.core.framework import tensor_pb2

from zoo.export import batching, saved_model, seq2seq_graph, tf_serving, versions

BYTES = [
    b"Tom sees the red car.",
    b"",
    b"book",
    b" \t\r\n\xc2\xa0\xe2\x80\xa8\x00 ",
    b"my\tsister\nbuys \x07 the\x00house.",
    "cafe\u0301 Toma\u0301s".encode(),
    "\ufeff \U0001f642\u200d\U0001f642 the \u00bd \ufb01 \u2460".encode(),
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643".encode(),
    b"<script>alert(1)</script> <s> </s> <unk> <pad>",
    b"the \xff\xfebook\xc3 she \xed\xa0\x80 sees \xf0\x9f",
    b"she wants the book. " * 2_500,
    b"x" * 30_000,
]
"""Ends, spaces, controls, accents, joined and unknown characters, no UTF-8, and far too much."""

ALWAYS = ["simple-rnn", "lstm-bahdanau", "transformer"]
"""The others are exported only if `--thorough`."""
BEAMED = ("lstm-bahdanau", "transformer")
"""One without a cache, one with."""

BARE = """
import importlib.util, json, sys
import numpy as np, tensorflow as tf
if "text" in sys.argv[1:]:
    import tensorflow_text
assert not {"zoo", "training"} & set(sys.modules)
assert importlib.util.find_spec("zoo") is None
asked = json.load(open("asked.json"))
# All are loaded before any answers: one must not take another's tokenizer.
loaded = {name: tf.saved_model.load(folder) for name, folder in asked["folders"].items()}
found = {}
for name, model in loaded.items():
    requests = {"ids": {"ids": tf.constant(asked["ids"][name], tf.int32)}}
    if "text" in sys.argv[1:]:
        texts = [text.encode("latin-1") for text in asked["texts"]]
        requests["serving_default"] = {"text": tf.constant(texts)}
        keys = ["serving_default", "attention", *["beam"] * (name in asked["beamed"])]
        requests |= {key: requests["serving_default"] for key in keys}
        requests |= {f"empty {key}": {"text": tf.constant([], tf.string)} for key in keys}
    for signature, inputs in requests.items():
        known = signature.removeprefix("empty ")
        for key, value in model.signatures[known](**inputs).items():
            array = value.numpy()
            text = array.dtype == object
            found[f"{name} {signature} {key}"] = array.astype(bytes) if text else array
np.savez("answered.npz", **found)
print("modules", "tensorflow_text" in sys.modules)
if asked["command"]:
    code, sys.argv = asked["command"]
    exec(code)
"""


def ask(place, folders, ids, *arguments, command=()):
    """What the SavedModels answer in a Python that sees neither this folder nor PYTHONPATH."""
    place.mkdir()
    asked = {
        "folders": {name: str(folder) for name, folder in folders.items()},
        "texts": [text.decode("latin-1") for text in BYTES],
        "ids": ids,
        "beamed": [*BEAMED, "lstm"],  # the latter's README is compared with what it answers
        "command": command,
    }
    (place / "asked.json").write_text(json.dumps(asked))
    run = [sys.executable, "-I", "-c", BARE, *arguments]
    done = subprocess.run(run, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"modules {'text' in arguments}" in done.stdout
    with np.load(place / "answered.npz") as arrays:
        return {**arrays, "printed": done.stdout}


@pytest.fixture(scope="module")
def models(tmp_path_factory, pytestconfig):
    """A loaded model of each family; some have one tokenizer for both sides, some have two."""
    place = tmp_path_factory.mktemp("models")
    return {
        model: zoo.load(
            tiny_models.folder(place / model, model, shared=model not in tiny_models.APART)
        )
        for model in registry.of_kind("seq2seq")
        if model in ALWAYS or pytestconfig.option.thorough
    }


@pytest.fixture(scope="module")
def folders(models, tmp_path_factory):
    place = tmp_path_factory.mktemp("serving")
    return {
        model: saved_model.export(loaded, place / model, examples=["book", "Tom sees the house."])
        for model, loaded in models.items()
    }


SHELL = "lstm-bahdanau"
"""Asked on the command line, too."""


def command_line(folder):
    """What the README says: the code that Python is given, and `sys.argv`."""
    readme = (folder / "README.md").read_text()
    command = readme.split("## On the command line")[1].split("```bash\n")[1].split("```")[0]
    python, *arguments = shlex.split(command.replace("\\\n", ""))
    assert python == "python" and arguments[-1] == 'text=["book"]'
    asked = [str(folder) if argument == "." else argument for argument in arguments[2:]]
    return [arguments[1], ["saved_model_cli", *asked]]


def rows(loaded):
    """Two texts, closed and not closed, an empty row, and ids that no vocabulary has."""
    tom, book = (loaded.source_tokenizer.encode(BYTES[i].decode()) for i in (0, 2))
    width = len(tom) + 1
    return [padded(row, width, 0) for row in (tom, book[:-1], [], [10_000, -4, *book[:2]])]


@pytest.fixture(scope="module")
def answers(models, folders, tmp_path_factory):
    place = tmp_path_factory.mktemp("bare") / "text"
    ids = {name: rows(models[name]) for name in models}
    command = command_line(folders[SHELL])
    return ask(place, folders, ids, "text", command=command)


@pytest.fixture(scope="module")
def predictions(models):
    # Python has bytes that are no UTF-8 as lone surrogates.
    texts = [text.decode("utf-8", "surrogateescape") for text in BYTES]
    return {model: loaded.predict(texts) for model, loaded in models.items()}


@pytest.fixture(scope="module")
def beams(models):
    texts = [text.decode("utf-8", "surrogateescape") for text in BYTES]
    return {model: models[model].predict(texts, beams=4, attention=False) for model in BEAMED}


def answer(answers, model, signature):
    start = f"{model} {signature} "
    return {key.removeprefix(start): a for key, a in answers.items() if key.startswith(start)}


def padded(values, length, pad):
    return [*values, *[pad] * (length - len(values))]


@pytest.mark.parametrize("model", thorough.params(registry.of_kind("seq2seq"), ALWAYS))
def test_text_is_answered_as_python_answers_it(model, models, predictions, answers):
    made, predictions = answer(answers, model, "serving_default"), predictions[model]
    assert len({p.text for p in predictions}) > 1
    assert [text.decode() for text in made["text"]] == [p.text for p in predictions]
    assert made["lengths"].tolist() == [len(p.target_pieces) for p in predictions]
    width = max(made["lengths"])
    read = max(len(p.source_pieces) for p in predictions)
    assert read == models[model].max_source_length
    for i, prediction in enumerate(predictions):
        pieces = [piece.decode() for piece in made["pieces"][i]]
        assert pieces == padded(prediction.target_pieces, width, "")
        pieces = [piece.decode() for piece in made["source_pieces"][i]]
        assert pieces == padded(prediction.source_pieces, read, "")
        wanted = padded(prediction.log_probs, width, 0)
        np.testing.assert_allclose(made["log_probs"][i], wanted, rtol=1e-4, atol=1e-5)
        assert made["notes"][i].decode() == "\n".join(prediction.notes)
    assert not [key for key in made if "attention" in key]


@pytest.mark.parametrize("model", thorough.params(registry.of_kind("seq2seq"), ALWAYS))
def test_attention_is_what_python_shows(model, models, predictions, answers):
    made, plain = (answer(answers, model, key) for key in ("attention", "serving_default"))
    for key, array in plain.items():
        assert np.array_equal(made[key], array)
    none = np.zeros((0, 0))
    for i, prediction in enumerate(predictions[model]):
        shape = made["attention_shape"][i]
        layers, heads = models[model].attention_heads.get("cross", (0, 0))
        read = len(prediction.source_pieces)
        assert shape.tolist() == [layers, heads, len(prediction.target_pieces), read]
        cross = prediction.attention.get("cross", none)
        found = np.frombuffer(made["attention_cross_heads_bytes"][i], "<f4")
        assert found.size == cross.size
        if not cross.size:
            assert made["attention_cross_bytes"][i] == b""
            continue
        np.testing.assert_allclose(found.reshape(shape), cross, atol=1e-5)
        mean = np.frombuffer(made["attention_cross_bytes"][i], "<f4").reshape(shape[2:])
        np.testing.assert_allclose(mean, cross.mean((0, 1)), atol=1e-5)


@pytest.mark.parametrize("model", BEAMED)
def test_a_beam_finds_what_python_finds(model, beams, answers):
    made = answer(answers, model, "beam")
    for i, prediction in enumerate(beams[model]):
        best = prediction.alternatives or [prediction]
        assert made["counts"][i] == len(best)
        texts = [text.decode() for text in made["texts"][i]]
        assert texts == padded([one.text for one in best], 4, "")
        assert made["text"][i].decode() == prediction.text
        assert made["notes"][i].decode() == "\n".join(prediction.notes)
        np.testing.assert_allclose(
            made["scores"][i], padded([one.score for one in best], 4, 0), rtol=1e-4, atol=1e-5
        )
        for n, one in enumerate(best):
            length = made["lengths"][i, n]
            assert length == len(one.log_probs)
            np.testing.assert_allclose(
                made["log_probs"][i, n, :length], one.log_probs, rtol=1e-4, atol=1e-4
            )
            assert not made["log_probs"][i, n, length:].any()


@pytest.mark.parametrize("model", thorough.params(registry.of_kind("seq2seq"), ALWAYS))
def test_ids_are_answered_however_rows_are_closed(model, models, predictions, answers):
    loaded, made = models[model], answer(answers, model, "ids")
    tom, book = predictions[model][0], predictions[model][2]
    assert made["lengths"].tolist()[:3] == [len(tom.target_pieces), len(book.target_pieces), 0]
    for i, prediction in enumerate((tom, book)):
        length = len(prediction.target_pieces)
        assert loaded.target_tokenizer.pieces(made["ids"][i, :length]) == prediction.target_pieces
        assert not made["ids"][i, length:].any()
        found = made["log_probs"][i, :length]
        np.testing.assert_allclose(found, prediction.log_probs, rtol=1e-4, atol=1e-5)
    assert made["lengths"][3] > 0  # read as an unknown piece, and the two that there are


def test_a_batch_of_nothing_is_answered_with_nothing(answers):
    for key in ("serving_default", "beam", "attention"):
        made = answer(answers, "transformer", f"empty {key}")
        assert {len(array) for array in made.values()} == {0}


@pytest.mark.parametrize("signature", ["serving_default", "beam", "attention", "ids"])
def test_too_many_at_once_are_refused_in_a_sentence(signature, signatures):
    inputs = {"text": tf.constant(["book"] * 65)}
    if signature == "ids":
        inputs = {"ids": tf.ones([65, 3], tf.int32)}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at most 64 .* send them in several"):
        signatures[signature](**inputs)


def test_maps_bound_a_batch_by_the_memory_they_take(models):
    network = models["transformer"].model
    assert seq2seq_graph.most_rows(network, 128, 128, maps=True) == 64
    assert seq2seq_graph.most_rows(network, 4096, 4096, maps=True) == 1
    assert seq2seq_graph.most_rows(network, 4096, 4096) == 64


def test_a_cache_grows_as_often_as_it_must(models, monkeypatch):
    """The same answers with room for three tokens at first as with room for all."""
    network = models["transformer"].model
    source = tf.constant([padded(row, 12, 0) for row in ([7, 8, 9, 2], [12, 5, 6, 7, 8, 2])])
    made = []
    for room in (3, 64):
        monkeypatch.setattr(seq2seq_graph, "FIRST_ROOM", room)
        made.append(seq2seq_graph.Writer(network, 13).greedy(source))
    assert made[0]["lengths"].numpy().max() > 6
    for key, value in made[0].items():
        np.testing.assert_allclose(value, made[1][key], rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def signatures(folders):
    """Of one model, in this process."""
    import tensorflow_text  # noqa: F401 -- registers its operations

    return tf.saved_model.load(str(folders["lstm-bahdanau"])).signatures


def operations(signature):
    """The types of all operations that a signature runs, those of functions it calls included."""
    graph = signature.graph.as_graph_def()
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    return {node.op for node in nodes}


def test_the_ids_signature_runs_no_text_operation(signatures):
    text, ids = (operations(signatures[key]) for key in ("serving_default", "ids"))
    assert {"SentencepieceTokenizeOp", "NormalizeUTF8"} <= text
    foreign = ("Sentencepiece", "NormalizeUTF8", "String", "Unicode", "Regex", "Xla")
    assert not [op for op in ids if op.startswith(foreign)]
    # Kernels of cuDNN would tie the graph to a machine with a GPU.
    assert not [op for op in text | ids if "Cudnn" in op]


def test_ids_only_needs_no_tensorflow_text(models, answers, tmp_path):
    model = "simple-rnn"
    folder = saved_model.export(models[model], tmp_path / "ids", name="plain", text=False)
    asked = {model: folder}, {model: rows(models[model])}
    alone = answer(ask(tmp_path / "bare", *asked), model, "ids")
    for key, array in answer(answers, model, "ids").items():
        np.testing.assert_allclose(alone[key], array, rtol=1e-5, atol=1e-6)
    readme = (folder / "README.md").read_text()
    assert "# plain\n" in readme and "`text`" not in readme
    asked = {"ids", "ids_beam", "ids_attention", "serving_default"}
    assert {r["signature"] for r in warmup(folder)} == asked


@pytest.mark.parametrize("model", ["lstm-bahdanau", "transformer"])
def test_the_readme_explains_everything(model, models, folders, answers):
    readme = (folders[model] / "README.md").read_text()
    default = set(answer(answers, model, "serving_default"))
    for signature, known in (("serving_default", {}), ("beam", {}), ("attention", default)):
        part = readme.split(f"## Signature `{signature}`")[1].split("\n## ")[0]
        for key in set(answer(answers, model, signature)) - set(known):
            assert f"- `{key}`, " in part
    part = readme.split("## Signatures `ids`")[1].split("\n## ")[0]
    for key in ("ids", *answer(answers, model, "ids")):
        assert f"- `{key}`, " in part
    assert "more than 24 tokens" in readme and "has 16 tokens" in readme
    assert "at\nmost 64 texts" in readme
    assert ("has no attention" in readme) == (model == "lstm")
    extra = folders[model] / "assets.extra"
    assert (extra / "source.model").read_bytes() == models[model].source_tokenizer.bytes
    assert (extra / "target.model").read_bytes() == models[model].target_tokenizer.bytes


def warmup(folder):
    """The requests in a warm-up file, by the fields of TensorFlow Serving's own messages."""
    file = descriptor_pb2.FileDescriptorProto(name="log.proto", package="log", syntax="proto3")
    kinds = {"Spec": {"name": (1, 9), "signature_name": (3, 9)}}
    kinds["Entry"] = {"key": (1, 9), "value": (2, 12)}
    kinds["Request"] = {"model_spec": (1, "Spec"), "inputs": (2, "Entry")}
    kinds["Log"] = {"request": (1, "Request")}
    kinds["PredictionLog"] = {"predict_log": (6, "Log")}
    for kind, fields in kinds.items():
        message = file.message_type.add(name=kind)
        for name, (number, what) in fields.items():
            field = message.field.add(name=name, number=number, label=1 + 2 * (name == "inputs"))
            field.type = 11 if isinstance(what, str) else what
            if isinstance(what, str):
                field.type_name = f".log.{what}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("log.PredictionLog"))
    found = []
    for record in tf.data.TFRecordDataset(str(folder / tf_serving.WARMUP)):
        log = kind.FromString(record.numpy())
        size = log.ByteSize()
        log.DiscardUnknownFields()
        assert log.ByteSize() == size
        request = log.predict_log.request
        inputs = {}
        for entry in request.inputs:
            tensor = tensor_pb2.TensorProto.FromString(entry.value)
            inputs[entry.key] = tf.constant(tf.make_ndarray(tensor))
        spec = request.model_spec
        found.append({"name": spec.name, "signature": spec.signature_name, "inputs": inputs})
    return found


def test_warmup_requests_are_answered(folders, signatures):
    requests = warmup(folders["lstm-bahdanau"])
    assert {request["name"] for request in requests} == {"lstm-bahdanau"}
    assert {request["signature"] for request in requests} == set(signatures)
    sizes = [
        signatures[request["signature"]](**request["inputs"])["lengths"].shape[0]
        for request in requests
    ]
    assert sorted(sizes) == [1] * 8 + [2, 2]


def test_warmup_requests_are_tensorflow_servings_own(folders):
    """Its classes read them, where they are installed."""
    logs = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    wanted = warmup(folders["lstm-bahdanau"])
    file = str(folders["lstm-bahdanau"] / tf_serving.WARMUP)
    records = [record.numpy() for record in tf.data.TFRecordDataset(file)]
    for record, other in zip(records, wanted, strict=True):
        request = logs.PredictionLog.FromString(record).predict_log.request
        spec = request.model_spec
        assert (spec.name, spec.signature_name) == (other["name"], other["signature"])
        for key, value in request.inputs.items():
            assert np.array_equal(tf.make_ndarray(value), other["inputs"][key])


def test_batching_parameters_are_a_message_of_tensorflow_serving(folders):
    """Field by field as in its session_bundle_config.proto."""
    file = descriptor_pb2.FileDescriptorProto(name="batching.proto", package="b", syntax="proto3")
    file.message_type.add(name="Value").field.add(name="value", number=1, label=1, type=3)
    names = {"max_batch_size": 1, "batch_timeout_micros": 2, "max_enqueued_batches": 3}
    message = file.message_type.add(name="Parameters")
    for name, number in (names | {"num_batch_threads": 4}).items():
        message.field.add(name=name, number=number, label=1, type=11, type_name=".b.Value")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName("b.Parameters"))
    written = (folders["lstm-bahdanau"] / "batching_parameters.txt").read_text()
    found = text_format.Parse(written, kind())
    assert 1 <= found.max_batch_size.value <= 64
    assert found.num_batch_threads.value >= 1 and found.batch_timeout_micros.value > 0
    small = text_format.Parse(batching.parameters(3), kind())
    assert small.max_batch_size.value == 3


def test_the_command_line_of_the_readme_answers(answers, predictions):
    """`saved_model_cli` reads the folder as TensorFlow Serving does, as a session."""
    wanted = predictions[SHELL][BYTES.index(b"book")].text
    assert f"Result for output key text:\n{[wanted.encode()]}" in answers["printed"]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 3_000_000])
def test_lengths_are_written_as_protocol_buffers_write_them(size):
    wanted = descriptor_pb2.FileDescriptorProto(name="x" * size).SerializeToString()
    assert tf_serving._field(1, b"x" * size) == wanted or (size == 0 and wanted == b"\n\0")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path / "saved models"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return tmp_path / "saved models"


def invoke(*arguments):
    return CliRunner().invoke(command.app, list(map(str, arguments)))


def test_command_all_then_one_more(shelf, models):
    folder = shutil.copytree(models["simple-rnn"].path, shelf / "dates-simple-rnn")
    stored = [{"source": "Tom's book"}, {"source": "Tom's book"}, {"source": "she"}]
    (folder / "examples.json").write_text(json.dumps(stored))
    done = invoke("--all", "--base-path", "/models/")
    assert done.exit_code == 0, done.output
    config = (shelf / "models.config").read_text()
    assert 'name: "dates-simple-rnn"\n' in config
    assert 'base_path: "/models/dates-simple-rnn/serving"\n' in config
    assert len(warmup(folder / "serving" / "1")) == 10
    assert "Tom\\u0027s book" in (folder / "serving" / "1" / "README.md").read_text()
    done = invoke("dates-simple-rnn", "--length-cap", 3)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (folder / "serving").iterdir()) == ["1", "2"]
    signatures = tf.saved_model.load(str(folder / "serving" / "2")).signatures
    made = signatures["serving_default"](text=tf.constant(["Tom sees the red car.", "she"]))
    assert made["source_pieces"].shape[1] == 3
    assert made["source_pieces"][0, 2] == b"</s>"
    assert max(made["lengths"].numpy()) <= 3


def test_half_an_export_is_never_seen(models, tmp_path, monkeypatch):
    def full(module, folder, signatures):
        (Path(folder) / "saved_model.pb").write_bytes(b"half of it")
        raise OSError("no space left")

    monkeypatch.setattr(tf.saved_model, "save", full)
    (tmp_path / "7").mkdir()
    with pytest.raises(OSError, match="no space"):
        saved_model.export(models["simple-rnn"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["7"]


def test_numbers_go_on_after_the_highest(tmp_path):
    for name in ("2", "10", "notes", ".aside-x"):
        (tmp_path / name).mkdir()
    assert versions.publish(tmp_path / ".aside-x", tmp_path) == tmp_path / "11"


@pytest.mark.parametrize(
    ("arguments", "backend", "message"),
    [
        (["dates-simple-rnn"], "jax", "KERAS_BACKEND=tensorflow"),
        ([], "", "one model, or --all"),
        (["dates-simple-rnn", "--all"], "", "one model, or --all"),
        (["dates-simple-rnn", "--base-path", "/models"], "", "--base-path goes with --all"),
        (["nobody"], "", "Unknown model"),
        (["./nowhere"], "", "no model folder"),
    ],
)
def test_command_says_what_is_wrong(arguments, backend, message, shelf, monkeypatch):
    if backend:
        monkeypatch.setenv("KERAS_BACKEND", backend)
    done = invoke(*arguments)
    assert done.exit_code == 2
    assert message in done.output and "Traceback" not in done.output
    assert not shelf.exists()


def test_a_config_quotes_what_it_is_given():
    config = tf_serving.models_config({'a"b': "/x\\y"})
    assert '    name: "a\\"b"\n    base_path: "/x\\\\y"\n' in config
