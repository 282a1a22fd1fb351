"""What a model folder answers on the backend in use, as arrays: run under two and compared.

python -m tests.zoo.parity OUT.npz FOLDER...
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from keras import ops

import zoo
from tests.zoo import nano
from zoo.generation import generate

LENGTHS = [8, 3, 5]


def answers(folder: Path) -> dict[str, np.ndarray]:
    """Logits and maps of fixed ids, and what is written greedily."""
    network = zoo.load(folder).model
    source = nano.rows(LENGTHS, network.config.source_vocabulary, seed=7)
    target = nano.rows(LENGTHS[::-1], network.config.target_vocabulary, seed=8)
    logits, maps = network.decode(nano.shifted(target), network.encode(source))
    written = generate(network, source, length=8)
    found = {"logits": logits, **maps, **written._asdict()}
    return {name: ops.convert_to_numpy(array) for name, array in found.items()}


if __name__ == "__main__":
    out, *folders = sys.argv[1:]
    found = {
        f"{Path(folder).name}/{name}": array
        for folder in folders
        for name, array in answers(Path(folder)).items()
    }
    np.savez(out, **found)
