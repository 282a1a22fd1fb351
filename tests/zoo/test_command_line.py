"""A line in, a line out: order, odd input, batches, and what goes wrong."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from tests.zoo import tiny_classifiers, tiny_models
from zoo import command_line, images
from zoo.command_line import batches, main

ROOT = Path(__file__).resolve().parents[2]
LINES = ["Tom sees the red car.", "", "she buys the book.", "my sister 🦓", "<b>x</b>"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_models.folder(tmp_path_factory.mktemp("models") / "model", "simple-rnn")


@pytest.fixture
def ask(monkeypatch, capfd):
    """What a command prints, for bytes on standard input."""

    class Input:
        def __init__(self, given: bytes):
            self.buffer = io.BytesIO(given)

        def isatty(self) -> bool:
            return False

    def run(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", Input(given))
        code = main(arguments)
        return code, *capfd.readouterr()

    return run


def test_every_line_is_answered_in_order(ask, model):
    wanted = zoo.load(model).predict(LINES)
    text = "\r\n".join(LINES).encode()
    code, out, err = ask("answer", str(model), "--runtime", "keras", given=text)
    assert code == 0
    assert out.split("\n") == [*(" ".join(one.text.split()) for one in wanted), ""]
    assert "line 4: Not in the model's vocabulary" in err and "line 2" not in err
    code, _, err = ask("answer", str(model), "--runtime", "keras", "--quiet", given=text)
    assert (code, err) == (0, "")


def test_a_beam_gives_all_its_answers(ask, model):
    [wanted] = zoo.load(model).predict(LINES[0], beams=3)
    options = ("--runtime", "keras", "--beams", "3", "--nbest")
    _, out, _ = ask("answer", str(model), *options, given=LINES[0].encode())
    assert out.rstrip("\n").split("\t") == [" ".join(x.text.split()) for x in wanted.alternatives]


def test_many_lines_bytes_that_are_no_text_and_none(ask, model):
    lines = b"\n".join(b"%d \xff\xfe" % n for n in range(150))
    code, out, _ = ask("answer", str(model), "--runtime", "keras", given=lines)
    assert code == 0 and len(out.splitlines()) == 150
    assert ask("answer", str(model), "--runtime", "keras") == (0, "", "")


def test_without_graphs_keras_answers_and_says_so(ask, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    code, out, err = ask("answer", str(model), given=LINES[0].encode())
    assert code == 0 and len(out.splitlines()) == 1 and "; answering with Keras" in err
    code, out, err = ask("answer", str(model), "--runtime", "litert", given=b"x")
    assert (code, out) == (2, "") and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("answer", "nothing-like-it"), "error: Unknown model"),
        (("answer", "./nowhere"), "error: There is no model folder"),
        (("answer", "shakespeare-ngram", "--runtime", "keras"), "python -m zoo continue"),
        (("dates", "--beams", "0"), "--beams must be at least 1"),
        (("continue", "x", "--temperature", "-1"), "`temperature` must be positive"),
        (("continue", "x", "--model", "dates-lstm"), "python -m zoo answer dates-lstm"),
        (("continue", "x", "--tokens", "0", "--model", "shakespeare-ngram"), "max_new_tokens"),
    ],
)
def test_what_is_wrong_is_one_sentence(ask, arguments, said):
    code, out, err = ask(*arguments, given=b"x\n")
    assert code == 2 and said in err and err.count("\n") == 1
    assert out in ("", "x")  # the prompt may be there already


def test_a_prompt_is_continued_and_lines_are_prompts(ask):
    options = ("--model", "shakespeare-ngram", "--tokens", "40", "--seed", "3")
    code, out, _ = ask("continue", "ROMEO:", *options)
    assert code == 0 and out.startswith("ROMEO:") and len(out) == len("ROMEO:") + 40 + 1
    code, lines, _ = ask("continue", *options, given=b"ROMEO:\nJULIET:\n")
    assert code == 0 and len(lines.splitlines()) == 2
    assert lines.splitlines()[0].replace("\\n", "\n") == out[len("ROMEO:") : -1]
    code, greedy, _ = ask("continue", "ROMEO:", *options, "--temperature", "0")
    assert code == 0 and greedy != out


def test_the_shipped_models_are_listed(ask):
    assert ask("list")[1].split() == list(zoo.names())


def test_a_line_is_answered_before_the_next_one_is_typed():
    there, here = os.pipe()
    with os.fdopen(there, "rb") as reading, os.fdopen(here, "wb", buffering=0) as typing:
        given = batches(reading, 64)
        for line in ("one", "two"):
            typing.write(f"{line}\n".encode())
            assert next(given) == [line]
        typing.write(b"last")
        typing.close()
        assert next(given) == ["last"]
        assert next(given, None) is None


def test_a_file_is_answered_in_batches():
    found = list(batches(io.BytesIO(b"x\n" * 130), 64))
    assert sum(map(len, found)) == 130 and max(map(len, found)) <= 64


def test_progress_is_told_on_a_terminal_only(capsys):
    for shown in (True, False):
        progress = command_line.Progress(shown)
        progress.show(1_200, last=True)
    assert capsys.readouterr().err.count("1,200 lines") == 1


def test_a_reader_that_has_enough_ends_it_in_silence(model):
    command = f"{sys.executable} -m zoo answer {model} --runtime keras --quiet | head -1"
    lines = b"she buys the book.\n" * 200
    done = subprocess.run(command, shell=True, input=lines, cwd=ROOT, capture_output=True)
    assert done.returncode == 0 and done.stdout.count(b"\n") == 1
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "wanted", "said"),
    [
        ("language_model", "seq2seq", "python -m zoo continue --model it"),
        ("seq2seq", "language_model", "python -m zoo answer it"),
        ("forecaster", "seq2seq", "it is a forecaster, which is asked in Python"),
        ("classifier", "language_model", "it says what something is: python -m zoo classify it"),
    ],
)
def test_a_model_of_another_kind_is_told_where_to_be_asked(kind, wanted, said):
    with pytest.raises(ValueError, match=said):
        command_line._check_kind("it", kind, wanted)


def test_texts_are_classified_line_by_line(ask, tmp_path):
    model = tiny_classifiers.predictor("bert", path=tmp_path / "moods")
    given = ["abc fed", "", "lake 🦓"]
    wanted = model.predict(given)
    options = ("classify", str(tmp_path / "moods"), "--runtime", "keras")
    code, out, err = ask(*options, given="\n".join(given).encode())
    assert code == 0
    assert out.splitlines() == [f"{one.name}\t{one.probability:.4f}" for one in wanted]
    assert "line 2: " in err and "line 3: Not in the model's vocabulary: 🦓" in err
    (tmp_path / "texts.txt").write_text("\n".join(given), encoding="utf-8")
    _, out, err = ask(*options[:2], str(tmp_path / "texts.txt"), *options[2:], "--all", "--quiet")
    assert out.splitlines()[0].split("\t")[::2] == [name for name, _ in wanted[0].ranked]
    assert err == ""


def test_files_are_classified_by_their_names(ask, tmp_path):
    model = tiny_classifiers.predictor("vit", path=tmp_path / "faces")
    [image] = tiny_classifiers.inputs("vit", 1)
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(images.png(image))
    bad.write_bytes(b"no image")
    options = ("classify", str(tmp_path / "faces"), "--runtime", "keras")
    code, out, _ = ask(*options[:2], str(good), *options[2:])
    [wanted] = model.predict([good.read_bytes()])
    assert (code, out) == (0, f"{good}\t{wanted.name}\t{wanted.probability:.4f}\n")
    code, out, err = ask(*options[:2], str(good), str(bad), *options[2:])
    assert code == 2 and out.startswith(str(good))
    assert err == f"error: {bad}: These bytes are no image that Pillow knows.\n"
    assert ask(*options)[::2] == (2, "error: this model reads images: name them after the model\n")
    assert ask(*options[:2], str(tmp_path / "none.png"), *options[2:])[0] == 2


def test_numbers_of_a_series_are_read_from_a_file(ask, tmp_path):
    model = tiny_classifiers.predictor("transformer", path=tmp_path / "series")
    [series] = tiny_classifiers.inputs("transformer", 1)
    file = tmp_path / "series.csv"
    file.write_text("\n".join(", ".join(map(str, step)) for step in series), encoding="utf-8")
    options = ("classify", str(tmp_path / "series"), str(file), "--runtime", "keras")
    [wanted] = model.predict([series])
    assert ask(*options)[:2] == (0, f"{file}\t{wanted.name}\t{wanted.probability:.4f}\n")
    file.write_text("1 2\nthree 4\n", encoding="utf-8")
    code, _, err = ask(*options)
    assert code == 2 and err == f"error: {file}: could not convert string to float: 'three'\n"
    file.write_text("1 2 3", encoding="utf-8")
    code, _, err = ask(*options)
    assert code == 2 and "must have 20 time steps of 2 numbers" in err
