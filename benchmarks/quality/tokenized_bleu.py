"""Lowercased spaCy and Moses tokens, as published figures count them, made by another environment.

Both packages would change those that the zoo needs: a process of `.venv-peers/quality` reads a line
of JSON such as `{"kind": "spacy", "language": "en", "texts": [...]}` and answers with a line.
Standard library only, apart from the two.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed.registry import ENVIRONMENTS, ROOT

PYTHON = ENVIRONMENTS / "quality" / "bin" / "python"
INSTALL = "python -m benchmarks.speed.install quality"
PACKAGES = {"spacy": "spacy", "moses": "sacremoses"}
TITLES = {"spacy": "lowercased spaCy tokens", "moses": "lowercased Moses tokens"}


class TokenisingError(RuntimeError):
    """The environment cannot tokenise; the message is one line."""


@dataclass(frozen=True)
class Tokeniser:
    """How one language is cut into tokens.

    Args:
        kind: "spacy", whose tokens are lowercased, or "moses", which cuts lowercased text.
        language: such as "en".
        python: the interpreter that has the package.
    """

    kind: str
    language: str
    python: Path = PYTHON

    @property
    def title(self) -> str:
        """What a table calls its tokens."""
        return TITLES[self.kind]

    def missing(self) -> str:
        """What to do about it where there is no such environment; empty where there is."""
        if self.python.exists():
            return ""
        return f"BLEU on {self.title} is left out: not installed: {INSTALL}"

    def __call__(self, texts: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """Every text as its tokens with spaces between, and the versions of what made them.

        Raises:
            TokenisingError: the environment lacks the package, or the process failed.
        """
        asked = {"kind": self.kind, "language": self.language, "texts": list(texts)}
        done = subprocess.run(
            [self.python, "-m", "benchmarks.quality.tokenized_bleu"],
            cwd=ROOT,
            input=f"{json.dumps(asked)}\n",
            capture_output=True,
            text=True,
        )
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = lines[-1].strip()[:300] if lines else "without a word"
        answer = json.loads(done.stdout) if done.stdout else {"error": f"ended: {said}"}
        if "error" in answer:
            raise TokenisingError(f"{self.title}: {answer['error']}; mend it by: {INSTALL}")
        return answer["texts"], answer["versions"]


def spacy(language: str) -> Callable[[str], list[str]]:
    """Cuts as spaCy's pipelines of that language do: their tokeniser is in the package itself."""
    import spacy

    pipeline = spacy.blank(language)
    # White space is no token to sacreBLEU, which parts tokens at spaces.
    return lambda text: [token.text.lower() for token in pipeline(text) if not token.is_space]


def moses(language: str) -> Callable[[str], list[str]]:
    """Lowercases, normalises punctuation and cuts, in the order of Multi30k's own lc.norm.tok."""
    import sacremoses

    normalizer = sacremoses.MosesPunctNormalizer(lang=language)
    tokenizer = sacremoses.MosesTokenizer(lang=language)
    return lambda text: tokenizer.tokenize(normalizer.normalize(text.lower()), escape=False)


MAKERS = {"spacy": spacy, "moses": moses}


def serve() -> None:
    """Answer the lines of standard input until they end."""
    # Packages print what they like: only answers may reach the other side.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        package = PACKAGES[asked["kind"]]
        try:
            cut = MAKERS[asked["kind"]](asked["language"])
            texts = [" ".join(cut(text)) for text in asked["texts"]]
            answer = {"texts": texts, "versions": {package: importlib.metadata.version(package)}}
        except Exception as error:  # whatever a package raises, the other side is told
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        answers.write(f"{json.dumps(answer)}\n")
        answers.flush()


if __name__ == "__main__":
    serve()
