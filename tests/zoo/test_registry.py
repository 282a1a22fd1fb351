"""Names, presets, hyper-parameters, and what names resolve to."""

from __future__ import annotations

import dataclasses
import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from zoo import registry, shipped
from zoo.building import build
from zoo.configs.base import SIZES, make_config, setting
from zoo.configs.recurrent import Recurrent
from zoo.configs.transformer import Transformer
from zoo.saving import ModelFolderError

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = {"tensorflow", "keras", "jax", "torch"}


@pytest.fixture
def shelf(character_folder, tmp_path, monkeypatch) -> Path:
    """A place for shipped models that holds two, and a folder that is empty."""
    monkeypatch.setenv("ZOO_SAVED_MODELS", str(tmp_path))
    for name in ("dates-transformer", "extra-model"):
        shutil.copytree(character_folder, tmp_path / name)
    (tmp_path / "dates-lstm").mkdir()
    return tmp_path


def test_names_are_those_of_the_folders_with_a_config(shelf):
    assert zoo.names() == ["dates-transformer", "extra-model"]
    for name in zoo.names():
        shutil.rmtree(shelf / name)
    for name, task, model in (
        ("mine", "tsv:mine.tsv", "simple-rnn"),
        ("b-date", "dates", "lstm"),
        ("a-date", "dates", "lstm"),
        ("z-date", "dates", "simple-rnn"),
        ("sentences", "tatoeba/en-es", "transformer"),
    ):
        write(shelf / name, {"task": task, "model": model})
    # Shipped tasks first, then architectures as they are registered, then names.
    assert zoo.names() == ["sentences", "z-date", "a-date", "b-date", "mine"]


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", "cannot be read"),
        ("[]", "no JSON object"),
        ('{"model": "lstm"}', "names no task"),
        ('{"task": "dates", "model": ["lstm"]}', "unknown architecture"),
        ('{"task": "dates", "model": "gru"}', "unknown architecture: 'gru'"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_damaged_folder_is_named_with_its_fault(shelf, content, message):
    (shelf / "dates-lstm" / "config.json").write_text(content)
    (shelf / "empty").mkdir()
    (shelf / ".hidden").mkdir()
    assert zoo.names() == ["dates-transformer", "extra-model"]
    assert list(shipped.damaged()) == ["dates-lstm"]
    assert message in shipped.damaged()["dates-lstm"]


def write(folder: Path, config: dict) -> None:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))


def test_a_name_is_looked_up_among_the_shipped_models_only(shelf, monkeypatch, tmp_path_factory):
    assert zoo.load("dates-transformer").name == "dates-transformer"
    assert zoo.load("extra-model").name == "extra-model"
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(shelf / "extra-model", elsewhere / "mine")
    monkeypatch.chdir(elsewhere)
    with pytest.raises(ValueError, match=r"dates-transformer, extra-model;.*Received: 'mine'"):
        zoo.load("mine")
    assert zoo.load("./mine").name == "mine"
    assert zoo.load(Path("mine")).name == "mine"
    assert zoo.load(shelf / "dates-transformer").name == "dates-transformer"


def test_a_shipped_model_that_is_not_there(shelf):
    with pytest.raises(ValueError, match="en-es-lstm"):
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
        registry.architecture("gru")
    with pytest.raises(ValueError, match=r"Known: nano, tiny, .*Received: 'huge'"):
        registry.configuration("lstm", "huge", source_vocabulary=9, target_vocabulary=9)
    with pytest.raises(ValueError, match="configured by Recurrent"):
        build("lstm", Transformer(9, 9))


