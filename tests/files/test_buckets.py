"""Files in a bucket: a server that speaks S3, on this machine."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer
from starlette.applications import Starlette

from core.errors import Conflict, Invalid, UnsupportedContent
from core.ports import ObjectChanged, ObjectStore, StoreUnavailable
from db.models import UploadState
from providers.storage import open_store
from resolvers import files
from server.http.files import FileServices, routes
from tests.files.conftest import PDF, Office

BUCKET = "seshat-tests"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The server's address; it does not look at signatures and expiries."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A prefix of an empty bucket."""
    for name, value in {
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "name",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.resource(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="name",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=BUCKET)
    client.Bucket(BUCKET).objects.delete()
    return open_store(f"s3://{BUCKET}/prefix")


@pytest_asyncio.fixture
async def stored_there(office: Office, bucket: ObjectStore) -> AsyncIterator[Office]:
    """The office, with its objects in the bucket."""
    wiring = FileServices(office.database, bucket, office.links)
    transport = httpx.ASGITransport(Starlette(routes=routes(lambda: wiring)))
    async with httpx.AsyncClient(transport=transport, base_url="http://seshat.test") as client:
        yield replace(office, store=bucket, client=client)


async def chunks(count: int, size: int = 65_536, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 251]) * size
    if then:
        raise then


async def content(store: ObjectStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, start, end)])


async def names(store: ObjectStore, folder: str) -> list[str]:
    return sorted([found.key async for found in store.list(folder)])


async def test_a_bucket_is_a_store(bucket: ObjectStore, tmp_path: Path) -> None:
    put = await bucket.put("a/large", chunks(200))
    await bucket.put("a/small", b"small")
    await bucket.put("ab/other", b"")
    await bucket.copy("a/small", "a/copy")

    whole = await content(bucket, "a/large")
    assert put == await bucket.head("a/large")
    assert put.size == len(whole) == 200 * 65_536
    assert await content(bucket, "a/large", 65_530, 65_540) == whole[65_530:65_540]
    assert (await bucket.fetch("a/copy", tmp_path / "copy")).read_bytes() == b"small"
    assert await names(bucket, "a") == ["a/copy", "a/large", "a/small"]
    with pytest.raises(ObjectChanged):
        await anext(bucket.read("a/small", etag=put.etag))
    await bucket.delete(["a/large", "a/none", "a/small"])
    assert await names(bucket, "a/") == ["a/copy"]
    with pytest.raises(FileNotFoundError):
        await bucket.head("a/small")


async def test_a_source_that_fails_leaves_nothing_in_a_bucket(bucket: ObjectStore) -> None:
    with pytest.raises(LookupError, match="the sender is gone"):
        await bucket.put("a/b", chunks(200, then=LookupError("the sender is gone")))

    assert await names(bucket, "a") == []


async def test_a_signed_address_reads_and_another_writes(bucket: ObjectStore) -> None:
    await bucket.put("a/b.bin", b"content")
    async with httpx.AsyncClient() as anybody:
        reading = await bucket.download_url("a/b.bin", 60)
        writing = await bucket.upload_url("a/c.bin", 60)
        assert reading is not None
        assert writing is not None
        read = await anybody.get(reading)
        written = await anybody.put(writing, content=b"sent", headers={"Content-Type": "image/png"})

    assert (read.status_code, read.content) == (200, b"content")
    assert written.status_code == 200
    assert await content(bucket, "a/c.bin") == b"sent"
    assert parse_qs(urlsplit(reading).query)["X-Amz-Expires"] == ["60"]


@pytest.mark.parametrize("url", ["memory:///", "file:///tmp"])
async def test_other_stores_sign_nothing(url: str) -> None:
    store = open_store(url)

    assert await store.download_url("a", 60) is None
    assert await store.upload_url("a", 60) is None


