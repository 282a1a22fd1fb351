"""Keras's global settings as the zoo needs them, whatever a user's keras.json says.

That file may ask for float16 or float64, another epsilon, or images with channels first: layers,
losses, optimizers and many operations take their types from there. Models here are trained and
saved in float32 (or mixed bfloat16, by a policy of their own), so that their answers would change.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLOATX, EPSILON, IMAGES = "float32", 1e-7, "channels_last"
LEGAL = {
    "floatx": ("float16", "float32", "float64"),
    "image_data_format": (IMAGES, "channels_first"),
}


def make_importable() -> None:
    """Keep a keras.json that Keras refuses from ending the program: `import keras` would raise.

    Keras knows no bfloat16 there and no epsilon that is an integer. In such a case it is given, for
    this process, a folder with the file as it should be. The backend the file names stays.
    """
    if "keras" in sys.modules:
        return
    written = read_keras_json()
    if not written or acceptable(written):
        return
    folder = Path(tempfile.mkdtemp(prefix="keras-home-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    kept = {"backend": written["backend"]} if isinstance(written.get("backend"), str) else {}
    usual = {"floatx": FLOATX, "epsilon": EPSILON, "image_data_format": IMAGES}
    (folder / "keras.json").write_text(json.dumps({**usual, **kept}), encoding="utf-8")
    os.environ["KERAS_HOME"] = str(folder)


def keras_json() -> Path:
    """Where Keras looks for its settings."""
    home = os.environ.get("KERAS_HOME")
    return Path(home).expanduser() / "keras.json" if home else Path.home() / ".keras/keras.json"


def read_keras_json() -> dict[str, Any]:
    """What the file holds; {} where there is none that can be read."""
    try:
        found = json.loads(keras_json().read_text(encoding="utf-8"))
    except (OSError, ValueError, RuntimeError):  # RuntimeError: there is no home folder
        return {}
    return found if isinstance(found, dict) else {}


def acceptable(written: dict[str, Any]) -> bool:
    """Whether Keras can be imported with these settings."""
    return isinstance(written.get("epsilon", EPSILON), float) and all(
        written.get(key, values[0]) in values for key, values in LEGAL.items()
    )


def settle() -> None:
    """Set Keras's global number types as they are by default."""
    import keras

    if keras.config.floatx() != FLOATX:
        keras.config.set_floatx(FLOATX)
    if keras.config.epsilon() != EPSILON:
        keras.config.set_epsilon(EPSILON)
    if keras.config.image_data_format() != IMAGES:
        keras.config.set_image_data_format(IMAGES)


@contextmanager
def precision(policy: str = FLOATX) -> Iterator[None]:
    """Within it, layers are made with the dtype policy called `policy`; afterwards as before."""
    import keras

    settle()
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
