"""Settings of the service: what is wrong with them is said in one sentence."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
import yaml

from tests.zoo import tiny_classifiers
from zoo import images
from zoo.serving import config as configuration
from zoo.serving import labels, protocol, signatures
from zoo.serving.__main__ import main
from zoo.serving.config import ModelConfig, make

ROOT = Path(__file__).resolve().parents[3]
WRONG = [
    ({"prot": 8000}, "unknown setting 'prot'"),
    ({"port": "8000"}, "port must be an int"),
    ({"port": 70_000}, "at most 65535"),
    ({"max_rows": True}, "max_rows must be an int"),
    ({"request_timeout_s": float("nan")}, "request_timeout_s"),
    ({"defaults": {"replicas": 2}}, "defaults: unknown setting 'replicas'"),
    ({"defaults": ["threads"]}, "defaults must hold names with values"),
    ({"models": {"a": {"threads": 0}}}, "models: a: threads must be an int, at least 1"),
    ({"models": {"a": {"runtime": "onnx"}}}, "one of litert, keras"),
    ({"models": {"a": {"min_replicas": 3}}}, "max_replicas must be at least min_replicas, 3"),
    ({"models": {"a/b": None}}, "letters, digits"),
    ({"models": {"a:b": None}}, "letters, digits"),
    ({"models": {}}, "names no model"),
    ({"models": 3}, "must hold names with values"),
]


@pytest.mark.parametrize(("values", "said"), WRONG)
def test_a_wrong_setting_is_named(values, said):
    with pytest.raises(ValueError, match=re.escape(said)) as error:
        make(values)
    assert "\n" not in str(error.value)


def test_what_is_printed_is_what_holds_by_default():
    values = yaml.safe_load(configuration.described())
    assert make(values) == make({}) and make({}).default_model == ModelConfig()


def test_a_model_has_its_own_settings_over_the_defaults():
    made = make({"defaults": {"threads": 2, "cpus": 1}, "models": {"a": {"cpus": 2}, "b": None}})
    assert (made.models["a"].threads, made.models["a"].cpus) == (2, 2)
    assert made.models["b"].cpus == 1 and make({"models": ["b"]}).models == {"b": ModelConfig()}


def test_the_example_of_the_page_is_valid():
    page = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.S)
    made = make(yaml.safe_load(example))
    assert made.models["en-es-transformer"].precision == "int8"
    assert made.models["dates-lstm"].batch_rows == 16


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port: [", "cannot be read"),
        ("- a", "holds no settings"),
        ("port: x", "port must be an int"),
        ("models: {nobody: }", "models: nobody: Unknown model"),
        ("models: {shakespeare-gpt: {path: nowhere}}", "no model folder"),
    ],
)
def test_a_wrong_file_ends_the_command_with_one_sentence(tmp_path, capsys, text, said):
    pytest.importorskip("uvicorn", reason="the service's packages are not installed")
    path = tmp_path / "serve.yaml"
    path.write_text(text, encoding="utf-8")
    port = [] if "port" in text else ["--port", "0"]
    assert main(["--config", str(path), *port]) == 2
    told = capsys.readouterr().err
    assert said in told and len(told.strip().splitlines()) == 1


def test_a_missing_file_and_join_without_a_cluster(tmp_path, capsys):
    assert main(["--config", str(tmp_path / "none.yaml")]) == 2
    assert "there is no file" in capsys.readouterr().err
    assert main(["--join"]) == 2
    assert "--join needs --address" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_before_anything_is_started(capsys):
    pytest.importorskip("uvicorn", reason="the service's packages are not installed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "is taken" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bert", "vit", "transformer"])
def test_what_a_classifier_is_asked_is_checked(tmp_path, name):
    model = tiny_classifiers.predictor(name, path=tmp_path / name)
    described = signatures.describe(name, tmp_path / name)
    assert set(described.signatures) == {"serving_default", "attention"}
    [given] = tiny_classifiers.inputs(name, 1)
    if model.reads == "image":
        given = labels.sent(images.png(given))
    elif model.reads == "series":
        given = given.tolist()
    asked = protocol.read(json.dumps({"instances": [given]}).encode(), described, 4)
    [made] = signatures.answer(model, asked.signature, asked.rows)
    assert made["label"] in tiny_classifiers.CLASSES
    assert sum(made["probabilities"]) == pytest.approx(1, abs=1e-4)
    odd = {
        "text": (7, "must be a string"),
        "image": (labels.sent(b"no image"), "no image that Pillow knows"),
        "series": ([[1.0]], "must be a list of 20 lists of 2 numbers"),
    }[model.reads]
    with pytest.raises(protocol.RefusedError, match=odd[1]) as refused:
        protocol.read(json.dumps({"instances": [odd[0]]}).encode(), described, 4)
    assert refused.value.status == 400