@pytest.mark.parametrize(
    "name, value",
    [
        ("hidden_size", 0),
        ("hidden_size", -16),
        ("hidden_size", 16.0),
        ("hidden_size", True),
        ("hidden_size", None),
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
        registry.configuration("transformer", "nano", **sizes, **{name: value})


def test_unknown_and_missing_hyperparameters_are_named():
    with pytest.raises(ValueError, match=r"Known: .*hidden_size.*Received: 'wdith'"):
        registry.configuration("transformer", "nano", wdith=3)
    with pytest.raises(ValueError, match="source_vocabulary, target_vocabulary"):
        registry.configuration("transformer", "nano")


def test_sizes_that_cannot_be_divided():
    with pytest.raises(ValueError, match="heads=3"):
        build("transformer", Transformer(9, 9, hidden_size=16, heads=3))
    with pytest.raises(ValueError, match="units=25"):
        build("lstm", Recurrent(9, 9, embedding_size=16, hidden_size=25))


CONFIGS = list(dict.fromkeys(entry.config for entry in registry.of_kind("seq2seq").values()))


@pytest.mark.parametrize("kind", CONFIGS, ids=lambda kind: kind.__name__)
def test_every_hyperparameter_is_explained_where_it_is_declared(kind):
    explained = {
        name.strip()
        for one in kind.__mro__[:-1]  # a subclass need not repeat what it inherits
        for line in (inspect.getdoc(one) or "").partition("Args:\n")[2].splitlines()
        if ": " in line
        for name in line.split(": ")[0].split(",")
    }
    assert {field.name for field in dataclasses.fields(kind)} <= explained


@pytest.mark.parametrize("name", registry.of_kind("seq2seq"))
def test_every_architecture_has_every_preset(name):
    assert tuple(registry.of_kind("seq2seq")[name].presets) == SIZES
    for preset in SIZES:
        registry.configuration(name, preset, source_vocabulary=9, target_vocabulary=9)


@dataclasses.dataclass(frozen=True)
class Forecaster:
    """Hyper-parameters of an architecture that is not there yet."""

    rope_theta: float = setting(10_000.0, least=1)
    season: int = setting(0, least=0)
    quantile: float = setting(0.5, least=0, most=1)
    scaling: str = setting("mean", choices=("mean", "none"))


def test_a_field_states_its_own_range():
    made = make_config(Forecaster, {"rope_theta": 500_000.0, "season": 0, "quantile": 1})
    assert (made.rope_theta, made.season, made.quantile) == (500_000.0, 0, 1)
    for name, value, message in (
        ("rope_theta", 0.5, "at least 1"),
        ("rope_theta", float("inf"), "at least 1"),
        ("season", -1, "at least 0"),
        ("quantile", 1.5, "at least 0 and at most 1"),
        ("scaling", "max", "one of mean, none"),
    ):
        with pytest.raises(ValueError, match=message):
            make_config(Forecaster, {name: value})


def test_an_architecture_without_models_has_no_models(monkeypatch, shelf):
    """Shipped models were once the product of tasks and architectures."""
    entry = dataclasses.replace(registry.of_kind("seq2seq")["lstm"], name="newcomer")
    monkeypatch.setitem(registry.of_kind("seq2seq"), "newcomer", entry)
    assert zoo.names() == ["dates-transformer", "extra-model"]
    assert not any("newcomer" in name for name in shipped.folders())


def test_equal_seeds_make_equal_networks():
    from zoo import saving

    config = registry.configuration("lstm", "nano", source_vocabulary=9, target_vocabulary=9)
    one, same, other = (
        saving.pack_weights(saving.weight_arrays(build("lstm", config, seed=seed)))
        for seed in (1, 1, 2)
    )
    assert one == same != other


@pytest.mark.parametrize(
    "code",
    [
        "import zoo; zoo.names()",
        "import zoo.registry, zoo.shipped, zoo.tokenizer, zoo.prediction, zoo.saving",
        "import zoo.interpret; zoo.interpret.Intervention(mask=(1,))",
        "import training.tasks, training.metrics.text, training.data.batches, training.train",
        "import training.tasks as t; t.get('dates'), t.get('pronounce'), t.get('tatoeba/en-es')",
        "import runpy; sys.argv = ['train', '--help']\n"
        "try: runpy.run_module('training.train', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code",
    ],
    ids=["names", "zoo", "interpret", "training", "tasks", "help"],
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


@pytest.mark.parametrize(
    ("name", "former", "now"),
    [
        ("transformer", {"width": 32, "feedforward": 48}, ("hidden_size", "feed_forward_size")),
        ("lstm-bahdanau", {"width": 32, "units": 48}, ("embedding_size", "hidden_size")),
        ("feed-forward", {"width": 32}, ("hidden_size",)),
    ],
)
def test_hyper_parameters_are_understood_by_their_former_names(name, former, now):
    sizes = {"source_vocabulary": 9, "target_vocabulary": 9}
    found = registry.configuration(name, "nano", **sizes, **former)
    assert [getattr(found, one) for one in now] == list(former.values())
    today = dict(zip(now, former.values(), strict=True))
    assert make_config(type(found), sizes | former) == make_config(type(found), sizes | today)
    with pytest.raises(ValueError, match=r"is called .* now\. Received: both"):
        make_config(type(found), sizes | former | {now[0]: 64})
