"""Objects in a folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.ports import ObjectChanged, ObjectStore
from core.settings import SettingsError
from providers.storage import open_store
from tests.files.conftest import until

MIB = 1024 * 1024


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """A folder with a space in its name, and one in memory."""
    return open_store((tmp_path / "my objects").as_uri() if request.param == "file" else "memory:///")


def files_below(folder: Path) -> list[str]:
    """Every file, also those that the store hides."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def content(store: ObjectStore, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([chunk async for chunk in store.read(key, start, end)])


async def chunks(count: int, size: int = 65_536, then: BaseException | None = None) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number % 251]) * size
    if then:
        raise then


async def test_what_was_put_is_read_whole_and_in_part(store: ObjectStore) -> None:
    put = await store.put("a/b.pdf", chunks(200))

    whole = await content(store, "a/b.pdf")
    assert whole == b"".join([chunk async for chunk in chunks(200)])
    assert put == await store.head("a/b.pdf")
    assert (put.key, put.size) == ("a/b.pdf", 200 * 65_536)
    assert put.etag[0] == put.etag[-1] == '"'
    assert await content(store, "a/b.pdf", 65_530, 65_540) == whole[65_530:65_540]
    assert await content(store, "a/b.pdf", put.size - 3) == whole[-3:]
    assert await content(store, "a/b.pdf", 7, 7) == b""


async def test_an_empty_object_is_an_object(store: ObjectStore) -> None:
    assert (await store.put("empty", b"")).size == 0

    assert await content(store, "empty") == b""


async def test_an_object_is_replaced_and_its_old_tag_is_refused(store: ObjectStore) -> None:
    old = await store.put("a", b"old")
    new = await store.put("a", b"newer")

    assert await content(store, "a") == b"newer"
    assert old.etag != new.etag
    with pytest.raises(ObjectChanged):
        await anext(store.read("a", etag=old.etag))


async def test_a_missing_object_is_a_missing_file(store: ObjectStore, tmp_path: Path) -> None:
    for attempt in (
        store.head("none"),
        anext(store.read("none")),
        store.fetch("none", tmp_path / "target"),
        store.copy("none", "other"),
        store.put_file("other", tmp_path / "none"),
    ):
        with pytest.raises(FileNotFoundError):
            await attempt
    assert not (tmp_path / "target").exists()
    assert not (tmp_path / "target.partial").exists()


async def test_files_go_in_and_out(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(6 * MIB))

    await store.put_file("a/b", source)
    await store.copy("a/b", "a/c")

    assert (await store.fetch("a/c", tmp_path / "target")).read_bytes() == source.read_bytes()


async def test_a_copy_is_its_own_object(store: ObjectStore) -> None:
    await store.put("a", b"first")
    await store.copy("a", "b")
    await store.put("a", b"second")

    assert await content(store, "b") == b"first"


async def test_deleting_twice_and_listing_a_folder(store: ObjectStore) -> None:
    for key in ("a/1", "a/2", "ab/3", "a/sub/4"):
        await store.put(key, b"x")

    await store.delete(["a/none", "a/1", "a/none2", "a/sub/4", "a/1"])

    assert [found.key async for found in store.list("a")] == ["a/2"]
    assert [found.key async for found in store.list("a/")] == ["a/2"]
    await store.delete([])


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        "./a",
        "a/.",
        "a b",
        "a\\b",
        "a\0",
        "a#1",
        "é",
        "a%2e",
        "a" * 201,
        "a/" * 460 + "a",
    ],
)
async def test_a_key_that_could_leave_the_store_is_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="invalid object key"):
        await store.put(key, b"x")
    with pytest.raises(ValueError, match="invalid object key"):
        await store.delete([key])
    with pytest.raises(ValueError, match="invalid object key"):
        await anext(store.read(key))


@pytest.mark.parametrize("count", [1, 200])
async def test_a_source_that_fails_leaves_nothing(tmp_path: Path, count: int) -> None:
    store = open_store(tmp_path.as_uri())

    with pytest.raises(LookupError, match="the sender is gone"):
        await store.put("a/b", chunks(count, then=LookupError("the sender is gone")))

    assert files_below(tmp_path) == []


async def test_a_failed_replacement_keeps_the_object(tmp_path: Path) -> None:
    store = open_store(tmp_path.as_uri())
    await store.put("a", b"old")

    with pytest.raises(LookupError):
        await store.put("a", chunks(200, then=LookupError()))

    assert await content(store, "a") == b"old"
    assert files_below(tmp_path) == ["a"]


async def test_nothing_is_visible_before_the_last_byte_nor_after_a_cancellation(tmp_path: Path) -> None:
    store, started, never = open_store(tmp_path.as_uri()), asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        async for chunk in chunks(200):
            yield chunk
        started.set()
        await never.wait()

    writing = asyncio.create_task(store.put("a", endless()))
    await started.wait()
    with pytest.raises(FileNotFoundError):
        await store.head("a")
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    await until(lambda: files_below(tmp_path) == [])
    assert [found async for found in store.list("a")] == []


async def test_sweeping_removes_what_a_killed_write_left_and_nothing_else(tmp_path: Path) -> None:
    store, now = open_store(tmp_path.as_uri()), datetime.now(UTC)
    await store.put("a/b", b"kept")
    for name, age in (("b#1", timedelta(days=2)), ("c#2", timedelta(hours=1))):
        file = tmp_path / "a" / name
        file.write_bytes(b"unfinished")
        os.utime(file, times=((now - age).timestamp(),) * 2)
    os.utime(tmp_path / "a" / "b", times=(0, 0))

    assert await store.purge_partial_writes(now - timedelta(days=1)) == 1

    assert files_below(tmp_path) == ["a/b", "a/c#2"]


@pytest.mark.parametrize("url", ["ftp://host/folder", "nothing", "file:///dev/null/folder"])
def test_an_address_that_is_no_store_is_one_clear_line(url: str) -> None:
    with pytest.raises(SettingsError, match=rf"^STORAGE_URL: {url} .+$"):
        open_store(url)


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "gs://bucket/prefix"])
def test_a_bucket_is_opened_without_a_call(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    open_store(url)


async def test_a_bucket_is_reached_over_plain_http_where_the_environment_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requests: list[str] = []

    async def nothing_here(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append((await reader.readuntil(b"\r\n\r\n")).decode().split(" HTTP")[0])
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(nothing_here, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        for name, value in {
            "AWS_ENDPOINT": f"http://{host}:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "name",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(FileNotFoundError):
            await open_store("s3://bucket/prefix").head("a/b")

    assert requests == ["HEAD /bucket/prefix/a/b"]
