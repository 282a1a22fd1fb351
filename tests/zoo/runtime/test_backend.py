"""TensorFlow and JAX agree, and JAX keeps the laws by itself."""

from __future__ import annotations

import gc
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

from tests import thorough
from tests.training import training_runs
from tests.zoo import (
    backend_parity,
    tiny_classifiers,
    tiny_forecasters,
    tiny_language_models,
    tiny_models,
)
from zoo import registry
from zoo.runtime import backend

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed"),
    pytest.mark.skipif(keras.backend.backend() == "jax", reason="this is JAX already"),
]


FOLLOW_FROM_PARITY = (
    "one_by_one or shapes_and_types or log_probabilities_of_what or saving_and_loading "
    "or shares_the_embedding or see_the_same_logits or mixed_precision "
    "or quantiles_do_not or constant_added or series_read_alone or ridge_finds or are_refused "
    "or see_the_same_values or saved_model_answers or a_seed_gives or as_many_weights "
    "or padding or future_does_not or source_piece or step_by_step or rows_sum or decoder_looks "
    "or reading_in_pieces or steps_go_on or keeps_its_state or order_of_the_past "
    "or by_heart or waves_can or stops_row_by_row or layer_is_built or nearest_example "
    "or naive_bayes_adds or attention_declared or one_place"
)
"""Laws of what a network computes forwards and backwards, or of Python alone, which hold on JAX
where they hold on TensorFlow: the parity below compares every architecture and variant at answers,
states, what is written within limits, and the weights after a step of training."""


LAWS = [f"tests/zoo/kinds/test_{kind}_contract.py" for kind in registry.KINDS]
# One process for all: each compiles much that the next would compile again.
SCRIPT = f"""
import sys
import pytest
from tests.training import training_runs
from tests.zoo import backend_parity
laws = ["-q", "-p", "no:cacheprovider", *{LAWS}, "-k", "not ({FOLLOW_FROM_PARITY})"]
status = pytest.main(laws) if sys.argv.pop(1) == "thorough" else 0
backend_parity.write(*sys.argv[1:])
sys.exit(status)
"""


class OnJax(NamedTuple):
    """What was found on JAX: how the laws ended, and the answers of folders."""

    status: int
    said: str
    folders: list[Path]
    answers: Path


class Maker(NamedTuple):
    """Of folders of a kind: what is held to the laws, and the function that writes one."""

    variants: dict[str, tuple[str, dict[str, Any]]]
    folder: Callable[[str, Path, dict[str, Any]], object]


MAKERS = {
    "seq2seq": Maker(
        tiny_models.VARIANTS,
        lambda model, path, overrides: tiny_models.folder(
            path, model, shared=model not in tiny_models.APART, overrides=overrides
        ),
    ),
    "language_model": Maker(
        tiny_language_models.VARIANTS,
        lambda model, path, overrides: tiny_language_models.predictor(
            model, path=path, **overrides
        ),
    ),
    "forecaster": Maker(
        {model: (model, {}) for model in registry.of_kind("forecaster")},
        lambda model, path, overrides: tiny_forecasters.predictor(model, path, **overrides),
    ),
    "classifier": Maker(
        {model: (model, {}) for model in registry.of_kind("classifier")},
        lambda model, path, overrides: tiny_classifiers.predictor(model, path=path, **overrides),
    ),
}


BY_DAY = {
    "seq2seq": ("lstm-bahdanau", "transformer"),
    "language_model": ("min-gru", "gpt"),
    "forecaster": ("n-linear", "transformer-patch"),
    "classifier": ("bert", "cnn"),
}
"""Every layer that there is, in one architecture or another: the others only if `--thorough`."""


def without_dropout(model: str, kind: str) -> dict[str, float]:
    """Hyper-parameters of a network that trains without chance: backends draw other numbers."""
    fields = registry.architecture(model, kind).config.__dataclass_fields__
    return {"dropout": 0.0} if "dropout" in fields else {}


def test_every_kind_is_compared():
    assert set(MAKERS) == set(registry.KINDS)


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory, pytestconfig) -> OnJax:
    """On the processor: the same arithmetic for both."""
    path = tmp_path_factory.mktemp("jax")
    folders = []
    for kind, make in MAKERS.items():
        for variant, (model, overrides) in make.variants.items():
            by_day = variant == model and model in BY_DAY[kind]
            if not (by_day or pytestconfig.option.thorough):
                continue
            folders.append(backend_parity.place(path, kind, variant))
            make.folder(model, folders[-1], overrides | without_dropout(model, kind))
    how = "thorough" if pytestconfig.option.thorough else "parity"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how, str(path / "answers.npz"), *map(str, folders)],
        cwd=training_runs.ROOT,
        env={**os.environ, **training_runs.ON_JAX},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    return OnJax(done.returncode, said, folders, path / "answers.npz")


@thorough.mark
def test_the_laws_hold_on_jax(on_jax):
    assert on_jax.status == 0 and " passed" in on_jax.said, on_jax.said


def test_both_backends_answer_the_same(on_jax):
    assert on_jax.answers.exists(), on_jax.said
    with np.load(on_jax.answers) as theirs:
        for folder in on_jax.folders:
            ours = backend_parity.answers(folder)
            assert ours["tokens"].any()
            for name, array in ours.items():
                found = theirs[f"{folder.name}/{name}"]
                assert found.dtype == array.dtype, name
                np.testing.assert_allclose(found, array, rtol=1e-3, atol=1e-4, err_msg=name)


def test_few_traced_programs_are_kept_and_those_forgotten_come_again(monkeypatch):
    monkeypatch.setattr(backend, "KEPT", 2)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    run = backend.traced(model, doubled)
    before = len(CALLS)
    for rows in (1, 2, 3, 1):
        found = run(np.ones((rows, 3), "float32"))
        np.testing.assert_allclose(found, 2 * model(np.ones((rows, 3))), rtol=1e-5)
    assert len(CALLS) == before + 4  # the first was forgotten, and traced once more
    run(np.ones((3, 3), "float32"))
    assert len(CALLS) == before + 4
    assert backend.traced(model, doubled) is run
    assert len(backend._kept) == 2
    del model
    gc.collect()
    assert not backend._kept  # they would hold its weights


CALLS: list[None] = []


def doubled(model, inputs):
    CALLS.append(None)  # once a trace
    return 2 * model(inputs)
