"""A trained `transformer` for CTranslate2, which answers on CPUs and GPUs without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import cleaning, registry
from zoo.export import ctranslate2_model, folders, readmes
from zoo.export.ctranslate2_model import CTranslate2Error
from zoo.inference.seq2seq_base import MAX_CHARACTERS
from zoo.saving import write_aside, write_json

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor

README = '''
# {name}

A `{model}` trained on the task `{task}`, for [CTranslate2](https://opennmt.net/CTranslate2/) with
{precision} weights, {size:.1f} MB. Training data: {origin}.

`pip install ctranslate2 sentencepiece`, then, in this folder:

```python
import json
import re
import unicodedata

import ctranslate2
import sentencepiece

FOLDER = "."
INVISIBLE = {invisible}
SPACE = {space}

with open(f"{{FOLDER}}/preprocessing.json", encoding="utf-8") as file:
    SETTINGS = json.load(file)
READER, WRITER = (
    sentencepiece.SentencePieceProcessor(model_file=f"{{FOLDER}}/{{SETTINGS[side]['tokenizer']}}")
    for side in ("source", "target")
)
TRANSLATOR = ctranslate2.Translator(FOLDER, device="cpu")


def normalise(text):
    """The text as it was prepared for training."""
    text = text[:{characters}]
    for step in SETTINGS["source"]["normalizer"]:
        ((name, value),) = step.items()
        if name == "unicode":
            text = unicodedata.normalize(value, text)
        elif name == "remove":
            text = "".join(c for c in text if unicodedata.category(c) not in value)
        elif name == "replace":
            for old, new in value.items():
                text = text.replace(old, new)
        elif name == "lower":
            text = text.lower()
    text = unicodedata.normalize("NFC", re.sub(INVISIBLE, "", text))
    return re.sub(SPACE, " ", text).strip(" ")


def cut(text):
    """Tokens by the names that they have in the vocabulary, closed by the end of the text."""
    ids = READER.encode(normalise(text))[: SETTINGS["source"]["max_tokens"] - 1]
    return [READER.id_to_piece(i) for i in ids] + ["</s>"]


def join(tokens):
    return WRITER.decode([WRITER.piece_to_id(token) for token in tokens])


def answer(texts, beams=1, length_penalty=0.6):
    """For each text (answer, score), or, with several beams, as many of them, the best first."""
    sources = [cut(text) for text in texts]
    found = TRANSLATOR.translate_batch(
        sources,
        beam_size=beams,
        num_hypotheses=beams,
        length_penalty=length_penalty,
        min_decoding_length=0,
        max_decoding_length=SETTINGS["target"]["max_tokens"],
        max_batch_size=32,
        return_scores=True,
    )
    return [
        list(zip(map(join, one.hypotheses), one.scores)) if len(source) > 1 else [("", 0.0)]
        for source, one in zip(sources, found)
    ]


if __name__ == "__main__":
    for text, score in answer([{example}], beams=5)[0]:
        print(f"{{score:.3f}} {{text}}")
```

- A score is the sum of the natural log-probabilities of what was written, the closing `</s>`
  included, divided by `n ** length_penalty`, n being the number of these tokens: 0 is certain, and
  with `length_penalty=0` its exponential is the probability of the answer.
- With one beam (greedy) the float32 export writes the tokens that the zoo's `predict` writes. A
  beam there divides by `((5 + n) / 6) ** 0.6` and goes on until nothing better can come, so some
  answers of a beam, and all scores, are others.
- `<pad>`, `<s>` and `<unk>` are never written: a bias of {never:.0f} in the output layer leaves
  them no probability. A given target that contains one (`score_batch`) has a score to match.
- `ctranslate2.Translator(..., compute_type="int8")` converts float32 weights as they are loaded;
  `inter_threads` and `intra_threads` say how many cores share the work.

- `model.bin`, `config.json`: the network; `*_vocabulary.json`: the token behind each id.
- `*.model`: SentencePiece's tokenizers. `preprocessing.json`: for each side its tokenizer and the
  most tokens, the closing one included; for the source also the steps of `normalise`.
- `card.json`: how the model was trained, and what it scores.
'''


def missing(config: Mapping[str, Any], name: str = "this") -> str:
    """Why no model with this config.json is exported for CTranslate2; empty where one is.

    Example:
        >>> missing({"kind": "seq2seq", "model": "transformer"})
        ''
        >>> missing({"kind": "seq2seq", "model": "lstm"}, "en-es-lstm")
        'CTranslate2 runs Transformers, and en-es-lstm is an LSTM model: --format litert exports it'
    """
    kind, model = config["kind"], config["model"]
    if (kind, model) == ("seq2seq", "transformer"):
        return ""
    label = registry.architecture(model, kind).label
    if kind == "seq2seq":
        article = "an" if label.startswith("LSTM") else "a"
        return (
            f"CTranslate2 runs Transformers, and {name} is {article} {label} model: "
            "--format litert exports it"
        )
    other = (
        "" if registry.architecture(model, kind).counted else ": --format saved_model exports it"
    )
    return (
        "only Transformers that write a target for a source are exported for CTranslate2, and "
        f"{name} is a {kind.replace('_', ' ')} ({label}){other}"
    )


def export(
    loaded: Seq2SeqPredictor, folder: str | Path, precision: str = "float32", example: str = ""
) -> Path:
    """Write `loaded` into `folder`: model, vocabularies, tokenizers, card and README.

    Args:
        loaded: a Transformer, which came from a folder.
        folder: where to; what a former export left there is replaced when this one is complete.
        precision: of the weights, "float32" or "int8".
        example: a text that the README asks for.

    Returns:
        The folder.

    Raises:
        CTranslate2Error: another architecture, something that CTranslate2 does not hold, or
            CTranslate2 is not installed.
        FileExistsError: there is something else in `folder`.
    """
    if why := missing(loaded.config, loaded.name):
        raise CTranslate2Error(why)
    folder = Path(folder)
    with folders.replaced(folder, "model.bin", "CTranslate2 model") as aside:
        sides = {"source": loaded.source_tokenizer, "target": loaded.target_tokenizer}
        tokens = [side.pieces(range(side.size)) for side in sides.values()]
        ctranslate2_model.write(loaded.model, aside, *tokens, precision)
        folders.copy_files(loaded, aside, "card.json")
        most = {"source": loaded.max_source_length, "target": loaded.max_target_length}
        settings: dict[str, dict[str, Any]] = {
            side: {"tokenizer": loaded.config["tokenizers"][side], "max_tokens": most[side]}
            for side in sides
        }
        settings["source"]["normalizer"] = loaded.source_tokenizer.normalizer.steps
        write_json(aside / "preprocessing.json", settings)
        text = README.lstrip("\n").format(
            **readmes.folder_facts(loaded, aside, example),
            precision=precision,
            invisible=ascii(cleaning.INVISIBLE),
            space=ascii(cleaning.SPACE),
            characters=MAX_CHARACTERS,
            never=ctranslate2_model.NEVER,
        )
        write_aside(aside / "README.md", text.encode())
    return folder
