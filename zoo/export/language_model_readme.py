"""The README of an exported `language_model`: every input and output, limits, how to serve it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import tensorflow as tf

from zoo.export import readmes, versions
from zoo.inference.language_model_base import EMPTY, MAX_CHARACTERS

if TYPE_CHECKING:
    from zoo.inference.language_model import LanguageModelPredictor


def readme(
    loaded: LanguageModelPredictor,
    name: str,
    counts: tuple[int, int],
    text: bool,
    prompt: str,
    states: Mapping[str, tf.Tensor],
) -> str:
    """Every input and output, the limits, how to start and to ask: Markdown."""
    tokenizer, context = loaded.tokenizer, loaded.model.context
    ids = tokenizer.encode(prompt).tolist()[:8] or [tokenizer.start]
    by_pieces = tokenizer.unit == "sub-word"
    options = {"max_new_tokens": 50, "temperature": 0.8, "top_k": 10, "top_p": 1.0, "seed": 0}
    values = {
        **readmes.facts(loaded),
        "name": name,
        "versions": versions.written_with(),
        "usual": f"{counts[0]:,}",
        "most": f"{counts[1]:,}",
        "unit": tokenizer.unit,
        "vocabulary": f"{tokenizer.size:,}",
        "file": f"tokenizer{tokenizer.suffix}",
        "start": tokenizer.start,
        "excluded": ", ".join(map(str, tokenizer.excluded)),
        "context": f"{context:,}" if context else "",
        "last": f"{context - 1:,}" if context else "",
        "half": f"{context // 2:,}" if context else "",
        "characters": f"{MAX_CHARACTERS:,}",
        "empty": EMPTY,
        "needs": NEEDS if by_pieces else NEEDS_NOTHING,
        "load": "\nimport tensorflow_text  # registers the operations" * by_pieces,
        "prompt": json.dumps(prompt, ensure_ascii=False),
        "ids": ids,
        "plain": readmes.shell_json({"instances": [prompt if text else ids]}),
        "sampled": readmes.shell_json(
            {"signature_name": "sample", "instances": [{"prompts": prompt, **options}]}
        ),
        "prefilled": readmes.shell_json(
            {"signature_name": "prefill", "instances": [{"tokens": ids, "lengths": len(ids)}]}
        ),
        "states": "".join(
            f"- `{key}`, {state.dtype.name} [B, {', '.join(map(str, state.shape[1:]))}]\n"
            for key, state in states.items()
        ),
    }
    attends = bool(loaded.attention_heads)
    parts = [HEAD, CONTEXT if context else NO_CONTEXT]
    if text:
        parts += [TEXT + TEXT_MAPS * attends, TEXT_EXAMPLE, SAMPLE]
    else:
        parts += [NO_TEXT]
    parts += [IDS + IDS_MAPS * attends, STREAM, FULL if context else ENDLESS]
    parts += [CODES] if text else []
    parts += [ATTENTION if attends else NO_ATTENTION, SERVING, ASK_SAMPLE if text else ""]
    return readmes.filled(filter(None, parts), values)


HEAD = """
# {name}

A language model (`{model}`) trained on the task `{task}`, as a TensorFlow SavedModel, written by
{versions}. Training data: {origin}.

It goes on from any number of prompts at once, short and long ones together; each answer depends on
its own prompt alone. Tokens are {unit}s; there are {vocabulary}, and those with the ids {excluded}
are never written. Below, B is the number of prompts, P, T and N are the numbers of tokens of the
longest prompt, of the longest continuation, and of what is looked at for the attention; L and H are
the numbers of layers and heads. Whatever is shorter is padded on its right.
"""

CONTEXT = """
Limits, kept inside the graph: of a prompt the last {last} tokens are read; a shorter one is read
after a start token (id {start}). When the context of {context} tokens is full, the model goes on
from the last {half}, again and again, so a continuation may be longer than the context. One request
writes at most {most} tokens.
"""

NO_CONTEXT = """
A prompt may have any length; it is read after a start token (id {start}). One request writes at
most {most} tokens.
"""

TEXT = """
## Signature `serving_default`: the likeliest continuation

{needs}

Input:

- `prompts`, string [B]: UTF-8, read as it is, spaces and line breaks included; U+FFFD stands for
  bytes that are no UTF-8. Of a longer prompt the last {characters} characters are read. An empty
  prompt begins as a text of the training data does.

It writes {usual} tokens, each time the likeliest. Outputs:

- `text`, string [B]: the continuations, without the prompts.
- `tokens`, string [B, T]: the tokens of each continuation as a page shows them: `␣` is a space,
  `↵` a line break; `""` is padding.
- `ids`, int32 [B, T]: their ids; 0 is padding.
- `log_probs`, float32 [B, T]: natural logarithm of each token's probability, given all before it,
  before temperature, top-k and top-p; 0 where there is padding.
- `lengths`, int32 [B]: how many tokens each continuation has.
- `prompt_tokens`, string [B, P]: what was read, the start token first where there was room for it.
- `notes`, string [B]: what to know of each answer, one sentence a line; `""` where there is nothing
  to say. A prompt that was cut or is empty, and what of it is not in the vocabulary.
