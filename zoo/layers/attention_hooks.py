"""Hooks on a network's attention: see its weights, change them, or do without them."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import keras

Tensor = Any

_wanted = contextvars.ContextVar("maps wanted", default=True)


@contextlib.contextmanager
def without_maps() -> Iterator[None]:
    """Within, multi-head attention may give None for its weights, and never hold them whole.

    For uses that need the output alone: training, and the encoder of a search. What an operation is
    traced with stays in the traced program.
    """
    before = _wanted.set(False)
    try:
        yield
    finally:
        _wanted.reset(before)


def maps_wanted() -> bool:
    """False within `without_maps`."""
    return _wanted.get()


Site = tuple[str, int]
"""Which attention of a network: its kind ("encoder", "decoder" or "cross") and its layer."""


class AttentionHook:
    """Sees every attention of a network and may change it; this one changes nothing.

    Used within `use_hook`. Axes as in `MultiHeadAttention`; additive attention has one head.

    Example:
        >>> import zoo
        >>> class Entropies(AttentionHook):
        ...     def weights(self, site, weights, index):
        ...         print(site, tuple(weights.shape))
        ...         return weights
        >>> network = zoo.load("shakespeare-gpt").model
        >>> with use_hook(Entropies()):
        ...     _ = network.decode(keras.ops.ones((1, 3), "int32"), {})  # doctest: +ELLIPSIS
        ('decoder', 0) (1, 4, 3, 3)
        ...
    """

    def weights(self, site: Site, weights: Tensor, index: Tensor | None) -> Tensor:
        """The weights (B, H, T, S) to go on with.

        `index` is the position of the only query (T is 1) in a step of generation, else None.
        """
        return weights

    def context(self, site: Site, context: Tensor) -> Tensor:
        """The output of each head, (B, H, T, D/H), to go on with."""
        return context

    def observe(self, site: Site, layer: keras.layers.Layer, **tensors: Tensor) -> None:
        """Called with what the weights are computed from, by name."""


_hook = contextvars.ContextVar[AttentionHook | None]("hook", default=None)
_index = contextvars.ContextVar[Tensor | None]("index of the only query", default=None)


@contextlib.contextmanager
def use_hook(hook: AttentionHook) -> Iterator[None]:
    """Within, `hook` is called by every attention; what is traced so stays so."""
    before = _hook.set(hook)
    try:
        yield
    finally:
        _hook.reset(before)


@contextlib.contextmanager
def query_at(index: Tensor) -> Iterator[None]:
    """Within, attention has one query, at this position."""
    before = _index.set(index)
    try:
        yield
    finally:
        _index.reset(before)


def current_hook() -> AttentionHook | None:
    """The hook in use, if there is one."""
    return _hook.get()


def query_position() -> Tensor | None:
    """The position of the only query within `query_at`, else None."""
    return _index.get()
