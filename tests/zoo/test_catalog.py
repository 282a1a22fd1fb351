"""Names, presets, hyper-parameters, and what names resolve to."""

from __future__ import annotations

import dataclasses
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo import catalog
from zoo.saving import ModelFolderError

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = {"tensorflow", "keras", "jax", "torch"}


@pytest.fixture
def shelf(character_folder, tmp_path, monkeypatch) -> Path:
    """A place for shipped models that holds one, and one that is not in the catalog."""
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    for name in ("dates-transformer", "stranger"):
        shutil.copytree(character_folder, tmp_path / name)
    (tmp_path / "dates-lstm").mkdir()
    return tmp_path


def test_names_are_those_of_the_catalog_that_are_there(shelf):
    assert zoo.names() == ["dates-transformer"]
    shutil.copytree(shelf / "stranger", shelf / "en-es-lstm")
    assert zoo.names() == ["en-es-lstm", "dates-transformer"]
    assert "stranger" not in zoo.names()


def test_a_name_is_looked_up_in_the_catalog_only(shelf, monkeypatch):
    assert zoo.load("dates-transformer").name == "dates-transformer"
    monkeypatch.chdir(shelf)
    with pytest.raises(ValueError, match=r"Shipped: dates-transformer;.*Received: 'stranger'"):
        zoo.load("stranger")
    assert zoo.load("./stranger").name == "stranger"
    assert zoo.load(Path("stranger")).name == "stranger"
    assert zoo.load(shelf / "dates-transformer").name == "dates-transformer"


def test_a_shipped_model_that_is_not_there(shelf):
    with pytest.raises(ModelFolderError, match="en-es-lstm"):
        zoo.load("en-es-lstm")
    with pytest.raises(ModelFolderError, match=r"dates-lstm has no config\.json"):
        zoo.load("dates-lstm")


@pytest.mark.parametrize(
    "name",
    [
        "nope",
        "",
        " ",
        "dates-transformer ",
        "DATES-TRANSFORMER",
        "~",
        "x" * 10_000,
        "<script>alert(1)</script>".replace("/", ""),
        "\ud800",
        "a\nb",
    ],
    ids=lambda name: ascii(name[:20]),
)
def test_an_unknown_name_is_answered_with_those_there_are(shelf, name):
    with pytest.raises(ValueError) as error:
        zoo.load(name)
    assert "Shipped: dates-transformer" in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    "path", ["../x", "..", ".", "/", "./nope", "dates-transformer/../nope", "a/b\x00c", "\\\\x\\y"]
)
def test_a_path_is_a_path(shelf, path, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(ModelFolderError):
        zoo.load(path)


def test_an_unknown_model_or_preset():
    with pytest.raises(ValueError, match=r"lstm-bahdanau, transformer\. Received: 'gru'"):
        catalog.family("gru")
    with pytest.raises(ValueError, match=r"Known: nano, tiny, .*Received: 'huge'"):
        catalog.configuration("lstm", "huge", source_vocabulary=9, target_vocabulary=9)
    with pytest.raises(ValueError, match="configured by Recurrent"):
        catalog.build("lstm", catalog.Transformer(9, 9))


@pytest.mark.parametrize(
    "name, value",
    [
        ("width", 0),
        ("width", -16),
        ("width", 16.0),
        ("width", True),
        ("width", None),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("dropout", float("nan")),
        ("dropout", "0.1"),
        ("shared_vocabulary", 1),
        ("positions", 3),
    ],
)
def test_hyperparameters_are_checked_by_name_and_type(name, value):
    sizes = {"source_vocabulary": 9, "target_vocabulary": 9}
    with pytest.raises(ValueError, match=f"{name}="):
        catalog.configuration("transformer", "nano", **sizes, **{name: value})


def test_unknown_and_missing_hyperparameters_are_named():
    with pytest.raises(ValueError, match=r"Known: .*width.*Received: 'wdith'"):
        catalog.configuration("transformer", "nano", wdith=3)
    with pytest.raises(ValueError, match="source_vocabulary, target_vocabulary"):
        catalog.configuration("transformer", "nano")


def test_sizes_that_cannot_be_divided():
    with pytest.raises(ValueError, match="heads=3"):
        catalog.build("transformer", catalog.Transformer(9, 9, width=16, heads=3))
    with pytest.raises(ValueError, match="units=25"):
        catalog.build("lstm", catalog.Recurrent(9, 9, width=16, units=25))


@pytest.mark.parametrize("kind", catalog.PRESETS, ids=lambda kind: kind.__name__)
def test_every_hyperparameter_is_explained_where_it_is_declared(kind):
    explained = {
        name.strip()
        for line in inspect.getdoc(kind).split("Args:\n")[1].splitlines()
        if ": " in line
        for name in line.split(": ")[0].split(",")
    }
    assert {field.name for field in dataclasses.fields(kind)} <= explained


def test_every_family_has_every_preset():
    for kind, presets in catalog.PRESETS.items():
        assert list(presets) == ["nano", "tiny", "compact", "small", "base"]
        for values in presets.values():
            catalog.make_config(kind, {"source_vocabulary": 9, "target_vocabulary": 9, **values})
    assert {family.config for family in catalog.MODELS.values()} == set(catalog.PRESETS)


def test_equal_seeds_make_equal_networks():
    from zoo import saving

    config = catalog.configuration("lstm", "nano", source_vocabulary=9, target_vocabulary=9)
    one, same, other = (
        saving.pack_weights(saving.weight_arrays(catalog.build("lstm", config, seed=seed)))
        for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize(
    "code",
    [
        "import zoo; zoo.names()",
        "import zoo.catalog, zoo.tokenizer, zoo.prediction, zoo.saving",
        "import training.tasks, training.metrics, training.batches, training.train",
        "import training.tasks as t; t.get('dates'), t.get('pronounce'), t.get('tatoeba/en-es')",
        "import runpy; sys.argv = ['train', '--help']\n"
        "try: runpy.run_module('training.train', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code",
    ],
    ids=["names", "zoo", "training", "tasks", "help"],
)
def test_what_must_be_quick_imports_no_framework(code):
    code = f"import sys\n{code}\nprint('imported:', *({FRAMEWORKS} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported:"
