"""Sets of TensorFlow Datasets, through the real package, made up and kept local."""

from __future__ import annotations

import numpy as np
import pytest

from training import tasks
from training.data import download
from training.data.text_sets import text_feature

tfds = pytest.importorskip("tensorflow_datasets")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of the package's own making, and not ours to mend
]


class ZooPairs(tfds.core.GeneratorBasedBuilder):
    """Numbered sentences; no test split."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.Translation(languages=("pt", "en")),
            supervised_keys=("pt", "en"),
            homepage="https://example.org",
            license="CC0",
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(1_500), "validation": self._generate_examples(5)}

    def _generate_examples(self, count):
        for n in range(count):
            yield n, {"pt": f"frase  {n} de {count}", "en": f"line {n} of {count}"}


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))


def test_a_set_by_its_name():
    task = tasks.get("tfds:zoo_pairs")
    assert {s: len(task.examples(s)) for s in ("train", "valid", "test")} == {
        "train": 500,
        "valid": 5,
        "test": 1_000,
    }
    e = task.examples("test")[0]
    assert e.references[0] == e.source.replace("frase", "line").replace("de", "of")
    found = task.provenance()
    assert (found.licence, found.url) == ("CC0", "https://example.org")
    assert "zoo_pairs/1.0.0" in found.corpus
    assert tasks.get("tfds:zoo_pairs").provenance() == found


def test_an_unknown_set_is_one_line():
    with pytest.raises(ValueError, match="no such set") as error:
        tasks.get("tfds:there_is_no_such_set").examples("train")
    assert "\n" not in str(error.value)


class ZooRows(tfds.core.GeneratorBasedBuilder):
    """Numbered rows of two lines in the order they are written, an empty one, and a number."""

    VERSION = tfds.core.Version("1.0.0")
    SPLITS = ("train",)
    FEATURES = ("text", "title")

    def _info(self):
        texts = {name: tfds.features.Text() for name in self.FEATURES}
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(texts | {"stars": tfds.features.Scalar(np.int32)}),
            disable_shuffling=True,
            license="CC0",
        )

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(name) for name in self.SPLITS}

    def _generate_examples(self, split):
        for n in range(100):
            texts = {name: f"{split} {name} {n}\r\nà l'{n} \n" for name in self.FEATURES}
            yield n, texts | {"stars": n}
        yield 100, dict.fromkeys(self.FEATURES, "\n") | {"stars": 0}


class ZooRowsInThree(ZooRows):
    """With splits of its own, and one that is of no use."""

    SPLITS = ("train", "validation", "test", "unlabelled")


class ZooRowsTested(ZooRows):
    """Without validation; one text feature of another name."""

    SPLITS = ("train", "test")
    FEATURES = ("review",)


class ZooTitles(ZooRows):
    """Several text features, none called text."""

    FEATURES = ("title", "body")


class ZooRowsUntrained(ZooRows):
    """Nothing to train on."""

    SPLITS = ("test",)


def lines(split, rows, name="text"):
    return "".join(f"{split} {name} {n}\nà l'{n} \n" for n in rows)


def test_rows_of_a_text_set_are_a_running_text_cut_as_ones_own():
    task = tasks.get("text-characters:tfds:zoo_rows")
    train, valid, test = (task.text(split) for split in ("train", "valid", "test"))
    assert train + valid + test == lines("train", range(100))
    for part in (train, valid):
        assert part.endswith("\n")
    for part in (valid, test):
        assert abs(len(part) / len(train + valid + test) - 0.05) < 0.02
    assert (task.kind, task.token) == ("language_model", "character")
    found = task.provenance()
    assert (found.licence, found.corpus) == ("CC0", "TensorFlow Datasets zoo_rows/1.0.0")
    assert "official: train; cut by position" in found.split_rule
    assert found.sha256 == tasks.get("text:tfds:zoo_rows").provenance().sha256
    assert found.sha256 != tasks.get("text:tfds:zoo_rows#title").provenance().sha256


def test_a_text_set_keeps_its_own_splits():
    task = tasks.get("text:tfds:zoo_rows_in_three")
    for split, own in (("train", "train"), ("valid", "validation"), ("test", "test")):
        assert task.text(split) == lines(own, range(100))
    assert task.provenance().split_rule == "official: train, validation, test"
    assert task.token == "sub-word"


def test_only_the_split_that_a_text_set_lacks_is_cut():
    task = tasks.get("text:tfds:zoo_rows_tested")
    assert task.text("test") == lines("test", range(100), "review")
    train, valid = task.text("train"), task.text("valid")
    assert train + valid == lines("train", range(100), "review")
    assert abs(len(valid) / len(train + valid) - 0.05) < 0.02
    assert "5 % for validation" in task.provenance().split_rule


def test_the_feature_of_a_text_set_is_named_where_there_are_several():
    with pytest.raises(
        ValueError, match=r"several text features: .*body.*, as in tfds:zoo_titles#"
    ):
        tasks.get("text:tfds:zoo_titles").text("train")
    task = tasks.get("text:tfds:zoo_titles#title")
    assert task.text("train").startswith("train title 0\n")
    with pytest.raises(ValueError, match=r"no text feature of that name; .*title.*'stars'"):
        tasks.get("text:tfds:zoo_titles#stars").text("train")


def test_a_pair_of_languages_is_a_text_set_of_one_of_them():
    assert tasks.get("text:tfds:zoo_pairs#pt").text("valid").startswith("frase")


def test_a_text_set_without_a_training_split_is_refused():
    with pytest.raises(ValueError, match="no train split"):
        tasks.get("text:tfds:zoo_rows_untrained").text("train")


def test_a_text_set_is_found_again_whatever_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = {"task": "text-characters:tfds:zoo_rows_in_three"}
    assert tasks.of_model(config).text("test").startswith("test text 0\n")


def test_a_file_whose_name_begins_like_a_set_is_read_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tfds:own").write_text("one\ntwo\nthree\n")
    assert tasks.get("text:./tfds:own").text("train") == "one\n"
    with pytest.raises(ValueError, match="no such set, configuration or version"):
        tasks.get("text:tfds:own").text("train")


@pytest.mark.parametrize("name", ["tfds:zoo_pairs", "text:tfds:zoo_rows"])
def test_a_set_that_is_not_on_disk_is_not_fetched_where_that_is_not_wanted(name):
    task = tasks.get(name)
    with download.only_what_is_here(), pytest.raises(download.DownloadError, match="not on disk"):
        task.provenance()


@pytest.mark.parametrize("name", ["tfds:zoo_pairs", "text:tfds:zoo_rows"])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionError("no route to host"), r"no route to host.*With a network, run `tfds build"),
        (ModuleNotFoundError("No module named 'apache_beam'"), "one more package.*apache_beam"),
        (AssertionError("Manual directory x is empty"), "without help: Manual directory x"),
    ],
)
def test_a_set_that_cannot_be_prepared_says_why(name, error, said, monkeypatch):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fails)
    with pytest.raises(download.DownloadError, match=said):
        tasks.get(name).provenance()


@pytest.mark.parametrize("name", ["zoo_rows/nothing", "zoo_rows:9.9.9", "a b"])
def test_an_unknown_configuration_is_one_line(name):
    with pytest.raises(ValueError, match=r"no such set, configuration or version") as error:
        tasks.get(f"text:tfds:{name}").text("train")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "feature", [tfds.features.Image(), tfds.features.Sequence(tfds.features.Text())]
)
def test_a_set_without_a_text_is_refused(feature):
    with pytest.raises(ValueError, match=r"tfds:pictures has none\. Received: features=x"):
        text_feature({"x": feature}, "pictures")
