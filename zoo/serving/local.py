"""A backend in this process: models loaded when they are first asked, answered in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from zoo.serving import signatures


class LocalBackend:
    """Answers without Ray: for tests, and for a client of one process.

    Args:
        models: predictors by name.

    Example:
        >>> import zoo
        >>> backend = LocalBackend({"dates": zoo.load("dates-lstm")})
        >>> call = backend.answer("dates", "serving_default", [{"text": "17 March 1998"}])
        >>> asyncio.run(call)[0]["text"]
        '1998-03-17'
    """

    def __init__(self, models: Mapping[str, Any]):
        self.models = models
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="answers")

    async def answer(
        self, model: str, signature: str, rows: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool, signatures.answer, self.models[model], signature, rows
        )

    async def states(self) -> dict[str, tuple[str, str]]:
        return dict.fromkeys(self.models, ("AVAILABLE", ""))
