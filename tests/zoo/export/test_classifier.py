"""Classifiers as SavedModels say and look as they do in Python."""

from __future__ import annotations

import importlib.util
import io

import keras
import numpy as np
import pytest

from tests.zoo import tiny_classifiers as tiny
from zoo import images
from zoo.checks import EMPTY
from zoo.export import export
from zoo.padding import pad

pytestmark = [
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow writes it"),
    pytest.mark.skipif(
        importlib.util.find_spec("tensorflow_text") is None, reason="tensorflow-text is missing"
    ),
]
TEXTS = (
    *("abc fed", "", "  ABC\tfed\n", "lake lake hill", "😀 مرحبا <b>x</b> &amp;", "k" * 40),
    "a b c d e f g h i j k l m n o p q r s t u v w x y z " * 3,
)


@pytest.fixture(scope="module", params=["naive-bayes", "lstm-bahdanau", "bert", "vit", "knn"])
def both(request, tmp_path_factory):
    """A model in Python, and the folder of its export."""
    place = tmp_path_factory.mktemp(request.param)
    model = tiny.predictor(request.param, place / "model")
    return model, export(model, place / "served")


def compare(model, version, given, sent):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(version))
    answers = model.predict(given)
    assert ("attention" in loaded.signatures) == bool(model.attention_heads)
    for name in {"serving_default", "attention"} & set(loaded.signatures):
        found = loaded.signatures[name](**{model.reads: sent})
        for row, one in enumerate(answers):
            assert found["label"][row].numpy().decode() == one.name
            assert found["notes"][row].numpy().decode() == "\n".join(one.notes)
            assert [c.decode() for c in found["classes"][row].numpy()] == list(model.classes)
            np.testing.assert_allclose(
                found["probabilities"][row], list(one.probabilities.values()), atol=1e-4
            )
            for kind, maps in one.attention.items() if name == "attention" else ():
                part = found[f"attention_{kind}"][row].numpy()
                part = part[:, :, : maps.shape[2], : maps.shape[3]]
                np.testing.assert_allclose(part, maps, atol=1e-4)


def test_a_saved_model_answers_as_python_does(both):
    import tensorflow as tf

    model, version = both
    if model.reads == "text":
        compare(model, version, list(TEXTS), tf.constant(TEXTS))
        return
    if model.reads == "series":
        given = tiny.inputs("knn")
        compare(model, version, given, tf.constant(np.stack(given), tf.float32))
        return
    from PIL import Image

    random = np.random.default_rng(3)
    files = []
    for mode, size in (("L", (8, 8)), ("RGB", (8, 8)), ("RGBA", (20, 13)), ("LA", (9, 30))):
        channels = len(mode)
        pixels = random.integers(0, 256, (size[1], size[0], channels), dtype="uint8")
        file = io.BytesIO()
        Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode).save(file, "PNG")
        files.append(file.getvalue())
    compare(model, version, files, tf.constant(files))


def test_who_reads_elsewhere_sends_ids_or_pixels(both):
    import tensorflow as tf

    model, version = both
    signatures = tf.saved_model.load(str(version)).signatures
    plain = {"text": "ids", "image": "pixels"}.get(model.reads)
    assert set(signatures) - {"serving_default", "attention"} == {plain} - {None}
    if plain is None:
        return
    given = list(TEXTS) if plain == "ids" else list(tiny.inputs(model.config["model"]))
    read = [model.reader.read(one) for one in given]
    arrays = [one.array if plain == "ids" else one.shown.astype("float32") for one in read]
    sent = pad(arrays, max(map(len, arrays)) + 3) if plain == "ids" else np.stack(arrays)
    found = signatures[plain](**{plain: tf.constant(sent)})
    for row, one in enumerate(model.predict(given)):
        assert found["label"][row].numpy().decode() == one.name
        np.testing.assert_allclose(
            found["probabilities"][row], list(one.probabilities.values()), atol=1e-4
        )
    notes = [note.decode() for note in found["notes"].numpy()]
    if plain == "ids":
        # Ids that nobody has are those of unknown tokens, or of no n-gram.
        signatures["ids"](ids=tf.constant([[-7, 1_000_000]]))
        assert EMPTY in notes[TEXTS.index("")] and not notes[0]
        return
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 1"):
        signatures["pixels"](pixels=tf.constant(sent) * 255)
    with pytest.raises(tf.errors.InvalidArgumentError, match="from 0 to 1"):
        signatures["pixels"](pixels=tf.constant(sent) * float("nan"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP"])
def test_the_head_of_a_file_says_how_large_the_image_is(kind):
    """So that what unpacks to gigabytes is refused before it does."""
    import tensorflow as tf
    from PIL import Image

    from zoo.export import image_operations

    file = io.BytesIO()
    Image.new("L", (37, 21)).save(file, kind)
    assert int(image_operations.pixels_told(tf.constant(file.getvalue()))) == 37 * 21
    for odd in (b"", b"B", file.getvalue()[:9] if kind != "JPEG" else b"no image"):
        assert int(image_operations.pixels_told(tf.constant(odd))) == 0


def test_a_bomb_is_refused_by_its_head(both):
    import tensorflow as tf

    model, version = both
    if model.reads != "image":
        return
    size = (60_000).to_bytes(4, "big")
    bomb = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + b"IHDR" + size + size + bytes(9)
    ask = tf.saved_model.load(str(version)).signatures["serving_default"]
    with pytest.raises(tf.errors.InvalidArgumentError, match="pixels"):
        ask(image=tf.constant([bomb]))


def test_what_cannot_be_read_is_refused(both):
    import tensorflow as tf

    model, version = both
    loaded = tf.saved_model.load(str(version))
    ask = loaded.signatures["serving_default"]
    row = tf.constant([images.png(np.zeros((8, 8, 1)))]) if model.reads == "image" else None
    if model.reads == "text":
        row = tf.constant(["a"])
    if model.reads == "series":
        row = tf.zeros((1, *tiny.SERIES))
        with pytest.raises(tf.errors.InvalidArgumentError, match="no number"):
            ask(series=row * float("nan"))
    if model.reads == "image":
        with pytest.raises(tf.errors.InvalidArgumentError):
            ask(image=tf.constant([b"no image"]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="At most 256"):
        ask(**{model.reads: tf.repeat(row, 257, axis=0)})


def test_the_readme_says_how_to_ask(both):
    model, version = both
    text = (version / "README.md").read_text()
    assert f'signatures["serving_default"]({model.reads}=' in text
    assert "calm, fierce, both" in text
    file = model.config["tokenizers"]["input"]
    assert (version / "assets.extra" / file).read_bytes() == model.reader.bytes
    with pytest.raises(ValueError, match="models that write"):
        export(model, version.parent, text=False)
