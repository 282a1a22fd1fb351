"""The application for KubeRay, and the example of docs/serving.md: what they say is valid."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path

import pytest
import yaml

from zoo import shipped
from zoo.serving import config as configuration

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed", allow_module_level=True)

with warnings.catch_warnings(action="ignore"):  # what Ray does when it is imported is not ours
    from ray.serve.schema import ServeDeploySchema

    from zoo.serving import application as module

from tests.zoo.serving.conftest import RNN

ROOT = Path(__file__).resolve().parents[3]


def test_the_example_for_kubernetes_names_what_there_is():
    manifest = yaml.safe_load((ROOT / "docs/serving-rayservice.yaml").read_text(encoding="utf-8"))
    served = yaml.safe_load(manifest["spec"]["serveConfigV2"])
    (application,) = served["applications"]
    ServeDeploySchema.model_validate(served)
    assert application["import_path"] == f"{module.__name__}:{module.build.__name__}"
    args = dict(application["args"])
    assert args.pop("gateways") >= 1
    assert set(configuration.make(args).models) <= set(shipped.names())


def test_an_application_is_built_of_settings():
    made = module.build({"models": {RNN: {"max_replicas": 2}}, "gateways": 1, "max_rows": 7})
    assert made._bound_deployment.name == "gateway"
    values, handles = made._bound_deployment.init_args
    assert set(handles) == {RNN}
    app = module.Ingress(values, handles).__serve_build_asgi_app__()
    assert app.config.max_rows == 7 and app.settings[RNN].max_replicas == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"gateways": 0}, "gateways must be an int"),
        ({"models": {"nobody": None}}, "Unknown model"),
        ({"prot": 1}, "unknown setting"),
    ],
)
def test_wrong_settings_of_an_application_are_named(args, said):
    with pytest.raises(ValueError, match=said):
        module.build(args)
