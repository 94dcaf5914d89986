"""Uploads: announced in one transaction, sent with none open, marked stored in another after all checks.

Each attempt to send is an object of its own in the upload's folder. The transaction that marks the upload
stored names the attempt that won; every other object of the folder is nobody's, and is removed.
"""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, any_, bindparam, delete, func, insert, select, update

from core.errors import Conflict, Invalid, NotFound, ResourceExpired, UnsupportedContent
from core.ports import ObjectStore
from db.ids import new_id
from db.models import Company, Upload, UploadState
from db.uow import Database, UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer
from resolvers.files.content import UploadStream, FileType, FileTooLarge

MAX_FILENAME_LENGTH, MAX_MEDIA_TYPE_LENGTH = 255, 100
"""Characters of a file name and of a media type."""
BIDIRECTIONAL_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make a name read as another one."""
PURGE_DELAY = timedelta(hours=1)
"""Between an upload's expiry and its removal: what was being sent has long failed by then."""
UNFINISHED_WRITE_DELAY = timedelta(days=1)
"""After which a write to the store has died, however slow the sender."""


def folder(company_id: UUID, upload_id: UUID) -> str:
    """Where the attempts to send an upload are stored."""
    return f"{company_id}/uploads/{upload_id}"


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    filename: str,
    mime_type: str,
    size: int,
    sha256: str,
    largest: int,
    ttl: timedelta,
) -> Row[Any]:
    """Expect a file of so many bytes and this digest (hexadecimal) within `ttl`; `receive` takes them."""
    access.require(viewer, "files:create")
    if size <= 0:
        raise Invalid("An empty file cannot be uploaded.", "input", "size")
    if size > largest:
        raise FileTooLarge(f"The file is larger than the {largest} bytes that are accepted.", "input", "size")
    if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise Invalid("A SHA-256 is 64 hexadecimal digits.", "input", "sha256")
    id = new_id()
    announced = {
        "id": id,
        "user_id": viewer.user_id,
        "filename": base_name(filename, "input", "filename"),
        "mime_type": media_type(mime_type, "input", "mimeType"),
        "size": size,
        "sha256": sha256.lower(),
        "storage_key": folder(viewer.company_id, id),
        "expires_at": datetime.now(UTC) + ttl,
    }
    row = await uow.one(insert(Upload).values(announced).returning(Upload))
    await activity_log.record(uow, viewer.user_id, "UPLOAD_CREATE", "Upload", id)
    return row


async def receive(
    database: Database,
    store: ObjectStore,
    company_id: UUID,
    upload_id: UUID,
    chunks: AsyncIterable[bytes],
    *,
    length: int | None = None,
) -> Row[Any]:
    """Store an announced upload's bytes, all or none; sending the same bytes again changes nothing.

    `length` is how many bytes are to come, where that is known. Raises `NotFound`, `Expired`, `Conflict`
    (other bytes are stored already), and what `Incoming` raises.
    """
    async with database.tenant(company_id, read_only=True) as uow:
        row = await uow.first(select(Upload).where(Upload.id == upload_id))
    if row is None:
        raise NotFound("There is no such upload.")
    if length is not None and length != row.size:
        wrong = FileTooLarge if length > row.size else Invalid
        raise wrong(f"{length} bytes are to come, {row.size} were announced.", "input", "size")
    incoming = UploadStream(chunks, max_size=row.size, expected=(row.size, row.sha256), name=row.filename)
    if row.state is UploadState.STORED:
        await compare(incoming)
        return row
    require_unexpired(row)
    key = f"{folder(company_id, upload_id)}/{new_id()}"
    try:
        await store.put(key, incoming)
        async with database.tenant(company_id) as uow:
            row = await mark_stored(uow, upload_id, key, incoming.type)
    finally:
        await asyncio.shield(settle(database, store, company_id, upload_id, key))
    return row


def direct_key(company_id: UUID, upload_id: UUID) -> str:
    """Where a client stores without this server, if the store signs addresses."""
    return f"{folder(company_id, upload_id)}/direct"


async def complete_direct(database: Database, store: ObjectStore, viewer: Viewer, upload_id: UUID) -> Row[Any]:
    """Take what a client stored itself, once it is what was announced; what is stored already stays.

    It is copied first: who was given the address can still write there. Raises what `receive` does, and
    `Conflict` where nothing came.
    """
    access.require(viewer, "files:create")
    async with database.tenant(viewer.company_id, viewer.user_id, read_only=True) as uow:
        row = await access.find(uow, viewer, Upload, upload_id)
    if row.state is UploadState.STORED:
        return row
    require_unexpired(row, "id")
    key = f"{folder(viewer.company_id, upload_id)}/{new_id()}"
    try:
        await store.copy(direct_key(viewer.company_id, upload_id), key)
        incoming = UploadStream(
            store.read(key), max_size=row.size, expected=(row.size, row.sha256), name=row.filename
        )
        async for _ in incoming:
            pass
        async with database.tenant(viewer.company_id, viewer.user_id) as uow:
            row = await mark_stored(uow, upload_id, key, incoming.type)
    except FileNotFoundError:
        raise Conflict(f"The bytes of {row.filename} have not been sent yet.", "id") from None
    except (Invalid, UnsupportedContent) as error:
        raise type(error)(error.message, "id") from None
    finally:
        await asyncio.shield(settle(database, store, viewer.company_id, upload_id, key))
    return row


