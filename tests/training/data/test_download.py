"""Fetching: whole files only, checksums, hostile archives, and the line for when nothing works."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import json
import threading
import zipfile
from pathlib import Path

import pytest

from training.data import download
from training.data.download import DownloadError


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """ZOO_DATA_DIR and a home of our own."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setenv("ZOO_DATA_DIR", str(data))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return data


@pytest.fixture
def site(tmp_path):
    """A web server on loopback over a folder: (folder, address)."""
    folder = tmp_path / "site"
    folder.mkdir()
    agents = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *arguments):
            agents.append(self.headers.get("User-Agent"))

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
    assert all("Python-urllib" not in (agent or "") for agent in agents)


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.name.startswith(".fetching")]


def test_a_zip_member_is_fetched_and_recorded(site, folders):
    folder, address = site
    archive(folder / "spa-eng.zip", {"spa-eng/spa.txt": b"Go.\tVe.\n", "spa-eng/_about.txt": b"x"})
    url = f"{address}/spa-eng.zip"
    path = download.fetch([url], "tatoeba-spa/spa.txt", member="spa.txt")
    assert path == folders / "tatoeba-spa" / "spa.txt"
    assert path.read_bytes() == b"Go.\tVe.\n"
    record = json.loads((folders / "tatoeba-spa" / "spa.txt.source.json").read_text())
    assert record["url"] == url
    assert record["sha256"] == hashlib.sha256(b"Go.\tVe.\n").hexdigest()
    assert not leftovers(folders)
    assert download.locate(["elsewhere.txt", "tatoeba-spa/spa.txt"]) == path


def test_gzip_and_plain_files(site):
    folder, address = site
    (folder / "train.de.gz").write_bytes(gzip.compress(b"Ein Mann.\n"))
    (folder / "plain.txt").write_bytes(b"as it is")
    assert download.fetch([f"{address}/train.de.gz"], "m/train.de").read_bytes() == b"Ein Mann.\n"
    assert download.fetch([f"{address}/plain.txt"], "m/plain.txt").read_bytes() == b"as it is"


def test_the_next_address_is_tried_when_one_fails_or_has_other_content(site):
    folder, address = site
    (folder / "changed.txt").write_bytes(b"changed")
    (folder / "right.txt").write_bytes(b"right")
    urls = [f"{address}/{name}" for name in ("missing.txt", "changed.txt", "right.txt")]
    known = hashlib.sha256(b"right").hexdigest()
    path = download.fetch(urls, "a.txt", sha256=dict.fromkeys(urls, known))
    assert path.read_bytes() == b"right"


def test_a_wrong_checksum_leaves_nothing_behind(site, folders):
    folder, address = site
    (folder / "a.txt").write_bytes(b"changed")
    url = f"{address}/a.txt"
    with pytest.raises(DownloadError, match="not the known 0000"):
        download.fetch([url], "a.txt", sha256={url: "0000"})
    assert list(folders.iterdir()) == []


def test_a_download_cut_short_leaves_nothing_behind(site, folders):
    folder, address = site
    (folder / "a.txt.gz").write_bytes(gzip.compress(b"long enough to be cut" * 50)[:40])
    with pytest.raises(DownloadError):
        download.fetch([f"{address}/a.txt.gz"], "a.txt")
    (folder / "b.zip").write_bytes(b"PK not a zip")
    with pytest.raises(DownloadError):
        download.fetch([f"{address}/b.zip"], "b.txt", member="b.txt")
    assert list(folders.iterdir()) == []


def test_an_existing_file_survives_a_failed_fetch(site, folders):
    folder, address = site
    (folders / "a.txt").write_bytes(b"old")
    (folder / "a.zip").write_bytes(b"broken")
    with pytest.raises(DownloadError):
        download.fetch([f"{address}/a.zip"], "a.txt", member="a.txt")
    assert (folders / "a.txt").read_bytes() == b"old"


@pytest.mark.parametrize(
    "name", ["../spa.txt", "/etc/spa.txt", "a/../../spa.txt", "..\\spa.txt", "C:\\spa.txt"]
)
def test_an_archive_with_a_climbing_path_is_refused(tmp_path, name):
    path = archive(tmp_path / "a.zip", {name: b"x", "spa-eng/spa.txt": b"y"})
    with pytest.raises(DownloadError, match="unsafe path"):
        download.unzip(path, "spa.txt", tmp_path / "out.txt")
    assert not (tmp_path / "out.txt").exists()


def test_an_archive_without_the_member_or_with_two_is_refused(tmp_path):
    path = archive(tmp_path / "a.zip", {"a/fra.txt": b"x"})
    with pytest.raises(DownloadError, match=r"0 files called spa\.txt"):
        download.unzip(path, "spa.txt", tmp_path / "out.txt")
    path = archive(tmp_path / "b.zip", {"a/spa.txt": b"x", "b/spa.txt": b"y"})
    with pytest.raises(DownloadError, match=r"2 files called spa\.txt"):
        download.unzip(path, "spa.txt", tmp_path / "out.txt")


def test_an_archive_of_unreasonable_size_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 10)
    path = archive(tmp_path / "a.zip", {"spa.txt": b"x" * 11})
    with pytest.raises(DownloadError, match="11 bytes"):
        download.unzip(path, "spa.txt", tmp_path / "out.txt")


def test_no_network_is_one_line_that_says_what_to_do(folders):
    with pytest.raises(DownloadError) as error:
        download.fetch(["http://127.0.0.1:9/x-eng.zip"], "tatoeba-x/x.txt", member="x.txt")
    message = str(error.value)
    assert "\n" not in message
    assert "Fetch http://127.0.0.1:9/x-eng.zip and put x.txt out of it at" in message
    assert message.endswith(str(folders / "tatoeba-x" / "x.txt"))


def test_without_a_writable_data_folder_the_cache_is_used(monkeypatch, tmp_path, site):
    folder, address = site
    (folder / "a.txt").write_bytes(b"a")
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "not there"))
    path = download.fetch([f"{address}/a.txt"], "a.txt")
    assert path == tmp_path / "home" / ".cache" / "attention-zoo" / "a.txt"
    assert download.locate(["a.txt"]) == path
    monkeypatch.delenv("ZOO_DATA_DIR")
    assert download.locate(["a.txt"]) == path
    assert download.locate(["b.txt"]) is None
