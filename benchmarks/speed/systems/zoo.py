"""The zoo itself: its own training step with the defaults of `training.train`, its own decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.speed import forecasters, language_models, pretrained
from benchmarks.speed.language_models import SIZES, Size
from benchmarks.speed.protocol import PIECES, Block, decoding, generation, serve, shape, training
from benchmarks.speed.registry import DECODE, GENERATE, MORE, TRAIN, TRAIN_GPT
from benchmarks.speed.workload import EOS, TOKENS, Workload, pad

if TYPE_CHECKING:
    from training.config import TrainConfig
    from training.distributed.devices import Devices

STEPS = 10_000
"""Of the learning rate's schedule; it costs the same wherever it is."""


Steps = tuple[Callable[[Any], float], Iterator[tuple[Any, int]], int]
"""A step of training, its batches with their tokens, and how many to take before measuring."""


def train(model: str, data: Workload, precision: str) -> Block:
    """Steps of `training.loop.step` on the network that `training.networks` makes ready."""
    return training(*steps(model, data, precision))


def steps(model: str, data: Workload, precision: str) -> Steps:
    """What `train` measures."""
    from training.distributed.devices import ONE, prepare

    on = replace(ONE, parts=prepare(0, in_parts=True))
    from training import networks
    from training.data.batches import Batches
    from training.loop import step

    precision = precision or on.precision()
    config = settings(model, precision=precision, override={"dropout": 0.1})
    network = trainable(config, *without_text(data.vocabulary), on=on)
    batches = Batches(data.sources, data.targets, TOKENS, config.seed, multiple=on.rounding())
    shapes = networks.make_shapes(batches, on)
    # Compiled steps have few shapes, each of which must have been seen before it counts.
    return partial(step, network, on=on), feed(batches, shapes), 6 if not shapes else 40


def settings(model: str, **given: Any) -> TrainConfig:
    """What `training.train` does unless told otherwise, and what is `given`."""
    from training.config import TrainConfig

    return TrainConfig(task="benchmark", **{"model": model, "preset": "small", **given})


def trainable(
    config: TrainConfig, task: Any, tokenizers: dict[str, Any], on: Devices | None = None
) -> Any:
    """An encoder-decoder with its optimizer and loss, as a run of training has it."""
    from training import networks
    from training.distributed.devices import ONE
    from training.objectives.seq2seq import Seq2SeqObjective

    objective = Seq2SeqObjective(task)
    objective.tokenizers = tokenizers
    config = config.changed(smoothing=objective.smoothing)
    network, _ = objective.build(Path("benchmark"), config, None)
    networks.make_ready(network, objective, config, STEPS, on or ONE)
    return network


def without_text(
    vocabulary: int, longest_source: int = 128, longest_target: int = 128
) -> tuple[Any, dict[str, Any]]:
    """What an objective asks of a task and of the tokenizers of both its sides."""
    from zoo.normalizer import Normalizer
    from zoo.task_info import TaskInfo

    task = SimpleNamespace(
        info=lambda: TaskInfo(label="speed", hint="speed"),
        name="benchmark",
        unit="word",
        max_source_length=longest_source,
        max_target_length=longest_target,
        checks={},
    )
    tokenizer = SimpleNamespace(size=vocabulary, bytes=b"", normalizer=Normalizer())
    return task, {"source": tokenizer, "target": tokenizer}


def feed(batches: Any, shapes: tuple[Any, ...]) -> Iterator[tuple[Any, int]]:
    """What a `training.loop.Trainer` gives its steps: made ahead, filled up where it must be."""
    from training.data.batches import prefetch
    from training.data.buckets import fit

    for epoch in count():
        for batch in prefetch(batches.epoch(epoch)):
            yield fit(batch, shapes) if shapes else batch, batch.tokens


def train_gpt(measure: str, data: Workload, precision: str) -> Block:
    """Steps of `training.loop.step` on windows of one text; AdamW, averaging included."""
    return training(*steps_of_gpt(measure, precision))


def steps_of_gpt(measure: str, precision: str) -> Steps:
    """What `train_gpt` measures."""
    from training.distributed.devices import ONE, prepare

    on = replace(ONE, parts=prepare(0, in_parts=True))
    from training import networks
    from training.data.windows import Windows
    from training.loop import step
    from training.objectives.language_model import LanguageModelObjective

    size = SIZES[measure]
    config = settings(
        "gpt",
        precision=precision or on.precision(),
        smoothing=0.0,
        learning_rate=language_models.LEARNING_RATE,
        weight_decay=language_models.WEIGHT_DECAY,
    )
    objective = LanguageModelObjective(None)
    objective.rows, objective.length = size.rows, size.context
    network = gpt(size, config.precision)
    networks.make_ready(network, objective, config, STEPS, on)
    windows = Windows(language_models.stream(), size.context, size.rows, config.seed)
    return partial(step, network, on=on), feed(windows, ()), 6


