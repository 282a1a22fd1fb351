"""A trained `forecaster` as a TensorFlow SavedModel: the past of some series in, quantiles out.

Values are in the unit of the data: scaling is part of the graph. It needs none of this code to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from zoo.export import batching, readmes, versions
from zoo.export.tf_serving import EXTRA, WARMUP, Request, write_warmup
from zoo.export.versions import Answer, Signatures, signature
from zoo.forecast import LEVELS
from zoo.layers.attention_hooks import without_maps
from zoo.scaler import FILE

if TYPE_CHECKING:
    from zoo.inference.forecaster import ForecasterPredictor

MOST_ROWS = 256
"""Histories of a request at most."""


def export(
    loaded: ForecasterPredictor,
    folder: str | Path,
    *,
    name: str | None = None,
    length_cap: int | None = None,
    text: bool = True,
    examples: Sequence[str] = (),
) -> Path:
    """Write `loaded` as the next version, `folder/1`, `folder/2`, ..., for TensorFlow Serving.

    Args:
        loaded: the model.
        folder: where the versions of this model are.
        name: what the model is called when it is served; by default its own.
        length_cap, text, examples: of texts, and must be left as they are.

    Returns:
        The folder of the version. It appears under its number only when it is complete.

    Raises:
        ValueError: Keras runs on another backend than TensorFlow, or an option of texts.
    """
    versions.check(length_cap)
    if length_cap is not None or not text:
        raise ValueError("--length-cap and --ids-only are for texts, and a forecaster reads series")

    def beside(version: Path) -> None:
        called = name or loaded.name
        write_warmup(version / WARMUP, called, _requests(loaded))
        (version / batching.FILE).write_text(batching.parameters(MOST_ROWS), encoding="utf-8")
        (version / EXTRA / FILE).write_bytes(loaded.scaler.bytes)
        (version / "README.md").write_text(readme(loaded, called), encoding="utf-8")

    return versions.write(loaded.model, folder, lambda: _graph(loaded), beside)


def _graph(loaded: ForecasterPredictor) -> tuple[tf.Module, Signatures]:
    """What is saved: a module that owns the weights, and the functions that use them."""
    network = loaded.model
    module = tf.Module()
    # The variables and not the network: saving that would trace its own `call` too.
    module.weights = [weight.value for weight in network.weights]
    mean, std = (
        tf.constant(np.asarray(each), tf.float64)
        for each in (loaded.scaler.mean, loaded.scaler.std)
    )

    def scaled(history: tf.Tensor) -> tf.Tensor:
        rows = tf.shape(history)[0]
        checks = [
            tf.debugging.assert_less_equal(
                rows, MOST_ROWS, f"At most {MOST_ROWS} histories a request."
            ),
            tf.debugging.assert_all_finite(history, "A value of the history is no number."),
        ]
        with tf.control_dependencies([one for one in checks if one is not None]):
            history = tf.identity(history)
        return tf.cast((tf.cast(history, tf.float64) - mean) / std, tf.float32)

    def restored(values: tf.Tensor) -> Answer:
        values = tf.cast(values, tf.float64) * std[:, None] + mean[:, None]  # (B, H, C, 1 + Q)
        values = tf.cast(values, tf.float32)
        return {"mean": values[..., 0], "quantiles": values[..., 1:]}

    sizes = [None, loaded.lookback, len(loaded.columns)]

    @signature(history=(sizes, tf.float32))
    def forecast(history: tf.Tensor) -> Answer:
        with without_maps():
            return restored(network.look(scaled(history))[0])

    @signature(history=(sizes, tf.float32))
    def attention(history: tf.Tensor) -> Answer:
        values, maps = network.look(scaled(history))
        return restored(values) | {f"attention_{kind}": every for kind, every in maps.items()}

    made = {"serving_default": forecast}
    if loaded.attention_heads:
        made["attention"] = attention
    return module, made


def _requests(loaded: ForecasterPredictor) -> list[Request]:
    """One history that says nothing, the means of the series, for each signature."""
    row = np.tile(np.asarray(loaded.scaler.mean, "float32"), (1, loaded.lookback, 1))
    names = ["serving_default", *(["attention"] if loaded.attention_heads else [])]
    return [(name, {"history": tf.constant(row)}) for name in names]


def readme(loaded: ForecasterPredictor, name: str) -> str:
    """Every input and output, the limits, how to start and to ask: Markdown."""
    heads = loaded.attention_heads
    values = {
        **readmes.facts(loaded),
        "name": name,
        "versions": versions.written_with(),
        "lookback": loaded.lookback,
        "horizon": loaded.horizon,
        "channels": len(loaded.columns),
        "columns": ", ".join(loaded.columns),
        "levels": ", ".join(f"{level:g}" for level in LEVELS),
        "count": len(LEVELS),
        "most": MOST_ROWS,
        "kinds": ", ".join(f"`attention_{kind}`" for kind in heads),
    }
    return readmes.filled([HEAD, *([ATTENTION] if heads else []), SERVING], values)


HEAD = """
# {name}

A `{model}` trained on the task `{task}`, as a TensorFlow SavedModel, written by {versions}.
Training data: {origin}.

## `serving_default`

- in: `history` float32 (B, {lookback}, {channels}): the last {lookback} steps of {columns}, in the
  unit of the data, oldest first. Scaling is part of the graph. At most {most} rows; a value that is
  no number is refused.
- out: `mean` float32 (B, {horizon}, {channels}), the expected values of the next {horizon} steps;
  `quantiles` float32 (B, {horizon}, {channels}, {count}), of the levels {levels}.

```python
import tensorflow as tf
model = tf.saved_model.load("path/to/this/folder")
found = model.signatures["serving_default"](history=tf.zeros((1, {lookback}, {channels})))
found["mean"], found["quantiles"]
```
"""
ATTENTION = """
## `attention`

The same, and {kinds} float32 (B, M, layers, heads, queries, keys); M is {channels} where each
series is read by itself, else 1. Rows sum to 1.
"""
SERVING = """
## TensorFlow Serving

    tensorflow_model_server --rest_api_port=8501 --model_name={name} --model_base_path=FOLDER

where FOLDER holds this folder under its number. Ask with `POST /v1/models/{name}:predict` and
`{{"instances": [{{"history": [[...], ...]}}]}}`, {lookback} lists of {channels} numbers.
"""
