"""CTranslate2 at its best thread setting: the network of system `zoo` as the zoo exports it."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from functools import partial

import ctranslate2

from benchmarks.speed.protocol import PIECES, Block, cores, decoding, serve, shape
from benchmarks.speed.workload import Workload

Request = list[list[str]]


def load(folder: str, kind: str, intra: int, inter: int) -> ctranslate2.Translator:
    """`inter` workers of `intra` threads each."""
    return ctranslate2.Translator(
        folder, device="cpu", compute_type=kind, intra_threads=intra, inter_threads=inter
    )


def decode(measure: str, data: Workload, kind: str) -> Block:
    """Blocks with the faster of two settings: a worker a core, or all cores for one worker."""
    beams, rows = shape(measure)
    groups = [[row] for row in data.decode[:8]] if rows == 1 else [data.decode[:rows]]
    requests = [[[str(i) for i in row] for row in group] for group in groups]
    settings = {(1, cores()), (cores(), 1)}
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        convert = "benchmarks.speed.systems.ctranslate2_convert"
        subprocess.run([sys.executable, "-m", convert, str(data.vocabulary), folder], check=True)
        for intra, inter in settings:
            translator = load(folder, kind, intra, inter)
            answers[intra, inter] = partial(translate, translator, beams, math.ceil(rows / inter))
    trials = {s: decoding(answers[s], requests[:1], rows)(0.3)["value"] for s in settings}
    intra, inter = (min if rows == 1 else max)(trials, key=trials.get)
    best = decoding(answers[intra, inter], requests, rows)
    return lambda seconds: best(seconds) | {"intra_threads": intra, "inter_threads": inter}


def translate(
    translator: ctranslate2.Translator, beams: int, part: int, request: Request
) -> list[int]:
    """The length of what was written for each row; `part` rows go to one worker."""
    found = translator.translate_batch(
        request,
        beam_size=beams,
        max_batch_size=part,
        min_decoding_length=PIECES,
        max_decoding_length=PIECES,
    )
    return [len(result.hypotheses[0]) for result in found]


if __name__ == "__main__":
    serve(
        {
            name: partial(decode, name)
            for name in ("greedy/b1", "greedy/b32", "beam5/b1", "beam5/b32")
        },
        ("ctranslate2",),
    )
