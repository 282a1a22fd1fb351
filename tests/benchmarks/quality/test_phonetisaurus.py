"""The comparison with a tool made for pronunciation, around a tool that is made up."""

from __future__ import annotations

import stat

import pytest
from typer.testing import CliRunner

from benchmarks.quality import phonetisaurus
from training.tasks.base import Example
from zoo.saving import read_json

TOOL = """#!{python}
import sys
if sys.argv[1] == "train":
    model, lexicon = sys.argv[3], sys.argv[4]
    open(model, "w").write(open(lexicon).read())
else:
    known = dict(line.split(" ", 1) for line in open("model"))
    for word in sys.stdin:
        if word.strip() == "break":
            sys.exit("no such letter")
        print(word.strip(), known.get(word.strip(), "AH").strip())
"""


@pytest.fixture
def tool(tmp_path):
    """Knows by heart what it was taught, and says AH to the rest."""
    import sys

    path = tmp_path / "tool"
    path.write_text(TOOL.format(python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_tool_learns_the_training_side_and_is_asked_for_words(tool, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    size = phonetisaurus.learn(
        tool, [Example("cat", ("K AE T",)), Example("a", ("AH", "EY"))], folder
    )
    assert size == len("cat K AE T\na AH\n")
    said = phonetisaurus.pronounce(tool, ["a", "cat", "dog"], folder)
    assert said == {"a": "AH", "cat": "K AE T", "dog": "AH"}
    with pytest.raises(RuntimeError, match="predict failed: no such letter"):
        phonetisaurus.pronounce(tool, ["break"], folder)


def test_a_missing_tool_is_named_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(phonetisaurus, "TOOL", tmp_path / "nowhere")
    done = CliRunner().invoke(phonetisaurus.app, ["--out", str(tmp_path / "page")])
    assert done.exit_code == 2
    assert "benchmarks.speed.install phonetisaurus" in done.output
    assert list(tmp_path.iterdir()) == []


def test_the_committed_page_is_that_of_the_committed_figures_and_cards():
    found = read_json(phonetisaurus.FOLDER / "pronounce.json")
    text = phonetisaurus.page(found, phonetisaurus.shipped())
    assert (phonetisaurus.FOLDER / "pronounce.md").read_text(encoding="utf-8") == text
    names = [card["name"] for card in phonetisaurus.shipped()]
    assert names and all(f"\n| {name} | greedy |" in text for name in names)
