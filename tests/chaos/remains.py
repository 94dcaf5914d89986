"""What a run leaves: vectors, connections, processes, files and log lines."""

import re
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import psutil

from providers.vectors.store import collection_name
from server.embedded.vectors.sidecar import socket_path
from tests.chaos.checker import Violation, excerpt
from tests.chaos.installation import Installation
from tests.planted_secrets import find_in_files

POOL_SIZES = {
    "seshat": 16,
    "seshat listener": 1,
    "seshat worker": 16,
    "seshat worker listener": 1,
    "seshat isolated job": 16,
}
"""Connections of a process at most: pool, overflow, secondary pool, and the API's listener."""
BAD_LINES = (
    "garbage collector",
    "SAVEPOINT can only be used",
    "Exception in ASGI application",
    "Task exception was never retrieved",
    "PendingRollbackError",
)
"""What no log may hold."""
INTERRUPTED_WRITE = re.compile(r"#\d+$")
"""The end of the name of a file whose writer was killed. Such files are purged after a day."""
CACHES = {".ses", "data-gym-cache"}
"""What libraries keep in the temporary folder: a session and the ranks of a tokenizer."""


async def vector_findings(installation: Installation, connection: asyncpg.Connection) -> list[Violation]:
    """Whether the vectors are those of the stored chunks."""
    documents = await connection.fetch(
        "SELECT company_id, id, chunk_count FROM tenant.documents WHERE processing_status = 'completed'"
    )
    models = await connection.fetch("SELECT name, dimension, is_active FROM platform.embedding_models")
    transport = httpx.AsyncHTTPTransport(uds=str(socket_path(installation.data)))
    found: list[Violation] = []
    async with httpx.AsyncClient(transport=transport, base_url="http://vectors", timeout=30) as client:
        names = {one["name"] for one in (await client.get("/collections")).json()["result"]["collections"]}
        known = {collection_name(model["name"], model["dimension"]): model for model in models}
        if unknown := names - known.keys():
            found.append(Violation("no vectors of deleted models", excerpt(sorted(unknown))))
        for name in sorted(names & known.keys()):
            try:
                found += [
                    violation
                    async for violation in count_findings(client, name, documents, known[name]["is_active"])
                ]
            except httpx.HTTPStatusError as error:
                found.append(Violation("vectors = chunks", f"{name}: {error.response.text[:200]}"))
    return found


async def count_findings(
    client: httpx.AsyncClient, name: str, documents: Sequence[asyncpg.Record], is_active: bool
) -> AsyncIterator[Violation]:
    """Whether a collection has the points of the documents, and no others."""
    total = 0
    for document in documents:
        count = await count_points(client, name, document["company_id"], document["id"])
        total += count
        if is_active and count != document["chunk_count"]:
            yield Violation("vectors = chunks", f"{name}: {count} points of {tuple(document.values())}")
    if total != (stored := await count_points(client, name)):
        yield Violation("vectors = chunks", f"{name}: {stored - total} points of no document")


async def count_points(client: httpx.AsyncClient, collection: str, *ids: UUID) -> int:
    """Number of points of a company's document, or of all."""
    keys = zip(("company_id", "document_id"), ids, strict=False)
    must = [{"key": name, "match": {"value": str(id)}} for name, id in keys]
    response = await client.post(
        f"/collections/{collection}/points/count", json={"filter": {"must": must}, "exact": True}
    )
    return int(response.raise_for_status().json()["result"]["count"])


async def connection_findings(connection: asyncpg.Connection, workers: int) -> list[Violation]:
    """Whether more connections are open than the pools may hold."""
    rows = await connection.fetch(
        "SELECT application_name AS name, count(*) AS count FROM pg_stat_activity "
        "WHERE usename = 'app_rw' GROUP BY application_name"
    )
    return [
        Violation("no leaked connection", f"{row['count']} of {row['name']}")
        for row in rows
        if row["count"] > POOL_SIZES.get(row["name"], 0) * (workers if "worker" in row["name"] else 1)
    ]


async def file_findings(installation: Installation, connection: asyncpg.Connection) -> list[Violation]:
    """Whether each stored upload has its file, and each file belongs to a row."""
    objects = installation.data / "objects"
    files = {str(path.relative_to(objects)): path for path in objects.rglob("*") if path.is_file()}
    uploads = await connection.fetch(
        "SELECT id, storage_key, size FROM tenant.uploads WHERE state = 'stored'"
    )
    missing = [
        row
        for row in uploads
        if row["storage_key"] not in files or files[row["storage_key"]].stat().st_size != row["size"]
    ]
    found = [Violation("stored files exist", excerpt(missing))] if missing else []
    known = {
        str(row["id"])
        for table in ("uploads", "drawing_sessions", "crawl_jobs", "saved_reports", "reports")
        for row in await connection.fetch(f"SELECT id FROM tenant.{table}")
    }
    images = {row["hash"] for row in await connection.fetch("SELECT hash FROM tenant.images")}
    orphans = [
        name
        for name in files
        if not (set(Path(name).parts) & known)
        and not INTERRUPTED_WRITE.search(name)
        and not any(part.partition(".")[0] in images for part in Path(name).parts)
    ]
    if orphans:
        found.append(Violation("no file without a row", excerpt(sorted(orphans))))
    return found


def stopped_findings(installation: Installation, codes: dict[str, int | None]) -> list[Violation]:
    """What is left after all processes were told to stop."""
    found = [Violation("processes stop", f"{name}: {code}") for name, code in codes.items() if code != 0]
    psutil.wait_procs(installation.descendants(), timeout=5)
    if left := [
        f"{process.pid} {' '.join(process.cmdline())[:120]}" for process in installation.descendants()
    ]:
        found.append(Violation("no process is left", excerpt(left)))
    temporary = {path.name for path in installation.temporary.iterdir()} - CACHES
    if temporary:
        found.append(Violation("no temporary file is left", excerpt(sorted(temporary))))
    sockets = [path.name for path in (*installation.data.glob("*.sock"), *installation.data.glob("*.new"))]
    if sockets:
        found.append(Violation("no socket is left", excerpt(sockets)))
    return found


def log_findings(installation: Installation, secrets: Collection[str]) -> list[Violation]:
    """Secrets and signs of bugs in the logs."""
    logs = sorted([*installation.logs.glob("*.log"), *installation.data.glob("*.log")])
    found = [Violation("no secret is logged", secret) for secret in find_in_files(logs, secrets)]
    for path in logs:
        lines = path.read_text(errors="replace").splitlines()
        if bugs := [line for line in lines if any(bad in line for bad in BAD_LINES)]:
            found.append(Violation("no bug is logged", f"{path.name}: {excerpt(bugs)}"))
    return found
