"""What a model's answer came from: attribution, interventions, candidates, queries and keys.

    import zoo.interpret
    model = zoo.load("en-es-transformer")
    [answer] = model.predict(["Where is the library?"])
    zoo.interpret.attribute(model, answer, method="integrated").words().scores
    zoo.interpret.intervene(model, answer, zoo.interpret.Intervention(mask=(2,))).after.text

Importing this is quick; Keras is imported when one of the functions is first asked for. What works
on maps alone is in modules of their own: `attention_maps`, `attention_metrics`, `alignment`. So are
measurements over many texts: `head_ablation`, `faithfulness`. Predictors import nothing from here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from zoo.interpret.edits import Force, Intervention, Off, Outcome

if TYPE_CHECKING:
    from zoo.interpret.attribution import Attribution, attribute, saliency
    from zoo.interpret.continuations import prompt_units
    from zoo.interpret.head_roles import HeadRoles, roles_of_heads
    from zoo.interpret.internals import Candidates, QueryKeyValue, candidates, query_key_value
    from zoo.interpret.interventions import intervene, predict_without

__all__ = [
    "Attribution",
    "Candidates",
    "Force",
    "HeadRoles",
    "Intervention",
    "Off",
    "Outcome",
    "QueryKeyValue",
    "attribute",
    "candidates",
    "intervene",
    "predict_without",
    "prompt_units",
    "query_key_value",
    "roles_of_heads",
    "saliency",
]

_MODULES = {
    "continuations": ("prompt_units",),
    "attribution": ("Attribution", "attribute", "saliency"),
    "head_roles": ("HeadRoles", "roles_of_heads"),
    "internals": ("Candidates", "QueryKeyValue", "candidates", "query_key_value"),
    "interventions": ("intervene", "predict_without"),
}
"""Where the names are that are imported when they are asked for."""


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