async def mark_stored(uow: UnitOfWork, upload_id: UUID, key: str, kind: FileType) -> Row[Any]:
    """The upload, stored under `key` unless another attempt has won already."""
    pending = Upload.id == upload_id, Upload.state == UploadState.PENDING
    row = await uow.first(
        update(Upload)
        .where(*pending, Upload.expires_at > func.now())
        .values(state=UploadState.STORED, storage_key=key, mime_type=kind.mime_type)
        .returning(Upload)
    )
    if row is not None:
        await activity_log.record(uow, row.user_id, "UPLOAD_STORE", "Upload", upload_id)
        return row
    row = await uow.first(select(Upload).where(Upload.id == upload_id))
    if row is None:
        raise NotFound("There is no such upload.")
    require_unexpired(row)
    return row


async def store_file(
    database: Database,
    store: ObjectStore,
    viewer: Viewer,
    *,
    filename: str,
    chunks: AsyncIterable[bytes],
    largest: int,
) -> Row[Any]:
    """Store a file that was not announced, all or none, and file it as the viewer's upload."""
    access.require(viewer, "files:create")
    name = base_name(filename, "file")
    id = new_id()
    key = f"{folder(viewer.company_id, id)}/{new_id()}"
    incoming = UploadStream(chunks, max_size=largest, name=name)
    try:
        await store.put(key, incoming)
        taken = {
            "id": id,
            "user_id": viewer.user_id,
            "filename": name,
            "mime_type": incoming.type.mime_type,
            "size": incoming.size,
            "sha256": incoming.sha256,
            "state": UploadState.STORED,
            "storage_key": key,
            "expires_at": datetime.now(UTC),
        }
        async with database.tenant(viewer.company_id, viewer.user_id) as uow:
            row = await uow.one(insert(Upload).values(taken).returning(Upload))
            await activity_log.record(uow, viewer.user_id, "UPLOAD_CREATE", "Upload", id)
            return row
    except UnsupportedContent as error:
        raise type(error)(error.message, "file") from None
    finally:
        await asyncio.shield(settle(database, store, viewer.company_id, id, key))


async def find_stored(uow: UnitOfWork, viewer: Viewer, upload_id: UUID, *path: str) -> Row[Any]:
    """The viewer's upload, to work on. Raises `NotFound`, `Expired`, or `Conflict` where it was not sent."""
    row = await access.find(uow, viewer, Upload, upload_id, *path)
    require_unexpired(row, *path)
    if row.state is not UploadState.STORED:
        raise Conflict(f"The bytes of {row.filename} have not been sent yet.", *path)
    return row


async def purge(database: Database, store: ObjectStore, now: datetime) -> int:
    """Delete the uploads that were announced and never sent, and what dead writes left; how many uploads."""
    await store.purge_partial_writes(now - UNFINISHED_WRITE_DELAY)
    async with database.platform(read_only=True) as uow:
        companies = [row.id for row in await uow.all(select(Company.id))]
    return sum([await purge_company(database, store, company_id, now) for company_id in companies])


async def purge_company(database: Database, store: ObjectStore, company_id: UUID, now: datetime) -> int:
    """Objects first: a row without them is found again, objects without a row would not be."""
    overdue = Upload.state == UploadState.PENDING, Upload.expires_at <= now - PURGE_DELAY
    async with database.tenant(company_id, read_only=True) as uow:
        ids = [row.id for row in await uow.all(select(Upload.id).where(*overdue))]
    for id in ids:
        await store.delete([found.key async for found in store.list(folder(company_id, id))])
    if ids:
        async with database.tenant(company_id) as uow:
            await uow.execute(
                delete(Upload).where(Upload.id == any_(bindparam("ids", ids, type_=ARRAY(Uuid))), *overdue)
            )
    return len(ids)


async def compare(incoming: UploadStream) -> None:
    """Let bytes pass that are stored already; `Conflict` where they are others."""
    try:
        async for _ in incoming:
            pass
    except (Invalid, UnsupportedContent):
        raise Conflict("This upload is stored already, and its bytes are others.") from None


async def settle(database: Database, store: ObjectStore, company_id: UUID, upload_id: UUID, key: str) -> None:
    """After an attempt, whatever came of it: delete what no row will ever name.

    The row is read again, and waited for, since a commit that was cancelled or cut off may have happened.
    """
    async with database.tenant(company_id) as uow:
        row = await uow.first(select(Upload).where(Upload.id == upload_id).with_for_update())
    if row is not None and row.state is UploadState.STORED:
        keys = [found.key async for found in store.list(folder(company_id, upload_id))]
        await store.delete([other for other in keys if other != row.storage_key])
    else:
        await store.delete([key])


def require_unexpired(row: Row[Any], *path: str) -> None:
    """Raise `Expired` for an upload whose bytes did not come in time."""
    if row.state is UploadState.PENDING and row.expires_at <= datetime.now(UTC):
        raise ResourceExpired(f"The upload of {row.filename} has expired; announce it again.", *path)


def base_name(filename: str, *path: str) -> str:
    """The name without its folders, in Unicode's composed form. Raises `Invalid` where none is left."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", filename)[-1]).strip()
    if any(unicodedata.category(c) in ("Cc", "Cs") or c in BIDIRECTIONAL_CONTROLS for c in filename):
        raise Invalid("The file name has control characters.", *path)
    if name in ("", ".", ".."):
        raise Invalid("The file has no name.", *path)
    if len(name) > MAX_FILENAME_LENGTH:
        raise Invalid(f"The file name is longer than {MAX_FILENAME_LENGTH} characters.", *path)
    return name


def media_type(declared: str, *path: str) -> str:
    """What the client says the file is, in lower case: shown until the content says what it really is."""
    mime_type = declared.strip().lower()
    if len(mime_type) > MAX_MEDIA_TYPE_LENGTH or not re.fullmatch(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", mime_type):
        raise Invalid("A media type such as application/pdf is wanted.", *path)
    return mime_type
