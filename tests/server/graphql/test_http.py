"""GraphQL over HTTP: status, headers and body of every kind of request."""

import asyncio
import errno
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
from httpx import AsyncClient, Response
from starlette.datastructures import UploadFile
from starlette.types import Message

from server.graphql.limits import TransportLimits
from tests.server.graphql.conftest import client_of, until
from tests.server.graphql.toy_schema import Context, Contexts, application

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
BOTH = f"{GRAPHQL}, {JSON};q=0.9"
UPLOAD = json.dumps(
    {"query": "mutation($file: Upload!) { receive(file: $file) }", "variables": {"file": None}}
)
MULTIPART = {"GraphQL-Require-Preflight": "1", "Authorization": "Bearer ann"}


def code(response: Response) -> str:
    """The code of the first error."""
    error: dict[str, Any] = response.json()["errors"][0]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, JSON),
        ("*/*", JSON),
        (JSON, JSON),
        (GRAPHQL, GRAPHQL),
        (BOTH, GRAPHQL),
        (f"{JSON}, {GRAPHQL}", GRAPHQL),
        (f"{JSON}, {GRAPHQL};q=0.5", JSON),
        (f"{GRAPHQL};q=0, */*", JSON),
        (f"{JSON};q=0, */*;q=0.1", GRAPHQL),
        ("application/*", JSON),
        ("APPLICATION/JSON", JSON),
        ("text/html;q=0.9, */*;q=0.1", JSON),
    ],
)
async def test_accept_chooses_the_media_type(http: AsyncClient, accept: str | None, answered: str) -> None:
    del http.headers["accept"]
    headers = {"accept": accept} if accept else {}
    response = await http.post("/graphql", json={"query": "{ hello }"}, headers=headers)

    assert (response.status_code, response.headers["content-type"]) == (200, answered)
    assert response.json()["data"] == {"hello": "Hello world"}
    assert response.headers["vary"] == "Accept"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("accept", ["text/html", f"{JSON};q=0", "image/png, text/*", f"{JSON};q=nonsense"])
async def test_nothing_acceptable_is_406(http: AsyncClient, contexts: Contexts, accept: str) -> None:
    response = await http.post("/graphql", json={"query": "{ hello }"}, headers={"accept": accept})

    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")
    assert not contexts.opened


@pytest.mark.parametrize(
    ("query", "variables", "expected"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED"),
        ("{ nope }", None, "GRAPHQL_VALIDATION_FAILED"),
        ("query($to: Int!) { page(to: $to) }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Float!) { wait(seconds: $n) }", {"n": "x"}, "BAD_USER_INPUT"),
        ("query($n: Float!) { wait(seconds: $n) }", {}, "BAD_USER_INPUT"),
        ("query A { hello } query B { hello }", None, "OPERATION_RESOLUTION_FAILURE"),
        ("fragment F on Query { hello }", None, "OPERATION_RESOLUTION_FAILURE"),
    ],
)
@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
async def test_an_operation_that_cannot_begin_has_no_data(
    http: AsyncClient, query: str, variables: Any, expected: str, accept: str, status: int
) -> None:
    body = {"query": query, "variables": variables}
    response = await http.post("/graphql", json=body, headers={"accept": accept})

    assert (response.status_code, code(response)) == (status, expected)
    assert "data" not in response.json()


