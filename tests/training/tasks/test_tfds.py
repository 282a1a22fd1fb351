"""A translation set of TensorFlow Datasets, through the real package, made up and kept local."""

from __future__ import annotations

import pytest

from training import tasks

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
