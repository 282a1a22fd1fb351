"""The README of a folder of LiteRT graphs: what it holds and how to use it, for each kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo import saving
from zoo.export import readmes

if TYPE_CHECKING:
    from zoo.inference.litert_making import Loaded

INTRO = """
# {name}

A `{model}` trained on the task `{task}`, as LiteRT (TensorFlow Lite) graphs with {precision}
weights, {size:.1f} MB. Training data: {origin}.

With the package `zoo`, NumPy, `sentencepiece` and `ai-edge-litert`, and neither TensorFlow nor
Keras (`requirements-run.txt`):
"""
SEQ2SEQ = """
    import zoo
    model = zoo.load("path/to/this/folder")
    answer, = model.predict([{example}], beams=5)
    answer.text, answer.log_probs, answer.attention

or, a text a line: `python -m zoo answer path/to/this/folder < texts > answers`.

## The graphs, for other programs

`graphs.json` names for each the axes of its inputs; S source tokens, T target tokens and C, the
room of the cache, are free (`resize_tensor_input`). Ids are those of the SentencePiece files here;
0 is padding, 1 begins a target, 2 ends texts.

- `encode`: `source` int32 (1, S) to `memory_0`, ... and what a recurrent decoder's `state_0`, ...
  begins with. Other states are a cache and begin with zeros.
- `step_1`, `step_5`, `batch`: for 1 or 5 rows of one source, or 14 rows with a source each, `token`
  int32 (N,), `index` int32 (1,), the position from 0 on, memory and state, to `logits` (N, V'),
  padded to blocks of 64 and very low where a token is no answer; `most` (N, V' / 64), the largest
  of each block; `normalizer` (N, 1): logits minus it are natural log-probabilities; and the state.
  Of a cache only what is new comes back, one place on the axis that `graphs.json` names: write it
  there at `index`.
- `score`: `source` (1, S), `target_in` (1, T), which begins with 1, and `target_out` (1, T) to
  `log_probs` (1, T) and the attention maps `map_cross`, ... (1, layers, heads, rows, columns).

No more than {source} source and {target} target tokens, the closing ones included.
"""
LANGUAGE_MODEL = """
    import zoo
    from zoo.inference.sampling import Sampling
    model = zoo.load("path/to/this/folder")
    answer, = model.predict([{example}], max_new_tokens=100, sampling=Sampling(0.8), seed=1)
    answer.text, answer.tokens[0].candidates, answer.attention
    for token in model.stream({example}):
        print(token.text, end="")
    model.score({example}).perplexity

or `python -m zoo continue --model path/to/this/folder "A prompt"`.

## The graphs, for other programs

`graphs.json` names for each the axes of its inputs; T tokens and C, the room of the cache, are free
where a letter stands (`resize_tensor_input`). Ids are those of the tokenizer's file here; before
the first token of a text stands {start}.

- `read`: `tokens` int32 (1, T), padded on the right, `index` int32 (1,), how many were read before,
  `lengths` int32 (1,), how many of these are real, and the state, to `logits` (1, T, V) of what
  follows each, and the state after them. A state begins with zeros, or with what `begins` says.
- `step_1`: `token` int32 (1,), `index` int32 (1,) and the state to `logits` (1, V) and the state.
  Of a cache only what is new comes back, one place on the axis that `state` in `graphs.json`
  names: write it there at `index`.
- `decode`, of a model with a context: `tokens` (1, T) to `logits` (1, T, V) and the attention maps
  `map_decoder` (1, layers, heads, T, T).

{limit}
"""

FORECASTER = """
    import zoo
    model = zoo.load("path/to/this/folder")
    answer, = model.predict(history)  # (at least {lookback}, {channels}) values, oldest first
    answer.mean, answer.quantiles, answer.band(0.8), answer.attention

The series are {columns}.

## The graphs, for other programs

- `forecast`: `history` float32 (1, {lookback}, {channels}), z-scores by the means and deviations in
  `scaler.json`, to `values` (1, {horizon}, {channels}, 10): the expected value, then the quantiles
  0.1 to 0.9, in z-scores.
- `look`, of a model with attention: the same, and the maps `map_...` (1, M, layers, heads, queries,
  keys); M is {channels} where each series is read by itself, else 1.
"""


CLASSIFIER = """
    import zoo
    model = zoo.load("path/to/this/folder")
    answer, = model.predict([{given}])
    answer.name, answer.probabilities, answer.attention

It tells apart {classes}. Inputs: {reads}.

## The graphs, for other programs

- `classify`: `input` {array}, {meaning}, to `logits` float32 (1, {count}), before the softmax, in
  the order of the classes above.
- `look`, of a model with attention: the same, and the maps `map_...` (1, layers, heads, rows,
  columns); rows sum to 1.
"""
READS = {
    "text": (
        "texts, or lists of them",
        '"a text"',
        "ids of the tokenizer's file here, a `<s>` in "
        "front where it has sub-words, padded on the right with 0",
    ),
    "image": (
        "images: arrays of 0 to 255 or 0.0 to 1.0, or the bytes of a file",
        "image",
        "pixels from 0 to 1, by the means and deviations in `input.json`",
    ),
    "series": (
        "series of numbers",
        "series",
        "numbers by the means and deviations in `input.json`",
    ),
}
"""Of what a classifier reads: in words, in an example, and as the array of its graphs."""


def write(loaded: Loaded, folder: Path, precision: str, example: str) -> str:
    """Markdown for the export of a model.

    Args:
        loaded: the model.
        folder: of the graphs, already there.
        precision: of the weights.
        example: a text that the examples ask for.
    """
    known = {**readmes.folder_facts(loaded, folder, example), "precision": precision}
    if loaded.config["kind"] == "seq2seq":
        text = INTRO + SEQ2SEQ
    elif loaded.config["kind"] == "forecaster":
        known |= {"lookback": loaded.lookback, "horizon": loaded.horizon}
        known |= {"columns": ", ".join(loaded.columns), "channels": len(loaded.columns)}
        text = INTRO + FORECASTER
    elif loaded.config["kind"] == "classifier":
        reads, given, meaning = READS[loaded.reads]
        shape, dtype = saving.read_hyperparameters(folder, loaded.config).arrays()
        axes = ", ".join(["1", *("T" if size is None else str(size) for size in shape)])
        known |= {"reads": reads, "given": given, "meaning": meaning, "count": len(loaded.classes)}
        known |= {"classes": ", ".join(loaded.classes), "array": f"{dtype} ({axes})"}
        text = INTRO + CLASSIFIER
    else:
        context = loaded.context
        limit = f"No more than {context:,} tokens." if context else "Any number of tokens."
        known |= {"start": loaded.tokenizer.start, "limit": limit}
        text = INTRO + LANGUAGE_MODEL
    return text.strip("\n").format(**known) + "\n"
