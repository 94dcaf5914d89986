"""Files over HTTP: what clients send and what they are answered."""

import asyncio
import hashlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from core.errors import Conflict
from core.ports import ObjectChanged, StoreUnavailable
from core.settings import Settings
from db.errors import DATABASE_UNAVAILABLE
from db.ids import new_id
from db.models import UploadState
from db.placement import Placement
from resolvers.files.uploads import STORAGE_EXHAUSTED
from schema.framework.outages import STORE_UNAVAILABLE
from server.http import files as over_http
from server.http.files import FileServices, routes
from tests.files.conftest import PDF, Office, disk_full, until

MIB = 1024 * 1024
UNREACHABLE = Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing")


def refusal_of(response: httpx.Response, status: int, code: str) -> str:
    """The message of a refusal that is as it must be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": code}
    return str(error["message"])


async def file_url(
    office: Office, content: bytes = PDF, name: str = "plan.pdf", kind: str = "application/pdf"
) -> str:
    await office.store.put("company/object", content)
    return office.links.download_url("company/object", name, kind)


async def test_bytes_are_put_and_read_back(office: Office) -> None:
    announced = await office.announce()

    response = await office.client.put(office.address(announced), content=PDF)

    assert (response.status_code, response.content) == (204, b"")
    [row] = await office.uploads()
    assert row.state is UploadState.STORED
    url = office.links.download_url(row.storage_key, row.filename, row.mime_type)
    assert (await office.client.get(url)).content == PDF


async def test_bytes_that_are_not_the_announced_ones_are_refused(office: Office) -> None:
    announced = await office.announce()
    url = office.address(announced)

    async def streamed(content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 10_000):
            yield content[start : start + 10_000]

    refusal_of(await office.client.put(url, content=PDF + b"1"), 413, "UNSUPPORTED")
    refusal_of(await office.client.put(url, content=streamed(PDF + b"1")), 413, "UNSUPPORTED")
    refusal_of(await office.client.put(url, content=PDF[:-1]), 422, "INVALID")
    refusal_of(await office.client.put(url, content=streamed(PDF[:-1])), 422, "INVALID")
    assert "SHA-256" in refusal_of(await office.client.put(url, content=PDF[:-1] + b"1"), 422, "INVALID")
    refusal_of(await office.client.put(url, content=bytes(len(PDF))), 415, "UNSUPPORTED")
    refusal_of(
        await office.client.put(url, content=PDF, headers={"Content-Encoding": "gzip"}), 415, "UNSUPPORTED"
    )
    refusal_of(
        await office.client.put(url, content=PDF, headers={"Content-Range": "bytes 0-1/2"}), 400, "INVALID"
    )
    assert (office.objects(), await office.uploads()) == ([], [announced])

    assert (await office.client.put(url, content=streamed(PDF))).status_code == 204
    assert (await office.client.put(url, content=PDF)).status_code == 204
    refusal_of(await office.client.put(url, content=PDF[:-1] + b"1"), 409, "CONFLICT")


async def test_two_senders_at_once_are_both_content(office: Office) -> None:
    url = office.address(await office.announce())

    answers = await asyncio.gather(*(office.client.put(url, content=PDF) for _ in range(2)))

    assert [answer.status_code for answer in answers] == [204, 204]
    assert len(office.objects()) == 1


async def test_forged_expired_and_foreign_upload_links_are_refused(office: Office) -> None:
    announced = await office.announce()
    company, now = office.viewer.company_id, office.links.clock()
    true = office.address(announced)

    refusal_of(
        await office.client.put(true[:-1] + ("A" if true[-1] != "A" else "B"), content=PDF), 404, "NOT_FOUND"
    )
    refusal_of(await office.client.put("/files/uploads/nothing", content=PDF), 404, "NOT_FOUND")
    late = office.links.upload_url(company, announced.id, now - timedelta(seconds=1))
    refusal_of(await office.client.put(late, content=PDF), 410, "EXPIRED")
    for company_id, upload_id in ((company, new_id()), (new_id(), announced.id)):
        foreign = office.links.upload_url(company_id, upload_id, now + timedelta(hours=1))
        refusal_of(await office.client.put(foreign, content=PDF), 404, "NOT_FOUND")
    await office.expire(announced.id)
    refusal_of(await office.client.put(true, content=PDF), 410, "EXPIRED")
    assert office.objects() == []


async def test_a_silent_sender_is_abandoned(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_http, "IDLE_TIMEOUT_SECONDS", 0.05)
    announced = await office.announce()

    async def silent() -> AsyncIterator[bytes]:
        yield PDF[:100]
        await asyncio.Event().wait()

    refusal_of(await office.client.put(office.address(announced), content=silent()), 408, "EXPIRED")
    assert (office.objects(), await office.uploads()) == ([], [announced])


async def test_a_file_says_what_it_is_and_cannot_run(office: Office) -> None:
    response = await office.client.get(await file_url(office, name='Plan "Ä" 50%.pdf'))

    assert (response.status_code, response.content) == (200, PDF)
    headers = response.headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-length"] == str(len(PDF))
    assert headers["accept-ranges"] == "bytes"
    assert headers["cache-control"] == "private, no-cache"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"].split("; ")
    assert {"default-src 'none'", "sandbox"} <= set(policy)
    assert headers["content-disposition"] == (
        "inline; filename=\"Plan ___ 50_.pdf\"; filename*=UTF-8''Plan%20%22%C3%84%22%2050%25.pdf"
    )


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("application/pdf", "inline"),
        ("image/png", "inline"),
        ("text/html", "attachment"),
        ("image/svg+xml", "attachment"),
        ("application/octet-stream", "attachment"),
    ],
)
async def test_only_what_cannot_run_is_shown_in_place(office: Office, kind: str, place: str) -> None:
    response = await office.client.get(await file_url(office, b"<script>", "a", kind))

    assert response.headers["content-disposition"].startswith(f"{place};")


async def test_ranges_are_answered_exactly(office: Office) -> None:
    url = await file_url(office)
    size = len(PDF)

    async def ranged(value: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): header for name, header in headers.items()}
        return await office.client.get(url, headers={"Range": value, **named})

    for value, start, end in (("bytes=0-0", 0, 1), ("bytes=10-", 10, size), ("bytes=-7", size - 7, size)):
        part = await ranged(value)
        assert (part.status_code, part.content) == (206, PDF[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert part.headers["content-length"] == str(end - start)
    beyond = await ranged(f"bytes={size}-")
    refusal_of(beyond, 416, "INVALID")
    assert beyond.headers["content-range"] == f"bytes */{size}"
    assert (await ranged("bytes=0-1,5-6")).status_code == 200
    assert (await ranged("bytes=0-1", If_Range=part.headers["etag"])).status_code == 206
    changed = await ranged("bytes=0-1", If_Range='"another"')
    assert (changed.status_code, changed.content) == (200, PDF)


async def test_a_copy_that_is_still_good_is_not_sent_again(office: Office) -> None:
    url = await file_url(office)
    first = await office.client.get(url)

    for headers in (
        {"If-None-Match": first.headers["etag"]},
        {"If-Modified-Since": first.headers["last-modified"]},
    ):
        again = await office.client.get(url, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    await office.store.put("company/object", PDF + b"1")
    assert (await office.client.get(url, headers={"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_head_tells_the_size_without_the_bytes(office: Office) -> None:
    response = await office.client.head(await file_url(office))

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(PDF))
    assert response.headers["content-type"] == "application/pdf"


async def test_an_empty_file_is_sent(office: Office) -> None:
    response = await office.client.get(await file_url(office, b""))

    assert (response.status_code, response.content) == (200, b"")


async def test_forged_expired_and_dangling_links_are_refused(office: Office) -> None:
    url = await file_url(office)

    refusal_of(await office.client.get("/files/nothing"), 404, "NOT_FOUND")
    refusal_of(await office.client.get(url.replace(".", "A.")), 404, "NOT_FOUND")
    late = office.links.download_url("company/object", "a", "image/png", timedelta(0))
    refusal_of(await office.client.get(late), 410, "EXPIRED")
    assert (await office.client.head(late)).status_code == 410
    await office.store.delete(["company/object"])
    gone = await office.client.get(url)
    refusal_of(gone, 404, "NOT_FOUND")
    assert gone.headers["cache-control"] == "no-store"
    assert (await office.client.post(url)).status_code == 405


async def test_a_file_replaced_between_look_and_read_is_sent_whole_and_new(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await file_url(office, b"old")
    head, looks = office.store.head, 0

    async def looked(key: str) -> object:
        nonlocal looks
        found, looks = await head(key), looks + 1
        if looks == 1:
            monkeypatch.setattr(office.store, "head", head)
            await office.store.put(key, b"newer")
        return found

    monkeypatch.setattr(office.store, "head", looked)
    response = await office.client.get(url)

    assert (response.status_code, response.content) == (200, b"newer")
    assert response.headers["etag"] == (await head("company/object")).etag


async def test_a_file_that_keeps_changing_is_a_conflict(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await file_url(office)

    async def changing(*_: object, **__: object) -> AsyncIterator[bytes]:
        raise ObjectChanged
        yield b""

    monkeypatch.setattr(office.store, "read", changing)

    refusal_of(await office.client.get(url), 409, Conflict.code.value)


@asynccontextmanager
async def serve_files(office: Office) -> AsyncIterator[int]:
    """A real server over the office's routes; the port."""
    wiring = FileServices(office.database, office.store, office.links)
    application = Starlette(routes=routes(lambda: wiring))
    server = uvicorn.Server(uvicorn.Config(application, port=0, lifespan="off", log_level="warning"))
    running = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


