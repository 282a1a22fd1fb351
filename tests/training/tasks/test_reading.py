"""Reading parallel text: one policy, whatever the bytes, and whether a file is small or large."""

from __future__ import annotations

import gzip
import logging
import random
import unicodedata
from pathlib import Path

import pytest

from training import tasks
from training.tasks import reading, streaming
from training.tasks.streaming import LargeFiles
from zoo import tokenizer
from zoo.cleaning import clean

PLAIN = [(f"The dog number {n} sees me.", f"El perro número {n} me ve.") for n in range(60)]
SPACES = "\u00a0\u1680\u2003\u2009\u2028\u2029\u202f\u205f\u3000\x00\x01\x0b\x0c\x1c\x1d\x85\x7f\r"
NOTHING = "\u200b\ufeff\u00ad\u2060\u200e\u202a"


def tsv(pairs: list[tuple[str, str]], end: str = "\n") -> str:
    return "".join(f"{source}\t{target}{end}" for source, target in pairs)


@pytest.fixture
def write(tmp_path):
    """Writes text, or bytes, to a file of the test's folder."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def streamed(paths: list[Path]) -> list[tuple[str, str]]:
    """Every pair of the files as they are read when they are large, in parts of seven lines."""
    files = LargeFiles(paths, part=7)
    pairs = {n: p for part in files.parts() for n, p in part.numbered()}
    held = files._files.at(range(files.lines))
    assert pairs.items() <= held.items()
    return [pair for _, pair in sorted(held.items())]


def read(*paths: Path) -> list[tuple[str, str]]:
    """The pairs of the files, which are the same when they are streamed."""
    found = reading.read_pairs(paths)
    assert streamed(list(paths)) == found
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", ["", "\n", "\n\n\n", " \r\n\t\n"])
def test_line_ends_and_marks_do_not_matter(write, end, mark, last):
    whole = mark + tsv(PLAIN, end)
    assert read(write("a.tsv", whole + last)) == PLAIN
    assert read(write("a.tsv", whole.rstrip("\r\n"))) == PLAIN
    sides = [mark + "".join(pair[side] + end for pair in PLAIN) for side in (0, 1)]
    assert read(write("a.en", sides[0] + last), write("a.es", sides[1])) == PLAIN


@pytest.mark.parametrize("sign", SPACES)
def test_whatever_separates_words_is_one_space_and_never_a_line(write, sign):
    odd = [(a.replace(" ", f" {sign}{sign}", 1), b.replace(" ", sign) + sign) for a, b in PLAIN]
    assert read(write("a.tsv", tsv(odd))) == PLAIN
    sides = ["".join(f"{pair[side]}\n" for pair in odd) for side in (0, 1)]
    assert read(write("a.en", sides[0]), write("a.es", sides[1])) == PLAIN


@pytest.mark.parametrize("sign", NOTHING)
def test_what_cannot_be_seen_is_not_read(write, sign):
    odd = [(a.replace("o", f"o{sign}"), f"{sign}{b}{sign}") for a, b in PLAIN]
    assert read(write("a.tsv", tsv(odd))) == PLAIN


def test_letters_are_composed_and_joiners_stay(write):
    apart = [(a, unicodedata.normalize("NFD", b)) for a, b in PLAIN]
    assert apart != PLAIN
    assert read(write("a.tsv", tsv(apart))) == PLAIN
    assert clean("e\u200b\u0301") == "é"
    for text in ("می\u200cخواهم", "👩\u200d🚀", "क्\u200dष", "\ue000"):
        assert clean(text) == text


def test_clean_text_stays_as_it_is_and_the_tokenizer_agrees():
    generator = random.Random(5)
    signs = [*SPACES, *NOTHING, *"aé \u0301\u0327한\u1100\u1161\ud800\ufffd\u2581~", "\n", "\t"]
    for _ in range(3_000):
        text = clean("".join(generator.choices(signs, k=8)))
        assert clean(text) == text == tokenizer.clean(text)
        assert text == text.strip() and "  " not in text


def test_blank_ends_of_parallel_files_never_shift_their_lines(write, caplog):
    left = write("a.en", "one\ntwo\nthree\n")
    assert read(left, write("a.es", "uno\ndos\n\n")) == [("one", "uno"), ("two", "dos")]
    assert "a.en and a.es: 1 line is left out because a side is blank" in caplog.text
    assert "line 3" in caplog.text
    three = [("one", "uno"), ("two", "dos"), ("three", "tres")]
    assert read(left, write("a.es", "uno\ndos\ntres\n\n \n")) == three
    assert read(write("b.en", "one\n\nthree\n\n"), write("b.es", "uno\n\ntres")) == three[::2]
    for content in ("uno\ndos\n", "uno\ndos", ""):
        with pytest.raises(ValueError, match=r"a.en with 3 and a.es with [02]"):
            reading.read_pairs([left, write("a.es", content)])
        with pytest.raises(ValueError, match=r"a.en with 3 and a.es with [02]"):
            LargeFiles([left, write("a.es", content)]).parts()


def test_tatoebas_own_download_is_known_by_what_is_in_it(write, caplog):
    rows = [f"{n + 5}\t{a}\t{n * 7 + 900}\t{b}\n" for n, (a, b) in enumerate(PLAIN)]
    assert read(write("a.tsv", "\ufeff" + "".join(rows))) == PLAIN
    assert "columns 2 and 4" in caplog.text
    head = "id\ttext\ttranslation id\ttranslation\n"
    assert read(write("a.tsv", head + "".join(rows))) == PLAIN
    rows[40] = "45\tno number\tx\tthere\n"
    with pytest.raises(ValueError, match="which are the texts"):
        reading.read_pairs([write("a.tsv", "".join(rows))])


def test_what_comes_after_the_lines_looked_at_is_checked_too(write, monkeypatch):
    monkeypatch.setattr(reading, "SAMPLE", 20)
    rows = [f"{n}\t{a}\t{n}\t{b}\n" for n, (a, b) in enumerate(PLAIN)]
    for odd, message in (
        ("x\ta\t7\tb\n", r"line 45 of a\.tsv has no whole number in column 1"),
        ("7\ta\t7\n", r"line 45 of a\.tsv has 3 columns, others have 4"),
        ("a\n", r"line 45 of a\.tsv has no tab"),
    ):
        path = write("a.tsv", "".join([*rows[:44], odd, *rows[45:]]))
        for reader in (lambda path: reading.read_pairs([path]), lambda path: streamed([path])):
            with pytest.raises(ValueError, match=message):
                reader(path)
    quoted = [f'"{a}"\t"{b}"\n' for a, b in PLAIN]
    path = write("a.tsv", "".join([*quoted[:44], '"a\tb"\n', *quoted[45:]]))
    with pytest.raises(ValueError, match=r"line 45 of a\.tsv"):
        reading.read_pairs([path])


@pytest.mark.parametrize(
    "head",
    [
        "source\ttarget",
        "Source\tTarget",
        "en\tes",
        "EN\tES",
        "eng\tspa",
        "en-US\tes-MX",
        "English\tSpanish",
        "English\tEspañol",
        "english_sentence\tspanish_sentence",
        "text_en\ttext_es",
        "src\ttrg",
        "sentence1\tsentence2",
        "input\toutput",
        "question\tanswer",
        "inglés\tespañol",
        "Anglais\tEspagnol",
        '"source"\t"target"',
        "\ufeffsource\ttarget\r",
    ],
)
def test_a_header_is_left_out_and_named(write, caplog, head):
    assert read(write("a.tsv", f"{head}\n{tsv(PLAIN)}")) == PLAIN
    first = head.strip("\ufeff\r").split("\t")[0].strip('"')
    assert f"a.tsv: the first line looks like a header and is left out: '{first}'" in caplog.text
    caplog.clear()
    if '"' not in head:  # of parallel text files, quotation marks belong to the text
        sides = zip(head.split("\t"), zip(*PLAIN, strict=True), strict=True)
        paths = [
            write(f"a.{n}", "".join(f"{x}\n" for x in (one, *rest)))
            for n, (one, rest) in enumerate(sides)
        ]
        assert read(*paths) == PLAIN
        assert "a.0 and a.1: the first line looks like a header" in caplog.text


@pytest.mark.parametrize(
    "pair",
    [
        "Go.\tVe.",
        "Hi\tHola",
        "No\tNo",
        "He\tEl",
        "text\ttexto",
        "Spanish\tEspañol",
        "English\tinglés",
        "source\tfuente",
        "Sentence one.\tFrase uno.",
        "The source text\tEl texto",
        "Target!\t¡Objetivo!",
        "2020\t2020",
    ],
)
def test_a_first_pair_is_no_header(write, caplog, pair):
    first = tuple(pair.split("\t"))
    assert read(write("a.tsv", f"{pair}\n{tsv(PLAIN)}")) == [first, *PLAIN]
    assert not caplog.text


def test_words_that_are_codes_of_languages_stay_in_a_list_of_words(write):
    words = [("is", "es"), ("the", "el"), ("house", "casa"), ("no", "no")]
    assert read(write("a.tsv", tsv(words))) == words


def test_a_header_says_which_columns_are_the_texts(write, caplog):
    rows = "".join(f"{n}\t{b}\t0.{n}\t{a}\n" for n, (a, b) in enumerate(PLAIN))
    assert read(write("a.tsv", f"id\ttarget\tscore\tsource\n{rows}")) == PLAIN
    assert "columns 4 and 2" in caplog.text
    turned = [(b, a) for a, b in PLAIN]
    assert read(write("a.tsv", f"id\tes\tscore\ten\n{rows}")) == turned
    assert read(write("a.tsv", f"\tspanish\tscore\tenglish\n{rows}")) == turned


def test_fields_quoted_as_in_csv_are_understood(write):
    said = [(f'He said "{a}"', f'"{b}" dijo.') for a, b in PLAIN]

    def quote(text: str) -> str:
        return '"{}"'.format(text.replace('"', '""'))

    everywhere = "".join(f"{quote(a)}\t{quote(b)}\n" for a, b in said)
    assert read(write("a.tsv", everywhere)) == said
    assert read(write("a.tsv", f"source\ttarget\r\n{everywhere}")) == said
    # as pandas and csv.writer do it by default: only where it is needed
    mixed = [*PLAIN, ('He said "no".', "Dijo que\tno."), *PLAIN[:3]]
    rows = [
        f"{quote(a) if chr(34) in a else a}\t{quote(b) if chr(9) in b else b}" for a, b in mixed
    ]
    wanted = [(a, b.replace("\t", " ")) for a, b in mixed]
    assert read(write("a.tsv", "\n".join(rows))) == wanted
    ids = "".join(f"{n}\t{quote(a)}\t{n}\t{quote(b)}\n" for n, (a, b) in enumerate(said))
    assert read(write("a.tsv", ids)) == said


@pytest.mark.parametrize(
    "odd",
    [
        ('"Go!", he said.', '"¡Ve!", dijo.'),
        ('"Go!"', '"¡Ve!"'),
        ('Say "go".', "Di «ve»."),
        ('"Go!', '¡Ve!"'),
        ('""', '""'),
        ('12" wide', '12" de ancho'),
    ],
)
def test_quotation_marks_of_the_text_stay(write, odd):
    pairs = [*PLAIN[:5], odd, ('He said "no".', 'Dijo "no".'), *PLAIN[5:]]
    assert read(write("a.tsv", tsv(pairs))) == pairs


def test_columns_that_say_whose_the_texts_are(write):
    by = "CC-BY 2.0 (France) Attribution: tatoeba.org #{n} (CM) & #{n} (Witty)"
    rows = [f"{a}\t{b}\t{by.format(n=n)}\n" for n, (a, b) in enumerate(PLAIN)]
    assert read(write("a.tsv", "".join(rows))) == PLAIN
    assert read(write("a.tsv", "".join(row.replace("\n", "\t \t\n") for row in rows))) == PLAIN
    rows[3] = tsv(PLAIN[3:4])  # without one
    assert read(write("a.tsv", "".join(rows))) == PLAIN


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{n}\t{a}\t{b}", r"3 columns \(only whole numbers in 1\)"),
        ("{a}\t{b}\t{a}", "3 columns, and which are the texts cannot be known"),
        ("{a}\t{b}\t0.{n}", "3 columns, and which"),
        ("{n}\teng\t{a}", r"3 columns \(only whole numbers in 1\)"),
        ("{n}\t{a}\tx\t{b}", r"4 columns \(only whole numbers in 1\)"),
        ("{n}\t{a}\t{n}\t{n}", r"4 columns \(only whole numbers in 1, 3, 4\)"),
        ("{n}\t{a}", "rising whole numbers in column 1"),
        ("{a},{b}", "line 1 of a.tsv has no tab.*separated by ','"),
        ("{a}   {b}", "line 1 of a.tsv has no tab"),
    ],
)
@pytest.mark.parametrize("large", [False, True])
def test_what_cannot_be_understood_is_refused_with_its_first_lines(
    write, monkeypatch, row, message, large
):
    rows = [row.format(n=n, a=a, b=b) for n, (a, b) in enumerate(PLAIN, 10)]
    path = write("a.tsv", "\n".join(rows))
    monkeypatch.setattr(streaming, "LARGE", 1 if large else 1 << 30)
    with pytest.raises(ValueError, match=message) as error:
        tasks.get(f"tsv:{path}").examples("train")
    said = str(error.value)
    assert repr(rows[0][:60])[:-1] in said and "\n" not in said
    assert "source" in said and "target" in said


def test_lines_with_different_numbers_of_columns_are_refused(write):
    rows = [f"{a}\t{b}\n" for a, b in PLAIN]
    rows[20] = "one\ttwo\tthree\n"
    with pytest.raises(ValueError, match="2 columns in most lines and 3 in line 21") as error:
        reading.read_pairs([write("a.tsv", "".join(rows))])
    assert repr(rows[0].strip()) in str(error.value)
    rows[20] = "nothing\n"
    with pytest.raises(ValueError, match=r"line 21 of a\.tsv has no tab. Received: 'nothing'"):
        reading.read_pairs([write("a.tsv", "".join(rows))])


def test_a_file_of_pairs_is_no_file_of_texts(write):
    pairs, texts = write("a.tsv", tsv(PLAIN)), write("a.txt", "x\n" * len(PLAIN))
    for paths in ([pairs, texts], [texts, pairs]):
        with pytest.raises(ValueError, match=r"a\.tsv has a tab in every line.*tsv:PATH"):
            reading.read_pairs(paths)
        with pytest.raises(ValueError, match=r"a\.tsv has a tab in every line"):
            reading.read_rows(paths, header=True)
    one = write("b.txt", "a\tb\n" + "x\n" * (len(PLAIN) - 1))
    assert read(one, texts)[0] == ("a b", "x")


def test_numbers_may_be_what_is_translated(write, caplog):
    numbers = [("21", "twenty-one"), ("7", "seven"), ("300", "three hundred")]
    assert read(write("a.tsv", tsv(numbers))) == numbers
    assert read(write("a.tsv", "\n".join(f"{b}\t{a}" for a, b in numbers)))[0] == numbers[0][::-1]
    squares = [(str(n), str(n * n)) for n in range(30)]
    assert not caplog.text
    assert read(write("a.tsv", tsv(squares))) == squares
    assert "a.tsv: both columns hold nothing but whole numbers" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tsv(PLAIN).encode("utf-16"), "looks like UTF-16.*iconv"),
        (tsv(PLAIN).encode("utf-16-be"), "looks like UTF-16"),
        (tsv(PLAIN).encode("utf-32"), "looks like UTF-32"),
        (
            "".join(f"{b}\t{a}\n" for a, b in PLAIN).encode("latin-1"),
            "Windows-1252 or Latin-1.*line 1",
        ),
        ("Hi\tПривет, как дела?\n".encode("cp1251"), "encoding of one script"),
        ("Hi\tこれはペンです。\n".encode("shift_jis"), "encoding of one script"),
        (tsv(PLAIN).encode() + "é está\té ".encode()[:-2] + b"\n", "damaged bytes.*line 61"),
        (gzip.compress(tsv(PLAIN).encode(), mtime=0), "compressed by gzip"),
        (b"PK\x03\x04 and so on", "ZIP archive or an Office document"),
        (tsv(PLAIN, "\r").encode(), "only carriage returns"),
    ],
)
def test_what_is_no_utf8_is_said_as_what_it_looks_like(write, content, message):
    path = write("a.tsv", content)
    other = write("a.txt", "x\n" * 61)
    for paths in ([path], [path, other], [other, path]):
        with pytest.raises(ValueError, match=f"(?s){message}"):
            reading.read_pairs(paths)
        with pytest.raises(ValueError, match=f"(?s){message}"):
            streamed(paths)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        reading.read_rows([other, path])


def test_small_and_large_tasks_read_the_same_pairs(write, monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    rows = [(f"Line {n}\u00a0here.", f"Zeile\r{n}.\u200b") for n in range(400)]
    content = "\ufeffsource\ttarget\r\n" + tsv(rows, "\r\n") + "\r\n\r\n"
    names = [f"tsv:{write('a.tsv', content)}"]
    sides = ["".join(f"{row[side]}\n" for row in rows) for side in (0, 1)]
    names.append(f"files:{write('a.en', sides[0])},{write('a.de', sides[1] + chr(10))}")
    for name in names:
        found = []
        for large in (1, 1 << 30):
            monkeypatch.setattr(streaming, "LARGE", large)
            task = tasks.get(name)
            assert (task.stream() is not None) == (large == 1)
            examples = [e for split in ("train", "valid", "test") for e in task.examples(split)]
            found.append(sorted((e.source, e.references) for e in examples))
        assert (
            found[0]
            == found[1]
            == sorted((f"Line {n} here.", (f"Zeile {n}.",)) for n in range(400))
        )


def test_what_was_encoded_by_another_policy_is_not_used_again(write, monkeypatch):
    files = LargeFiles([write("a.tsv", tsv(PLAIN))])
    before = files.identity()
    monkeypatch.setattr(reading, "POLICY", reading.POLICY + 1)
    assert files.identity() != before
