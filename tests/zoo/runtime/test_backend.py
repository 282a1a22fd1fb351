"""TensorFlow and JAX agree, and JAX keeps the laws by itself."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.zoo import backend_parity, tiny_language_models, tiny_models
from zoo import registry

ROOT = Path(__file__).resolve().parents[3]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed"),
    pytest.mark.skipif(keras.backend.backend() == "jax", reason="this is JAX already"),
]


# Run piece by piece, JAX compiles every operation for every shape: quickly rather than well.
QUICK = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false"
)


def on_jax(*command: str) -> str:
    """Run Python under JAX, on the processor: the same arithmetic for both."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICK},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    return done.stdout


FOLLOW_FROM_PARITY = (
    "one_by_one or shapes_and_types or log_probabilities_of_what or saving_and_loading "
    "or shares_the_embedding or see_the_same_logits or mixed_precision"
)
"""Laws of what a network computes forwards, or of Python alone: see the parity below."""


@pytest.mark.parametrize("kind", ["seq2seq", "language_model"])
def test_the_laws_hold_on_jax(kind):
    laws = f"tests/zoo/kinds/test_{kind}_contract.py"
    said = on_jax(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", laws),
        *("-k", f"not ({FOLLOW_FROM_PARITY})"),
    )
    assert " passed" in said


def test_both_backends_answer_the_same(tmp_path):
    folders = [
        tiny_models.folder(tmp_path / model, model, shared=model not in tiny_models.APART)
        for model in registry.of_kind("seq2seq")
    ]
    for model in registry.of_kind("language_model"):
        folders.append(tmp_path / f"text-{model}")
        tiny_language_models.predictor(model, path=folders[-1])
    out = tmp_path / "jax.npz"
    on_jax("-m", "tests.zoo.backend_parity", str(out), *map(str, folders))
    with np.load(out) as theirs:
        for folder in folders:
            ours = backend_parity.answers(folder)
            assert ours["tokens"].any()
            for name, array in ours.items():
                found = theirs[f"{folder.name}/{name}"]
                assert found.dtype == array.dtype, name
                np.testing.assert_allclose(found, array, rtol=1e-3, atol=1e-4, err_msg=name)
