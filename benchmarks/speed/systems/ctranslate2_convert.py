"""Random Marian weights of HF Transformers as a CTranslate2 model: `... VOCABULARY FOLDER`.

In a process of its own, so that PyTorch is not in the one that is measured.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ctranslate2.converters.transformers import MarianMTLoader

from benchmarks.speed.systems import hf_marian


def tokens(vocabulary: int) -> list[str]:
    """A name for each id; CTranslate2 reads and writes names."""
    return ["<blank>", "<s>", "</s>", "<unk>", *(f"p{i}" for i in range(4, vocabulary))]


def convert(vocabulary: int, folder: Path) -> None:
    """Write the model, in float32; CTranslate2 quantises when it loads."""
    # One row more: the loader takes the last for padding, and drops it.
    model = hf_marian.build(vocabulary + 1).eval()
    spec = MarianMTLoader().get_model_spec(model)
    spec.register_source_vocabulary(tokens(vocabulary))
    spec.register_target_vocabulary(tokens(vocabulary))
    spec.config.decoder_start_token = "</s>"
    spec.validate()
    spec.optimize()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))


if __name__ == "__main__":
    convert(int(sys.argv[1]), Path(sys.argv[2]))
