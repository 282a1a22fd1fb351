"""The README of an exported `seq2seq` model: every input and output, limits, how to serve it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from zoo import checks
from zoo.export import batching, readmes, versions
from zoo.export.seq2seq_graph import BEAMS, most_rows
from zoo.inference.seq2seq_base import MAX_CHARACTERS

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor

CLI = "import tensorflow_text; from tensorflow.python.tools.saved_model_cli import main; main()"
"""TensorFlow's `saved_model_cli` with the operations of tensorflow-text."""


def readme(
    loaded: Seq2SeqPredictor, name: str, longest: Sequence[int], text: bool, example: str
) -> str:
    """Every input and output, the limits, how to start and to ask: Markdown.

    Args:
        loaded: the model that was exported.
        name: what it is called when it is served.
        longest: the most tokens of a source and of an answer.
        text: whether there are signatures of text.
        example: what the README asks for.
    """
    attends = "cross" in loaded.attention_heads
    row = loaded.source_tokenizer.encode(example)
    rows = _rows(text)
    most_with_maps = most_rows(loaded.model, *longest, maps=True)
    values = {
        "signatures": "\n".join(f"| `{one}` | {given} | {gives} |" for one, given, gives in rows),
        "attention": "attention" if text else "ids_attention",
        "other": "beam" if text else "ids_beam",
        "shell": readmes.shell_json(example),
        **readmes.facts(loaded),
        "name": name,
        "versions": versions.written_with(),
        "source": longest[0],
        "target": longest[1],
        "characters": f"{MAX_CHARACTERS:,}",
        "most": most_rows(loaded.model, *longest),
        "most_with_maps": most_with_maps,
        "beams": BEAMS,
        "cli": CLI,
        "together": min(batching.ROWS, most_with_maps),
        "wait": batching.MICROSECONDS // 1000,
        "row": row,
        "checks": checks.description(loaded.checks),
        "example": json.dumps(example, ensure_ascii=False),
        "request": readmes.shell_json({"instances": [example if text else row]}),
    }
    maps = ATTENTION if attends else NO_ATTENTION
    maps += COPIED if "copy" in loaded.model.config.maps() else ""
    asked = [TEXT, BEAM, maps, CALL, IDS, TOGETHER] if text else [NO_TEXT, IDS, IDS_ONLY, maps]
    return readmes.filled([HEAD, *asked, SERVING], values)


def _rows(text: bool) -> list[tuple[str, str, str]]:
    """Each signature, its input, and what it gives."""
    gives = {"": "the answer", "beam": f"the {BEAMS} best", "attention": "the answer, with weights"}
    of_text = [(name or "serving_default", "text", what) for name, what in gives.items()]
    of_ids = [(f"ids_{name}".rstrip("_"), "ids", what) for name, what in gives.items()]
    return of_text + of_ids if text else [("serving_default", "ids", gives[""]), *of_ids]


HEAD = """
# {name}

A `{model}` trained on the task `{task}`, as a TensorFlow SavedModel, written by {versions}.
Training data: {origin}.

It answers any number of texts at once, short and long ones together; each answer depends on its own
text alone. Below, B is the number of texts, S and T are the numbers of tokens of the longest source
and of the longest answer (the closing `</s>` included, at least 1), N is {beams}.

| Signature | Input | Gives |
|---|---|---|
{signatures}

Limits, kept inside the graph: a source of more than {source} tokens is cut to that many, the last
of them `</s>`; an answer that has {target} tokens ends there, without `</s>`. A request may have at
most {most} texts, with attention {most_with_maps}; one with more is an error that says so.
"""

TEXT = """
## Signature `serving_default`: text

The likeliest token after each other. Needs the operations of `tensorflow-text`: TensorFlow Serving
has them; in Python, import it.

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

```python
import tensorflow as tf
import tensorflow_text  # registers the operations

answer = tf.saved_model.load(".").signatures["serving_default"]
answer(text=tf.constant([{example}]))["text"]
```
"""

BEAM = """
## Signature `beam`: the {beams} best answers

A beam of {beams}; it takes several times as long. Input as above. Outputs, the best first:

- `text`, string [B]: the best.
- `notes`, string [B]: what to know of it.
- `texts`, string [B, N]: all of them; `""` where there are fewer.
- `counts`, int32 [B]: how many there are.
- `scores`, float32 [B, N]: by which they are compared: the sum of the log-probabilities, divided by
  ((5 + length) / 6) ** 0.6 (Wu et al. 2016, equation 14); 0 where there is none.
- `pieces`, string [B, N, T]: the tokens of each.
- `log_probs`, float32 [B, N, T]: of each token.
- `lengths`, int32 [B, N]: how many tokens each has.
- `source_pieces`, string [B, S]: what was read.
"""

