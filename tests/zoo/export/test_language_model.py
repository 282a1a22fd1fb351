"""The SavedModel of a language model goes on as `predict` does, in a process without this code."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from tests import thorough
from tests.zoo import tiny_language_models
from training import export as command
from zoo.inference.sampling import Sampling, draw
from zoo.text_tokenizers import Words

if keras.backend.backend() != "tensorflow":
    pytest.skip("only the TensorFlow backend exports", allow_module_level=True)

import tensorflow as tf

from zoo.export import export, text_operations

# Every architecture, every tokenizer; of a text's words also some with one for those unknown.
MODELS = {
    "gpt": "character",
    "lstm": "word",
    "rnn": "ptb",
    "min-gru": "sub-word",
    "feed-forward": "sub-word",
}
ALWAYS = ("gpt", "lstm", "feed-forward")
"""With a cache, a recurrent state and a window; each with another tokenizer."""
PROMPTS = [
    b"To be, or",
    b"",
    "so \U0001f642\U0001f642 caf\u00e9 ~|".encode(),
    b" \t sea  of\r\n\n\ntroubles \x1c\xc2\x85\xe2\x80\xa8 end",
    b"the \xff\xfesea\xc3 we \xed\xa0\x80 say \xf0\x9f",
    b"\xef\xbb\xbfa\x00b~",
    b"x" * 31,
    b"x" * 32,
    b"To die, to sleep; " * 20,
]
"""Ends, unknown characters, spaces and controls, no UTF-8, a full context, and more than that."""
COUNT = 40
"""Tokens to write: more than the context of 32."""

BARE = """
import importlib.util, json, sys
import numpy as np, tensorflow as tf
import tensorflow_text
assert importlib.util.find_spec("zoo") is None
asked = json.load(open("asked.json"))
loaded = {name: tf.saved_model.load(folder) for name, folder in asked["folders"].items()}
found = {}
for name, model in loaded.items():
    texts = tf.constant([text.encode("latin-1") for text in asked["prompts"]])
    for asked_for, given in (name, texts), (f"nothing {name}", texts[:0]):
        for key, value in model.signatures["serving_default"](prompts=given).items():
            array = value.numpy()
            text = array.dtype == object
            found[f"{asked_for} {key}"] = array.astype(bytes) if text else array
np.savez("answered.npz", **found)
assert not {"zoo", "training"} & set(sys.modules)
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory, pytestconfig):
    place = tmp_path_factory.mktemp("models")
    return {
        model: tiny_language_models.predictor(model, unit, place / model, task="shakespeare")
        for model, unit in MODELS.items()
        if model in ALWAYS or pytestconfig.option.thorough
    }


@pytest.fixture(scope="module")
def folders(models, tmp_path_factory):
    place = tmp_path_factory.mktemp("serving")
    return {
        name: export(model, place / name, length_cap=COUNT, examples=["To be", "the sea"])
        for name, model in models.items()
    }


@pytest.fixture(scope="module")
def signatures(folders):
    loaded = {name: tf.saved_model.load(str(folder)) for name, folder in folders.items()}
    yield {name: model.signatures for name, model in loaded.items()}


