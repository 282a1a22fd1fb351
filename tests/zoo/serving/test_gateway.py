"""The gateway over HTTP, without Ray: answers, refusals, limits."""

from __future__ import annotations

import asyncio
import base64
import json

import numpy as np
import pytest
from starlette.testclient import TestClient

import zoo
from tests.zoo.serving.conftest import RNN, TRANSFORMER
from tests.zoo.serving.event_loop import finish
from zoo.serving import signatures
from zoo.serving.protocol import RefusedError

TEXTS = ["3 May 2021", "", "yesterday", "31/02/2021", "May 3rd, '21 " * 30, "\ud800 5.6.1999"]
PREDICT = f"/v1/models/{RNN}:predict"


def asked(client, body, path=PREDICT, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, content=content, headers=headers)


def test_rows_are_answered_as_python_does(client, models):
    answer = asked(client, {"instances": [*TEXTS, {"text": "1 June 2020"}]}).json()
    wanted = models[RNN].predict([*TEXTS, "1 June 2020"])
    longest = max(len(one.target_pieces) for one in wanted)
    for found, one in zip(answer["predictions"], wanted, strict=True):
        assert set(found) == {"text", "notes", "log_probs", "lengths"}
        assert found["text"] == one.text and found["notes"] == "\n".join(one.notes)
        assert found["lengths"] == len(one.target_pieces)
        assert len(found["log_probs"]) == longest  # padded as an exported model pads them
        size = found["lengths"]
        np.testing.assert_allclose(found["log_probs"][:size], one.log_probs, atol=1e-5)
        assert not any(found["log_probs"][size:])


def test_columns_say_the_same_as_rows(client):
    rows = asked(client, {"instances": TEXTS}).json()["predictions"]
    for inputs in (TEXTS, {"text": TEXTS}):
        columns = asked(client, {"inputs": inputs}).json()["outputs"]
        assert columns == {name: [row[name] for row in rows] for name in rows[0]}
    alone = asked(client, {"inputs": {"text": TEXTS[0]}}).json()["outputs"]
    assert alone["text"] == [rows[0]["text"]]


def test_text_in_base64_is_text(client):
    raw = base64.b64encode("3 Mai 2021, früh".encode()).decode()
    broken = base64.b64encode(b"3 May 2021 \xff\xfe").decode()
    found = asked(client, {"instances": [{"b64": raw}, {"text": {"b64": broken}}]}).json()
    same = asked(client, {"instances": ["3 Mai 2021, früh", "3 May 2021"]}).json()
    assert found == same


def test_attention_is_as_long_as_its_row(client, models):
    texts = ["3 May 2021", "", "the first of June 1999"]
    path = f"/v1/models/{TRANSFORMER}:predict"
    answer = asked(client, {"signature_name": "attention", "instances": texts}, path).json()
    for found, one in zip(answer["predictions"], models[TRANSFORMER].predict(texts), strict=True):
        assert found["pieces"] == one.target_pieces
        assert found["source_pieces"] == one.source_pieces
        assert set(one.attention) == {n.removeprefix("attention_") for n in found if "tion_" in n}
        for kind, maps in one.attention.items():
            assert np.shape(found[f"attention_{kind}"]) == maps.shape
            np.testing.assert_allclose(found[f"attention_{kind}"], maps, atol=1e-5)


def test_a_model_without_attention_answers_without_maps(client):
    answer = asked(client, {"signature_name": "attention", "instances": ["3 May 2021"]}).json()
    assert not [name for name in answer["predictions"][0] if name.startswith("attention_")]


def test_a_beam_has_its_best_first(client, models):
    answer = asked(client, {"signature_name": "beam", "instances": ["3 Ma 2021"]}).json()
    (found,) = answer["predictions"]
    (one,) = models[RNN].predict("3 Ma 2021", beams=signatures.BEAMS)
    assert found["texts"] == [n.text for n in one.alternatives] and found["text"] == one.text
    assert len(found["texts"]) == 4
    np.testing.assert_allclose(found["scores"], [n.score for n in one.alternatives], atol=1e-5)


