"""Which folders below the given places are models, runs or damaged; and nothing outside them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from apps import model_places, saved_models
from tests.apps import own_models
from tests.apps.browser import ROOT
from training import folder_lock


@pytest.fixture
def place(tmp_path, monkeypatch, shelf):
    """An empty place, the only one that is given, beside made-up shipped models."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv(model_places.VARIABLE, str(folder))
    monkeypatch.setattr(model_places, "_arguments", ())
    return folder


def shown() -> dict[str, str]:
    return {one.shown: one.fault for one in model_places.refresh().folders.values()}


def test_models_and_runs_are_found_at_some_depth(place):
    own_models.model(place / "a")
    own_models.model(place / "sweep" / "more" / "b")
    own_models.run(place / "c")
    own_models.model(place / "1" / "2" / "3" / "4" / "too deep")
    own_models.model(place / ".hidden")
    (place / "notes").mkdir()
    assert shown() == {"a": "", "b": "", "c": ""}
    assert len(saved_models.models("tsv:mine.tsv")) == 2


def test_a_place_may_be_a_model_itself(place, monkeypatch):
    own_models.model(place / "a")
    monkeypatch.setenv(model_places.VARIABLE, os.pathsep.join(map(str, (place / "a", place))))
    assert shown() == {"a": ""}


def test_places_come_from_arguments_too(place, monkeypatch, tmp_path):
    own_models.model(place / "a")
    own_models.model(tmp_path / "other" / "b")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(model_places.VARIABLE)
    model_places.use(["-q", "--models", "runs", "--models=other", "--models", "none", "--models"])
    scan = model_places.scan()
    assert {one.shown: one.typed for one in scan.folders.values()} == {
        "a": "runs/a",
        "b": "other/b",
    }
    assert [one for one in scan.remarks if "“none”" in one and "no such folder" in one]
    assert "--models was given without a folder." in scan.remarks


def test_ids_and_names_are_unlike_all_others(place, monkeypatch, tmp_path):
    folders = [
        place / "x",
        place / "s" / "x",
        tmp_path / "two" / "runs" / "x",
        place / "dates-lstm",
    ]
    for folder in folders:
        own_models.model(folder)
    places = (place, tmp_path / "two" / "runs")
    monkeypatch.setenv(model_places.VARIABLE, os.pathsep.join(map(str, places)))
    found = model_places.refresh().folders
    assert len(found) == 4
    assert len({one.shown for one in found.values()}) == 4
    assert not set(found) & {path.name for path in saved_models.folder("x").parent.iterdir()}
    assert list(found) == list(model_places.refresh().folders)  # they stay
    for id_, one in found.items():
        assert saved_models.folder(id_) == one.folder.resolve()
    clash = next(iter(found))
    (saved_models.folder("x").parent / clash).mkdir()
    again = model_places.refresh().folders
    assert clash not in again and len(again) == 4


def test_a_damaged_folder_is_named_with_its_fault(place):
    for name in "abcdef":
        own_models.model(place / name)
    (place / "a" / "config.json").write_text("{", encoding="utf-8")
    (place / "b" / "weights.safetensors").unlink()
    (place / "c" / "weights.safetensors").write_bytes(b"\xff" * 20)
    (place / "d" / "source.model").unlink()
    content = json.loads((place / "e" / "config.json").read_text("utf-8"))
    wrong = {**content, "hyperparameters": {"width": -1}}
    (place / "e" / "config.json").write_text(json.dumps(wrong), encoding="utf-8")
    found = shown()
    assert found["a"].startswith("config.json cannot be read")
    assert found["b"] == "there is no weights.safetensors"
    assert found["c"] == "weights.safetensors is damaged"
    assert found["d"] == "there is no source.model"
    assert "config.json" in found["e"] and str(place) not in found["e"]
    assert found["f"] == ""
    assert saved_models.models("tsv:mine.tsv") == [
        one.id for one in model_places.scan().folders.values() if one.shown == "f"
    ]


def test_no_link_leads_out_of_the_places(place, tmp_path):
    outside = own_models.model(tmp_path / "outside")
    (outside / "card.json").write_text('{"parameters": 7}', encoding="utf-8")
    (place / "link").symlink_to(outside, target_is_directory=True)
    own_models.model(place / "file")
    (place / "file" / "card.json").symlink_to(outside / "card.json")
    own_models.model(place / "state")
    shutil.rmtree(place / "state" / "training")
    (place / "state" / "training").symlink_to(outside / "training", target_is_directory=True)
    own_models.model(place / "good")
    (place / "good" / "card.json").symlink_to(place / "good" / "config.json")
    found = model_places.refresh()
    faults = {one.shown: one.fault for one in found.folders.values()}
    assert faults == {
        "file": "card.json is a link that leads out of the given places",
        "state": "training is a link that leads out of the given places",
        "good": "",
    }
    assert any("is a link that leads out" in one for one in found.remarks)
    # Nor one that appears after the folders were looked through.
    (good,) = found.by_task["tsv:mine.tsv"]
    (place / "good" / "attention.json").symlink_to(outside / "card.json")
    assert saved_models.card(good) and not saved_models.attention(good)


def test_what_is_no_file_is_not_waited_for(place):
    folder = own_models.model(place / "a")
    os.mkfifo(folder / "card.json")
    assert shown() == {"a": "card.json is no file"}


def test_shipped_models_are_not_found_again(place, monkeypatch):
    monkeypatch.setenv(model_places.VARIABLE, str(place.parent))
    own_models.model(place / "a")
    assert shown() == {"a": ""}


def test_a_name_is_shown_without_markdown(place):
    own_models.model(place / "![x](http:⁄⁄y) :red[a] *b*")
    (name,) = shown()
    assert not set(name) & set("![]:*`<>$")


def test_own_models_follow_the_shipped_ones(place):
    own_models.model(place / "mine", task="dates", family="transformer")
    names = saved_models.models("dates")
    assert names[:-1] == [
        f"dates-{family}" for family in ("simple-rnn", "lstm", "lstm-bahdanau", "transformer")
    ]
    assert [saved_models.label(name) for name in names[-2:]] == [
        "Transformer",
        "mine (Transformer nano)",
    ]
    assert [saved_models.id_of(name) for name in names[-2:]] == ["transformer", names[-1]]
    assert saved_models.typed(names[-1]) == str(place / "mine")


def test_a_run_is_training_while_its_process_holds_the_folder(place):
    folder = own_models.run(place / "live")
    assert not model_places.is_training(folder)
    holds = "import sys\nfrom pathlib import Path\nfrom training.folder_lock import owned\n"
    holds += "with owned(Path(sys.argv[1])):\n    print('holding', flush=True)\n    input()\n"
    process = subprocess.Popen(
        [sys.executable, "-c", holds, str(folder / "training")],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "holding\n"
        assert model_places.is_training(folder)
        assert model_places.refresh() and model_places.in_training() == ["live"]
    finally:
        process.kill()
        process.communicate()
    assert not model_places.is_training(folder)  # though the file still names the process


def test_looking_keeps_no_run_out_of_its_folder(tmp_path):
    (tmp_path / folder_lock.FILE).write_text("", encoding="utf-8")
    assert not folder_lock.is_held(tmp_path)
    with folder_lock.owned(tmp_path):
        assert folder_lock.is_held(tmp_path)
    assert not folder_lock.is_held(tmp_path / "none")
    for text in ("[]", "{}", '{"pid": "x", "host": 3}', "nonsense"):
        (tmp_path / folder_lock.FILE).write_text(text, encoding="utf-8")
        assert not folder_lock.is_held(tmp_path)
