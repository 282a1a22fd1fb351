"""What a model folder answers on the backend in use, as arrays: run under two and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

import zoo
from tests.zoo import tiny_classifiers, tiny_forecasters, tiny_models
from training.objectives.cross_entropy import SmoothedCrossEntropy
from training.objectives.forecaster import ForecastLoss
from zoo import registry
from zoo.inference.classifier import ClassifierPredictor
from zoo.inference.forecaster import ForecasterPredictor
from zoo.inference.generation import generate
from zoo.inference.language_model import LanguageModelPredictor
from zoo.inference.sampling import Sampling
from zoo.inference.seq2seq import Seq2SeqPredictor
from zoo.interpret import Force, Off, edited_network
from zoo.interpret.edits import Edits
from zoo.runtime import backend
from zoo.tokenizer import PAD

LENGTHS = [8, 3, 5]
LIMITS = [8, 2, 5, 8]
"""Of the same rows and one of padding: each is written until its own limit."""

Arrays = dict[str, Any]


def answers(folder: Path) -> dict[str, np.ndarray]:
    """Logits, maps, states and what is written; and the weights that a step of training leaves.

    A variant of an architecture says only what its network computes.
    """
    loaded = zoo.load(folder)
    of_kind = {
        "seq2seq": pair_answers,
        "language_model": text_answers,
        "forecaster": series_answers,
        "classifier": label_answers,
    }
    found = of_kind[loaded.config["kind"]](loaded, is_variant(folder))
    return {name: ops.convert_to_numpy(array) for name, array in found.items()}


def place(path: Path, kind: str, variant: str) -> Path:
    """The folder of an architecture or variant within `path`."""
    return path / f"{kind}-{variant}"


def is_variant(folder: Path) -> bool:
    """Whether a folder of `place` has an architecture with other settings than its own."""
    kind, _, variant = folder.name.partition("-")
    return variant not in registry.of_kind(kind)


def run(network: Any, function: Any, *given: Any) -> Any:
    """Eager on TensorFlow; JAX otherwise compiles operation by operation."""
    if keras.backend.backend() == "jax":
        return backend.compiled(network, function)(*given)
    return function(network, *map(ops.convert_to_tensor, given))


def trained(loaded: Any, inputs: Any, follow: np.ndarray, loss: Any = None) -> Arrays:
    """The weights after a step of training, of a rate at which gradients are seen in them."""
    network, config = loaded.model, loaded.config
    if registry.architecture(config["model"], config["kind"]).closed_form:
        return {}
    jax = keras.backend.backend() == "jax"
    loss = loss or SmoothedCrossEntropy(0.1)
    network.compile(keras.optimizers.SGD(1.0), loss, jit_compile=jax, run_eagerly=not jax)
    weights = np.full(follow.shape, 1 / follow.size, "float32")
    before = [ops.convert_to_numpy(weight) for weight in network.trainable_variables]
    value = network.train_on_batch(inputs, follow, sample_weight=weights)
    after = [ops.convert_to_numpy(weight) for weight in network.trainable_variables]
    assert all(np.isfinite(weight).all() for weight in after)
    assert sum(map(np.any, map(np.subtract, after, before))) > len(before) / 2
    return {"loss": np.float32(value)} | {f"trained {i}": array for i, array in enumerate(after)}


def at_once(network: Any, source: Any, target: Any) -> Any:
    return network.decode(target, network.encode(source))


def written_by_steps(network: Any, source: Any, target: Any) -> Any:
    """Logits of each of the first steps."""
    memory = network.encode(source)
    state = network.init_state(memory, 9)
    logits = []
    for index in range(3):
        place = ops.convert_to_tensor(index, dtype="int32")
        step, state = network.step(target[:, index], place, state, memory)
        logits.append(step)
    return logits


def pair_answers(loaded: Seq2SeqPredictor, variant: bool) -> Arrays:
    """Of fixed ids, and what is written greedily."""
    network = loaded.model
    source = tiny_models.rows(LENGTHS, network.config.source_vocabulary, seed=7)
    target = tiny_models.rows(LENGTHS[::-1], network.config.target_vocabulary, seed=8)
    shifted = tiny_models.shifted(target)
    logits, maps = run(network, at_once, source, shifted)
    found = {"logits": logits, **maps, "tokens": target}
    if variant:
        steps = run(network, written_by_steps, source, shifted)
        found |= {f"step {i}": step for i, step in enumerate(steps)}
        return found | trained(loaded, (source, shifted), target)
    padded = np.concatenate([source, np.full_like(source[:1], PAD)])
    found |= generate(network, padded, length=8, limit=LIMITS)._asdict()
    if network.attention_heads:
        kind = next(iter(network.attention_heads))
        edits = Edits(network.attention_heads, [Off(kind, 0, 0)], [(Force(1, 1, kind), [1], [1])])
        made = edited_network.generate(network, source, edits.arrays(8, 8), [5], length=8, limit=8)
        found |= {f"edited {name}": array for name, array in made._asdict().items()}
    return found | trained(loaded, (source, shifted), target)


def read_all(network: Any, ids: Any) -> Any:
    return network.decode(ids, {})


def read_on(network: Any, ids: Any, lengths: Any, more: Any) -> tuple[Any, Any]:
    """Logits and states of pieces, the second of which goes on from the first, and of a step."""
    begin = ops.zeros_like(lengths)
    found, state = network.read(ids[:, :4], network.init_state(2, 9), begin, lengths)
    further, after = network.read(ids[:, 4:7], state, lengths, more)
    step, last = network.step(ids[:, 7], lengths + more, after)
    return [found, further, step], [state, after, last]


def text_answers(loaded: LanguageModelPredictor, variant: bool) -> Arrays:
    """Of ids read at once and in pieces, of a prompt, and of a text."""
    network = loaded.model
    ids = tiny_models.rows([9, 9], loaded.tokenizer.size, seed=7)
    logits, maps = run(network, read_all, ids)
    lengths, more = np.array([4, 2], "int32"), np.array([0, 3], "int32")
    pieces, states = run(network, read_on, ids, lengths, more)
    pieces = [ops.convert_to_numpy(piece) for piece in pieces]
    found = {"logits": logits, **maps, "tokens": ids, "step": pieces[2]}
    for row in range(2):  # what is read of a row; the rest means nothing
        found[f"first piece {row}"] = pieces[0][row, : lengths[row]]
        found[f"second piece {row}"] = pieces[1][row, : more[row]]
    found |= {f"state {i}": leaf for i, leaf in enumerate(keras.tree.flatten(states))}
    if not variant:
        for name, sampling in (("greedy", None), ("drawn", Sampling(0.8, top_k=9))):
            written = loaded.predict(["To be, ", "or"], 40, sampling, seed=2)
            found[f"{name} ids"] = np.stack([loaded.tokenizer.encode(w.text) for w in written])
            found[f"{name} log-probabilities"] = np.stack([w.log_probs for w in written])
        found["text"] = loaded.log_probs("To be, or not to be, that is the question:\n" * 3)
    return found | trained(loaded, ids[:, :-1], ids[:, 1:])


def series_answers(loaded: ForecasterPredictor, variant: bool) -> Arrays:
    """Of one window."""
    history = tiny_forecasters.histories(3)
    [one] = loaded.predict(tiny_forecasters.SCALER.restored(history[0]))
    found = {"tokens": one.mean, "quantiles": one.quantiles, **one.attention}
    future = tiny_forecasters.histories(3, seed=1)[:, : tiny_forecasters.HORIZON]
    return found | trained(loaded, history, future, ForecastLoss())


def label_answers(loaded: ClassifierPredictor, variant: bool) -> Arrays:
    """Probabilities and maps of inputs of its kind."""
    model = loaded.config["model"]
    made = loaded.predict(tiny_classifiers.inputs(model))
    found = {"probabilities": np.array([list(one.probabilities.values()) for one in made])}
    found["tokens"] = tiny_classifiers.arrays(model)
    for number, one in enumerate(made):
        found |= {f"{kind} {number}": array for kind, array in one.attention.items()}
    return found | trained(loaded, found["tokens"], np.array([[0], [1], [2], [0]]))


def write(out: str, *folders: str) -> None:
    """The answers of all folders into a file, each by folder and name."""
    found = {
        f"{Path(folder).name}/{name}": array
        for folder in folders
        for name, array in answers(Path(folder)).items()
    }
    np.savez(out, **found)