@pytest.mark.parametrize("name", ["A", "B"])
async def test_operation_name_chooses_among_several(http: AsyncClient, name: str) -> None:
    query = 'query A { hello(name: "A") } query B { hello(name: "B") }'
    response = await http.post("/graphql", json={"query": query, "operationName": name})
    assert response.json()["data"] == {"hello": f"Hello {name}"}

    response = await http.post("/graphql", json={"query": query, "operationName": "C"})
    assert code(response) == "OPERATION_RESOLUTION_FAILURE"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"5",
        b'"x"',
        b"true",
        b"[]",
        b"[1]",
        b"[null]",
        b'[{"query": "{ hello }"}]',
        b"\xff\xfe{}",
        b'{"query": "\xff"}',
        b'{"query": "\\ud800"}',
        b'{"query": "{ hello }", "variables": {"n": NaN}}',
        b'{"a": ' + b"9" * 5000,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{}",
        b'{"query": null}',
        b'{"query": ""}',
        b'{"query": 1}',
        b'{"query": ["{ hello }"]}',
        b'{"query": "{ hello }", "variables": []}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "operationName": 1}',
        b'{"query": "{ hello }", "extensions": 1}',
        b'{"query": "{ hello }", "extensions": {"persistedQuery": 1}}',
        b'{"query": "{ hello }", "extensions": {"persistedQuery": {"version": 2, "sha256Hash": "x"}}}',
        b'{"query": "{ hello }", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "x"}}}',
    ],
)
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_malformed_bodies_are_400(http: AsyncClient, body: bytes, accept: str) -> None:
    headers = {"content-type": JSON, "accept": accept}
    response = await http.post("/graphql", content=body, headers=headers)

    assert (response.status_code, response.headers["content-type"]) == (400, accept)
    assert code(response) in ("BAD_REQUEST", "BATCHING_NOT_SUPPORTED")
    assert list(response.json()) == ["errors"]


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "text/json", ""])
async def test_other_bodies_are_415(http: AsyncClient, media: str) -> None:
    response = await http.post("/graphql", content=b'{"query":"{hello}"}', headers={"content-type": media})
    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_json_with_a_charset_is_json(http: AsyncClient) -> None:
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    response = await http.post(
        "/graphql", content='{"query":"{hello(name:\\"Zoë\\")}"}'.encode(), headers=headers
    )
    assert response.json()["data"] == {"hello": "Hello Zoë"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_405(http: AsyncClient, method: str) -> None:
    response = await http.request(method, "/graphql")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


async def test_get_reads(http: AsyncClient) -> None:
    parameters = {"query": "query($n: String!) { hello(name: $n) }", "variables": '{"n": "you"}'}
    response = await http.get("/graphql", params=parameters, headers={"accept": GRAPHQL})
    assert (response.status_code, response.json()["data"]) == (200, {"hello": "Hello you"})

    response = await http.get(
        "/graphql", params={**parameters, "variables": "{"}, headers={"accept": GRAPHQL}
    )
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")

    response = await http.get("/graphql", headers={"accept": GRAPHQL})
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


async def test_get_never_writes(http: AsyncClient) -> None:
    response = await http.get("/graphql", params={"query": 'mutation { rename(name: "x") }'})
    assert (response.status_code, response.headers["allow"], code(response)) == (
        405,
        "POST",
        "METHOD_NOT_ALLOWED",
    )


async def test_a_subscription_needs_a_stream(http: AsyncClient) -> None:
    response = await http.post("/graphql", json={"query": "subscription { count(to: 1) }"})
    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_large_body_is_413(contexts: Contexts, announced: bool) -> None:
    body = json.dumps({"query": "{ hello }", "variables": {"x": "x" * 2000}}).encode()

    async def chunks() -> Any:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    async with client_of(application(contexts, TransportLimits(json_bytes=1000))) as http:
        content = body if announced else chunks()
        response = await http.post("/graphql", content=content, headers={"content-type": JSON})

    assert (response.status_code, code(response)) == (413, "PAYLOAD_TOO_LARGE")
    assert response.headers["connection"] == "close"
    assert all(context.closed for context in contexts.opened)


@pytest.mark.parametrize(
    ("token", "status", "expected"),
    [("bad", 401, "UNAUTHENTICATED"), ("full", 429, "EXHAUSTED"), ("bug", 500, "INTERNAL_SERVER_ERROR")],
)
async def test_no_context_no_operation(http: AsyncClient, token: str, status: int, expected: str) -> None:
    headers = {"authorization": f"Bearer {token}", "accept": GRAPHQL}
    response = await http.post("/graphql", json={"query": "{ hello }"}, headers=headers)

    assert (response.status_code, code(response)) == (status, expected)
    assert response.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
    assert "secret" not in response.text


async def test_each_request_has_its_own_context(http: AsyncClient, contexts: Contexts) -> None:
    for name in ("ann", "bob"):
        headers = {"authorization": f"Bearer {name}"}
        response = await http.post("/graphql", json={"query": "{ viewer }"}, headers=headers)
        assert response.json()["data"] == {"viewer": name}

    assert [(context.viewer.name, context.closed) for context in contexts.opened] == [
        ("ann", True),
        ("bob", True),
    ]


async def test_a_client_that_leaves_closes_the_context(contexts: Contexts) -> None:
    body = json.dumps({"query": "{ wait(seconds: 30) }"}).encode()
    app = application(contexts)

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        raise AssertionError("nobody is there to read")

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
    request = asyncio.create_task(app(scope, receive, send))
    await until(lambda: bool(contexts.opened))
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request

    assert [context.closed for context in contexts.opened] == [True]


async def test_the_response_is_sent_before_the_context_is_closed(contexts: Contexts) -> None:
    app, sent = application(contexts), list[tuple[str, bool]]()

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"query": "{ hello }"}', "more_body": False}

    async def send(message: Message) -> None:
        sent.append((message["type"], contexts.opened[0].closed))

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "headers": headers}
    await app(scope, receive, send)

    assert sent == [("http.response.start", False), ("http.response.body", False)]
    assert contexts.opened[0].closed