def train_forecaster(data: Workload, precision: str) -> Block:
    """Steps of `training.loop.step` of a PatchTST; averaging included."""
    return training(*steps_of_forecaster(precision))


def steps_of_forecaster(precision: str) -> Steps:
    """What `train_forecaster` measures."""
    from training.distributed.devices import ONE, prepare

    on = replace(ONE, parts=prepare(0, in_parts=True))
    from training import networks
    from training.data.series_windows import SeriesWindows
    from training.loop import step
    from training.objectives.forecaster import ForecasterObjective
    from zoo import registry
    from zoo.building import build

    size = forecasters.SIZE
    names = ("lookback", "horizon", "channels", "patch", "stride", "layers", "hidden_size")
    given = {name: getattr(size, name) for name in (*names, "heads", "feed_forward_size")}
    sizes = registry.configuration(
        "transformer-patch", "tiny", kind="forecaster", **given, dropout=0.0
    )
    config = settings(
        "transformer-patch",
        preset="tiny",
        precision=precision or "float32",  # on a CPU, as `Objective.narrow` has it
        learning_rate=forecasters.LEARNING_RATE,
        smoothing=0.0,
    )
    objective = ForecasterObjective(
        SimpleNamespace(
            name="benchmark",
            protocol=SimpleNamespace(lookback=size.lookback, horizon=size.horizon),
        )
    )
    objective.rows = size.rows
    objective.scaler = SimpleNamespace(columns=range(size.channels))
    network = build("transformer-patch", sizes, precision=config.precision, kind="forecaster")
    networks.make_ready(network, objective, config, STEPS, on)
    windows = SeriesWindows(
        forecasters.series(), size.lookback, size.horizon, size.rows, config.seed
    )
    batches = ((batch, size.rows) for batch, _ in feed(windows, ()))
    return partial(step, network, on=on), batches, 6


def train_minilm(data: Workload, precision: str) -> Block:
    """Steps of `training.loop.step` on all weights of MiniLM and a head, as fine-tuning has it."""
    return training(*steps_of_minilm(precision))


def steps_of_minilm(precision: str) -> Steps:
    """What `train_minilm` measures."""
    from training.distributed.devices import ONE, prepare

    on = replace(ONE, parts=prepare(0, in_parts=True))
    from training import networks
    from training.data.rows import RowBatch
    from training.loop import step
    from training.objectives.classifier import ClassifierObjective
    from training.tasks.classification import make
    from zoo import registry, saving
    from zoo.building import build
    from zoo.pretrained import sources

    base = sources.find("minilm")
    config = settings(
        base.model,
        precision=precision or on.precision(),
        smoothing=0.0,
        learning_rate=pretrained.LEARNING_RATE,
    )
    entry = registry.architecture(base.model, base.kind)
    sizes = registry.make_config(entry.config, {**base.sizes, "classes": pretrained.CLASSES})
    network = build(base.model, sizes, precision=config.precision, kind=base.kind)
    saving.set_weight_arrays(network, saving.weight_arrays(network) | base.arrays())
    objective = ClassifierObjective(make("sst2"))
    objective.sizes = sizes
    networks.make_ready(network, objective, config, STEPS, on)

    def made() -> Iterator[tuple[Any, int]]:
        for (ids, classes), tokens in pretrained.batches():
            weights = np.full((len(ids), 1), 1 / len(ids), "float32")
            yield RowBatch(ids, classes[:, None], weights, tokens), tokens

    return partial(step, network, on=on), made(), 6


def gpt(size: Size, precision: str = "float32") -> Any:
    """The network `gpt`, without dropout."""
    from zoo import registry
    from zoo.building import build

    config = registry.configuration(
        "gpt",
        kind="language_model",
        vocabulary=language_models.VOCABULARY,
        hidden_size=size.hidden_size,
        layers=size.layers,
        heads=size.heads,
        feed_forward_size=4 * size.hidden_size,
        max_length=size.context,
        dropout=0.0,
    )
    return build("gpt", config, seed=1, precision=precision, kind="language_model")


