"""The tokenizers of running texts, by the files that are kept beside a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zoo import byte_pairs
from zoo.byte_pairs import BytePairs
from zoo.text_tokenizers import Characters, SubWords, TextTokenizer, Words


def load(path: Path) -> TextTokenizer:
    """The tokenizer in a file: `.json` of characters, words or byte pairs, `.model` of sub-words.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such tokenizer in it.
    """
    data = path.read_bytes()
    if path.suffix == ".model":
        return SubWords(data)
    try:
        return _listed(json.loads(data))
    except (ValueError, RecursionError, ImportError) as error:
        raise ValueError(f"{path.name} is no vocabulary: {error}") from error


def _listed(record: Any) -> TextTokenizer:
    """The tokenizer that a JSON file holds. Raises ValueError with what is wrong."""
    if isinstance(record, dict) and record.get("type") == BytePairs.kind:
        return byte_pairs.of_record(record)
    if not isinstance(record, dict) or not isinstance(record.get("tokens"), list):
        raise ValueError('it must be an object with a list of "tokens"')
    kinds = {kind.unit: kind for kind in (Characters, Words)}
    kind = kinds.get(record["type"]) if isinstance(record.get("type"), str) else None
    if kind is None:
        found = str(record.get("type"))[:80]
        raise ValueError(f'its "type" must be {" or ".join(kinds)}. Received: {found!r}')
    seen: set[str] = set()
    for token in record["tokens"]:
        if not isinstance(token, str) or not token or not kind.is_token(token):
            raise ValueError(f"a token must be a {kind.unit}. Received: {str(token)[:80]!r}")
        if token in seen:
            raise ValueError(f"a token is there twice. Received: {token[:80]!r}")
        seen.add(token)
    return kind(record["tokens"])