async def test_a_context_that_cannot_be_closed_changes_no_response(
    http: AsyncClient, contexts: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Context.close

    async def fail(context: Context) -> None:
        await close(context)
        raise RuntimeError("secret of the context")

    monkeypatch.setattr(Context, "close", fail)
    for _ in range(2):
        response = await http.post("/graphql", json={"query": "{ hello }"})
        assert (response.status_code, response.json()["data"]) == (200, {"hello": "Hello world"})


async def test_persisted_documents(http: AsyncClient) -> None:
    document = "{ hello }"
    digest = sha256(document.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}

    unknown = await http.post("/graphql", json={"extensions": extensions})
    assert (unknown.status_code, code(unknown)) == (200, "PERSISTED_QUERY_NOT_FOUND")
    assert unknown.json()["errors"][0]["message"] == "PersistedQueryNotFound"

    await http.post("/graphql", json={"query": document, "extensions": extensions})
    known = await http.get("/graphql", params={"extensions": json.dumps(extensions)})
    assert known.json()["data"] == {"hello": "Hello world"}


async def test_only_trusted_documents_run(contexts: Contexts) -> None:
    document = "{ hello }"
    digest = sha256(document.encode()).hexdigest()
    limits = TransportLimits(trusted_documents={digest: document})

    async with client_of(application(contexts, limits)) as http:
        for trusted in (
            {"query": document},
            {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}},
        ):
            response = await http.post("/graphql", json=trusted)
            assert response.json()["data"] == {"hello": "Hello world"}
        response = await http.post("/graphql", json={"query": "{ viewer }"})

    assert (response.status_code, code(response)) == (400, "DOCUMENT_NOT_TRUSTED")