def generate_gpt(data: Workload, variant: str) -> Block:
    """`LanguageModelPredictor.predict` of one prompt: text in, text out, as a user asks."""
    from training.distributed.devices import prepare

    prepare(0)
    from zoo.inference.language_model import LanguageModelPredictor

    return written(
        LanguageModelPredictor("benchmark", gpt(SIZES["generate/gpt"]), characters(), {})
    )


def generate_smollm2(data: Workload, variant: str) -> Block:
    """`LanguageModelPredictor.predict` with SmolLM2's weights in float32."""
    from training.distributed.devices import prepare

    prepare(0)
    from zoo import registry, saving
    from zoo.building import build
    from zoo.inference.language_model import LanguageModelPredictor
    from zoo.pretrained import sources

    base = sources.find("smollm2")
    sizes = registry.make_config(registry.architecture(base.model, base.kind).config, base.sizes)
    network = build(base.model, sizes, kind=base.kind)
    saving.set_weight_arrays(network, base.arrays())
    return continued(LanguageModelPredictor("smollm2", network, base.tokenizer, {}))


def continued(model: Any) -> Block:
    """How fast a predictor goes on from the prompt, the likeliest token each time."""

    def write() -> int:
        [answer] = model.predict(
            pretrained.PROMPT, pretrained.WRITTEN, candidates=1, attention=False
        )
        return len(answer.tokens)

    return generation(write, pretrained.WRITTEN)


def characters() -> Any:
    """A tokenizer of as many characters as the network has ids."""
    from zoo.text_tokenizers import Characters

    return Characters([chr(0x4E00 + i) for i in range(language_models.VOCABULARY - 4)])


def written(model: Any) -> Block:
    """How fast a predictor of language models continues one prompt."""
    from zoo.inference.sampling import Sampling

    text = model.tokenizer.decode(language_models.prompt()[1:])  # the start token is put before it
    sampling = Sampling(language_models.TEMPERATURE, language_models.TOP_K)

    def write() -> int:
        [answer] = model.predict(
            text, language_models.WRITTEN, sampling, candidates=1, attention=False
        )
        return len(answer.tokens)

    return generation(write, language_models.WRITTEN)


def decode(measure: str, data: Workload, model: str) -> Block:
    """`zoo.inference.generation.generate` on a fresh network of the zoo, size `small`."""
    from training.distributed.devices import prepare

    prepare(0)
    from zoo import registry
    from zoo.building import build
    from zoo.inference.generation import generate
    from zoo.padding import LENGTHS

    model = model or "transformer"
    config = registry.configuration(
        model,
        source_vocabulary=data.vocabulary,
        target_vocabulary=data.vocabulary,
        shared_vocabulary=True,
    )
    network = build(model, config, seed=1)
    never_end(network)
    beams, rows = shape(measure)

    def answer(source: np.ndarray) -> np.ndarray:
        # The best hypothesis; `generate` has copied its arrays to NumPy, so all work is done.
        return generate(network, source, length=PIECES, beams=beams).lengths[:, 0]

    groups = [[row] for row in data.decode[:8]] if rows == 1 else [data.decode[:rows]]
    # Padded as `zoo.load` pads what it reads, so that few programs are compiled.
    lengths = [min(n for n in LENGTHS if n >= max(map(len, group))) for group in groups]
    sources = [pad(group, n) for group, n in zip(groups, lengths, strict=True)]
    return decoding(answer, sources, rows)


def never_end(network: Any) -> None:
    """Change weights, not the computation, so that EOS is always the least likely token.

    What is scored against the embeddings is pushed in a direction that EOS's row is opposed to.
    """
    import keras

    table = network.target_embedding.embeddings
    width = table.shape[1]
    direction = np.random.default_rng(0).choice([-1.0, 1.0], width).astype("float32")
    closing = getattr(network, "decoder_norm", None)
    bias = closing.beta if closing is not None else network.readout.bias
    bias.assign(2 * direction)
    values = np.array(keras.ops.convert_to_numpy(table))
    values[EOS] = -direction / width**0.5
    table.assign(values)


if __name__ == "__main__":
    trained = {name: partial(train, name.removeprefix("train/")) for name in (*TRAIN, *MORE)}
    trained |= {name: partial(train_gpt, name) for name in TRAIN_GPT}
    trained[forecasters.MEASURE] = train_forecaster
    trained[pretrained.TRAIN] = train_minilm
    decoded = {name: partial(decode, name) for name in DECODE}
    serve(
        trained
        | decoded
        | dict.fromkeys(GENERATE, generate_gpt)
        | {pretrained.GENERATE: generate_smollm2},
        ("tensorflow", "keras", "jax"),
    )