def test_ids_say_what_their_text_says(client, models):
    tokenizer = models[RNN].source_tokenizer
    ids = tokenizer.encode("3 May 2021")
    rows = [ids, [0, 0, *ids[:-1], 0], [], [10**9]]
    answer = asked(client, {"signature_name": "ids", "instances": rows}).json()["predictions"]
    (one,) = models[RNN].predict("3 May 2021")
    assert answer[0]["ids"] == models[RNN].target_tokenizer.ids(one.target_pieces)
    assert answer[1] == answer[0] and answer[2]["ids"] == [] and answer[2]["lengths"] == 0


def test_status_metadata_and_list(client):
    status = client.get(f"/v1/models/{RNN}").json()
    assert status == client.get(f"/v1/models/{RNN}/versions/1").json()
    assert status["model_version_status"][0]["state"] == "AVAILABLE"
    found = client.get(f"/v1/models/{RNN}/versions/1/metadata").json()
    assert found["model_spec"] == {"name": RNN, "signature_name": "", "version": "1"}
    described = found["metadata"]["signature_def"]["signature_def"]
    assert described["serving_default"]["inputs"]["text"]["dtype"] == "DT_STRING"
    listed = client.get("/v1/models").json()["models"]
    assert [one["name"] for one in listed] == [RNN, TRANSFORMER]
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    assert client.head("/healthz").status_code == 200


@pytest.mark.parametrize("name", [RNN, TRANSFORMER])
@pytest.mark.parametrize("signature", ["serving_default", "attention", "beam", "ids"])
def test_metadata_names_what_is_answered(client, name, signature):
    given = [[5, 6]] if signature == "ids" else ["3 May 2021"]
    path = f"/v1/models/{name}:predict"
    answer = asked(client, {"signature_name": signature, "inputs": given}, path).json()["outputs"]
    described = client.get(f"/v1/models/{name}/metadata").json()["metadata"]["signature_def"]
    outputs = described["signature_def"][signature]["outputs"]
    assert set(answer) == set(outputs)
    for output, one in outputs.items():
        sizes = [int(dim["size"]) for dim in one["tensor_shape"]["dim"]]
        shape = np.shape(answer[output])
        assert all(size in (-1, real) for size, real in zip(sizes, shape, strict=True))


DEEP = b'{"instances":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
WRONG = [
    (b"", 400, "no JSON"),
    (b"\xff\xfe", 400, "no UTF-8"),
    (b'{"instances": [', 400, "no JSON"),
    (DEEP, 400, "nested too deeply"),
    (b"[" * 500_000, 400, "nested too deeply"),
    (b'{"instances": [' + b"9" * 10_000 + b"]}", 400, "JSON"),
    ([], 400, "must be a JSON object"),
    ({}, 400, 'either "instances" or "inputs"'),
    ({"instances": ["a"], "inputs": ["a"]}, 400, 'either "instances" or "inputs"'),
    ({"instances": ["a"], "beams": 3}, 400, "unknown field 'beams'"),
    ({"instances": []}, 400, "no rows"),
    ({"inputs": {}}, 400, "no rows"),
    ({"inputs": {"text": []}}, 400, "no rows"),
    ({"instances": "a"}, 400, "must be a list. Received: a string"),
    ({"instances": [3]}, 400, "text of row 0 must be a string"),
    ({"instances": ["a", None]}, 400, "text of row 1 must be a string"),
    ({"instances": [["a"]]}, 400, "text of row 0 must be a string"),
    ({"instances": [{}]}, 400, "Row 0 lacks the input text"),
    ({"instances": [{"txt": "a"}]}, 400, "unknown input 'txt'"),
    ({"instances": [{"b64": "!"}]}, 400, "no base64"),
    ({"instances": [{"b64": 3}]}, 400, "must be a string"),
    ({"inputs": {"text": ["a"], "txt": ["a", "b"]}}, 400, "same number of rows"),
    ({"inputs": {"text": ["a"], "txt": ["b"]}}, 400, "unknown input 'txt'"),
    ({"instances": ["a"], "signature_name": "sample"}, 400, "no signature 'sample'"),
    ({"instances": ["a"], "signature_name": ["ids"]}, 400, "no signature"),
    ({"instances": ["a"], "signature_name": "ids"}, 400, "ids of row 0 must be a list of ids"),
    ({"instances": [[1, -1]], "signature_name": "ids"}, 400, "must be a list of ids"),
    ({"instances": [[True]], "signature_name": "ids"}, 400, "must be a list of ids"),
    ({"instances": [[0] * 5000], "signature_name": "ids"}, 413, "has 5000 ids"),
    ({"instances": ["a"] * 257}, 413, "At most 256 rows"),
    ({"instances": ["a" * 1_000_001]}, 413, "larger than 1000000 bytes"),
]