"""

TEXT_MAPS = """\
- `attention_decoder`, float32 [B, L, H, N, N]: see Attention.
- `attention_tokens`, string [B, N]: the tokens of both its axes.
"""

TEXT_EXAMPLE = """
```python
import tensorflow as tf{load}

answer = tf.saved_model.load(".").signatures["serving_default"]
answer(prompts=tf.constant([{prompt}]))["text"]
```
"""

NEEDS = """
Needs the operations of `tensorflow-text`: TensorFlow Serving has them; in Python, import it.
""".strip()

NEEDS_NOTHING = "Needs no operations but TensorFlow's own."

SAMPLE = """
## Signature `sample`: tokens drawn by chance

Inputs, all of which a request gives:

- `prompts`, string [B]: as above.
- `max_new_tokens`, int32 [B]: how many tokens to write, 1 to {most}; other numbers count as the
  nearest of these.
- `temperature`, float32 [B]: divides the logits; 0 takes the likeliest token each time.
- `top_k`, int32 [B]: draw among the so many likeliest tokens; 0: among all.
- `top_p`, float32 [B]: draw among the fewest likeliest tokens that together have this probability;
  1: among all.
- `seed`, int64 [B]: of the draws. The same prompt, options and seed give the same answer, in any
  batch; give each row its own. The draws are TensorFlow's (Philox): with the same seed the Python
  package, whose draws are NumPy's, writes another text.

Outputs: those of `serving_default` without the attention.

## Signature `draws`: the same with draws of the caller's own

Inputs:

- `prompts`, string [B], `temperature`, float32 [B], `top_k`, int32 [B], `top_p`, float32 [B]: as in
  `sample`.
- `uniform`, float32 [B, T]: numbers from 0 up to, not including, 1, one for each token to write, at
  most {most}. With those of `zoo.inference.sampling.draw(seed, B, T)` it writes what the Python
  package writes.

Outputs: those of `sample`.
"""

NO_TEXT = """
There is no signature of text in this export, and no operation that is not TensorFlow's own.
`serving_default` is the same signature as `ids`. It writes {usual} tokens.
"""

IDS = """
## Signature `ids`: the likeliest continuation, for clients that tokenise by themselves

Input:

- `ids`, int32 [B, P]: ids of the tokenizer in `assets.extra/{file}`; 0 is padding. The
  start token is put before them where there is room for it; an id outside the vocabulary counts as
  3, the unknown token.

Outputs:

- `ids`, int32 [B, T], `log_probs`, float32 [B, T], and `lengths`, int32 [B]: what was written, its
  log-probabilities, and how many there are; 0 is padding.
"""

IDS_MAPS = """\
- `attention_decoder`, float32 [B, L, H, N, N]: see Attention.
- `attention_ids`, int32 [B, N]: the ids on both its axes; 0 is padding.
"""

STREAM = """
## Signatures `prefill` and `step`: token by token, for a caller that streams and chooses itself

`prefill` reads prompts. Inputs:

- `tokens`, int32 [B, P]: ids, padded on the right; nothing is put before them.
- `lengths`, int32 [B]: how many of each row are real, 1 or more.

`step` reads one more token of each row. Inputs:

- `token`, int32 [B]: its id.
- `index`, int32 [B]: how many tokens the row has read before it.
- the state, as the call before gave it.

Both give:

- `logits`, float32 [B, V]: of what comes next, over the whole vocabulary. Never choose the ids
  {excluded}: the model has not learnt to write them.
- the state, to be handed to the next call as it is:

{states}
"""

FULL = """
There are no more than {context} tokens in a state. `predict` and the other signatures then go on
so: `prefill` with the last {half} tokens, whose logits are of what comes next, and `index` {half}.
"""

ENDLESS = """
The state does not grow, so there is no end to the steps; `index` may be anything.
"""

CODES = """
## Signatures `encode` and `decode`

`encode` takes `text`, string [B], and gives what `serving_default` reads of it, for `prefill`:

- `ids`, int32 [B, P]: the start token first where there is room for it; 0 is padding.
- `lengths`, int32 [B]: how many there are.
- `tokens`, string [B, P], and `notes`, string [B]: as above.

`decode` takes `ids`, int32 [B, P], and gives `text`, string [B]; padding is left out.
"""

ATTENTION = """
## Attention

`attention_decoder[b, l, h, t, s]` is the weight that head `h` of layer `l` gave to the token `s`
when it read the token `t`, to say what follows it. The N tokens are those of the prompt and then
all written ones but the last, at most the context; a row sums to 1 over the tokens up to itself,
and padding is 0. A high weight says where the model looked, and not why it wrote what it wrote. The
maps grow with the square of N: where they are not wanted, `sample` with temperature 0 has none, and
a gRPC request may name the outputs that it wants (`output_filter`).
"""

NO_ATTENTION = """
## Attention

This model has none: all it knows of what it read is one state.
"""

SERVING = """
## TensorFlow Serving

```bash
tensorflow_model_server --rest_api_port=8501 --model_name={name} --model_base_path="$FOLDER"
curl -d '{plain}' localhost:8501/v1/models/{name}:predict
curl -d '{prefilled}' localhost:8501/v1/models/{name}:predict
```

`$FOLDER` is the absolute path of the folder that holds this version's folder. `"signature_name"`
names the signature; rows of ids must be padded to one length. The first request of a process is
slow, so the server answers those in `assets.extra/tf_serving_warmup_requests` before it says that
it is ready. A batch takes as long as its longest prompt and its longest continuation.
"""

ASK_SAMPLE = """
By chance, with options for each prompt:

```bash
curl -d '{sampled}' localhost:8501/v1/models/{name}:predict
```
"""
