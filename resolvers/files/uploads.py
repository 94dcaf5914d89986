"""Uploads: created in one transaction, received outside of any, marked as stored in another after all checks.

Each attempt to send is a separate object in the upload's folder. The transaction that marks the upload as
stored records the object of the successful attempt; all other objects in the folder are deleted.
"""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, delete, func, insert, select, update

from core.errors import Conflict, Invalid, LimitExceeded, ResourceExpired, UnsupportedContent
from core.file_types import FileTooLarge, FileType, UploadStream
from core.ports import ObjectStore, StoreFull
from db.database import Database
from db.ids import new_id
from db.models import Upload, UploadState
from db.uow import UnitOfWork
from resolvers import access, activity_log
from resolvers.access import Viewer

MAX_FILENAME_LENGTH, MAX_MEDIA_TYPE_LENGTH = 255, 100
"""Length limits of file names and media types, in characters."""
BIDIRECTIONAL_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of text, and so the appearance of a file name."""
PURGE_DELAY = timedelta(hours=1)
"""Time between an upload's expiry and its removal."""
UNFINISHED_WRITE_DELAY = timedelta(days=1)
"""Age at which an unfinished write to the store is deleted."""


class StorageExhausted(LimitExceeded):
    """The store has no space left for the file."""


STORAGE_EXHAUSTED = "There is no space left to store the file. Try again later."


def folder(company_id: UUID, upload_id: UUID) -> str:
    """Folder of the objects of an upload."""
    return f"{company_id}/uploads/{upload_id}"


async def create(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    filename: str,
    mime_type: str,
    size: int,
    sha256: str,
    max_size: int,
    ttl: timedelta,
) -> Upload:
    """Create an upload of `size` bytes with this SHA-256 (hexadecimal), to be received within `ttl`."""
    access.require(viewer, "files:create")
    if size <= 0:
        raise Invalid(f"size must be at least 1 (got {size}).", "input", "size")
    if size > max_size:
        raise FileTooLarge(f"size must be at most {max_size} bytes (got {size}).", "input", "size")
    if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise Invalid("sha256 must be 64 hexadecimal digits.", "input", "sha256")
    id = new_id()
    values = {
        "id": id,
        "user_id": viewer.user_id,
        "filename": validate_filename(filename, "input", "filename"),
        "mime_type": validate_media_type(mime_type, "input", "mimeType"),
        "size": size,
        "sha256": sha256.lower(),
        "storage_key": folder(viewer.company_id, id),
        "expires_at": datetime.now(UTC) + ttl,
    }
    row = await uow.one(insert(Upload).values(values).returning(Upload))
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
) -> Upload:
    """Store an upload's bytes, all or none. Sending the same bytes again has no effect.

    `length` is the announced number of bytes, if known. Raises `NotFound`, `ResourceExpired`, `Conflict` if
    other bytes are stored already, `StorageExhausted`, and the errors of `UploadStream`.
    """
    async with database.tenant(company_id, read_only=True) as uow:
        row = await uow.first(select(Upload).where(Upload.id == upload_id))
    if row is None:
        raise access.not_found(Upload)
    if length is not None and length != row.size:
        error = FileTooLarge if length > row.size else Invalid
        raise error(f"The request has {length} bytes, but size is {row.size}.", "input", "size")
    incoming = UploadStream(chunks, max_size=row.size, expected=(row.size, row.sha256), name=row.filename)
    if row.state is UploadState.STORED:
        await require_same_bytes(incoming)
        return row
    require_unexpired(row)
    key = f"{folder(company_id, upload_id)}/{new_id()}"
    try:
        await store.put(key, incoming)
        async with database.tenant(company_id) as uow:
            row = await mark_stored(uow, upload_id, key, incoming.type)
    except StoreFull as error:
        raise StorageExhausted(STORAGE_EXHAUSTED) from error
    finally:
        await asyncio.shield(delete_other_objects(database, store, company_id, upload_id, key))
    return row


def direct_key(company_id: UUID, upload_id: UUID) -> str:
    """Key of the object that a client stores directly, if the store signs URLs."""
    return f"{folder(company_id, upload_id)}/direct"


