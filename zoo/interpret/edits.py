"""What is to be changed in a model while it answers, and what came of it: plain data.

Axes: B batch, L layers, H heads, T target tokens, S source tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.continuation import Continuation
from zoo.prediction import AXES, Prediction

HOW = ("unknown", "hidden", "removed")
UNITS = ("word", "piece")

Arrays = dict[str, dict[str, Any]]
"""By kind: `gates` (1, L, H), and, where rows may be forced, `which` (L, H, T) and `rows`."""


@dataclass(frozen=True)
class Force:
    """One row of attention overwritten: all of it goes to one place (Strobelt et al. 2018).

    Args:
        target: which row, by its word (or token): of what was written, for kind "encoder" of what
            was read.
        source: where it is to look: at what was read, for kind "decoder" at what was written.
        kind: "cross", "encoder" or "decoder".
        layer, head: counted from 0; None: all of them.

    Example:
        >>> Intervention(force=(Force(target=1, source=0, layer=2),)).force[0].head is None
        True
    """

    target: int
    source: int
    kind: str = "cross"
    layer: int | None = None
    head: int | None = None


@dataclass(frozen=True)
class Off:
    """A head whose output is zero, as if it were not there; without `head`, all of the layer.

    Example:
        >>> what = Intervention(off=(Off("cross", layer=0, head=3), Off("encoder", layer=1)))
        >>> [one.head for one in what.off]
        [3, None]
    """

    kind: str
    layer: int
    head: int | None = None


@dataclass(frozen=True)
class Intervention:
    """What is done to a model while it answers; nothing, by default.

    Args:
        mask: words of the source that are not to be known.
        how: a masked word is "unknown": every token of it read as `<unk>`, as occlusion does;
            "hidden": its place stays, but no attention and no state sees it; "removed": taken out,
            and later words move up.
        swap: pairs of words of the source that change places, one pair after the other.
        force: rows of attention that are overwritten, later ones over earlier ones.
        off: heads and layers of attention that are switched off.
        prefix: what the answer has to begin with.
        unit: what is counted: "word" (as `Prediction.words` cuts them) or "piece", a token (the
            bytes of a character count as one).

    Raises:
        ValueError: another `how` or `unit`.

    Example:
        >>> Intervention(mask=(2,), how="removed", off=(Off("cross", layer=0),)).swap
        ()
        >>> Intervention(how="forgotten")
        Traceback (most recent call last):
        ValueError: how must be one of unknown, hidden, removed. Received: how='forgotten'
    """

    mask: tuple[int, ...] = ()
    how: str = "unknown"
    swap: tuple[tuple[int, int], ...] = ()
    force: tuple[Force, ...] = ()
    off: tuple[Off, ...] = ()
    prefix: str = ""
    unit: str = "word"

    def __post_init__(self) -> None:
        if self.how not in HOW:
            raise ValueError(f"how must be one of {', '.join(HOW)}. Received: how={self.how!r}")
        if self.unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}. Received: {self.unit!r}")

    def check_words(self, count: int, what: str) -> None:
        """Raise ValueError for a masked or swapped word that a text of `count` words lacks.

        `what`: what is altered, for the message.
        """
        for word in [*self.mask, *(word for pair in self.swap for word in pair)]:
            if not 0 <= word < count:
                raise ValueError(
                    f"The {what} has {count} {self.unit}s, counted from 0. Received: {word}"
                )

    def order(self, count: int) -> list[int]:
        """In which order `count` words stand once pairs have changed places.

        Example:
            >>> Intervention(swap=((0, 2),)).order(4)
            [2, 1, 0, 3]
        """
        order = [*range(count)]
        for one, other in self.swap:
            a, b = order.index(one), order.index(other)
            order[a], order[b] = order[b], order[a]
        return order


@dataclass
class Outcome:
    """What came of an intervention.

    Args:
        before: the answer it was made to; all three are continuations of a language model.
        after: what the model writes under the intervention, with its maps.
        forced: the text of `before`, scored under the intervention, with the maps it then has.
        kl: (T,) float32, Kullback-Leibler divergence in nats of what the model expects at each
            token of `before` under the intervention from what it expected without it.
    """

    before: Prediction | Continuation
    after: Prediction | Continuation
    forced: Prediction | Continuation
    kl: np.ndarray

    @property
    def changed(self) -> bool:
        """Whether the text is another."""
        return self.after.text != self.before.text

    @property
    def difference(self) -> np.ndarray:
        """(T,) nats by which each token of `before` became likelier."""
        return self.forced.log_probs - self.before.log_probs


class Edits:
    """What is done to the attention of a network.

    Args:
        heads: layers and heads by kind, as `Network.attention_heads` gives them.
        off: heads that are switched off.
        rows: what is forced, with the tokens whose rows these are and the tokens they look at; the
            weight is shared evenly among the latter.

    Raises:
        ValueError: a kind, layer or head that the network does not have.
    """

    def __init__(
        self,
        heads: Mapping[str, tuple[int, int]],
        off: Sequence[Off] = (),
        rows: Sequence[tuple[Force, list[int], list[int]]] = (),
    ):
        self.heads, self.rows = heads, rows
        self.gates = {kind: np.ones((1, *size), "float32") for kind, size in heads.items()}
        for one in off:
            self.gates[self._kind(one)][0, self._one(one, 0), self._one(one, 1)] = 0.0
        for force, _, _ in rows:
            self._kind(force)

    def gates_alone(self) -> Arrays:
        """The arrays that switch heads off, and force nothing."""
        return {kind: {"gates": gates} for kind, gates in self.gates.items()}

    def arrays(self, targets: int, sources: int) -> Arrays:
        """All arrays, for T and S with their padding."""
        found = self.gates_alone()
        sizes = {"target": targets, "source": sources}
        for kind, size in self.heads.items():
            rows, columns = (sizes[side] for side in AXES[kind])
            found[kind]["which"] = np.zeros((*size, rows), bool)
            found[kind]["rows"] = np.zeros((*size, rows, columns), "float32")
        for force, rows, columns in self.rows:
            layer, head = self._one(force, 0), self._one(force, 1)
            shares = np.zeros((found[force.kind]["rows"].shape[-1]), "float32")
            shares[columns] = 1 / len(columns)
            for row in rows:
                found[force.kind]["which"][layer, head, row] = True
                # What is written sees nothing that comes after it.
                seen = (
                    shares * (np.arange(len(shares)) <= row) if force.kind == "decoder" else shares
                )
                found[force.kind]["rows"][layer, head, row] = seen / seen.sum()
        return found

    def _kind(self, one: Off | Force) -> str:
        if one.kind not in self.heads:
            there = ", ".join(self.heads) or "none"
            raise ValueError(f"This model's kinds of attention: {there}. Received: {one.kind!r}")
        return one.kind

    def _one(self, one: Off | Force, axis: int) -> slice:
        """A layer (axis 0) or head (1) as a slice; all of them for None."""
        name, value = (("layer", one.layer), ("head", one.head))[axis]
        count = self.heads[one.kind][axis]
        if value is None:
            return slice(None)
        if not 0 <= value < count:
            raise ValueError(
                f"{one.kind} has {count} {name}s, counted from 0. Received: {name}={value}"
            )
        return slice(value, value + 1)
