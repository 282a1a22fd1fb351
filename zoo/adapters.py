"""Adapters: what is trained of a network whose other weights stay those of another model.

A folder with an adapter has the trained weights alone, and the name and checksum of its base.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

WAYS = ("lora", "head")
"""How: matrices of low rank beside the frozen ones (and a head, where there is one), or a head."""
HEAD = "head"
"""What the layer is called that says what a network was trained for."""
PARTS: dict[str, tuple[str, ...]] = {
    "all": ("query", "key_value", "output", "inner", "outer"),
    "attention": ("query", "key_value", "output"),
    "feed-forward": ("inner", "outer"),
}
"""Layers that get matrices of low rank, by the name of the choice."""
NARROW = ("lora_kernel_a", "lora_kernel_b")
"""What these matrices are called, A (D, r) and B (r, U)."""


@dataclass(frozen=True)
class Adapter:
    """What is trained, and beside which weights.

    Args:
        how: one of `WAYS`.
        base: the model whose weights stay, by name.
        sha256: of its file of weights.
        rank: r, of the product of two matrices that is added to a frozen one; 0 of a head alone.
        alpha: the product is multiplied by alpha / r.
        layers: a name of `PARTS`.

    Raises:
        ValueError: a value that makes no sense.

    Example:
        >>> Adapter("lora", "minilm", "0" * 64, rank=8, alpha=16.0).layers
        'all'
        >>> Adapter("lora", "minilm", "0" * 64)
        Traceback (most recent call last):
        ValueError: rank must be 1 or more. Received: rank=0
    """

    how: str
    base: str
    sha256: str
    rank: int = 0
    alpha: float = 1.0
    layers: str = "all"

    def __post_init__(self) -> None:
        for name in ("how", "base", "sha256", "layers"):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f"{name} must be text. Received: {getattr(self, name)!r}"[:200])
        if self.how not in WAYS:
            raise ValueError(f"how must be one of {', '.join(WAYS)}. Received: how={self.how!r}")
        if self.layers not in PARTS:
            known = ", ".join(PARTS)
            raise ValueError(f"layers must be one of {known}. Received: layers={self.layers!r}")
        if type(self.rank) is not int or self.rank < (self.how == "lora"):
            raise ValueError(f"rank must be 1 or more. Received: rank={self.rank!r}")
        if type(self.alpha) not in (int, float) or not 0 < self.alpha < float("inf"):
            raise ValueError(f"alpha must be above 0. Received: alpha={self.alpha!r}")

    def record(self) -> dict[str, Any]:
        """As config.json has it."""
        return asdict(self)


def read(config: Mapping[str, Any]) -> Adapter | None:
    """The adapter of a config.json; None where all weights are the model's own.

    Raises:
        ValueError: what is wrong with it.
    """
    record = config.get("adapter")
    if record is None:
        return None
    if not isinstance(record, Mapping):
        raise ValueError("adapter must be an object")
    try:
        return Adapter(**record)
    except (TypeError, ValueError) as error:
        raise ValueError(f"adapter: {str(error).removeprefix('Adapter.__init__() ')}") from None


def hyperparameters(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The hyper-parameters in a config.json, as its weights are read today.

    Earlier versions scaled the embeddings of pre-trained bases, and config.json did not say so. An
    adapter has no weights of its own that this concerns: they are its base's, as read today.
    """
    from zoo import registry, shipped

    given, adapter = config["hyperparameters"], config.get("adapter")
    name = "scaled_embedding"
    beside = adapter.get("base") if isinstance(adapter, Mapping) else None
    if not beside or name in given or beside in shipped.folders():
        return given
    known = registry.architecture(config["model"], config["kind"]).config
    return {**given, name: False} if hasattr(known, name) else given


def add(network: Any, adapter: Adapter) -> None:
    """Freeze a built network but for its head, and put matrices of low rank beside the others.

    LoRA (Hu et al. 2021, arXiv:2106.09685), section 4.1: `h = W x + (alpha / r) B A x`, W frozen;
    B is zero at first, so that nothing is changed.

    Args:
        network: of `zoo.building.build`; changed in place.
        adapter: how.

    Raises:
        ValueError: it has no head, or no layer to put them beside.
    """
    from zoo.layers.dense import Dense

    heads = [
        layer
        for layer in network._flatten_layers(include_self=False, recursive=False)
        if layer.name == HEAD
    ]
    kept = {id(weight) for layer in heads for weight in layer.weights}
    for weight in network.weights:
        if id(weight) not in kept:
            weight.trainable = False
    if adapter.how == "head":
        if not heads:
            raise ValueError(f"{network.name} has no head of its own to train: use lora")
        return
    found = {
        id(layer): layer
        for layer in network._flatten_layers(include_self=False)
        if isinstance(layer, Dense) and layer.name in PARTS[adapter.layers]
    }
    if not found:
        raise ValueError(
            f"{network.name} has no layers called {', '.join(PARTS[adapter.layers])}: LoRA is for "
            "Transformers; use full or head"
        )
    for layer in found.values():
        layer.enable_lora(adapter.rank, lora_alpha=adapter.alpha)


def merged(arrays: Mapping[str, Any], adapter: Adapter) -> dict[str, Any]:
    """The weights of a network and its adapter as those of a network without one.

    Hu et al. 2021 (arXiv:2106.09685), section 4.1: `W + (alpha / r) B A` in the place of W.

    Args:
        arrays: of all weights, by name.
        adapter: what is among them.

    Example:
        >>> import numpy as np
        >>> arrays = {"a/kernel": np.ones((2, 1)), "a/lora_kernel_a": np.ones((2, 1))}
        >>> arrays["a/lora_kernel_b"] = np.full((1, 1), 3.0)
        >>> merged(arrays, Adapter("lora", "minilm", "0" * 64, rank=1, alpha=2.0))
        {'a/kernel': array([[7.],
               [7.]])}
    """
    found = {}
    for name, array in arrays.items():
        layer, _, last = name.rpartition("/")
        if last in NARROW:
            continue
        narrow = [arrays.get(f"{layer}/{one}") for one in NARROW]
        if last == "kernel" and narrow[0] is not None:
            array = array + adapter.alpha / adapter.rank * (narrow[0] @ narrow[1])
        found[name] = array
    return found


def own(weights: Mapping[str, Any]) -> list[str]:
    """The names of those of a network's weights that are trained: the adapter's."""
    return [name for name, weight in weights.items() if weight.trainable]
