"""Whether other runtimes answer as Keras does: `python -m benchmarks.quality.runtimes [MODEL...]`.

The first test sentences of each shipped encoder-decoder, greedy and with a beam of 5: how many
answers of LiteRT and of CTranslate2 (Transformers), in float32 and int8, are those of Keras, token
for token, and what every runtime scores on them. Models that were measured before are kept in the
results.
"""

from __future__ import annotations

import tempfile
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
RUNTIMES = {"LiteRT": {"float32": "float32", "int8": "int8"}} | {
    "CTranslate2": {"ctranslate2-float32": "float32", "ctranslate2-int8": "int8"}
}
"""By runtime: the name of each way in the results, and the precision of its weights."""
PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "ctranslate2")
SEARCHES = {1: "greedy", 5: "beam 5"}
INTRODUCTION = (
    "The same test sentences by Keras (XLA) and by exports of the same weights. Same: how many "
    "answers have exactly the tokens that Keras wrote. Then what each scores on these sentences. "
    f"Written by `{COMMAND}`."
)
NOTES = {
    "CTranslate2": "Transformers only. A beam of CTranslate2 divides by n ** 0.6 where the zoo "
    "divides by ((5 + n) / 6) ** 0.6, n tokens, and ends once five hypotheses have: its answers "
    "need not be the same."
}


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
            "versions": protocol.versions(list(PACKAGES)),
            "commit": card_writer.commit(),
            "date": time.strftime("%Y-%m-%d"),
        }
        write_json(kept, known)
        for runtime in RUNTIMES:
            typer.echo("\n".join([runtime, *rows(name, known["models"][name], runtime)]))
    write_aside(path.with_suffix(".md"), page(known).encode())


def measure(name: str, count: int) -> dict[str, Any]:
    """The answers of one model, compared and scored."""
    import zoo
    from zoo.export import ctranslate2 as ctranslate2_export

    on_keras = zoo.load(name)
    task = tasks.of_model(on_keras.config)
    examples = task.examples("test")[:count]
    texts = [example.source for example in examples]
    found: dict[str, Any] = {"sentences": len(texts), "metric": task.metric, "searches": {}}
    others = {
        kind: zoo.load(name, runtime="litert", precision=precision)
        for kind, precision in RUNTIMES["LiteRT"].items()
    }
    with tempfile.TemporaryDirectory() as place:
        if not ctranslate2_export.missing(on_keras.config):
            from benchmarks.quality.on_ctranslate2 import OnCTranslate2

            for kind, precision in RUNTIMES["CTranslate2"].items():
                others[kind] = OnCTranslate2(on_keras, Path(place) / kind, precision)
        for beams, search in SEARCHES.items():
            wanted = on_keras.predict(texts, beams=beams, attention=False)
            result: dict[str, Any] = {"keras": {"score": score(task, wanted, examples)}}
            for kind, model in others.items():
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
    """All models as a Markdown page, a table for each runtime."""
    lines = ["# Other runtimes beside Keras", "", INTRODUCTION, ""]
    for runtime, kinds in RUNTIMES.items():
        heads = "".join(f" {precision}: same | score |" for precision in kinds.values())
        lines += [f"## {runtime}", "", *([NOTES[runtime], ""] if runtime in NOTES else [])]
        lines += [
            f"| model | search | metric | Keras |{heads}",
            "|---|---|---|--:|--:|--:|--:|--:|",
        ]
        for name, one in found["models"].items():
            lines += list(rows(name, one, runtime))
        lines.append("")
    made = f"{found['date']}, commit {markdown.commit(found)}"
    packages = markdown.packages(found["versions"])
    return "\n".join([*lines, f"`{found['command']}`, {made}, {packages}.", ""])


def rows(name: str, one: Mapping[str, Any], runtime: str) -> Iterator[str]:
    """A line for each search, where the runtime has answers of this model."""
    for search, result in one["searches"].items():
        cells = [name, search, one["metric"], f"{result['keras']['score']:.2f}"]
        for kind in RUNTIMES[runtime]:
            if kind not in result:
                break
            cells += [f"{result[kind]['same']} of {one['sentences']}"]
            cells += [f"{result[kind]['score']:.2f}"]
        else:
            yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    app()