async def test_uploads(http: AsyncClient) -> None:
    fields = {"operations": UPLOAD, "map": '{"0": ["variables.file"]}'}
    files = {"0": ("plan.pdf", b"12345")}

    response = await http.post("/graphql", data=fields, files=files, headers=MULTIPART)
    assert response.json()["data"] == {"receive": "plan.pdf: 5"}

    response = await http.post("/graphql", data=fields, files=files)
    assert (response.status_code, code(response)) == (403, "CSRF_PREVENTION")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"operations": "{", "map": "{}"},
        {"operations": "null", "map": "{}"},
        {"operations": "[]", "map": "{}"},
        {"operations": UPLOAD},
        {"operations": UPLOAD, "map": "null"},
        {"operations": UPLOAD, "map": "[]"},
        {"operations": UPLOAD, "map": "5"},
        {"operations": UPLOAD, "map": '{"0": null}'},
        {"operations": UPLOAD, "map": '{"0": "variables.file"}'},
        {"operations": UPLOAD, "map": '{"0": [5]}'},
        {"operations": UPLOAD, "map": '{"0": ["query"]}'},
        {"operations": UPLOAD, "map": '{"1": ["variables.file"]}'},
        {"operations": UPLOAD, "map": '{"0": ["variables.other.file"]}'},
        {"operations": UPLOAD.replace("null", '"text"'), "map": '{"0": ["variables.file.0"]}'},
        {"operations": UPLOAD.replace("null", "[]"), "map": '{"0": ["variables.file.0"]}'},
        {"operations": UPLOAD.replace("null", "[null]"), "map": '{"0": ["variables.file.x"]}'},
        {"operations": "x" * 1_100_000, "map": "{}"},
    ],
)
async def test_malformed_uploads_are_400(http: AsyncClient, fields: dict[str, str]) -> None:
    response = await http.post("/graphql", data=fields, files={"0": ("a", b"1")}, headers=MULTIPART)
    assert response.status_code == 400, response.text
    assert code(response) in ("BAD_REQUEST", "BATCHING_NOT_SUPPORTED")


class Unread(httpx.AsyncByteStream):
    """A body that notes whether it was read."""

    read = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.read = True
        yield b""


@pytest.mark.parametrize(
    ("token", "status", "expected"), [(None, 401, "UNAUTHENTICATED"), ("away", 503, "UNAVAILABLE")]
)
async def test_who_sends_a_form_is_known_before_it_is_read(
    http: AsyncClient, token: str | None, status: int, expected: str
) -> None:
    body = Unread()
    headers = {"graphql-require-preflight": "1", "content-type": "multipart/form-data; boundary=x"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    response = await http.post("/graphql", content=body, headers=headers)

    assert (response.status_code, code(response)) == (status, expected)
    assert not body.read


@pytest.mark.parametrize("multipart", [True, False])
async def test_the_bodies_of_all_requests_are_bounded(contexts: Contexts, multipart: bool) -> None:
    limits = TransportLimits(json_space=1_000, multipart_space=1_000)
    fields = {"operations": UPLOAD, "map": '{"0": ["variables.file"]}'}
    large: dict[str, Any] = {"data": fields, "files": {"0": ("a", b"1" * 2_000)}}
    small: dict[str, Any] = {"data": fields, "files": {"0": ("a", b"1" * 10)}}
    if not multipart:
        large, small = {"json": {"query": "{ hello }" + " " * 2_000}}, {"json": {"query": "{ hello }"}}
    async with client_of(application(contexts, limits)) as http:
        for _ in range(3):
            refused = await http.post("/graphql", **large, headers=MULTIPART)
            accepted = await http.post("/graphql", **small, headers=MULTIPART)

            assert (refused.status_code, code(refused)) == (503, "UNAVAILABLE")
            assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
            assert (accepted.status_code, "errors" in accepted.json()) == (200, False)


async def test_a_full_disk_is_507(http: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def write(file: UploadFile, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(UploadFile, "write", write)
    fields = {"operations": UPLOAD, "map": '{"0": ["variables.file"]}'}
    response = await http.post("/graphql", data=fields, files={"0": ("a", b"1")}, headers=MULTIPART)

    assert (response.status_code, code(response)) == (507, "EXHAUSTED")


async def test_a_form_that_is_none_is_400(http: AsyncClient) -> None:
    for media in ("multipart/form-data", "multipart/form-data; boundary=x"):
        headers = {**MULTIPART, "content-type": media}
        response = await http.post("/graphql", content=b"nonsense", headers=headers)
        assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


async def test_a_large_upload_is_413(contexts: Contexts) -> None:
    async with client_of(application(contexts, TransportLimits(multipart_bytes=10_000))) as http:
        fields = {"operations": UPLOAD, "map": '{"0": ["variables.file"]}'}
        response = await http.post(
            "/graphql", data=fields, files={"0": ("a", b"1" * 20_000)}, headers=MULTIPART
        )
    assert (response.status_code, code(response)) == (413, "PAYLOAD_TOO_LARGE")
