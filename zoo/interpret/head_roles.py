"""What each head of a language model looks for, measured on random tokens that come twice.

Olsson et al. 2022 (arXiv:2209.11895): in a sequence of random tokens that is repeated nothing helps
but to look back. Axes: L layers, H heads, T tokens read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zoo.inference.language_model_base import LanguageModelBase

ROLES = {
    "induction": "looks at what came after the same token before",
    "previous token": "looks at the token before",
    "same token": "looks at the same token, where it came before",
    "first token": "looks at the first token, whatever is read",
}
"""What is scored, and what a head with a high score does."""
MARKED = 0.4
"""A head is called after a role from this mean weight on."""


@dataclass(frozen=True)
class HeadRoles:
    """How much each head does what a role names.

    Args:
        scores: by role, (L, H) float32: the mean weight, from 0 to 1, that the tokens of the second
            half give to the place that the role names.
    """

    scores: dict[str, np.ndarray]

    def named(self, least: float = MARKED) -> list[tuple[int, int, str, float]]:
        """Layer and head, from 0, of each head that has a role, with it and its score, best first.

        A head has the one role it scores highest in.
        """
        roles = list(self.scores)
        every = np.stack([self.scores[role] for role in roles])  # (R, L, H)
        best = every.argmax(axis=0)  # (L, H)
        found = [
            (layer, head, roles[best[layer, head]], float(every[best[layer, head], layer, head]))
            for layer, head in np.argwhere(every.max(axis=0) >= least).tolist()
        ]
        return sorted(found, key=lambda one: -one[3])


def roles_of_heads(
    model: LanguageModelBase,
    length: int = 25,
    rows: int = 4,
    seed: int = 0,
    report: Callable[[int], None] = lambda done: None,
) -> HeadRoles:
    """Score every head of a language model with attention.

    Args:
        model: on Keras or LiteRT.
        length: random tokens that come twice; fewer where the context has no room for that.
        rows: how many such sequences.
        seed: of the draws.
        report: told how many were read.

    Raises:
        ValueError: the model has no attention over what it reads, or room for two tokens twice.

    Example:
        >>> import zoo
        >>> found = roles_of_heads(zoo.load("shakespeare-gpt"), rows=1)
        >>> found.scores["induction"].shape
        (6, 4)
    """
    if "decoder" not in model.attention_heads:
        raise ValueError(f"{model.name} has no attention over what it reads")
    if model.context:
        length = min(length, (model.context - 1) // 2)
    if length < 2:
        raise ValueError(f"{model.name} reads {model.context} tokens at most: too few")
    chance, totals = np.random.default_rng(seed), {role: [] for role in ROLES}
    usual = np.setdiff1d(np.arange(model.tokenizer.size), model.tokenizer.excluded)
    for row in range(rows):
        once = chance.choice(usual, length, replace=len(usual) < length)
        maps = model.maps([model.tokenizer.start, *once, *once])["decoder"]  # (L, H, T, T)
        looks = np.arange(length + 1, 2 * length + 1)  # the second half
        places = {
            "induction": looks - length + 1,
            "previous token": looks - 1,
            "same token": looks - length,
            "first token": np.zeros_like(looks),
        }
        for role, seen in places.items():
            totals[role].append(maps[:, :, looks, seen].mean(axis=-1))  # (L, H)
        report(row + 1)
    return HeadRoles({role: np.mean(found, axis=0) for role, found in totals.items()})
