"""What lies beside a SavedModel for those who serve it: warm-up requests, batching, models.config.

Its README is in `zoo.export.seq2seq_readme`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from zoo.export import batching
from zoo.export.seq2seq_graph import most_rows
from zoo.export.seq2seq_readme import readme
from zoo.tokenizer import PAD

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor

EXTRA = "assets.extra"
WARMUP = f"{EXTRA}/tf_serving_warmup_requests"
"""Where TensorFlow Serving looks for requests to answer before it is ready (note the dot)."""

SIDES = ("source", "target")

Request = tuple[str, Mapping[str, tf.Tensor]]
"""Signature and inputs."""


def write_beside(
    folder: Path,
    loaded: Seq2SeqPredictor,
    name: str,
    longest: Sequence[int],
    text: bool,
    examples: Sequence[str],
) -> None:
    """Write README, warm-up requests, batching and tokenizers into the `folder` of a SavedModel.

    Args:
        folder: where `saved_model.pb` is.
        loaded: the model that was exported.
        name: what it is called when it is served.
        longest: the most tokens of a source and of an answer.
        text: whether there is a signature for text.
        examples: texts to warm up with; the README asks for the first.
    """
    write_warmup(folder / WARMUP, name, requests(loaded, examples, text))
    rows = most_rows(loaded.model, *longest, maps=True)
    (folder / batching.FILE).write_text(batching.parameters(rows), encoding="utf-8")
    for side, tokenizer in zip(
        SIDES, (loaded.source_tokenizer, loaded.target_tokenizer), strict=True
    ):
        (folder / EXTRA / f"{side}.model").write_bytes(tokenizer.bytes)
    words = readme(loaded, name, longest, text, examples[0])
    (folder / "README.md").write_text(words, encoding="utf-8")


def models_config(folders: Mapping[str, str]) -> str:
    """The `--model_config_file` that makes TensorFlow Serving serve all of `folders`, by name."""
    entries = "".join(
        "  config {\n"
        f'    name: "{_quoted(name)}"\n'
        f'    base_path: "{_quoted(path)}"\n'
        '    model_platform: "tensorflow"\n'
        "  }\n"
        for name, path in folders.items()
    )
    return f"model_config_list {{\n{entries}}}\n"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def requests(loaded: Seq2SeqPredictor, examples: Sequence[str], text: bool) -> list[Request]:
    """Every example by itself and all as one batch for greedy answers, the first for the others."""
    made: list[Request] = []
    batches = [[example] for example in examples]
    for batch in [*batches, list(examples)]:
        ids = {"ids": _padded(loaded, batch)}
        made.append(("ids", ids))
        made.append(("serving_default", {"text": tf.constant(batch)} if text else ids))
    first = examples[:1]
    for signature in ("beam", "attention"):
        made.append((f"ids_{signature}", {"ids": _padded(loaded, first)}))
        if text:
            made.append((signature, {"text": tf.constant(first)}))
    return made


def _padded(loaded: Seq2SeqPredictor, texts: Sequence[str]) -> tf.Tensor:
    ids = tf.ragged.constant([loaded.source_tokenizer.encode(text) for text in texts], tf.int32)
    return ids.to_tensor(PAD)


def write_warmup(path: Path, name: str, requests: Sequence[Request]) -> None:
    """A TFRecord file of `tensorflow.serving.PredictionLog` messages, one a request.

    They are put together by hand, so that exporting needs neither gRPC nor the package with their
    classes: all fields in use are messages or strings, which are written alike.
    """
    path.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(path)) as file:
        for signature, inputs in requests:
            # ModelSpec: name = 1, signature_name = 3. PredictRequest: model_spec = 1, inputs = 2,
            # a map, of which an entry has key = 1, value = 2.
            request = _field(1, _field(1, name.encode()) + _field(3, signature.encode()))
            for key, value in inputs.items():
                tensor = tf.make_tensor_proto(value).SerializeToString()
                request += _field(2, _field(1, key.encode()) + _field(2, tensor))
            # PredictionLog: predict_log = 6. PredictLog: request = 1.
            file.write(_field(6, _field(1, request)))


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited field of a protocol buffer."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
