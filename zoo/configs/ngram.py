"""Hyper-parameters and sizes of the n-gram model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.configs.base import Config, setting, size


@dataclass(frozen=True)
class NGram(Config):
    """Hyper-parameters of the language model `ngram`.

    Args:
        vocabulary: how many tokens there are.
        order: the length of the longest n-grams: how many tokens before the next one count, and
            that one.
        discounts: `modified` (three for each length) or `absolute` (one).
    """

    vocabulary: int = size()
    order: int = setting(5, least=1, most=16)
    discounts: str = setting("modified", choices=("modified", "absolute"))


PRESETS: dict[str, dict[str, Any]] = {
    "nano": {"order": 2},
    "tiny": {"order": 3},
    "compact": {"order": 4},
    "small": {"order": 5},
    "base": {"order": 7},
}
