"""What a language model answers: how it went on, how sure it was of each token, where it looked;
and how likely it finds a given text.

Axes of attention: L layers, H heads, N tokens read and written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Token:
    """One token that was written, or read.

    Args:
        text: as it is in the text.
        label: as a page shows it: spaces and line breaks can be seen.
        log_prob: natural logarithm of its probability, before temperature, top-k and top-p.
        candidates: the likeliest tokens at this place with their probabilities, best first.
        id: its number in the vocabulary; -1 where that is not known.
    """

    text: str
    label: str
    log_prob: float
    candidates: tuple[tuple[str, float], ...] = ()
    id: int = -1


@dataclass
class Continuation:
    """How a language model goes on from a prompt.

    Args:
        prompt: what it went on from.
        text: what it wrote, without the prompt.
        tokens: what it wrote, token by token.
        prompt_labels: the tokens of the prompt that were read, as a page shows them, the start
            token first where one was put before them.
        attention: `decoder` (L, H, N, N) float32: where each token looked; N counts those of the
            prompt and then all written ones but the last, at most the model's context. {} where
            the model has no attention.
        labels: of the N tokens.
        finished: False when it was cut at `max_new_tokens`.
        seconds: from prompt to answer, over the number of prompts in the call.
        notes: plain sentences about what the reader should know.

    Example:
        >>> import zoo
        >>> [answer] = zoo.load("shakespeare-ngram").predict("To be, or not to b", max_new_tokens=1)
        >>> answer.text, answer.tokens[0].label, len(answer.tokens[0].candidates)
        ('e', 'e', 5)
    """

    prompt: str
    text: str
    tokens: list[Token]
    prompt_labels: list[str] = field(default_factory=list)
    attention: dict[str, np.ndarray] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    finished: bool = True
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def log_probs(self) -> np.ndarray:
        """(T,) float32, of each written token."""
        return np.array([token.log_prob for token in self.tokens], "float32")


@dataclass
class ScoredText:
    """How likely a language model finds a given text.

    Args:
        text: what was scored.
        tokens: of the text, each with what the model would have written there.
        ranks: (N,) int32: the place of each token among all that may be written; 1 is the
            likeliest.
        sizes: (N,) bytes of UTF-8 that the text grows by with each token.
        known: (N,) bool: False for a token that the model cannot write, such as a character that
            is not in its vocabulary. These count for none of the figures below.
        notes: plain sentences about what the reader should know.

    Example:
        >>> import zoo
        >>> found = zoo.load("shakespeare-ngram").score("To be, or not to be")
        >>> len(found.tokens), found.perplexity < 8
        (19, True)
    """

    text: str
    tokens: list[Token]
    ranks: np.ndarray
    sizes: np.ndarray
    known: np.ndarray
    notes: list[str] = field(default_factory=list)

    @property
    def log_probs(self) -> np.ndarray:
        """(N,) float32, of each token."""
        return np.array([token.log_prob for token in self.tokens], "float32")

    @property
    def total(self) -> float:
        """Natural logarithm of the probability of all known tokens."""
        return float(self.log_probs[self.known].sum(dtype="float64"))

    @property
    def nats(self) -> float:
        """A known token's mean negative log-probability; 0 where there is none."""
        return -self.total / max(int(self.known.sum()), 1)

    @property
    def perplexity(self) -> float:
        """Among how many equally likely tokens the model chose, on average."""
        return math.exp(min(self.nats, 700.0))

    @property
    def bits_per_byte(self) -> float:
        """The same surprise in bits, for each byte of the known tokens."""
        return -self.total / math.log(2) / max(int(self.sizes[self.known].sum()), 1)
