"""Which systems are measured, what each can do, and the environment it runs in."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.speed import pretrained

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-peers"
REQUIREMENTS = Path(__file__).resolve().parent / "requirements"

TRAIN = ("train/transformer", "train/lstm-bahdanau")
DECODE = ("greedy/b1", "greedy/b32", "beam5/b1", "beam5/b32")
TRAIN_GPT, GENERATE = ("train/gpt", "train/gpt-larger"), ("generate/gpt",)
TRAIN_FORECASTER = ("train/patch-forecaster",)
MEASURES = (*TRAIN, *DECODE, *TRAIN_GPT, *GENERATE, *TRAIN_FORECASTER)
PRETRAINED = (pretrained.TRAIN, pretrained.GENERATE)
"""With weights that others trained, in packages: measured when they are named."""
HERE = "benchmarks.speed.systems"
MORE = ("train/lstm", "train/simple-rnn")
"""Measures of ours alone, taken when they are named."""
CEILINGS = {
    "ceiling/matmul-float32": ("GFLOP/s", True),
    "ceiling/matmul-bfloat16": ("GFLOP/s", True),
    "ceiling/memory-bandwidth": ("GB/s", True),
    "ceiling/greedy-b1-float32": ("ms", False),
    "ceiling/greedy-b1-bfloat16": ("ms", False),
}
"""What the machine could do at best: unit, and whether more is better."""


@dataclass(frozen=True)
class Download:
    """A file of a peer that no package has: fetched when its environment is made.

    Args:
        url: of one commit.
        sha256: of its content.
        path: within `.venv-peers`.
    """

    url: str
    sha256: str
    path: str


NANOGPT = Download(
    "https://raw.githubusercontent.com/karpathy/nanoGPT/"
    "3adf61e154c3fe3fca428ad6bc3818b27a3b8291/model.py",
    "7c01703240dbec5d554527dc666e35b3df8391d0b117fddc07afcf325a21d11c",
    "torch/nanogpt/model.py",
)
DOWNLOADS: dict[str, tuple[Download, ...]] = {"torch": (NANOGPT,)}
"""By environment."""


@dataclass(frozen=True)
class System:
    """One way to do what the zoo does.

    Args:
        label: for tables.
        module: what the process runs.
        measures: what it can be asked for.
        environment: a folder of `.venv-peers`; "" is the environment of the driver.
        variant: given to the module.
        packages: without which it cannot run (looked for only in the driver's environment).
        backend: of Keras, where it works on one only; else what KERAS_BACKEND says.
        downloads: files without which it cannot run.
    """

    label: str
    module: str
    measures: tuple[str, ...]
    environment: str = ""
    variant: str = ""
    packages: tuple[str, ...] = ()
    backend: str = ""
    downloads: tuple[Download, ...] = ()

    @property
    def python(self) -> Path:
        """The interpreter it runs with."""
        if not self.environment:
            return Path(sys.executable)
        return ENVIRONMENTS / self.environment / "bin" / "python"

    def missing(self) -> str:
        """Why it cannot be measured and what to do about it; empty when it can."""
        files = [ENVIRONMENTS / file.path for file in self.downloads]
        if not all(path.exists() for path in (self.python, *files)):
            return f"not installed: python -m benchmarks.speed.install {self.environment}"
        absent = [name for name in self.packages if importlib.util.find_spec(name) is None]
        return f"not installed: pip install {' '.join(absent)}" if absent else ""


def _zoo(label: str, variant: str, *measures: str) -> System:
    return System(label, f"{HERE}.zoo", measures, variant=variant, packages=("keras", "tensorflow"))


def _litert(label: str, variant: str, *measures: str) -> System:
    packages = ("keras", "tensorflow", "ai_edge_litert")
    measures = (*DECODE, *measures)
    return System(label, f"{HERE}.zoo_litert", measures, "", variant, packages, "tensorflow")


def _ctranslate2(precision: str) -> System:
    packages = ("keras", "tensorflow", "ctranslate2")
    label, module = f"CTranslate2, {precision}", f"{HERE}.ctranslate2"
    return System(label, module, DECODE, "", precision, packages, "tensorflow")


def _torch(label: str, module: str, variant: str, *measures: str) -> System:
    return System(label, f"{HERE}.{module}", measures, environment="torch", variant=variant)


def _pretrained(label: str, module: str, variant: str, *measures: str) -> System:
    return System(label, f"{HERE}.{module}", measures, "pretrained", variant)


SYSTEMS: dict[str, System] = {
    "zoo": _zoo("**zoo** (default)", "", *MEASURES, *MORE, *PRETRAINED),
    "zoo-float32": _zoo(
        "zoo, float32",
        "float32",
        *(*TRAIN, *MORE, *TRAIN_GPT, *TRAIN_FORECASTER, pretrained.TRAIN),
    ),
    "zoo-bfloat16": _zoo("zoo, bfloat16", "mixed_bfloat16", *TRAIN, *MORE, *TRAIN_FORECASTER),
    "zoo-lstm-bahdanau": _zoo("zoo, LSTM with attention", "lstm-bahdanau", *DECODE),
    "zoo-lstm": _zoo("zoo, LSTM", "lstm", *DECODE),
    "zoo-simple-rnn": _zoo("zoo, SimpleRNN", "simple-rnn", *DECODE),
    "zoo-litert-float32": _litert("zoo on LiteRT, float32", "transformer float32", *GENERATE),
    "zoo-litert-int8": _litert(
        "zoo on LiteRT, int8", "transformer int8", *GENERATE, pretrained.GENERATE
    ),
    "zoo-litert-lstm-bahdanau": _litert(
        "zoo on LiteRT, LSTM with attention, int8", "lstm-bahdanau int8"
    ),
    "tf-tutorial": System(
        "TensorFlow tutorial's way",
        f"{HERE}.tf_tutorial",
        ("train/transformer", "greedy/b1", "greedy/b32"),
        packages=("keras", "tensorflow"),
        backend="tensorflow",
    ),
    "keras-hub": System(
        "keras-hub layers",
        f"{HERE}.keras_hub",
        ("train/transformer",),
        packages=("keras_hub", "tensorflow"),
        backend="tensorflow",
    ),
    "hf-marian": _torch(
        "HF Transformers Marian", "hf_marian", "float32", "train/transformer", *DECODE
    ),
    "hf-marian-bfloat16": _torch(
        "HF Transformers Marian, bfloat16", "hf_marian", "bfloat16", "train/transformer"
    ),
    "joeynmt": System("JoeyNMT", f"{HERE}.joeynmt", (*TRAIN, *DECODE), environment="joeynmt"),
    "joeynmt-lstm-bahdanau": System(
        "JoeyNMT, LSTM with attention",
        f"{HERE}.joeynmt",
        DECODE,
        environment="joeynmt",
        variant="lstm-bahdanau",
    ),
    "ctranslate2-float32": _ctranslate2("float32"),
    "ctranslate2-int8": _ctranslate2("int8"),
    "nanogpt": System(
        "nanoGPT",
        f"{HERE}.nanogpt",
        (*TRAIN_GPT, *GENERATE),
        environment="torch",
        downloads=(NANOGPT,),
    ),
    "neuralforecast": System(
        "neuralforecast PatchTST",
        f"{HERE}.neuralforecast",
        TRAIN_FORECASTER,
        environment="neuralforecast",
    ),
    "hf-pretrained": _pretrained("HF Transformers", "hf_pretrained", "float32", *PRETRAINED),
    "hf-pretrained-bfloat16": _pretrained(
        "HF Transformers, bfloat16", "hf_pretrained", "bfloat16", *PRETRAINED
    ),
    "llama-cpp": _pretrained("llama.cpp, 4 bits", "llama_cpp", "", pretrained.GENERATE),
    "hf-gpt2": _torch("HF Transformers GPT-2", "hf_gpt2", "float32", *GENERATE),
}
"""By the name that results use. `zoo` is what a user gets without asking for anything."""


def machine() -> System:
    """The probe of the machine itself: with PyTorch where it is installed, else with NumPy."""
    probe = System("this machine", f"{HERE}.machine", tuple(CEILINGS), environment="torch")
    return probe if probe.python.exists() else replace(probe, environment="")
