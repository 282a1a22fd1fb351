"""What lies beside a SavedModel for those who serve it: README, warm-up requests, models.config."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from zoo import checks
from zoo.inference.seq2seq_base import MAX_CHARACTERS
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
    """Write README, warm-up requests and tokenizers into the `folder` of a SavedModel.

    Args:
        folder: where `saved_model.pb` is.
        loaded: the model that was exported.
        name: what it is called when it is served.
        longest: the most tokens of a source and of an answer.
        text: whether there is a signature for text.
        examples: texts to warm up with; the README asks for the first.
    """
    write_warmup(folder / WARMUP, name, requests(loaded, examples, text))
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
    """Every example by itself and all as one batch, for each signature."""
    made: list[Request] = []
    for batch in [*([example] for example in examples), list(examples)]:
        ids = tf.ragged.constant([loaded.source_tokenizer.encode(t) for t in batch], tf.int32)
        made.append(("ids", {"ids": ids.to_tensor(PAD)}))
        inputs = {"text": tf.constant(batch)} if text else made[-1][1]
        made.append(("serving_default", inputs))
    return made


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


def readme(
    loaded: Seq2SeqPredictor, name: str, longest: Sequence[int], text: bool, example: str
) -> str:
    """Every input and output, the limits, how to start and to ask: Markdown."""
    config = loaded.config
    data = loaded.card.get("data") or {}
    origin = [data.get(field) for field in ("corpus", "url", "licence", "attribution")]
    attends = "cross" in loaded.attention_heads
    row = loaded.source_tokenizer.encode(example)
    asked = json.dumps({"instances": [example if text else row]}, ensure_ascii=False)
    values = {
        "name": name,
        "model": config["model"],
        "task": config["task"],
        "origin": ", ".join(str(value) for value in origin if value) or "unknown",
        "source": longest[0],
        "target": longest[1],
        "characters": f"{MAX_CHARACTERS:,}",
        "row": row,
        "checks": checks.description(loaded.checks),
        "example": json.dumps(example, ensure_ascii=False),
        "request": asked.replace("'", "\\u0027"),
        "versions": f"TensorFlow {tf.__version__} and Keras {keras.__version__}",
    }
    maps = ATTENTION if attends else NO_ATTENTION
    parts = [HEAD, TEXT, IDS, TOGETHER, maps] if text else [HEAD, NO_TEXT, IDS, maps]
    return "\n".join(part.strip("\n").format_map(values) + "\n" for part in [*parts, SERVING])


HEAD = """
# {name}

A `{model}` trained on the task `{task}`, as a TensorFlow SavedModel, written by {versions}.
Training data: {origin}.

It writes greedily, for any number of texts at once, short and long ones together; each answer
depends on its own text alone. Below, B is the number of texts, S and T are the numbers of tokens of
the longest source and of the longest answer (the closing `</s>` included, at least 1), L and H the
numbers of layers and heads. Whatever is shorter is padded on its right.

Limits, kept inside the graph: a source of more than {source} tokens is cut to that many, the last
of them `</s>`; an answer that has {target} tokens ends there, without `</s>`.
"""

TEXT = """
## Signature `serving_default`: text

Needs the operations of `tensorflow-text`: TensorFlow Serving has them; in Python, import it.

Input:

- `text`, string [B]: UTF-8. Made NFC; control characters and white space become single spaces;
  bytes that are no UTF-8 count as white space; what follows the first {characters} characters is
  not read. A text that is empty, or only white space, is answered with an empty text.

Outputs:

- `text`, string [B]: the answers.
- `notes`, string [B]: what to know of each answer, one sentence a line; `""` where there is nothing
  to say. A source or an answer that was cut, characters that are not in the vocabulary, and
  {checks}.
- `pieces`, string [B, T]: the tokens (word parts, characters or sounds) of each answer. `▁` stands
  before a word, `</s>` closes an answer that was not cut; `""` is padding.
- `log_probs`, float32 [B, T]: natural logarithm of each token's probability, given the source and
  the tokens before it; 0 where there is padding.
- `lengths`, int32 [B]: how many tokens each answer has, `</s>` included; 0 for an empty text.
- `source_pieces`, string [B, S]: what was read, closed by `</s>`; `""` is padding.
- `attention_cross`, float32 [B, T, S]: see Attention.
- `attention_cross_heads`, float32 [B, L, H, T, S]: see Attention.

```python
import tensorflow as tf
import tensorflow_text  # registers the operations

answer = tf.saved_model.load(".").signatures["serving_default"]
answer(text=tf.constant([{example}]))["text"]
```
"""

TOGETHER = """
This signature runs no text operation. But a SavedModel is loaded as a whole, and where one
signature has an operation that a runtime lacks, none can be used. For a runtime without
`tensorflow-text`, `python -m training.export ... --ids-only` writes a SavedModel of this one.
"""

NO_TEXT = """
There is no signature for text in this export, and no operation that is not TensorFlow's own.
`serving_default` is the same signature as `ids`.
"""

IDS = """
## Signature `ids`: for clients that tokenise by themselves

Input:

- `ids`, int32 [B, S]: ids of the SentencePiece model `assets.extra/source.model`, 0 is padding.
  Special ids (0 `<pad>`, 1 `<s>`, 2 `</s>`) are dropped and every row is closed anew, so it does
  not matter whether the 2 is there; an id outside the vocabulary counts as 3, `<unk>`. The text
  {example} is `{row}`.

Outputs:

- `ids`, int32 [B, T]: what was written, in `assets.extra/target.model`, closed by 2 (`</s>`) where
  it was not cut; 0 is padding.
- `log_probs`, float32 [B, T]: natural logarithm of each token's probability, given the source and
  the tokens before it; 0 where there is padding.
- `lengths`, int32 [B]: how many tokens were written, the 2 included; 0 for an empty row.
- `attention_cross`, float32 [B, T, S]: see Attention.
- `attention_cross_heads`, float32 [B, L, H, T, S]: see Attention.
"""

ATTENTION = """
## Attention

`attention_cross_heads[b, l, h, t, s]` is the weight that head `h` of decoder layer `l` gave to the
read token `s` when it wrote the token `t`; `attention_cross[b, t, s]` is the mean over layers and
heads. The row of a written token sums to 1; padding, in rows and in columns, is 0. A high weight
says where the model looked, and not why it wrote what it wrote.
"""

NO_ATTENTION = """
## Attention

This model has none: all it knows of the source is one state. `attention_cross` and
`attention_cross_heads` (L = H = 1) are there so that every model can be asked alike, and are all 0.
"""

SERVING = """
## TensorFlow Serving

```bash
tensorflow_model_server --rest_api_port=8501 --model_name={name} --model_base_path="$FOLDER"
curl -d '{request}' localhost:8501/v1/models/{name}:predict
```

`$FOLDER` is the absolute path of the folder that holds this version's folder. The field
`"signature_name": "ids"` of a request asks for that signature; its rows must be padded to one
length. The first request of a process is slow, so the server answers those in
`assets.extra/tf_serving_warmup_requests` before it says that it is ready. A batch takes as long as
its longest source and its longest answer.
"""
