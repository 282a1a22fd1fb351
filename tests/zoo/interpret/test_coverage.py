"""Attention that knows where it has looked: its energies give the map, coverage included."""

from __future__ import annotations

import numpy as np

import zoo
from tests.zoo import tiny_models
from zoo import saving
from zoo.interpret import query_key_value


def test_energies_with_coverage_give_the_map(tmp_path):
    overrides = {"copying": True, "coverage": True}
    model = zoo.load(
        tiny_models.folder(tmp_path, "lstm-bahdanau", shared=True, overrides=overrides)
    )
    arrays = saving.weight_arrays(model.model)
    [name] = [one for one in arrays if "covered" in one]
    saving.set_weight_arrays(model.model, arrays | {name: arrays[name] + 1.5})  # is felt
    [found] = model.predict(["Tom sees the red car."])
    one = query_key_value(model, found)["cross"]
    assert one.covered.shape == found.attention["cross"].shape
    energy = one.energy(0, 0)
    weights = np.exp(energy - energy.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(weights, found.attention["cross"][0, 0], atol=1e-4)
    # Without it they would not.
    plain = (one.energy_weights * np.tanh(one.query[0, 0][:, None] + one.key[0, 0])).sum(-1)
    other = np.exp(plain) / np.exp(plain).sum(axis=-1, keepdims=True)
    assert np.abs(other - weights).max() > 1e-3
