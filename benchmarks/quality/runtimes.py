"""Whether LiteRT answers as Keras does: `python -m benchmarks.quality.runtimes [MODEL...]`.

The first test sentences of each shipped encoder-decoder, greedy and with a beam of 5: how many
answers of LiteRT's float32 and int8 graphs are those of Keras, token for token, and what every
runtime scores on them. Models that were measured before are kept in the results.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.quality import markdown
from benchmarks.speed import protocol
from training import card_writer, tasks
from training.commands import plainly
from zoo.saving import read_json, write_aside, write_json

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

FOLDER = Path(__file__).resolve().parents[1] / "results" / "quality"
COMMAND = "python -m benchmarks.quality.runtimes"
RUNTIMES = {"float32": "LiteRT, float32", "int8": "LiteRT, int8"}
SEARCHES = {1: "greedy", 5: "beam 5"}
INTRODUCTION = (
    "The same test sentences by Keras (XLA) and by LiteRT graphs of the same weights. Same: how "
    "many answers have exactly the tokens that Keras wrote. Then what each scores on these "
    f"sentences. Written by `{COMMAND}`."
)


@app.command(help=__doc__)
@plainly()
def main(
    models: Annotated[list[str] | None, typer.Argument(help="By default all.")] = None,
    sentences: Annotated[int, typer.Option(min=1, help="Of each model's test side.")] = 500,
    out: Annotated[
        Path | None, typer.Option(help="What is written, without .json and .md.")
    ] = None,
) -> None:
    """Ask every runtime the same and write figures and page; see the text of the module."""
    from zoo import shipped

    path = out or FOLDER / "runtimes"
    kept = path.with_suffix(".json")
    known = read_json(kept) if kept.is_file() else {"models": {}}
    configs = shipped.configs()
    for name in models or [n for n, config in configs.items() if config["kind"] == "seq2seq"]:
        known["models"][name] = measure(name, sentences)
        known |= {
            "command": COMMAND,
            "versions": protocol.versions(["tensorflow", "keras", "ai-edge-litert"]),
            "commit": card_writer.commit(),
            "date": time.strftime("%Y-%m-%d"),
        }
        write_json(kept, known)
        typer.echo("\n".join(rows(name, known["models"][name])))
    write_aside(path.with_suffix(".md"), page(known).encode())


def measure(name: str, count: int) -> dict[str, Any]:
    """The answers of one model, compared and scored."""
    import zoo

    on_keras = zoo.load(name)
    task = tasks.of_model(on_keras.config)
    examples = task.examples("test")[:count]
    texts = [example.source for example in examples]
    found: dict[str, Any] = {"sentences": len(texts), "metric": task.metric, "searches": {}}
    on_litert = {kind: zoo.load(name, runtime="litert", precision=kind) for kind in RUNTIMES}
    for beams, search in SEARCHES.items():
        wanted = on_keras.predict(texts, beams=beams, attention=False)
        result: dict[str, Any] = {"keras": {"score": score(task, wanted, examples)}}
        for kind, model in on_litert.items():
            answers = model.predict(texts, beams=beams, attention=False)
            pairs = zip(answers, wanted, strict=True)
            same = sum(one.target_pieces == other.target_pieces for one, other in pairs)
            result[kind] = {"same": same, "score": score(task, answers, examples)}
        found["searches"][search] = result
    return found


def score(task: Any, answers: Sequence[Any], examples: Sequence[Any]) -> float:
    """The task's metric."""
    return round(task.score([one.text for one in answers], examples)[task.metric], 2)


def page(found: Mapping[str, Any]) -> str:
    """All models as a Markdown page."""
    lines = ["# LiteRT beside Keras", "", INTRODUCTION, ""]
    heads = "".join(f" {label}: same | score |" for label in RUNTIMES.values())
    lines += [f"| model | search | metric | Keras |{heads}", "|---|---|---|--:|--:|--:|--:|--:|"]
    for name, one in found["models"].items():
        lines += list(rows(name, one))
    made = f"{found['date']}, commit {markdown.commit(found)}"
    packages = markdown.packages(found["versions"])
    return "\n".join([*lines, "", f"`{found['command']}`, {made}, {packages}.", ""])


def rows(name: str, one: Mapping[str, Any]) -> Iterator[str]:
    """A line for each search."""
    for search, result in one["searches"].items():
        cells = [name, search, one["metric"], f"{result['keras']['score']:.2f}"]
        for kind in RUNTIMES:
            cells += [f"{result[kind]['same']} of {one['sentences']}"]
            cells += [f"{result[kind]['score']:.2f}"]
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    app()
