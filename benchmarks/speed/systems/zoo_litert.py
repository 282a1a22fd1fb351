"""The zoo on LiteRT: the same network as system `zoo`, its graphs with float32 or int8 weights."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.speed import pretrained
from benchmarks.speed.language_models import SIZES
from benchmarks.speed.protocol import PIECES, Block, decoding, serve, shape
from benchmarks.speed.registry import DECODE, GENERATE
from benchmarks.speed.systems.zoo import characters, continued, gpt, never_end, written
from benchmarks.speed.workload import Workload, pad


def decode(measure: str, data: Workload, variant: str) -> Block:
    """`zoo.inference.litert_engine.Engine.generate`; `variant` is "architecture precision"."""
    from zoo import registry
    from zoo.building import build
    from zoo.inference import litert_folder, litert_making
    from zoo.inference.litert_engine import Engine
    from zoo.padding import LENGTHS

    model, precision = variant.split()
    sizes = {"source_vocabulary": data.vocabulary, "target_vocabulary": data.vocabulary}
    config = registry.configuration(model, **sizes, shared_vocabulary=True)
    network = build(model, config, seed=1)
    never_end(network)
    place = Path(tempfile.mkdtemp())
    litert_making.convert_network(network, place, precision)
    engine = Engine(litert_folder.GraphFolder.read(place))
    beams, rows = shape(measure)

    def answer(source: np.ndarray) -> np.ndarray:
        return engine.generate(source, length=PIECES, beams=beams).lengths[:, 0]

    groups = [[row] for row in data.decode[:8]] if rows == 1 else [data.decode[:rows]]
    lengths = [min(n for n in LENGTHS if n >= max(map(len, group))) for group in groups]
    sources = [pad(group, n) for group, n in zip(groups, lengths, strict=True)]
    return decoding(answer, sources, rows)


def generate(data: Workload, variant: str) -> Block:
    """`LiteRTLanguageModel.predict` of one prompt: text in, text out, as a user asks."""
    from zoo.inference import litert_making
    from zoo.inference.litert_folder import GraphFolder
    from zoo.inference.litert_language_model import LiteRTLanguageModel

    size, place = SIZES["generate/gpt"], Path(tempfile.mkdtemp())
    litert_making.convert_network(gpt(size), place, variant.split()[1], "language_model")
    model = LiteRTLanguageModel(
        GraphFolder.read(place), {}, size.context, name="gpt", tokenizer=characters(), config={}
    )
    return written(model)


def generate_smollm2(data: Workload, variant: str) -> Block:
    """`LiteRTLanguageModel.predict` with SmolLM2's weights, from a folder as is imported."""
    import zoo
    from training import import_pretrained
    from zoo import saving
    from zoo.pretrained import sources

    base, place = sources.find("smollm2"), Path(tempfile.mkdtemp()) / "smollm2"
    config = import_pretrained.description(place.name, base)
    files = {config["tokenizers"]["text"]: base.tokenizer}
    saving.save_folder(place, base.arrays(), config, files)
    return continued(zoo.load(place, runtime="litert", precision=variant.split()[1]))


if __name__ == "__main__":
    decoded = {name: partial(decode, name) for name in DECODE}
    written = dict.fromkeys(GENERATE, generate) | {pretrained.GENERATE: generate_smollm2}
    serve(decoded | written, ("tensorflow", "ai-edge-litert"))
