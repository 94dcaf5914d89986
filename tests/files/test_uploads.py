"""Files on their way in: announced, sent, checked, stored."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    ResourceExpired,
    UnsupportedContent,
)
from db.ids import new_id
from db.models import ActivityLog, Upload, UploadState
from db.ready_connections import connections_in_use
from resolvers import files
from resolvers.access import Viewer
from resolvers.files import FileTooLarge, StorageExhausted
from resolvers.files.uploads import STORAGE_EXHAUSTED
from tests.files.conftest import LARGEST, PDF, Office, a_viewer, disk_full, until

HTML = (
    b"<!DOCTYPE html>\n<html>\n<head><title>404</title></head>\n<body>\n"
    + b'<p class="note">There is <a href="/">no such drawing</a>.</p>\n' * 500
    + b"</body>\n</html>\n"
)


async def chunks(content: bytes, size: int = 50_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def receive(office: Office, id: Any, content: bytes) -> Any:
    return await files.receive(office.database, office.store, office.viewer.company_id, id, chunks(content))


async def take(office: Office, content: bytes, **changes: Any) -> Any:
    wanted: dict[str, Any] = {"filename": "plan.pdf", "max_size": LARGEST}
    return await files.store_file(
        office.database, office.store, office.viewer, chunks=chunks(content), **{**wanted, **changes}
    )


async def usable(office: Office, id: Any, viewer: Viewer | None = None) -> Any:
    viewer = viewer or office.viewer
    async with office.database.tenant(viewer.company_id, read_only=True) as uow:
        return await files.find_stored(uow, viewer, id, "input", "oldUploadId")


async def actions(office: Office) -> list[str]:
    async with office.database.tenant(office.viewer.company_id, read_only=True) as uow:
        return [row.action for row in await uow.all(select(ActivityLog.action).order_by(ActivityLog.id))]


async def test_an_announced_file_is_stored_and_usable(office: Office) -> None:
    announced = await office.announce(filename="C:\\plans\\Grundriß.pdf", mime_type="Image/PNG")
    assert (announced.state, announced.filename) == (UploadState.PENDING, "Grundriß.pdf")
    assert (announced.mime_type, office.objects()) == ("image/png", [])

    received = await receive(office, announced.id, PDF)

    assert (received.state, received.mime_type) == (UploadState.STORED, "application/pdf")
    assert office.objects() == [received.storage_key]
    assert (office.folder / received.storage_key).read_bytes() == PDF
    assert (await usable(office, announced.id)).storage_key == received.storage_key
    assert await actions(office) == ["UPLOAD_CREATE", "UPLOAD_STORE"]


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"filename": ""}, Invalid, "filename"),
        ({"filename": "   "}, Invalid, "filename"),
        ({"filename": "plans/"}, Invalid, "filename"),
        ({"filename": "../.."}, Invalid, "filename"),
        ({"filename": "a\0.pdf"}, Invalid, "filename"),
        ({"filename": "a\n.pdf"}, Invalid, "filename"),
        ({"filename": "a\ud800.pdf"}, Invalid, "filename"),
        ({"filename": "fdp.\u202eexe"}, Invalid, "filename"),
        ({"filename": "a" * 252 + ".pdf"}, Invalid, "filename"),
        ({"mime_type": ""}, Invalid, "mimeType"),
        ({"mime_type": "pdf"}, Invalid, "mimeType"),
        ({"mime_type": "application/pdf\r\nX-Evil: 1"}, Invalid, "mimeType"),
        ({"mime_type": "application/" + "x" * 100}, Invalid, "mimeType"),
        ({"size": 0}, Invalid, "size"),
        ({"size": -1}, Invalid, "size"),
        ({"size": LARGEST + 1}, FileTooLarge, "size"),
        ({"sha256": ""}, Invalid, "sha256"),
        ({"sha256": "g" * 64}, Invalid, "sha256"),
        ({"sha256": "a" * 63}, Invalid, "sha256"),
    ],
)
async def test_a_senseless_announcement_changes_nothing(
    office: Office, changes: dict[str, Any], refusal: type[DomainError], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        await office.announce(**changes)

    assert refused.value.path == ("input", field)
    assert await office.uploads() == []
    assert await actions(office) == []


async def test_who_may_not_create_files_is_refused(office: Office) -> None:
    viewer = office.viewer
    office.viewer = Viewer(viewer.user_id, viewer.company_id, viewer.role, frozenset())

    with pytest.raises(Forbidden):
        await office.announce()
    with pytest.raises(Forbidden):
        await take(office, PDF)
    assert (await office.uploads(), office.objects()) == ([], [])


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        (PDF[:-1], Invalid),
        (PDF + b"1", FileTooLarge),
        (PDF[:-1] + b"1", Invalid),
        (HTML + bytes(len(PDF) - len(HTML)), UnsupportedContent),
        (b"", UnsupportedContent),
    ],
    ids=["fewer bytes", "more bytes", "other bytes", "HTML", "nothing"],
)
async def test_bytes_that_are_not_the_announced_ones_leave_nothing(
    office: Office, sent: bytes, refusal: type[DomainError]
) -> None:
    announced = await office.announce()

    with pytest.raises(refusal):
        await receive(office, announced.id, sent)

    assert office.objects() == []
    assert await office.uploads() == [announced]
    assert (await receive(office, announced.id, PDF)).state is UploadState.STORED


async def test_html_named_pdf_is_refused_though_size_and_digest_are_right(office: Office) -> None:
    announced = await office.announce(HTML)

    with pytest.raises(UnsupportedContent, match="HTML"):
        await receive(office, announced.id, HTML)
    assert office.objects() == []


async def test_the_same_bytes_again_change_nothing_and_others_conflict(office: Office) -> None:
    announced = await office.announce()
    first = await receive(office, announced.id, PDF)

    assert await receive(office, announced.id, PDF) == first
    for other in (PDF[:-1], PDF[:-1] + b"1", PDF + b"1", HTML):
        with pytest.raises(Conflict):
            await receive(office, announced.id, other)
    assert await office.uploads() == [first]
    assert office.objects() == [first.storage_key]
    assert await actions(office) == ["UPLOAD_CREATE", "UPLOAD_STORE"]


async def test_of_attempts_at_once_one_object_remains(office: Office) -> None:
    announced = await office.announce()

    received = await asyncio.gather(*(receive(office, announced.id, PDF) for _ in range(6)))

    assert set(received) == {received[0]}
    assert office.objects() == [received[0].storage_key]
    assert await actions(office) == ["UPLOAD_CREATE", "UPLOAD_STORE"]


async def test_a_failing_attempt_leaves_the_winner_alone(office: Office) -> None:
    announced = await office.announce()

    outcomes = await asyncio.gather(
        *(receive(office, announced.id, sent) for sent in (PDF[:-1] + b"1", PDF, PDF[:-2], PDF + b"1")),
        return_exceptions=True,
    )

    other, winner, short, long = (type(outcome).__name__ for outcome in outcomes)
    assert winner == "Row"
    assert {other, short} <= {"Invalid", "Conflict"}  # a late one finds the winner's bytes stored already
    assert long in ("FileTooLarge", "Conflict")
    assert office.objects() == [(await office.uploads())[0].storage_key]


async def test_the_same_file_twice_is_two_uploads(office: Office) -> None:
    first, second = await office.announce(), await office.announce()

    stored = [await receive(office, row.id, PDF) for row in (first, second)]

    assert office.objects() == sorted(row.storage_key for row in stored)


async def test_an_upload_is_usable_by_its_owner_once_its_bytes_are_there(office: Office) -> None:
    colleague = await a_viewer(office.database, office.viewer.company_id)
    stranger = await a_viewer(office.database)
    pending, late, sent = [await office.announce() for _ in range(3)]
    await receive(office, sent.id, PDF)
    await office.expire(late.id)
    await office.expire(sent.id)

    for id, viewer, refusal in (
        (new_id(), None, NotFound),
        (sent.id, colleague, NotFound),
        (sent.id, stranger, NotFound),
        (pending.id, None, Conflict),
        (late.id, None, ResourceExpired),
    ):
        with pytest.raises(refusal) as refused:
            await usable(office, id, viewer)
        assert refused.value.path == ("input", "oldUploadId")
    assert (await usable(office, sent.id)).id == sent.id


async def test_bytes_for_an_expired_unknown_or_foreign_upload_are_refused(office: Office) -> None:
    announced = await office.announce()
    stranger = await a_viewer(office.database)

    with pytest.raises(NotFound):
        await receive(office, new_id(), PDF)
    with pytest.raises(NotFound):
        await files.receive(office.database, office.store, stranger.company_id, announced.id, chunks(PDF))
    await office.expire(announced.id)
    with pytest.raises(ResourceExpired):
        await receive(office, announced.id, PDF)
    assert office.objects() == []


@pytest.mark.parametrize("end", ["expired", "deleted"])
async def test_an_upload_that_ends_while_it_is_sent_leaves_nothing(office: Office, end: str) -> None:
    announced = await office.announce()

    async def slowly() -> AsyncIterator[bytes]:
        yield PDF[:100]
        if end == "expired":
            await office.expire(announced.id)
        else:
            async with office.database.tenant(office.viewer.company_id) as uow:
                await uow.execute(delete(Upload).where(Upload.id == announced.id))
        yield PDF[100:]

    with pytest.raises(ResourceExpired if end == "expired" else NotFound):
        await files.receive(office.database, office.store, office.viewer.company_id, announced.id, slowly())
    assert office.objects() == []


async def test_a_cancelled_attempt_leaves_nothing(office: Office) -> None:
    announced, started, never = await office.announce(), asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield PDF[:-1]
        started.set()
        await never.wait()

    attempt = asyncio.create_task(
        files.receive(office.database, office.store, office.viewer.company_id, announced.id, endless())
    )
    await started.wait()
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt

    await until(lambda: office.objects() == [])
    assert await office.uploads() == [announced]


async def test_an_attempt_is_kept_when_its_transaction_committed_and_its_sender_did_not_hear(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced = await office.announce()
    mark = files.uploads.mark_stored

    async def marked_elsewhere(uow: Any, upload_id: Any, key: str, kind: Any) -> Any:
        async with office.database.tenant(office.viewer.company_id) as other:
            await mark(other, upload_id, key, kind)
        raise ConnectionError("cut off")

    monkeypatch.setattr(files.uploads, "mark_stored", marked_elsewhere)
    with pytest.raises(ConnectionError):
        await receive(office, announced.id, PDF)

    row = await usable(office, announced.id)
    assert office.objects() == [row.storage_key]


async def test_a_failed_transaction_leaves_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    announced = await office.announce()

    async def fails(*_: Any) -> None:
        raise ConnectionError("cut off")

    monkeypatch.setattr(files.uploads, "mark_stored", fails)
    with pytest.raises(ConnectionError):
        await receive(office, announced.id, PDF)

    assert office.objects() == []
    assert await office.uploads() == [announced]


async def test_no_connection_is_held_while_bytes_flow(office: Office) -> None:
    announced = await office.announce()
    held: list[int] = []

    async def watched() -> AsyncIterator[bytes]:
        async for chunk in chunks(PDF):
            held.append(connections_in_use(office.database.placement.primary))
            yield chunk

    await files.receive(office.database, office.store, office.viewer.company_id, announced.id, watched())

    assert set(held) == {0}


async def test_a_file_is_taken_in_one_go(office: Office) -> None:
    row = await take(office, PDF, filename="/tmp/plan.pdf")

    assert (row.state, row.filename, row.size) == (UploadState.STORED, "plan.pdf", len(PDF))
    assert (row.mime_type, row.sha256) == ("application/pdf", hashlib.sha256(PDF).hexdigest())
    assert office.objects() == [row.storage_key]
    assert await usable(office, row.id) == row
    assert await actions(office) == ["UPLOAD_CREATE"]


@pytest.mark.parametrize(
    ("content", "changes", "refusal"),
    [
        (HTML, {}, UnsupportedContent),
        (b"", {}, UnsupportedContent),
        (PDF, {"max_size": len(PDF) - 1}, FileTooLarge),
        (PDF, {"filename": "\0"}, Invalid),
    ],
)
async def test_a_file_that_cannot_be_taken_leaves_nothing(
    office: Office, content: bytes, changes: dict[str, Any], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal) as refused:
        await take(office, content, **changes)

    assert refused.value.path == ("file",)
    assert (await office.uploads(), office.objects()) == ([], [])


async def test_a_file_that_cannot_be_filed_leaves_nothing(office: Office) -> None:
    viewer = office.viewer
    office.viewer = Viewer(new_id(), viewer.company_id, viewer.role, viewer.permissions)

    with pytest.raises(Exception, match="violates foreign key"):
        await take(office, PDF)
    assert office.objects() == []


async def test_purging_removes_what_was_announced_and_never_sent(office: Office) -> None:
    stored, fresh, late, old = [await office.announce() for _ in range(4)]
    await receive(office, stored.id, PDF)
    other = Office(**{**vars(office), "viewer": await a_viewer(office.database)})
    foreign = await other.announce()
    await office.expire(late.id, timedelta(minutes=59))
    for each in (stored, old):
        await office.expire(each.id, timedelta(hours=2))
    await other.expire(foreign.id, timedelta(hours=2))
    await office.store.put(f"{office.viewer.company_id}/uploads/{old.id}/abandoned", PDF)

    assert [await purge(house) for house in (office, other)] == [1, 1]

    assert [row.id for row in await office.uploads()] == [stored.id, fresh.id, late.id]
    assert await other.uploads() == []
    assert office.objects() == [(await usable(office, stored.id)).storage_key]
    assert await purge(office) == 0


async def purge(office: Office) -> int:
    """Purge the uploads of the office's company."""
    return await files.purge(office.database, office.store, office.viewer.company_id, datetime.now(UTC))


async def test_what_a_killed_attempt_left_goes_with_the_next_one(office: Office) -> None:
    announced = await office.announce()
    await office.store.put(f"{office.viewer.company_id}/uploads/{announced.id}/abandoned", PDF)

    row = await receive(office, announced.id, PDF)

    assert office.objects() == [row.storage_key]


async def test_a_file_that_finds_no_space_leaves_nothing(office: Office) -> None:
    with disk_full(100_000), pytest.raises(StorageExhausted) as refused:
        await take(office, PDF)

    assert (refused.value.code.value, refused.value.path) == ("EXHAUSTED", ("file",))
    assert refused.value.message == STORAGE_EXHAUSTED
    assert (office.objects(), await office.uploads()) == ([], [])


async def test_lost_files_are_named(office: Office) -> None:
    company_id = office.viewer.company_id
    stored = [await take(office, PDF, filename=name) for name in ("kept.pdf", "lost.pdf")]
    assert await files.lost_files(office.database, office.store, company_id) == []

    await office.store.delete([stored[1].storage_key])

    lost = await files.lost_files(office.database, office.store, company_id)
    assert lost == [stored[1].storage_key]
