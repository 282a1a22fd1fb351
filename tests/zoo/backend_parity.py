"""What a model folder answers on the backend in use, as arrays: run under two and compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from keras import ops

import zoo
from tests.zoo import tiny_classifiers, tiny_forecasters, tiny_models
from zoo.inference.classifier import ClassifierPredictor
from zoo.inference.generation import generate
from zoo.inference.language_model import LanguageModelPredictor
from zoo.inference.sampling import Sampling
from zoo.interpret import Force, Off, edited_network
from zoo.interpret.edits import Edits

LENGTHS = [8, 3, 5]


def answers(folder: Path) -> dict[str, np.ndarray]:
    """Logits and maps of fixed ids, and what is written greedily."""
    loaded = zoo.load(folder)
    if loaded.config["kind"] == "language_model":
        return text_answers(loaded)
    if loaded.config["kind"] == "forecaster":
        [found] = loaded.predict(tiny_forecasters.SCALER.restored(tiny_forecasters.histories(1)[0]))
        return {"tokens": found.mean, "quantiles": found.quantiles, **found.attention}
    if loaded.config["kind"] == "classifier":
        return label_answers(loaded)
    network = loaded.model
    source = tiny_models.rows(LENGTHS, network.config.source_vocabulary, seed=7)
    target = tiny_models.rows(LENGTHS[::-1], network.config.target_vocabulary, seed=8)
    logits, maps = network.decode(tiny_models.shifted(target), network.encode(source))
    written = generate(network, source, length=8)
    found = {"logits": logits, **maps, **written._asdict()}
    if network.attention_heads:
        kind = next(iter(network.attention_heads))
        edits = Edits(network.attention_heads, [Off(kind, 0, 0)], [(Force(1, 1, kind), [1], [1])])
        made = edited_network.generate(network, source, edits.arrays(8, 8), [5], length=8, limit=8)
        found |= {f"edited {name}": array for name, array in made._asdict().items()}
    return {name: ops.convert_to_numpy(array) for name, array in found.items()}


def text_answers(loaded: LanguageModelPredictor) -> dict[str, np.ndarray]:
    """The same of a language model: of ids read at once, of a prompt, and of a text."""
    ids = tiny_models.rows([9, 9], loaded.tokenizer.size, seed=7)
    logits, maps = loaded.model.decode(ops.convert_to_tensor(ids), {})
    found = {"logits": logits, **maps}
    for name, sampling in (("greedy", None), ("drawn", Sampling(0.8, top_k=9))):
        written = loaded.predict(["To be, ", "or"], 40, sampling, seed=2)
        found[f"{name} ids"] = np.stack([loaded.tokenizer.encode(w.text) for w in written])
        found[f"{name} log-probabilities"] = np.stack([w.log_probs for w in written])
    found["tokens"] = found["greedy ids"]
    found["text"] = loaded.log_probs("To be, or not to be, that is the question:\n" * 3)
    return {name: ops.convert_to_numpy(array) for name, array in found.items()}


def label_answers(loaded: ClassifierPredictor) -> dict[str, np.ndarray]:
    """The same of a classifier: probabilities and maps of inputs of its kind."""
    model = loaded.config["model"]
    found = loaded.predict(tiny_classifiers.inputs(model))
    answers = {"probabilities": np.array([list(one.probabilities.values()) for one in found])}
    answers["tokens"] = tiny_classifiers.arrays(model)
    for number, one in enumerate(found):
        answers |= {f"{kind} {number}": array for kind, array in one.attention.items()}
    return answers


def write(out: str, *folders: str) -> None:
    """The answers of all folders into a file, each by folder and name."""
    found = {
        f"{Path(folder).name}/{name}": array
        for folder in folders
        for name, array in answers(Path(folder)).items()
    }
    np.savez(out, **found)
