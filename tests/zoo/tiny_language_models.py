"""Language models with a tokenizer of each unit, small enough to be made in every test run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from keras import ops

from zoo import registry, saving
from zoo.building import build
from zoo.inference.language_model import LanguageModelPredictor
from zoo.inference.ngram import NGramPredictor
from zoo.models.ngram import KneserNey
from zoo.runtime import backend
from zoo.text_tokenizers import Characters, SubWords, TextTokenizer, Words

TEXT = (
    "To be, or not to be, that is the question:\n"
    "Whether 'tis nobler in the mind to suffer\n"
    "The slings and arrows of outrageous fortune,\n\n"
    "Or to take arms against a sea of troubles,\n"
    "And by opposing end them: to die, to sleep;\n"
    "No more; and by a sleep to say we end\n"
    "The heart-ache and the thousand natural shocks\n"
)
LLAMA = {"norm_by": "rms", "activation": "swiglu", "bias": False, "heads": 4, "key_heads": 2}
LLAMA |= {"rotary_base": 100_000.0, "norm_epsilon": 1e-5}
"""The hyper-parameters of `gpt` that make it a Llama."""
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{model: (model, {}) for model in registry.of_kind("language_model")},
    **{f"gpt-{kind}": ("gpt", {"positions": kind}) for kind in ("learned", "sinusoidal", "none")},
    "gpt-llama": ("gpt", LLAMA),
    "feed-forward-bigram": ("feed-forward", {"window": 1}),
}
"""Architectures and hyper-parameters that are held to the laws."""

VOCABULARY = 17
LONGEST = 72
"""Tokens that `log_softmax` reads of a network without a context."""
UNITS = ("character", "word", "sub-word")


def tokenizer(unit: str) -> TextTokenizer:
    """Learnt on `TEXT`; "ptb" are words with one that stands for those unknown."""
    if unit == "ptb":
        return Words.learn(TEXT.replace("arms", "<unk>"))
    if unit == "sub-word":
        return SubWords.learn(TEXT, 340)
    return (Characters if unit == "character" else Words).learn(TEXT)


def config(
    path: Path,
    model: str,
    tokens: TextTokenizer,
    network: Any,
    task: str = "text:hamlet.txt",
) -> dict[str, Any]:
    """The content of `config.json`."""
    return saving.model_config(
        kind="language_model",
        name=path.name,
        task=task,
        model=model,
        preset="nano",
        network=network,
        tokenizers={"text": f"tokenizer{tokens.suffix}"},
        unit=tokens.unit,
    )


def network(model: str, precision: str = "float32", **overrides: Any) -> Any:
    """A network whose every weight, biases included, is far from where it started."""
    sizes = {"vocabulary": VOCABULARY, **overrides}
    made = registry.configuration(model, "nano", kind="language_model", **sizes)
    built = build(model, made, seed=3, precision=precision, kind="language_model")
    random = np.random.default_rng(5)
    for weight in built.trainable_variables:
        noise = random.normal(scale=0.3, size=tuple(weight.shape)).astype("float16")
        # Half precision, as saved: the answers are the same before and after.
        weight.assign((np.asarray(weight).astype("float16") + noise).astype("float32"))
    return built


def predictor(
    model: str,
    unit: str = "character",
    path: Path | None = None,
    task: str = "text:hamlet.txt",
    **overrides: Any,
) -> LanguageModelPredictor:
    """A predictor whose every weight is far from where it started; saved where there is a path."""
    tokens = tokenizer(unit)
    made = network(model, vocabulary=tokens.size, **overrides)
    folder = path or Path(f"nano-{model}")
    known = config(folder, model, tokens, made, task)
    if path is not None:
        arrays = saving.weight_arrays(made)
        saving.save_folder(path, arrays, known, {known["tokenizers"]["text"]: tokens})
    return LanguageModelPredictor(folder.name, made, tokens, known, path=path)


def _whole(network: Any, tokens: Any) -> Any:
    return ops.log_softmax(network.decode(tokens, {})[0])


def log_softmax(model: LanguageModelPredictor, ids: list[int]) -> np.ndarray:
    """(N, V) after each of `ids`, read all at once."""
    size = model.context or LONGEST
    padded = np.zeros((1, size), "int32")
    padded[0, : len(ids)] = ids
    return ops.convert_to_numpy(backend.compiled(model.model, _whole)(padded))[0, : len(ids)]


def ngram() -> NGramPredictor:
    """Words of `TEXT`, counted."""
    tokens = tokenizer("word")
    allowed = np.ones(tokens.size, bool)
    allowed[list(tokens.excluded)] = False
    stream = np.concatenate([[tokens.start], tokens.encode(TEXT)])
    tables = KneserNey.fit(stream, 3, tokens.size, allowed=allowed)
    return NGramPredictor("counted", tables, tokens, {"kind": "language_model"})
