"""The network of system `zoo` as a CTranslate2 model: `... VOCABULARY FOLDER`.

In a process of its own, so that TensorFlow is not in the one that is measured.
"""

from __future__ import annotations

import sys
from pathlib import Path


def convert(vocabulary: int, folder: Path) -> None:
    """Write it in float32, tokens called by their numbers; CTranslate2 quantises on loading."""
    from zoo import registry
    from zoo.building import build
    from zoo.export import ctranslate2_model

    sizes = {"source_vocabulary": vocabulary, "target_vocabulary": vocabulary}
    config = registry.configuration("transformer", **sizes, shared_vocabulary=True)
    network = build("transformer", config, seed=1)
    names = [str(i) for i in range(vocabulary)]
    ctranslate2_model.write(network, folder, names, names)


if __name__ == "__main__":
    convert(int(sys.argv[1]), Path(sys.argv[2]))