@pytest.fixture(scope="module")
def answers(folders, tmp_path_factory):
    """What the SavedModels answer in a Python that sees neither this folder nor PYTHONPATH."""
    place = tmp_path_factory.mktemp("bare")
    asked = {
        "folders": {name: str(folder) for name, folder in folders.items()},
        "prompts": [prompt.decode("latin-1") for prompt in PROMPTS],
    }
    (place / "asked.json").write_text(json.dumps(asked))
    run = [sys.executable, "-I", "-c", BARE]
    done = subprocess.run(run, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(place / "answered.npz") as arrays:
        return dict(arrays)


def texts(prompts=PROMPTS):
    return [prompt.decode("utf-8", "replace") for prompt in prompts]


@pytest.fixture(scope="module", autouse=True)
def names_as_they_are():
    """An export names unknown characters as they are; Python makes those visible that are not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.inference.language_model_base.visible", lambda text: text)
        patch.setattr("zoo.inference.language_model_base.NAMED", 1_000_000)
        yield


@pytest.fixture(scope="module")
def continuations(models):
    return {name: model.predict(texts(), COUNT) for name, model in models.items()}


def strings(array):
    """Rows of strings without the padding."""
    return [[item.decode() for item in row if item] for row in array]


def padded(rows, width):
    array = np.zeros((len(rows), width), "float32")
    for line, row in zip(array, rows, strict=True):
        line[: len(row)] = row
    return array


def agree(made, wanted):
    """Whether what a signature made is what `predict` says."""
    assert [text.decode() for text in made["text"]] == [each.text for each in wanted]
    labels = [[token.label for token in each.tokens] for each in wanted]
    assert strings(made["tokens"]) == labels
    assert made["lengths"].tolist() == [len(each.tokens) for each in wanted]
    assert strings(made["prompt_tokens"]) == [each.prompt_labels for each in wanted]
    assert [note.decode() for note in made["notes"]] == ["\n".join(each.notes) for each in wanted]
    width = made["log_probs"].shape[1]
    rows = padded([each.log_probs for each in wanted], width)
    np.testing.assert_allclose(made["log_probs"], rows, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("model", thorough.params(MODELS, ALWAYS))
def test_prompts_are_continued_as_python_continues_them(model, answers, continuations):
    start = f"{model} "
    made = {
        key.removeprefix(start): array for key, array in answers.items() if key.startswith(start)
    }
    wanted = continuations[model]
    assert len({each.text for each in wanted}) > 1 and any(each.notes for each in wanted)
    agree(made, wanted)
    assert ("attention_decoder" in made) == (model == "gpt")


def test_attention_is_what_python_shows(answers, continuations):
    maps, labels = answers["gpt attention_decoder"], answers["gpt attention_tokens"]
    wanted = continuations["gpt"]
    width = max(len(each.labels) for each in wanted)
    assert maps.shape == (len(PROMPTS), 2, 2, width, width) and width == 32
    for found, shown, each in zip(maps, strings(labels), wanted, strict=True):
        assert shown == each.labels
        count = len(each.labels)
        np.testing.assert_allclose(
            found[:, :, :count, :count], each.attention["decoder"], atol=1e-5
        )
        assert not found[:, :, count:].any() and not found[:, :, :, count:].any()


def numpy(made):
    return {key: value.numpy() for key, value in made.items()}


def options(rows, temperature=0.9, top_k=9, top_p=0.95):
    values = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    kinds = {"temperature": "float32", "top_k": "int32", "top_p": "float32"}
    return {
        key: tf.constant(np.broadcast_to(value, rows).astype(kinds[key]))
        for key, value in values.items()
    }


# How is drawn is the same for all; these have the tokens of most kinds and of fewest.
@pytest.mark.parametrize("model", ["gpt", "feed-forward"])
def test_the_same_draws_give_the_same_text(model, models, signatures):
    prompts = PROMPTS[:5]
    made = signatures[model]["draws"](
        prompts=tf.constant(prompts), uniform=tf.constant(draw(7, 5, 12)), **options(5)
    )
    wanted = models[model].predict(texts(prompts), 12, Sampling(0.9, 9, 0.95), seed=7)
    agree(numpy(made), wanted)
    assert len({each.text for each in wanted}) == 5


def test_a_seed_gives_the_same_text_in_any_batch(signatures, continuations):
    sample = signatures["gpt"]["sample"]

    def asked(rows, counts, temperature, seeds):
        return numpy(
            sample(
                prompts=tf.constant([PROMPTS[row] for row in rows]),
                max_new_tokens=tf.constant(counts),
                seed=tf.constant(seeds, tf.int64),
                **options(len(rows), np.array(temperature)),
            )
        )

    made = asked([0, 1, 2, 8, 0, 0], [9, 40, 99, 0, 40, 40], [0.9, 0.9, 0, 0.9, 2, 2], range(6))
    assert made["lengths"].tolist() == [9, 40, 40, 1, 40, 40]
    alone = asked([8, 0], [1, 40], [0.9, 2], [3, 4])
    assert alone["text"].tolist() == made["text"][3:5].tolist()
    assert made["text"][4] != made["text"][5]
    # Temperature 0: the likeliest.
    assert made["text"][2].decode() == continuations["gpt"][2].text
    assert not made["ids"][0, 9:].any() and not made["log_probs"][0, 9:].any()


@pytest.mark.parametrize("model", thorough.params(MODELS, ALWAYS))
def test_step_by_step_is_as_predict(model, models, signatures, continuations):
    loaded, calls = models[model], signatures[model]
    rows = [0, 2, 3]  # of one length each, so that each slides at its own moment
    made = [written(calls, loaded, PROMPTS[row]) for row in rows]
    wanted = [[token.label for token in continuations[model][row].tokens] for row in rows]
    assert [loaded.tokenizer.labels(ids) for ids in made] == wanted
    text = calls["decode"](ids=tf.constant(made, tf.int32))["text"].numpy()
    assert [each.decode() for each in text] == [loaded.tokenizer.decode(ids) for ids in made]


def written(calls, loaded, prompt):
    """The likeliest ids after a prompt, by the signatures for callers that stream."""
    context = loaded.model.context
    read = calls["encode"](text=tf.constant([prompt]))
    given, ids = read["ids"].numpy()[0].tolist(), []
    state = calls["prefill"](tokens=read["ids"], lengths=read["lengths"])
    index = len(given)
    while True:
        logits = state.pop("logits").numpy()[0]
        logits[list(loaded.tokenizer.excluded)] = -np.inf
        ids.append(int(logits.argmax()))
        if len(ids) == COUNT:
            return ids
        token, at = tf.constant(ids[-1:]), tf.constant([index])
        state, index = calls["step"](token=token, index=at, **state), index + 1
        if index == context:
            index = context // 2
            kept = tf.constant([[*given, *ids][-index:]])
            state = calls["prefill"](tokens=kept, lengths=tf.constant([index]))


def test_what_does_not_fit_is_refused(signatures):
    calls = signatures["gpt"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="each length must be from 1"):
        calls["prefill"](tokens=tf.constant([[5]]), lengths=tf.constant([0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="to the context, 32"):
        calls["prefill"](tokens=tf.ones([1, 40], tf.int32), lengths=tf.constant([33]))
    state = calls["prefill"](tokens=tf.ones([1, 40], tf.int32), lengths=tf.constant([32]))
    del state["logits"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="below the context, 32"):
        calls["step"](token=tf.constant([5]), index=tf.constant([32]), **state)


@pytest.mark.parametrize("model", thorough.params(MODELS, ALWAYS))
def test_a_batch_of_nothing_is_answered_with_nothing(model, answers):
    text, ids = (answers[f"nothing {model} {key}"] for key in ("text", "ids"))
    assert text.shape == (0,) and ids.shape == (0, 1)


def test_ids_are_continued_as_their_text(models, signatures, continuations):
    loaded = models["gpt"]
    rows = [loaded.tokenizer.encode(text) for text in texts(PROMPTS[:3])]
    ids = np.zeros((4, max(map(len, rows))), "int32")
    for line, row in zip(ids, rows, strict=False):
        line[: len(row)] = row
    ids[3, :2] = 900, -4  # in no vocabulary
    made = numpy(signatures["gpt"]["ids"](ids=tf.constant(ids)))
    for found, wanted in zip(made["ids"][:3], continuations["gpt"][:3], strict=True):
        assert loaded.tokenizer.labels(found) == [token.label for token in wanted.tokens]
    unknown = loaded.predict("~|", COUNT)[0]
    assert loaded.tokenizer.labels(made["ids"][3]) == [token.label for token in unknown.tokens]
    assert made["attention_ids"].shape == made["attention_decoder"].shape[::4]


ALL = "".join(map(chr, range(0x3100))) + "\U0001f642 to be \ue000"


@pytest.mark.parametrize("unit", ["character", "word", "ptb", "sub-word"])
def test_text_is_cut_into_the_same_tokens(unit):
    tokenizer = tiny_language_models.tokenizer(unit)
    made = text_operations.operations(tokenizer)
    given = [*texts(), tiny_language_models.TEXT, "<unk> <s>\n </s>", "\u2581to \u2047", ALL]
    given += [f"to{c}be" for c in "\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u180e\u200b\u2028\u3000"]
    ids, missing = made.encode(text_operations.decoded(tf.constant(given)))
    assert ids.to_list() == [tokenizer.encode(text).tolist() for text in given]
    for found, text in zip(missing.to_list(), given, strict=True):
        assert list(dict.fromkeys(each.decode() for each in found)) == tokenizer.missing(text)
    assert [text.decode() for text in made.decode(ids).numpy()] == [
        tokenizer.decode(row) for row in ids.to_list()
    ]
    shown = [tokenizer.labels(row) for row in ids.to_list()]
    assert strings(made.labels(ids).numpy()) == shown


def test_only_the_last_characters_are_read():
    kept, cut = text_operations.last_characters(tf.constant(["a\U0001f642bc", "", "\u00e9"]), 2)
    assert [text.decode() for text in kept.numpy()] == ["bc", "", "\u00e9"]
    assert cut.numpy().tolist() == [True, False, False]


def test_other_tokenizers_are_refused():
    with pytest.raises(TypeError, match="No operations for this tokenizer"):
        text_operations.operations(object())


@pytest.mark.parametrize("model", ["gpt", "feed-forward"])
def test_the_readme_explains_everything(model, models, folders, signatures):
    readme = " ".join((folders[model] / "README.md").read_text().split())
    for name, call in signatures[model].items():
        inputs = call.structured_input_signature[1]
        for key in (*inputs, *call.structured_outputs):
            assert f"`{key}`" in readme, (name, key)
        assert f"`{name}`" in readme
    assert "at most 40 tokens" in readme
    assert ("of 32 tokens is full" in readme) == (model == "gpt")
    assert ("tensorflow_text" in readme) == (model == "feed-forward")
    assert "{" not in readme.replace('{"', "").replace("[{", "")
    tokenizer = models[model].tokenizer
    kept = folders[model] / "assets.extra" / f"tokenizer{tokenizer.suffix}"
    assert kept.read_bytes() == tokenizer.bytes


@pytest.mark.parametrize("model", ["gpt", "lstm"])
def test_warmup_requests_are_answered(model, folders, signatures):
    from tests.zoo.export.test_saved_model import warmup

    requests = warmup(folders[model])
    called = {request["signature"] for request in requests}
    assert called == {"serving_default", "sample", "ids", "prefill", "step"}
    for request in requests:
        assert signatures[model][request["signature"]](**request["inputs"])


def test_no_operation_is_foreign_without_text(models, tmp_path):
    folder = export(models["lstm"], tmp_path, name="plain", text=False, length_cap=5)
    calls = tf.saved_model.load(str(folder)).signatures
    assert set(calls) == {"serving_default", "ids", "prefill", "step"}
    operations = set()
    for call in calls.values():
        graph = call.graph.as_graph_def()
        nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
        operations |= {node.op for node in nodes}
    foreign = ("Sentencepiece", "String", "Unicode", "Regex", "Xla", "Cudnn", "HashTable")
    assert not [each for each in operations if each.startswith(foreign)]
    made = numpy(calls["serving_default"](ids=tf.constant([[4, 5, 6]])))
    wanted = models["lstm"].predict(models["lstm"].tokenizer.decode([4, 5, 6]), 5)[0]
    assert models["lstm"].tokenizer.labels(made["ids"][0]) == [t.label for t in wanted.tokens]
    assert "no operation that is not TensorFlow's own" in (folder / "README.md").read_text()


def test_command_exports_a_language_model(models, tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path / "saved models"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    folder = tmp_path / "saved models" / "shakespeare-feed-forward"
    shutil.copytree(models["feed-forward"].path, folder)
    done = CliRunner().invoke(command.app, ["shakespeare-feed-forward", "--length-cap", "3"])
    assert done.exit_code == 0, done.output
    call = tf.saved_model.load(str(folder / "serving" / "1")).signatures["serving_default"]
    assert call(prompts=tf.constant(["To be"]))["ids"].shape == (1, 3)
    assert '"instances": ["ROMEO:\\n"]' in (folder / "serving" / "1" / "README.md").read_text()


def test_what_has_no_export_is_refused(models, tmp_path, monkeypatch):
    monkeypatch.setitem(models["lstm"].config, "model", "ngram")
    with pytest.raises(ValueError, match="ngram model: it has counts and no network"):
        export(models["lstm"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_sub_words_grow_as_in_python():
    tokenizer = tiny_language_models.tokenizer("sub-word")
    made = text_operations.operations(tokenizer)
    random = np.random.default_rng(0)
    byte_ids = list(tokenizer.byte_ids)
    leads = [i for i, byte in tokenizer.byte_ids.items() if byte >= 0xC2]
    rows = [random.choice(byte_ids, n).tolist() for n in (0, 1, 2, 3, 9)]
    rows += [[*random.choice(leads, 1).tolist(), *random.choice(byte_ids, 2)] for _ in range(200)]
    rows += [row[:2] for row in rows[5:]]
    rows += [tokenizer.encode(text).tolist() for text in (*texts(), ALL, "\U0001f642 \ufffd")]
    rows += [row[:-1] for row in rows[-2:]]
    wanted = [
        "".join(tokenizer.growth(row[max(i - 8, 0) : i], token) for i, token in enumerate(row))
        for row in rows
    ]
    ids = tf.ragged.constant(rows, dtype=tf.int32, ragged_rank=1)
    found = made.continuation(tf.zeros([len(rows)], tf.int32), ids).numpy()
    assert [text.decode() for text in found] == wanted


def test_words_begin_where_the_text_before_ends():
    tokenizer = Words.learn("to be\nor not")
    made = text_operations.operations(tokenizer)
    ids = tokenizer.encode("to be\nor").tolist()
    before = tf.constant([2, ids[0], 3])
    after = made.continuation(before, tf.ragged.constant([ids[:1], ids[1:], []], dtype=tf.int32))
    assert [text.decode() for text in after.numpy()] == ["to", " be\nor", ""]
