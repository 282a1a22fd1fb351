"""How text is prepared before it is cut into tokens: a list of plain steps, kept with the model.

The steps are JSON in a model folder's `config.json`, so the same cleaning is done in training, in
`predict`, in the dashboard and in an export:

    {"unicode": "NFKC"}          a Unicode normal form: NFC, NFD, NFKC or NFKD
    {"remove": ["Mn", "Cf"]}     characters of these Unicode categories are left out
    {"replace": {"’": "'"}}      literal strings, replaced in the order given
    {"lower": true}              lower case
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
CATEGORIES = frozenset(
    "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co".split()
)

Step = Mapping[str, Any]


class Normalizer:
    """Steps that a text goes through, in their order.

    Args:
        steps: mappings of one entry each, as at the top of this file; none leaves a text as it is.

    Raises:
        ValueError: a step that is not one of those.

    Example:
        >>> Normalizer([{"lower": True}, {"replace": {"’": "'"}}])("DON’T")
        "don't"
    """

    def __init__(self, steps: Sequence[Step] = ()):
        self.steps: list[dict[str, Any]] = [_checked(step) for step in steps]

    def __call__(self, text: str) -> str:
        """`text` after all steps."""
        for step in self.steps:
            ((name, value),) = step.items()
            if name == "unicode":
                text = unicodedata.normalize(value, text)
            elif name == "remove":
                text = "".join(c for c in text if unicodedata.category(c) not in value)
            elif name == "replace":
                for old, new in value.items():
                    text = text.replace(old, new)
            else:
                text = text.lower()
        return text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Normalizer) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(str(self.steps))

    def __repr__(self) -> str:
        return f"Normalizer({self.steps!r})"


def _checked(step: Any) -> dict[str, Any]:
    """A copy of `step`. Raises ValueError that names it where it is no step."""
    if isinstance(step, Mapping) and len(step) == 1:
        ((name, value),) = step.items()
        if name == "unicode" and value in FORMS:
            return {name: value}
        if name == "remove" and _is_list(value) and value and set(value) <= CATEGORIES:
            return {name: list(value)}
        if name == "replace" and isinstance(value, Mapping) and _are_texts(value):
            return {name: dict(value)}
        if name == "lower" and value is True:
            return {name: True}
    raise ValueError(
        'a step of a normalizer is {"unicode": "NFKC"}, {"remove": [Unicode categories]}, '
        f'{{"replace": {{old: new}}}} or {{"lower": true}}. Received: {step!r}'
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)


def _are_texts(value: Mapping[Any, Any]) -> bool:
    return bool(value) and all(
        isinstance(old, str) and old and isinstance(new, str) for old, new in value.items()
    )
