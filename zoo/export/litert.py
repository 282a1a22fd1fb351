"""A trained `seq2seq` model as LiteRT graphs, which answer without TensorFlow and Keras."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.export import folders
from zoo.inference import litert_making
from zoo.saving import write_aside

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor

README = """
# {name}

A `{model}` trained on the task `{task}`, as LiteRT (TensorFlow Lite) graphs with {precision}
weights, {size:.1f} MB. Training data: {origin}.

With the package `zoo`, NumPy, `sentencepiece` and `ai-edge-litert`, and neither TensorFlow nor
Keras (`requirements-run.txt`):

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
- `step_1`, `step_5`: for 1 or 5 rows, `token` int32 (N,), `index` int32 (1,), the position from 0
  on, memory and state, to `logits` (N, V'), padded to blocks of 64 and very low where a token is no
  answer; `most` (N, V' / 64), the largest of each block; `normalizer` (N, 1): logits minus it are
  natural log-probabilities; and the state. Of a cache only what is new comes back, one place on the
  axis that `graphs.json` names: write it there at `index`.
- `score`: `source` (1, S), `target_in` (1, T), which begins with 1, and `target_out` (1, T) to
  `log_probs` (1, T) and the attention maps `map_cross`, ... (1, layers, heads, rows, columns).

No more than {source} source and {target} target tokens, the closing ones included.
"""


def missing(config: Mapping[str, Any]) -> str:
    """Why there are no LiteRT graphs of a model with this config.json; empty where there are."""
    kind = config["kind"]
    return "" if kind == "seq2seq" else f"there are no LiteRT graphs of the kind {kind}"


def export(
    loaded: Seq2SeqPredictor, folder: str | Path, precision: str = "float32", example: str = ""
) -> Path:
    """Write `loaded` into `folder`: graphs, tokenizers, configuration, card and README.

    Args:
        loaded: the model, which came from a folder.
        folder: where to; what a former export left there is replaced when this one is complete.
        precision: of the weights, "float32" or "int8".
        example: a text that the README asks for.

    Returns:
        The folder.

    Raises:
        ValueError: the model is of another kind, or its network cannot be converted
            (`zoo.runtime.litert_conversion.ConversionError`).
        FileExistsError: there is something else in `folder`.
    """
    if why := missing(loaded.config):
        raise ValueError(why)
    folder = Path(folder)
    with folders.replaced(folder, "graphs.json", "graphs") as aside:
        litert_making.make(loaded, aside, precision)
        folders.copy_files(loaded, aside, "config.json", "card.json")
        text = README.strip("\n").format(
            **folders.facts(loaded, aside, example), precision=precision
        )
        write_aside(aside / "README.md", f"{text}\n".encode())
    return folder
