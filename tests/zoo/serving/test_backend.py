"""What the gateway does when a replica dies or has no room; Ray's handles are made up."""

from __future__ import annotations

import asyncio
import importlib.util
import warnings

import pytest

if importlib.util.find_spec("ray") is None:
    pytest.skip("Ray is not installed", allow_module_level=True)

with warnings.catch_warnings(action="ignore"):  # what Ray does when it is imported is not ours
    from ray.exceptions import RayActorError
    from ray.serve.exceptions import BackPressureError

    from zoo.serving import replicas

from tests.zoo.serving.event_loop import finish
from zoo.serving.config import ModelConfig
from zoo.serving.protocol import RefusedError


class Handle:
    """Raises what it was given, one a call, then answers each row with itself."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), []

    @property
    def answer(self):
        return self

    async def remote(self, signature, rows):
        self.calls.append(len(rows))
        if self.errors:
            raise self.errors.pop(0)
        await asyncio.sleep(0.01 * len(rows))  # the last part is the first to be answered
        return [{"text": row["text"]} for row in rows]


def answered(handle, rows=1, retried=lambda name: None):
    backend = replicas.RayBackend({"m": ModelConfig(batch_rows=4)}, retried, {"m": handle})
    given = [{"text": str(n)} for n in range(rows)]
    return finish(backend.answer("m", "serving_default", given))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(replicas, "PAUSE", 0.0)


def test_a_call_that_died_with_its_replica_is_made_again():
    told = []
    handle = Handle(RayActorError(), RayActorError())
    assert answered(handle, retried=told.append) == [{"text": "0"}]
    assert len(handle.calls) == 3 and told == ["m", "m"]


def test_a_request_that_kills_every_replica_is_given_up():
    handle = Handle(*[RayActorError() for _ in range(100)])
    with pytest.raises(RefusedError, match="lost its replicas") as error:
        answered(handle)
    assert error.value.status == 503 and len(handle.calls) == replicas.ATTEMPTS


def test_no_room_is_not_asked_again():
    handle = Handle(BackPressureError(1, 1))
    with pytest.raises(RefusedError, match="too many requests") as error:
        answered(handle)
    assert error.value.status == 503 and len(handle.calls) == 1


def test_long_requests_are_cut_and_put_together_in_order():
    handle = Handle()
    assert [row["text"] for row in answered(handle, rows=9)] == [str(n) for n in range(9)]
    assert handle.calls == [4, 4, 1]
