"""Jobs: one a model, their output and progress, how they end; a small module is the job."""

from __future__ import annotations

import time

import pytest

from apps import jobs

SCRIPT = """
import sys, time
what = sys.argv[1].rpartition("/")[2]
print("I0000 00:00:1 chatter of a library", flush=True)
print("\\x1b[31mreading\\x1b[0m", sys.argv[1:], flush=True)
for done in range(1, 4):
    print(f"\\rdecoding {done}/4", end="", flush=True)
    time.sleep(0.1)
while what == "long":
    time.sleep(0.05)
print("\\rdone", flush=True)
if what == "bad":
    print("error: nothing to score", file=sys.stderr)
    sys.exit(2)
"""


@pytest.fixture
def some(tmp_path, monkeypatch):
    """Jobs whose module is the script above."""
    (tmp_path / "small_job.py").write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setitem(jobs.KINDS, "evaluate", ("Evaluation", "small_job", ("--update-card",)))
    found = jobs.Jobs()
    yield found
    found.end()


def ended(job: jobs.Job) -> jobs.Job:
    end = time.monotonic() + 60
    while job.running:
        assert time.monotonic() < end, list(job.lines)
        time.sleep(0.02)
    return job


def test_a_job_says_what_it_does_and_how_it_ends(some, tmp_path):
    folder = tmp_path / "a; touch b"
    job = ended(some.start("evaluate", folder, "runs/a", ("--task", "tsv:x y.tsv")))
    assert not job.failed and job.said == "done"
    assert job.command == "python -m small_job runs/a --update-card --task 'tsv:x y.tsv'"
    (line, last) = job.lines
    assert line == "reading ['runs/a', '--update-card', '--task', 'tsv:x y.tsv']"  # one argument
    assert last == "done" and not (tmp_path / "b").exists()
    assert some.of(folder) is job and not some.running()


def test_an_error_is_one_sentence(some, tmp_path):
    job = ended(some.start("evaluate", tmp_path / "bad", "runs/bad"))
    assert job.failed and job.said == "nothing to score"


def test_a_model_has_one_job_and_can_stop_it(some, tmp_path):
    job = some.start("evaluate", tmp_path / "long", "runs/long")
    with pytest.raises(jobs.JobError, match="of this model is at work already"):
        some.start("export", tmp_path / "long", "runs/long")
    end = time.monotonic() + 60
    while job.share != 0.75:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert some.running() == [job]
    some.stop(tmp_path / "long")
    ended(job)
    assert job.stopped and not job.failed
    some.stop(tmp_path / "long")
    some.stop(tmp_path / "none")


def test_few_jobs_run_at_once(some, tmp_path):
    for number in range(jobs.MOST):
        some.start("evaluate", tmp_path / str(number) / "long", "x")
    with pytest.raises(jobs.JobError, match="jobs are at work already"):
        some.start("evaluate", tmp_path / "one more", "x")
