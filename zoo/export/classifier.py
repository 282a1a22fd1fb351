"""A trained `classifier` as a TensorFlow SavedModel: texts, image files or series in, labels out.

Reading is part of the graph: cleaning and tokens of a text, decoding and resizing of an image,
scaling. It needs none of this code to run.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from zoo import images
from zoo.export import batching, class_input_operations, readmes, versions
from zoo.export.class_input_operations import Given
from zoo.export.tf_serving import EXTRA, WARMUP, Request, write_warmup
from zoo.export.versions import Answer, Signatures, signature
from zoo.layers.attention_hooks import without_maps

if TYPE_CHECKING:
    from zoo.inference.classifier import ClassifierPredictor

NAMED: dict[str, Callable[[Callable[[tf.Tensor], Answer]], Callable[..., Answer]]] = {
    "text": lambda run: lambda text: run(text),
    "image": lambda run: lambda image: run(image),
    "series": lambda run: lambda series: run(series),
    "ids": lambda run: lambda ids: run(ids),
    "pixels": lambda run: lambda pixels: run(pixels),
}
"""A function with another name of its argument, which is that of the input of a signature."""
Signature = Callable[..., Answer]
MOST_ROWS = 256
"""Inputs of a request at most."""


def export(
    loaded: ClassifierPredictor,
    folder: str | Path,
    *,
    name: str | None = None,
    length_cap: int | None = None,
    text: bool = True,
    examples: Sequence[str] = (),
) -> Path:
    """Write `loaded` as the next version, `folder/1`, `folder/2`, ..., for TensorFlow Serving.

    Args:
        loaded: the model.
        folder: where the versions of this model are.
        name: what the model is called when it is served; by default its own.
        length_cap, text: of models that write, and must be left as they are.
        examples: texts that a server answers before it is ready, for a model of texts.

    Returns:
        The folder of the version. It appears under its number only when it is complete.

    Raises:
        ValueError: Keras runs on another backend than TensorFlow, or an option of other models.
    """
    versions.check(length_cap)
    if length_cap is not None or not text:
        raise ValueError("--length-cap and --ids-only are for models that write, and this does not")
    shown = examples[0] if examples and loaded.reads == "text" else loaded.usual_input()
    given = _sent(shown)

    def beside(version: Path) -> None:
        called = name or loaded.name
        write_warmup(version / WARMUP, called, _requests(loaded, given, shown))
        (version / batching.FILE).write_text(batching.parameters(MOST_ROWS), encoding="utf-8")
        file = loaded.config["tokenizers"]["input"]
        (version / EXTRA / file).write_bytes(loaded.reader.bytes)
        (version / "README.md").write_text(readme(loaded, called, shown), encoding="utf-8")

    return versions.write(loaded.model, folder, lambda: _graph(loaded), beside)


def _graph(loaded: ClassifierPredictor) -> tuple[tf.Module, Signatures]:
    """What is saved: a module that owns weights and tables, and the functions that use them."""
    network = loaded.model
    reader = class_input_operations.operations(loaded.reader)
    module = tf.Module()
    # The variables and not the network: saving that would trace its own `call` too.
    module.weights = [weight.value for weight in network.weights]
    module.resource = reader.resource
    classes = tf.constant(list(loaded.classes))

    def bounded(given: tf.Tensor) -> tf.Tensor:
        check = tf.debugging.assert_less_equal(
            tf.shape(given)[0], MOST_ROWS, f"At most {MOST_ROWS} inputs a request."
        )
        with tf.control_dependencies([check]):
            return tf.identity(given)

    def told(logits: tf.Tensor, notes: tf.Tensor) -> Answer:
        chances = tf.nn.softmax(logits)
        rows = tf.shape(logits)[0]
        return {
            "label": tf.gather(classes, tf.argmax(logits, axis=-1)),
            "probabilities": chances,
            "classes": tf.repeat(classes[None], rows, axis=0),  # (B, C), as Serving wants it
            "notes": notes,
        }

    def classified(arrays: tf.Tensor, notes: tf.Tensor) -> Answer:
        with without_maps():
            return told(network.read(arrays)[0], notes)

    def attention(given: tf.Tensor) -> Answer:
        arrays, notes = reader.read(bounded(given))
        logits, maps = network.read(arrays)
        return told(logits, notes) | {f"attention_{kind}": x for kind, x in maps.items()}

    def of(input_name: str, given: Given, run: Callable[[tf.Tensor], Answer]) -> Signature:
        return signature(**{input_name: given})(NAMED[input_name](run))

    every = {
        "serving_default": of(
            loaded.reads, reader.given(), lambda given: classified(*reader.read(bounded(given)))
        )
    }
    if loaded.attention_heads:
        every["attention"] = of(loaded.reads, reader.given(), attention)
    if plain := reader.plain:
        every[plain] = of(
            plain,
            reader.plain_given(),
            lambda given: classified(*reader.read_plain(bounded(given))),
        )
    return module, every


def _sent(given: Any) -> Any:
    """An input as a signature takes it: images as the bytes of a file."""
    if isinstance(given, str):
        return given
    return images.png(given) if given.ndim == 3 else given.astype("float32")


def _requests(loaded: ClassifierPredictor, given: Any, shown: Any) -> list[Request]:
    """One input for each signature."""
    row = tf.constant([given]) if isinstance(given, str | bytes) else tf.constant(given[None])
    found: list[Request] = [("serving_default", {loaded.reads: row})]
    if loaded.attention_heads:
        found.append(("attention", {loaded.reads: row}))
    if loaded.reads == "text":
        found.append(("ids", {"ids": tf.constant(loaded.reader.read(shown).array[None])}))
    if loaded.reads == "image":
        pixels = loaded.reader.read(shown).shown  # from 0 to 1
        found.append(("pixels", {"pixels": tf.constant(pixels[None], tf.float32)}))
    return found


def readme(loaded: ClassifierPredictor, name: str, shown: Any) -> str:
    """Every input and output, the limits, how to start and to ask: Markdown."""
    heads = loaded.attention_heads
    shape = getattr(loaded.reader, "shape", ())
    numbers = " x ".join(map(str, shape))
    most = loaded.config["hyperparameters"].get("max_length")
    asked = {
        "text": f"`text` string (B,), of which {most} tokens are read at most",
        "image": "`image` string (B,): the bytes of PNG, JPEG, GIF or BMP files, made "
        f"{numbers} (height, width, channels) by the mean of the area that each pixel covers, "
        "transparent ones on white",
        "series": f"`series` float32 (B, {', '.join(map(str, shape))}); a value that is no number "
        "is refused",
    }[loaded.reads]
    example = {
        "text": f"tf.constant([{shown!r}])" if isinstance(shown, str) else "",
        "image": 'tf.constant([open("image.png", "rb").read()])',
        "series": f"tf.zeros((1, {', '.join(map(str, shape))}))",
    }[loaded.reads]
    instance = {
        "text": readmes.shell_json({"text": shown}) if isinstance(shown, str) else "",
        "image": '{"image": {"b64": "' + _short(_sent(shown)) + '"}}',
        "series": '{"series": [[...], ...]}',
    }[loaded.reads]
    values = {
        **readmes.facts(loaded),
        "name": name,
        "versions": versions.written_with(),
        "asked": asked,
        "reads": loaded.reads,
        "call": example,
        "instance": instance,
        "count": len(loaded.classes),
        "classes": ", ".join(loaded.classes),
        "most": MOST_ROWS,
        "kinds": ", ".join(f"`attention_{kind}`" for kind in heads),
        "file": loaded.config["tokenizers"]["input"],
        "shape": ", ".join(map(str, shape)),
    }
    plain = {"text": [IDS], "image": [PIXELS]}.get(loaded.reads, [])
    return readmes.filled([HEAD, *([ATTENTION] if heads else []), *plain, SERVING], values)


def _short(data: Any) -> str:
    """The beginning of bytes in base64, as a README shows them."""
    if not isinstance(data, bytes | np.bytes_):
        return ""
    return base64.b64encode(data)[:16].decode() + "..."


HEAD = """
# {name}

