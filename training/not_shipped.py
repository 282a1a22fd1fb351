"""README's rows of models whose weights are not here: what benchmarks measured of them.

Weights that were trained on a corpus for research alone may not be passed on, and those that others
trained come with a package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.saving import read_json

RESULTS = Path(__file__).resolve().parent.parent / "benchmarks" / "results" / "quality"
SUMMARIES, EIGHT_BITS = "summaries", "eight_bits"
ROUGE = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rouge_lsum": "ROUGE-Lsum"}
FLOOR = "longest-3"


def lines() -> Iterator[str]:
    """Markdown: a table of summaries, and one of pre-trained language models; see their files."""
    yield from _summaries(read_json(RESULTS / f"{SUMMARIES}.json"))
    yield from _language_models(read_json(RESULTS / f"{EIGHT_BITS}.json"))


def _summaries(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from (f"`samsum` (for research; {_link(SUMMARIES)}):", "")
    heads = ["model", *ROUGE.values(), "names", "who did what", "parameters"]
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'--:|' * (len(heads) - 1)}"
    floor = found[FLOOR]["figures"]
    for one in [found[FLOOR], *(row for row in found.values() if "parameters" in row)]:
        figures = one["figures"]
        worse = any(figures[key] < floor[key] for key in ROUGE)
        cells = [f"{figures[key]:.1f}" for key in (*ROUGE, "names", "deeds")]
        size = f"{one['parameters'] / 1e6:.1f} M" if "parameters" in one else ""
        mark = " (worse than the floor)" if worse else ""
        yield f"| {one['what']}{mark} | {' | '.join([*cells, size])} |"


def _language_models(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield from ("", f"Trained by others, on other texts ({_link(EIGHT_BITS)}):", "")
    yield "| model | text | perplexity a word ↓ | on LiteRT in int8 | bits a byte ↓ |"
    yield "|---|---|--:|--:|--:|"
    for name, one in found.items():
        text = f"`{one['task']}`, the first {one['words']:,} words of the test side"
        exact, small = one["float32"], one["int8"]
        perplexity = f"{exact['word_perplexity']:.1f} | {small['word_perplexity']:.1f}"
        yield f"| {name} | {text} | {perplexity} | {exact['bits_per_byte']:.3f} |"


def _link(name: str) -> str:
    return f"[figures](benchmarks/results/quality/{name}.md)"
