"""Continuations by language models in memory: streamed as they are written, then remembered."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps import inference, memory

if TYPE_CHECKING:
    from zoo.continuation import Continuation, Token


@dataclass(frozen=True)
class Options:
    """How a prompt is continued. A temperature of 0 takes the likeliest token each time."""

    max_new_tokens: int = 200
    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def sampling(self) -> Any:
        """As the models take it."""
        from zoo.inference.sampling import Sampling

        return Sampling(self.temperature, self.top_k, self.top_p) if self.temperature else None


@dataclass(frozen=True)
class Written:
    """A continuation and how fast it came.

    Args:
        continuation: what the model answered.
        tokens_per_second: of a second run, after compilation; None if another answer was being
            computed meanwhile, or nothing was written.
    """

    continuation: Continuation
    tokens_per_second: float | None


def written(
    name: str,
    prompt: str,
    options: Options,
    *,
    say: Callable[[str], None],
    show: Callable[[Sequence[Token]], None],
) -> Written:
    """The model's continuation, from memory where the same was asked before.

    Args:
        say: told what is being done.
        show: told all tokens so far, several times a second.

    Raises:
        Exception: whatever went wrong; the model is then loaded anew the next time.
    """
    key = memory.key(name, "written", prompt, options)
    if (found := memory.get(key)) is not None:
        return found
    with inference.answering(name, say) as model:
        if (found := memory.get(key)) is not None:  # another session has asked the same meanwhile
            return found
        say("writing")
        how = {"sampling": options.sampling(), "seed": options.seed}
        tokens: list[Token] = []
        shown = time.perf_counter()
        for token in model.stream(prompt, options.max_new_tokens, **how):
            tokens.append(token)
            if time.perf_counter() - shown > 0.2:
                show(tokens)
                shown = time.perf_counter()
        show(tokens)
        # The same again with the maps; and at full speed, everything being compiled now.
        continuation, speed = model.predict(prompt, options.max_new_tokens, **how)[0], None
        with inference.undisturbed(model) as free:
            if free:
                again = model.predict(prompt, options.max_new_tokens, **how, attention=False)[0]
                speed = len(again.tokens) / again.seconds if again.seconds else None
        return memory.put(key, Written(continuation, speed or None))


def candidates(name: str, prompt: str, count: int = 8) -> list[tuple[str, float]]:
    """The likeliest next tokens of another model after the same text, best first."""
    with inference.answering(name, lambda step: None) as model:
        [answer] = model.predict(prompt, 1, candidates=count, attention=False)
    return list(answer.tokens[0].candidates) if answer.tokens else []


@functools.lru_cache(maxsize=256)
def longest_copy(written_text: str, corpus: str) -> tuple[int, int]:
    """Begin and end of the longest stretch of a text that is in `corpus` letter by letter.

    Args:
        written_text: what a model wrote.
        corpus: what it was trained on.
    """
    begin, length = 0, 0
    for at in range(len(written_text)):
        while at + length < len(written_text) and written_text[at : at + length + 1] in corpus:
            begin, length = at, length + 1
    return begin, begin + length


def copied(task: str, text: str) -> tuple[int, int] | None:
    """`longest_copy` from the training text of a task; None where that is not on this computer.

    `task`: its whole name.
    """
    corpus = training_text(task)
    return None if corpus is None else longest_copy(text, corpus)


def training_text(task: str) -> str | None:
    """What the models of a task were trained on, where it is on this computer; else None."""
    from training.data import download

    try:
        with download.only_what_is_here():
            return _task(task).text("train")
    except (ValueError, OSError, RuntimeError):
        return None


@functools.lru_cache(maxsize=4)
def _task(name: str) -> Any:
    """The task of that name, which keeps its text."""
    from training import tasks

    return tasks.get(name)