async def complete_direct(database: Database, store: ObjectStore, viewer: Viewer, upload_id: UUID) -> Upload:
    """Validate and store the bytes that a client sent to `direct_key`. No effect on a stored upload.

    The object is copied first: the client can still write to the original. Raises the errors of `receive`,
    and `Conflict` if no bytes were sent.
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
    except StoreFull as error:
        raise StorageExhausted(STORAGE_EXHAUSTED, "id") from error
    except (Invalid, UnsupportedContent) as error:
        raise type(error)(error.message, "id") from None
    finally:
        await asyncio.shield(delete_other_objects(database, store, viewer.company_id, upload_id, key))
    return row


async def mark_stored(uow: UnitOfWork, upload_id: UUID, key: str, kind: FileType) -> Upload:
    """Mark the upload as stored under `key`, unless another attempt was faster; returns it."""
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
        raise access.not_found(Upload)
    require_unexpired(row)
    return row


async def store_file(
    database: Database,
    store: ObjectStore,
    viewer: Viewer,
    *,
    filename: str,
    chunks: AsyncIterable[bytes],
    max_size: int,
) -> Upload:
    """Store a file, all or none, as a new upload of the viewer's."""
    access.require(viewer, "files:create")
    name = validate_filename(filename, "file")
    id = new_id()
    key = f"{folder(viewer.company_id, id)}/{new_id()}"
    incoming = UploadStream(chunks, max_size=max_size, name=name)
    try:
        await store.put(key, incoming)
        values = {
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
            row = await uow.one(insert(Upload).values(values).returning(Upload))
            await activity_log.record(uow, viewer.user_id, "UPLOAD_CREATE", "Upload", id)
            return row
    except UnsupportedContent as error:
        raise type(error)(error.message, "file") from None
    except StoreFull as error:
        raise StorageExhausted(STORAGE_EXHAUSTED, "file") from error
    finally:
        await asyncio.shield(delete_other_objects(database, store, viewer.company_id, id, key))


async def find_stored(uow: UnitOfWork, viewer: Viewer, upload_id: UUID, *path: str) -> Upload:
    """The viewer's stored upload. Raises `NotFound`, `ResourceExpired`, or `Conflict` if it is not stored."""
    row = await access.find(uow, viewer, Upload, upload_id, *path)
    require_unexpired(row, *path)
    if row.state is not UploadState.STORED:
        raise Conflict(f"The bytes of {row.filename} have not been sent yet.", *path)
    return row


async def purge_partial_writes(store: ObjectStore, now: datetime) -> None:
    """Delete what interrupted writes have left in the object store."""
    await store.purge_partial_writes(now - UNFINISHED_WRITE_DELAY)


async def purge(database: Database, store: ObjectStore, company_id: UUID, now: datetime) -> int:
    """Delete the company's expired uploads that were never sent; returns their number.

    Objects are deleted first: a row without objects is found again, objects without a row are not.
    """
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


async def lost_files(database: Database, store: ObjectStore, company_id: UUID) -> list[str]:
    """Keys of the company's stored uploads that the object store does not hold."""
    async with database.tenant(company_id, read_only=True) as uow:
        rows = await uow.all(select(Upload.storage_key).where(Upload.state == UploadState.STORED))
    expected = {row.storage_key for row in rows}
    if expected:
        async for found in store.list(f"{company_id}/uploads/"):
            expected.discard(found.key)
    return sorted(expected)


async def require_same_bytes(incoming: UploadStream) -> None:
    """Read a repeated upload. Raises `Conflict` if its bytes differ from the stored ones."""
    try:
        async for _ in incoming:
            pass
    except (Invalid, UnsupportedContent):
        raise Conflict("This upload is already stored with different bytes.") from None


async def delete_other_objects(
    database: Database, store: ObjectStore, company_id: UUID, upload_id: UUID, key: str
) -> None:
    """Delete the objects of an attempt that no row refers to.

    The row is read again with a lock, because a cancelled commit may have succeeded.
    """
    async with database.tenant(company_id) as uow:
        row = await uow.first(select(Upload).where(Upload.id == upload_id).with_for_update())
    if row is not None and row.state is UploadState.STORED:
        keys = [found.key async for found in store.list(folder(company_id, upload_id))]
        await store.delete([other for other in keys if other != row.storage_key])
    else:
        await store.delete([key])


def require_unexpired(row: Upload, *path: str) -> None:
    """Raise `ResourceExpired` if the upload's bytes were not received in time."""
    if row.state is UploadState.PENDING and row.expires_at <= datetime.now(UTC):
        raise ResourceExpired(f"The upload of {row.filename} has expired. Create a new one.", *path)


def validate_filename(filename: str, *path: str) -> str:
    """The file name without folders, in Unicode NFC. Raises `Invalid` if it is empty or too long."""
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", filename)[-1]).strip()
    if any(unicodedata.category(c) in ("Cc", "Cs") or c in BIDIRECTIONAL_CONTROLS for c in filename):
        raise Invalid("The file name must not contain control characters.", *path)
    if name in ("", ".", ".."):
        raise Invalid("The file name cannot be blank.", *path)
    if len(name) > MAX_FILENAME_LENGTH:
        raise Invalid(
            f"The file name must be at most {MAX_FILENAME_LENGTH} characters (got {len(name)}).", *path
        )
    return name


def validate_media_type(declared: str, *path: str) -> str:
    """The declared media type in lower case, valid until the content is known."""
    mime_type = declared.strip().lower()
    if len(mime_type) > MAX_MEDIA_TYPE_LENGTH or not re.fullmatch(
        r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", mime_type
    ):
        raise Invalid("mimeType must be a media type such as application/pdf.", *path)
    return mime_type
