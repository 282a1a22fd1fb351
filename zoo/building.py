"""Networks by the name of their architecture, with fresh weights."""

from __future__ import annotations

from typing import Any

from zoo import adapters, registry
from zoo.adapters import Adapter
from zoo.runtime import keras_settings


def network_class(name: str, kind: str) -> type[Any]:
    """The class of the architecture `name` of a kind. Raises ValueError: unknown name."""
    return registry.named(registry.architecture(name, kind).network)


def build(
    name: str,
    config: Any,
    seed: int = 0,
    precision: str = "float32",
    kind: str = "seq2seq",
    adapter: Adapter | None = None,
) -> Any:
    """A network of the architecture `name` with fresh weights drawn from `seed`.

    Args:
        name: of the architecture.
        config: hyper-parameters, from `zoo.registry.configuration`.
        seed: of the weights.
        precision: the dtype policy of its layers; Keras's global one and keras.json do not count.
        kind: the architecture's.
        adapter: what is trained of it, where that is not all; its base's weights are not set.

    Raises:
        ValueError: unknown name, the configuration of another architecture, or an adapter that it
            cannot have.

    Example:
        >>> sizes = {"source_vocabulary": 9, "target_vocabulary": 9}
        >>> config = registry.configuration("lstm", "nano", **sizes)
        >>> build("lstm", config).count_params()
        8864
    """
    import keras

    entry = registry.architecture(name, kind)
    if not isinstance(config, entry.config):
        raise ValueError(
            f"{name} is configured by {entry.config.__name__}. Received: {type(config).__name__}"
        )
    made = network_class(name, kind)
    keras.utils.set_random_seed(seed)
    with keras_settings.precision(precision):
        network = made(config, name=name)
        network.build_variables()
        if adapter:
            adapters.add(network, adapter)
    return network