ATTENTION = """
## Signature `{attention}`: where the model looked

What `serving_default` gives, and the weights, each row without padding, as the bytes of float32
numbers, little-endian (in the server's JSON in base64):

- `attention_shape`, int32 [B, 4]: of each row the layers L, heads H, tokens written T and tokens
  read S.
- `attention_cross_heads_bytes`, string [B]: (L, H, T, S) numbers. `[l, h, t, s]` is the weight that
  head `h` of decoder layer `l` gave to the read token `s` when it wrote the token `t`.
- `attention_cross_bytes`, string [B]: (T, S) numbers, the mean over layers and heads.

```python
import numpy as np

heads = np.frombuffer(found["attention_cross_heads_bytes"][0].numpy(), "<f4")
heads = heads.reshape(found["attention_shape"][0])
```

Each row of weights sums to 1. A high weight says where the model looked, and not why it wrote what
it wrote.
"""

COPIED = """
This model may write what it reads. So the signature also gives:

- `copied_bytes`, string [B]: (T, S) numbers. `[t, s]` is the probability that the read token `s`
  was copied when `t` was written; a row sums to the probability of copying at all.
"""

NO_ATTENTION = """
## Signature `{attention}`

This model has no attention: all it knows of the source is one state. The signature is there so that
every model can be asked alike. It gives what `serving_default` gives, and:

- `attention_shape`, int32 [B, 4]: 0, 0, tokens written and tokens read.
- `attention_cross_heads_bytes`, string [B]: empty.
- `attention_cross_bytes`, string [B]: empty.
"""

CALL = """
## On the command line

`saved_model_cli` knows none of the operations of `tensorflow-text` until that is imported:

```bash
python -c "{cli}" \\
  run --dir . --tag_set serve --signature_def serving_default --input_exprs 'text=[{shell}]'
```
"""

IDS = """
## Signatures `ids`, `ids_beam`, `ids_attention`: for clients that tokenise by themselves

Input:

- `ids`, int32 [B, S]: ids of the SentencePiece model `assets.extra/source.model`, 0 is padding.
  Special ids (0 `<pad>`, 1 `<s>`, 2 `</s>`) are dropped and every row is closed anew, so it does
  not matter whether the 2 is there; an id outside the vocabulary counts as 3, `<unk>`. The text
  {example} is `{row}`.

Outputs:

- `ids`, int32 [B, T], of `ids_beam` [B, N, T]: what was written, in `assets.extra/target.model`,
  closed by 2 (`</s>`) where it was not cut; 0 is padding.
- `log_probs`, float32, shape of `ids`: natural logarithm of each token's probability, given the
  source and the tokens before it; 0 where there is padding.
- `lengths`, int32 [B], of `ids_beam` [B, N]: how many tokens were written, the 2 included; 0 for an
  empty row.
"""

TOGETHER = """
`ids_beam` also gives `scores` and `counts` as `beam` does, `ids_attention` the weights as
`attention` does. These signatures run no text operation. But a SavedModel is loaded as a whole, and
where one signature has an operation that a runtime lacks, none can be used. For a runtime without
`tensorflow-text`, `python -m training.export ... --ids-only` writes a SavedModel of these alone.
"""

IDS_ONLY = """
`ids_beam` also gives, the best first:

- `counts`, int32 [B]: how many answers there are.
- `scores`, float32 [B, N]: by which they are compared: the sum of the log-probabilities, divided by
  ((5 + length) / 6) ** 0.6 (Wu et al. 2016, equation 14); 0 where there is none.
"""

NO_TEXT = """
There is no signature for text in this export, and no operation that is not TensorFlow's own.
`serving_default` is the same signature as `ids`.
"""

SERVING = """
## TensorFlow Serving

```bash
tensorflow_model_server --rest_api_port=8501 --model_name={name} --model_base_path="$FOLDER" \\
  --enable_batching --batching_parameters_file="$FOLDER/1/batching_parameters.txt"
curl -d '{request}' localhost:8501/v1/models/{name}:predict
```

`$FOLDER` is the absolute path of the folder that holds this version's folder. The field
`"signature_name": "{other}"` of a request asks for that signature. The first request of a process
is slow, so the server answers those in `assets.extra/tf_serving_warmup_requests` before it says
that it is ready.

`batching_parameters.txt` lets the server answer up to {together} texts together that come within
{wait} ms. Set `num_batch_threads` to the number of cores, and `max_batch_size` lower where memory
is scarce or a quick answer matters more than many answers; it must not be above {most_with_maps}.
A batch takes as long as its longest source and its longest answer. Ids are not padded to one
another: all clients of `ids` must then pad their rows to one length. For a server of several
models, copy the file to `batching_params.pbtxt` in the folder of each version and start the server
with `--enable_per_model_batching_parameters`. On a processor that others use too,
`--tensorflow_intra_op_parallelism=1` is often faster: the steps of a search are small.
"""
