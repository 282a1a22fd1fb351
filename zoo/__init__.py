"""Attention Zoo: what did each model predict, how sure and how fast was it, where did it look?

    import zoo
    zoo.names()
    prediction, = zoo.load("en-es-transformer").predict(["Where is the library?"])
    prediction.text, prediction.words().attention["cross"]

Importing this takes little time; Keras is imported when a model is loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from zoo.prediction import Hypothesis, Prediction, Words
from zoo.runtime import keras_settings, program_cache
from zoo.shipped import names

if TYPE_CHECKING:
    from zoo.inference.seq2seq import Seq2SeqPredictor

keras_settings.make_importable()

__version__ = "0.1.0"
__all__ = ["Hypothesis", "Prediction", "Words", "load", "names"]


def load(
    name_or_path: str | Path, runtime: str = "", precision: str = "float32"
) -> Seq2SeqPredictor:
    """Load a shipped model by its name, or any model folder by its path.

    Args:
        name_or_path: of the model.
        runtime: "" computes with Keras, as training does; "litert" with LiteRT, which compiles
            nothing and needs neither Keras nor TensorFlow (`pip install ai-edge-litert`): the same
            `predict`, without gradients and interventions. Its graphs are made on first use.
        precision: of LiteRT's weights: "float32" (the same answers), or "int8", smaller and faster.

    Raises:
        ValueError: unknown name or runtime; missing or damaged folder
            (`zoo.saving.ModelFolderError`); graphs that cannot be made or run
            (`zoo.runtime.litert.GraphError`).
    """
    program_cache.use_with_tensorflow()
    from zoo.loading import load as load_model

    return load_model(name_or_path, runtime, precision)