@pytest.mark.parametrize("length", [len(PDF), 12 * MIB], ids=["before a part is written", "after"])
async def test_a_sender_that_hangs_up_leaves_nothing(office: Office, length: int) -> None:
    content = PDF + bytes(length - len(PDF))
    announced = await office.announce(content)

    async with serve_files(office) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"PUT {office.address(announced)} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        writer.write(head.encode() + content[:-1])
        await writer.drain()
        if length > MIB:
            await until(lambda: office.objects() != [])
        writer.transport.abort()
        await until(lambda: office.objects() == [])

        assert await office.uploads() == [announced]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert (await client.put(office.address(announced), content=content)).status_code == 204


@pytest.mark.parametrize("length", [len(PDF), 12 * MIB], ids=["one part", "several parts"])
async def test_a_full_store_is_507_and_nothing_is_left(office: Office, length: int) -> None:
    content = PDF + bytes(length - len(PDF))
    announced = await office.announce(content)

    with disk_full(length - 100_000):
        answer = await office.client.put(office.address(announced), content=content)

    assert refusal_of(answer, 507, "EXHAUSTED") == STORAGE_EXHAUSTED
    assert (office.objects(), await office.uploads()) == ([], [announced])
    assert (await office.client.put(office.address(announced), content=content)).status_code == 204