async def test_what_is_only_saved_is_sent_by_the_bucket_and_what_is_shown_by_the_server(
    stored_there: Office,
) -> None:
    await stored_there.store.put("a/set.zip", b"packed")
    await stored_there.store.put("a/plan.pdf", PDF)
    links, client = stored_there.links, stored_there.client

    saved = await client.get(links.download_url("a/set.zip", "Set.zip", "application/zip"))
    shown = await client.get(links.download_url("a/plan.pdf", "Plan.pdf", "application/pdf"))
    async with httpx.AsyncClient() as anybody:
        followed = await anybody.get(saved.headers["Location"])

    assert (saved.status_code, followed.content) == (307, b"packed")
    assert saved.headers["Cache-Control"] == "no-store"
    assert (shown.status_code, shown.content) == (200, PDF)
    expired = links.download_url("a/set.zip", "Set.zip", "application/zip", timedelta(0))
    assert (await client.get(expired)).status_code == 410


async def test_an_upload_through_the_server_ends_in_the_bucket(stored_there: Office) -> None:
    row = await stored_there.announce()

    answer = await stored_there.client.put(stored_there.address(row), content=PDF)

    assert answer.status_code == 204
    (upload,) = await stored_there.uploads()
    assert await content(stored_there.store, upload.storage_key) == PDF


async def upload_directly(office: Office, sent: bytes | None, **changes: Any) -> files.UploadLink:
    """Announce a file and send it, or other bytes, to the bucket itself."""
    row = await office.announce(**changes)
    if sent is not None:
        address = await office.store.upload_url(files.direct_key(office.viewer.company_id, row.id), 60)
        assert address is not None
        async with httpx.AsyncClient() as client:
            answer = await client.put(address, content=sent, headers={"Content-Type": row.mime_type})
        assert answer.status_code == 200
    return files.UploadLink(office.viewer.company_id, row.id)


async def test_a_file_that_was_sent_to_the_bucket_is_taken_once_it_was_checked(stored_there: Office) -> None:
    office = stored_there
    link = await upload_directly(office, PDF, mime_type="application/octet-stream")

    row = await files.complete_direct(office.database, office.store, office.viewer, link.upload_id)
    again = await files.complete_direct(office.database, office.store, office.viewer, link.upload_id)

    assert row == again
    assert (row.state, row.mime_type) == (UploadState.STORED, "application/pdf")
    folder = files.folder(link.company_id, link.upload_id)
    assert await names(office.store, folder) == [row.storage_key]
    assert await content(office.store, row.storage_key) == PDF


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (None, Conflict),
        (PDF[:-1], Invalid),
        (PDF + b"x", UnsupportedContent),
        (PDF[:-1] + b"x", Invalid),
    ],
)
async def test_other_bytes_than_were_announced_are_not_taken(
    stored_there: Office, sent: bytes | None, error: type[Exception]
) -> None:
    office = stored_there
    link = await upload_directly(office, sent)

    with pytest.raises(error):
        await files.complete_direct(office.database, office.store, office.viewer, link.upload_id)

    (row,) = await office.uploads()
    assert row.state is UploadState.PENDING
    kept = await names(office.store, files.folder(link.company_id, link.upload_id))
    assert kept == ([] if sent is None else [files.direct_key(link.company_id, link.upload_id)])


async def test_what_is_no_file_of_a_known_kind_is_not_taken(stored_there: Office) -> None:
    office, program = stored_there, b"\x7fELF" + bytes(2000)
    digest = hashlib.sha256(program).hexdigest()
    link = await upload_directly(office, program, size=len(program), sha256=digest)

    with pytest.raises(UnsupportedContent):
        await files.complete_direct(office.database, office.store, office.viewer, link.upload_id)


async def test_a_bucket_that_fails_is_unavailable(
    endpoint: str, bucket: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    missing = open_store("s3://seshat-nowhere/prefix")

    with pytest.raises((StoreUnavailable, FileNotFoundError)):
        await missing.put("a", b"x")