@pytest.mark.parametrize(("body", "status", "said"), WRONG)
def test_a_wrong_body_is_told_what_is_wrong(client, body, status, said):
    answer = asked(client, body)
    assert answer.status_code == status
    sentence = answer.json()["error"]
    assert said in sentence and "\n" not in sentence and len(sentence) < 300


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/models/nobody", 404),
        ("POST", "/v1/models/nobody:predict", 404),
        ("GET", f"/v1/models/{RNN}/versions/2", 404),
        ("POST", f"/v1/models/{RNN}/labels/stable:predict", 404),
        ("POST", f"/v1/models/{RNN}:classify", 404),
        ("GET", "/v1/models/%0a%00..%2f..", 404),
        ("GET", PREDICT, 405),
        ("PUT", PREDICT, 405),
        ("POST", "/v1/models", 405),
        ("DELETE", f"/v1/models/{RNN}", 405),
        ("OPTIONS", PREDICT, 405),
        ("NONSENSE", "/healthz", 405),
    ],
)
def test_a_wrong_path_or_method_is_refused(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status and answer.json()["error"]
    assert ("allow" in answer.headers) == (status == 405)


class Slow:
    """A backend that answers when it is told to, or fails."""

    def __init__(self, fails=None):
        self.go, self.fails, self.asked, self.given_up = asyncio.Event(), fails, 0, 0

    async def answer(self, model, signature, rows):
        self.asked += 1
        if self.fails:
            raise self.fails
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        return [{"text": "", "notes": "", "log_probs": [], "lengths": 0} for _ in rows]

    async def states(self):
        return {RNN: ("AVAILABLE", ""), TRANSFORMER: ("LOADING", "")}


def call(app, body=b'{"instances": ["a"]}', parts=None, headers=()):
    """One request to predict straight to the application: its status, headers and JSON."""
    sent = []
    queue = asyncio.Queue()
    for part in [body] if parts is None else parts:
        last = parts is None
        queue.put_nowait({"type": "http.request", "body": part, "more_body": not last})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PREDICT, "headers": [*headers]}

    async def run():
        await app(scope, queue.get, send)
        return sent[0]["status"], dict(sent[0]["headers"]), json.loads(sent[1]["body"] or b"{}")

    return run(), queue


def test_more_than_there_is_room_for_is_refused_at_once(gateway):
    async def run():
        slow = Slow()
        app = gateway(slow, defaults={"max_ongoing_requests": 1, "max_queued_requests": 1})
        waiting = [asyncio.create_task(call(app)[0]) for _ in range(2)]
        while slow.asked < 2:
            await asyncio.sleep(0)
        # It is refused before its body has come.
        refused = await call(app, parts=[])[0]
        slow.go.set()
        return refused, [await one for one in waiting], await call(app)[0]

    (status, headers, body), answered, after = finish(run())
    assert status == 503 and headers[b"retry-after"] == b"1" and "try again" in body["error"]
    assert [one[0] for one in answered] == [200, 200] and after[0] == 200


def test_all_models_together_have_a_limit_too(gateway):
    async def run():
        slow = Slow()
        app = gateway(slow, max_requests=1)
        waiting = asyncio.create_task(call(app)[0])
        while not slow.asked:
            await asyncio.sleep(0)
        refused = await call(app)[0]
        slow.go.set()
        return refused[0], (await waiting)[0]

    assert finish(run()) == (503, 200)


def test_a_request_ends_with_its_time(gateway):
    slow = Slow()

    async def run():
        return await call(gateway(slow, request_timeout_s=0.1))[0]

    status, _, body = finish(run())
    assert status == 504 and "within 0.1 s" in body["error"] and slow.given_up == 1


