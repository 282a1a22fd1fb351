"""What a model folder answers on the backend in use, as arrays: run under two and compared.

python -m tests.zoo.backend_parity OUT.npz FOLDER...
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from keras import ops

import zoo
from tests.zoo import tiny_models
from zoo.inference.generation import generate
from zoo.interpret import Force, Off, edited_network
from zoo.interpret.edits import Edits

LENGTHS = [8, 3, 5]


def answers(folder: Path) -> dict[str, np.ndarray]:
    """Logits and maps of fixed ids, and what is written greedily."""
    network = zoo.load(folder).model
    source = tiny_models.rows(LENGTHS, network.config.source_vocabulary, seed=7)
    target = tiny_models.rows(LENGTHS[::-1], network.config.target_vocabulary, seed=8)
    logits, maps = network.decode(tiny_models.shifted(target), network.encode(source))
    written = generate(network, source, length=8)
    found = {"logits": logits, **maps, **written._asdict()}
    if network.attention_heads:
        kind = next(iter(network.attention_heads))
        edits = Edits(network.attention_heads, [Off(kind, 0, 0)], [(Force(1, 1, kind), [1], [1])])
        made = edited_network.generate(network, source, edits.arrays(8, 8), [5], length=8, limit=8)
        found |= {f"edited {name}": array for name, array in made._asdict().items()}
    return {name: ops.convert_to_numpy(array) for name, array in found.items()}


if __name__ == "__main__":
    out, *folders = sys.argv[1:]
    found = {
        f"{Path(folder).name}/{name}": array
        for folder in folders
        for name, array in answers(Path(folder)).items()
    }
    np.savez(out, **found)