A `{model}` trained on the task `{task}`, as a TensorFlow SavedModel, written by {versions}.
Training data: {origin}.

## `serving_default`

- in: {asked}. At most {most} rows.
- out: `label` string (B,), the likeliest class; `probabilities` float32 (B, {count}), in the order
  of `classes` string (B, {count}): {classes}; `notes` string (B,), what the reader should know.

```python
import tensorflow as tf
import tensorflow_text  # where texts are cut into sub-words
model = tf.saved_model.load("path/to/this/folder")
found = model.signatures["serving_default"]({reads}={call})
found["label"], found["probabilities"]
```
"""
ATTENTION = """
## `attention`

The same, and {kinds} float32 (B, layers, heads, rows, columns). Rows sum to 1.
"""
IDS = """
## `ids`

The same for who makes tokens elsewhere: `ids` int32 (B, T), those of `assets.extra/{file}`; 0 is
padding, and what begins a text is put in front.
"""
PIXELS = """
## `pixels`

The same for who decodes images elsewhere: `pixels` float32 (B, {shape}) from 0 to 1.
"""
SERVING = """
## TensorFlow Serving

    tensorflow_model_server --rest_api_port=8501 --model_name={name} --model_base_path=FOLDER

where FOLDER holds this folder under its number. Ask with `POST /v1/models/{name}:predict` and
`{{"instances": [{instance}]}}`.
"""
