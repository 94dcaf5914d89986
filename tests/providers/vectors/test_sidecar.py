"""The process of the embedded store: what is stored outlives it, and it outlives nobody."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from core.ports import SearchScope, VectorsUnavailable
from core.settings import Settings
from providers.vectors import vector_stores
from server.embedded.vectors import EmbeddedVectors, VectorStoreUnavailable, socket_path, vectors_of
from tests.providers.vectors.conftest import NORTH, a_chunk, ids

COMPANY = uuid4()
ROOT = Path(__file__).parents[3]

OWNER = """
import sys, time
from pathlib import Path
from server.embedded.vectors import EmbeddedVectors
store = EmbeddedVectors(Path(sys.argv[1]))
store.start()
print(store.pid, flush=True)
time.sleep(60)
"""


async def test_what_was_stored_survives_kills_and_restarts(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    kept, deleted, later = a_chunk("girder"), a_chunk("girder"), a_chunk("girder")
    embedded = EmbeddedVectors(tmp_path)
    await asyncio.to_thread(embedded.start)
    stores = vector_stores(settings.model_copy(update={"qdrant_url": f"unix:{socket_path(tmp_path)}"}))
    store = stores.of("model", 3)
    try:
        await store.upsert(COMPANY, [kept, deleted])
        await store.delete(COMPANY, deleted.document_id)
        first = embedded.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)

        await store.upsert(COMPANY, [later])  # waits until it is started again

        assert embedded.pid != first
        hits = await store.search(SearchScope(COMPANY), vector=NORTH, text="girder")
        assert {hit.chunk_id for hit in hits} == {kept.id, later.id}
    finally:
        await asyncio.to_thread(embedded.stop)
    with pytest.raises(VectorsUnavailable):
        await store.count(COMPANY)
    assert not await stores.ready()
    await stores.close()

    async with vectors_of(settings) as again:
        reopened = vector_stores(again)
        hits = await reopened.of("model", 3).search(SearchScope(COMPANY), vector=NORTH, text="girder")
        await reopened.close()

    assert {hit.chunk_id for hit in hits} == {kept.id, later.id}


async def test_a_second_process_shares_it_or_is_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    chunk = a_chunk()
    async with vectors_of(settings) as owner, vectors_of(settings, "share") as guest:
        one, other = vector_stores(owner), vector_stores(guest)
        await one.of("model", 3).upsert(COMPANY, [chunk])
        hits = await other.of("model", 3).search(SearchScope(COMPANY), vector=NORTH, text=None)
        await one.close()
        await other.close()
        refused = VectorStoreUnavailable(f"the vector store in {tmp_path} is in use by process {os.getpid()}")
        with pytest.raises(VectorStoreUnavailable, match=str(refused)):
            async with vectors_of(settings):
                pass

    assert [hit.chunk_id for hit in hits] == ids([chunk])


async def test_a_configured_server_is_used_as_it_is(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, qdrant_url="https://qdrant.example.com")

    async with vectors_of(settings) as ready:
        assert ready is settings

    assert os.listdir(tmp_path) == []


def test_it_dies_with_its_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert owner.stdout is not None
    store = psutil.Process(int(owner.stdout.readline()))

    owner.kill()
    owner.wait(timeout=30)
    owner.stdout.close()

    psutil.wait_procs([store], timeout=20)
    assert not store.is_running()


async def test_nobody_else_may_open_it(tmp_path: Path) -> None:
    async with vectors_of(Settings(data=tmp_path)):
        assert stat.S_IMODE(socket_path(tmp_path).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "vectors").stat().st_mode) == 0o700


async def test_a_long_path_works(tmp_path: Path) -> None:
    data = tmp_path / ("a long name" * 10)

    async with vectors_of(Settings(data=data)) as settings:
        stores = vector_stores(settings)
        assert await stores.ready()
        await stores.close()

    assert socket_path(data).parent.parent == Path("/tmp")
    assert not socket_path(data).parent.exists()


async def test_a_damaged_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "vectors").write_text("not a folder")

    with pytest.raises(VectorStoreUnavailable, match=f"the vector store in {tmp_path} does not start: "):
        async with vectors_of(Settings(data=tmp_path)):
            pass


REFUSED = [
    ("PUT", "/collections/c", {"vectors": {"size": 3, "distance": "Cosine"}, "shard_number": 6}),
    ("PUT", "/collections/a%20name", {"vectors": {"size": 3, "distance": "Cosine"}}),
    ("POST", "/collections/known/points/delete", {"filter": {}}),
    ("POST", "/collections/known/points/delete", {"filter": {"min_should": {"min_count": 1}}}),
    ("POST", "/collections/known/points/count", {"filter": {"must": [{"key": "a", "range": {"gt": 1}}]}}),
    ("POST", "/collections/known/points/query", {"query": [1, 0, 0], "lookup_from": {"collection": "c"}}),
    ("POST", "/collections/known/points/query", {"query": {"recommend": {}}}),
    ("PUT", "/collections/known/points", {"points": [{"id": "not an id", "vector": [1, 0, 0]}]}),
]


async def test_requests_that_are_not_understood_are_refused(tmp_path: Path) -> None:
    async with vectors_of(Settings(data=tmp_path)):
        transport = httpx.AsyncHTTPTransport(uds=str(socket_path(tmp_path)))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            made = await client.put("/collections/known", json={"vectors": {"size": 3, "distance": "Dot"}})
            again = await client.put("/collections/known", json={"vectors": {"size": 3, "distance": "Dot"}})
            statuses = [
                (await client.request(method, path, json=body)).status_code for method, path, body in REFUSED
            ]
            unknown = await client.post("/collections/unknown/points/count", json={})
            garbage = await client.post("/collections/known/points/count", content=b"{")
            listed = await client.get("/collections")

    assert (made.status_code, again.status_code) == (200, 409)
    assert statuses == [400] * len(REFUSED)
    assert (unknown.status_code, garbage.status_code) == (404, 400)
    assert listed.json()["result"] == {"collections": [{"name": "known"}]}


async def test_a_store_that_is_being_killed_is_retried(tmp_path: Path) -> None:
    """It takes connections until its socket is gone, and cuts them."""
    query = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal query
        query += 1
        await reader.readuntil(b"\r\n\r\n")
        if query > 3:
            body = b'{"result": {"count": 7}, "status": "ok", "time": 0.0}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            writer.write(b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "store.sock"):
        stores = vector_stores(Settings(data=tmp_path, qdrant_url=f"unix:{tmp_path / 'store.sock'}"))
        count = await stores.of("model", 3).count(COMPANY)
        await stores.close()

    assert (count, query) == (7, 4)