async def test_a_store_or_database_that_is_away_is_503(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, announced = await file_url(office), await office.announce()

    async def away(*arguments: object, **options: object) -> None:
        raise StoreUnavailable("secret")

    for name in ("put", "head"):
        monkeypatch.setattr(office.store, name, away)
    answers = [await office.client.get(url), await office.client.put(office.address(announced), content=PDF)]
    monkeypatch.setattr(office.database, "placement", Placement(UNREACHABLE, str(UNREACHABLE.database_url)))
    answers.append(await office.client.put(office.address(announced), content=PDF))

    messages = [refusal_of(answer, 503, "UNAVAILABLE") for answer in answers]
    assert messages == [STORE_UNAVAILABLE, STORE_UNAVAILABLE, DATABASE_UNAVAILABLE]
    assert {answer.headers["retry-after"] for answer in answers} == {"1"}


async def test_who_sends_a_large_file_of_the_wrong_kind_hears_so(office: Office) -> None:
    line = b'<p class="note">There is <a href="/">no such drawing</a>.</p>\n'
    page = b"<!DOCTYPE html>\n<html>\n<head><title>404</title></head>\n" + line * 500_000
    announced = await office.announce(page)

    async def whole() -> AsyncIterator[bytes]:
        for start in range(0, len(page), 64 * 1024):
            yield page[start : start + 64 * 1024]

    async with serve_files(office) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        answer = await client.put(office.address(announced), content=whole())

    assert "HTML" in refusal_of(answer, 415, "UNSUPPORTED")
    assert office.objects() == []


SERVER = """
import sys
from datetime import timedelta
from pathlib import Path
import uvicorn
from starlette.applications import Starlette
from core.settings import Settings
from db.placement import Placement
from db.database import Database
from providers.storage import open_store
from resolvers.files import LinkSigner
from server.http.files import FileServices, routes

url, secret, folder, descriptor = sys.argv[1:]
settings = Settings(database_url=url, secret_key=secret)
store = open_store(Path(folder).as_uri())
services = FileServices(Database(Placement(settings, url)), store, LinkSigner(secret, timedelta(1)))
app = Starlette(routes=routes(lambda: services))
uvicorn.run(app, fd=int(descriptor), lifespan="off", log_level="warning")
"""


@asynccontextmanager
async def server_process(office: Office, url: str) -> AsyncIterator[tuple[int, int]]:
    """The same routes in a process of their own: its id, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        arguments = (url, office.links.secret, str(office.folder), str(descriptor))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVER, *arguments, pass_fds=[descriptor], cwd=Path(__file__).parents[2]
        )
        try:
            yield process.pid, listening.getsockname()[1]
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)


def peak_memory(pid: int) -> int:
    """The most that a process ever had resident, in bytes."""
    [line] = [
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")
    ]
    return int(line.split()[1]) * 1024


async def test_memory_does_not_grow_with_the_file(office: Office, settings: Settings) -> None:
    small, block, blocks = await office.announce(), PDF + bytes(MIB - len(PDF)), 200
    digest = hashlib.sha256()
    for _ in range(blocks):
        digest.update(block)
    large = await office.announce(size=blocks * MIB, sha256=digest.hexdigest())

    async def content() -> AsyncIterator[bytes]:
        for _ in range(blocks):
            yield block

    async with (
        server_process(office, settings.database_url or "") as (pid, port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        assert (await client.put(office.address(small), content=PDF)).status_code == 204
        before = peak_memory(pid)
        assert (await client.put(office.address(large), content=content())).status_code == 204
        sent = peak_memory(pid)
        [_, row] = await office.uploads()
        received = hashlib.sha256()
        url = office.links.download_url(row.storage_key, row.filename, row.mime_type)
        async with client.stream("GET", url) as response:
            async for chunk in response.aiter_bytes():
                received.update(chunk)
        read = peak_memory(pid)

    assert received.digest() == digest.digest()
    assert sent - before < 32 * MIB
    assert read - before < 32 * MIB