def test_a_body_that_does_not_come_is_not_waited_for(gateway):
    async def run():
        return await call(gateway(body_timeout_s=0.1), parts=[b'{"inst'])[0]

    status, headers, body = finish(run())
    assert status == 408 and headers[b"connection"] == b"close" and "0.1 s" in body["error"]


def test_a_body_without_a_length_is_cut_off_where_it_grows_too_large(gateway):
    async def run():
        parts = [b" " * 600_000, b" " * 600_000]
        return await call(gateway(), parts=parts)[0]

    assert finish(run())[0] == 413


def test_work_for_a_client_that_has_gone_is_given_up(gateway):
    async def run():
        slow = Slow()
        coroutine, queue = call(gateway(slow))
        task = asyncio.create_task(coroutine)
        while not slow.asked:
            await asyncio.sleep(0)
        queue.put_nowait({"type": "http.disconnect"})
        await asyncio.gather(task, return_exceptions=True)
        return slow.given_up

    assert finish(run()) == 1


def test_a_failure_is_told_without_its_inside(gateway, caplog):
    app = gateway(Slow(ZeroDivisionError("/secret/path")))
    answer = asked(TestClient(app, raise_server_exceptions=False), {"instances": ["a"]})
    assert answer.status_code == 500 and "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_a_backend_without_room_is_told_as_such(gateway):
    client = TestClient(gateway(Slow(RefusedError(503, "full")), retry_after_s=7))
    answer = asked(client, {"instances": ["a"]})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


def test_readiness_names_the_models_that_are_not_there_yet(gateway):
    client = TestClient(gateway(Slow()))
    answer = client.get("/readyz")
    assert answer.status_code == 503 and TRANSFORMER in answer.json()["error"]
    assert client.get("/healthz").status_code == 200
    state = client.get(f"/v1/models/{TRANSFORMER}").json()["model_version_status"][0]["state"]
    assert state == "LOADING"


def test_metrics_count_what_happened(client):
    asked(client, {"instances": ["3 May 2021", "4 May 2021"]})
    asked(client, {"instances": [3]})
    client.get("/nothing/with/a/name")
    text = client.get("/metrics").text
    assert f'zoo_requests_total{{code="200",model="{RNN}"}} 1.0' in text
    assert f'zoo_requests_total{{code="400",model="{RNN}"}} 1.0' in text
    assert 'zoo_requests_total{code="404",model=""} 1.0' in text
    assert f'zoo_rows_total{{model="{RNN}"}} 2.0' in text
    assert f'zoo_requests_under_way{{model="{RNN}"}} 0.0' in text


@pytest.mark.parametrize("name", ["shakespeare-ngram"])
def test_language_models_are_described_and_answered_alike(gateway, name):
    model = zoo.load(name)
    described = signatures.describe(name, model.path)
    from zoo.serving.local import LocalBackend

    client = TestClient(gateway(LocalBackend({name: model}), {name: described}))
    path = f"/v1/models/{name}:predict"
    options = {"max_new_tokens": 12, "temperature": 0.8, "top_k": 5, "seed": 3}
    row = {"prompts": "ROMEO:", **options}
    body = {"signature_name": "sample", "instances": [row, {"prompts": "A"}]}
    answer = asked(client, body, path).json()["predictions"]
    from zoo.inference.sampling import Sampling

    (one,) = model.predict("ROMEO:", max_new_tokens=12, sampling=Sampling(0.8, 5), seed=3)
    assert answer[0]["text"] == one.text and answer[0]["lengths"] == 12
    assert answer[1]["lengths"] == signatures.USUAL_TOKENS
    for wrong in ({"max_new_tokens": 0}, {"temperature": -1}, {"top_k": 1.5}, {"seed": True}):
        body = {"signature_name": "sample", "instances": [{"prompts": "A", **wrong}]}
        assert asked(client, body, path).status_code == 400
    body = {"signature_name": "attention", "inputs": ["A"]}
    found = asked(client, body, path).json()["outputs"]
    assert set(found) == set(described.signatures["attention"].outputs)
