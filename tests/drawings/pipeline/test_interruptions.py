"""Workers that are killed and jobs that are cancelled in the middle of comparing."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from sqlalchemy import select
from strawberry.relay import GlobalID

from db.models import Lease
from pipelines.drawings import handlers
from pipelines.drawings.page_drawing import draw_page
from resolvers.object_removal import session_prefix
from server.demo.drawings import ARCH_D, plan, write
from tests.drawings.pipeline import operations
from tests.drawings.pipeline.conftest import PATIENCE, Instance, Person
from tests.drawings.pipeline.sample_drawings import sheets

Start = Callable[..., "subprocess.Popen[bytes]"]
Revisions = Callable[..., tuple[Path, Path]]

NUMBERS = ("A-101", "A-102", "A-103", "A-104", "A-105")
TAKEOVER_SECONDS = 30
CANCEL_SECONDS = 2


async def test_a_killed_workers_comparison_goes_on_elsewhere_with_the_same_result(
    person: Person, instance: Instance, processes: Start, revisions: Revisions
) -> None:
    files = revisions(*NUMBERS)
    workers = {process.pid: process for process in (processes(), processes())}
    undisturbed = await person.completed(await person.begin(*files))
    pictures = await overlays(person, undisturbed)

    id = await person.begin(*files)
    await person.until(id, in_mid_comparison)
    job = await person.job(id, "COMPARISON")
    killed = workers[await holder(instance, job)]
    children = psutil.Process(killed.pid).children()
    killed.kill()
    killed.wait(timeout=30)
    at_the_end = await person.state(id)
    async with asyncio.timeout(TAKEOVER_SECONDS):
        await until(lambda: taken_over(instance, job, killed.pid))
    session = await person.completed(id)

    assert in_mid_comparison(at_the_end)
    assert [child for child in children if child.is_running()] == []
    assert [stage["attempts"] for stage in session["jobs"]["nodes"]] == [1, 2, 1]
    assert values(session) == values(undisturbed)
    assert await overlays(person, session) == pictures


async def test_after_a_kill_while_pages_are_drawn_only_the_missing_ones_are_drawn(
    person: Person,
    instance: Instance,
    processes: Start,
    revisions: Revisions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = revisions("A-101", "A-102")
    id = await person.begin(*files)
    killed = processes("tests.drawings.pipeline.killed_worker", job_heartbeat=0.2, job_stale=1.0)
    assert await asyncio.to_thread(killed.wait, PATIENCE) == -signal.SIGKILL
    at_the_end = await person.state(id)
    drawn: list[int] = []

    async def count(run: Any, document: Any, number: int, *others: Any) -> Any:
        drawn.append(number)
        return await draw_page(run, document, number, *others)

    monkeypatch.setattr(handlers, "draw_page", count)
    async with instance.working(job_heartbeat=0.2, job_stale=1.0):
        session = await person.completed(id)
        drawn_after_the_kill = sorted(drawn)
        undisturbed = await person.completed(await person.begin(*files))

    pages = [(page["drawingType"], page["pageNumber"]) for page in at_the_end["drawings"]["nodes"]]
    assert [page["state"] for page in at_the_end["drawings"]["nodes"]].count("COMPLETED") == 3
    assert (len(pages), len(set(pages))) == (4, 4)
    assert drawn_after_the_kill == [2]
    assert values(session) == values(undisturbed)
    assert await stored_files(instance, person, session) == await stored_files(instance, person, undisturbed)


async def test_cancelling_a_comparison_stops_its_computing_and_a_retry_completes_it(
    person: Person, processes: Start, tmp_path: Path
) -> None:
    large = plan("A-101", "LARGE PLAN", 7, size=ARCH_D, changed=0.06)
    old, new = tmp_path / "a.pdf", tmp_path / "b.pdf"
    for revision, file in enumerate((old, new)):
        write([large], revision, file)
    worker = psutil.Process(processes(drawing_dpi=200).pid)
    id = await person.begin(old, new)
    job = await person.job(id, "COMPARISON")
    await person.until(
        id, lambda state: [pair["state"] for pair in state["comparisons"]["nodes"]] == ["PENDING"]
    )
    (child,) = worker.children()
    before = child.cpu_times().user
    await until(lambda: child.cpu_times().user > before + 0.3)

    await person.do(operations.CANCEL, id=job)
    async with asyncio.timeout(CANCEL_SECONDS):
        await until(lambda: not child.is_running())

    state = await person.ended(id)
    assert (state["status"], state["errorMessage"]) == ("ERROR", "The job was cancelled.")
    assert [stage["status"] for stage in state["jobs"]["nodes"]] == ["COMPLETED", "CANCELLED", "CANCELLED"]
    assert [pair["state"] for pair in state["comparisons"]["nodes"]] == ["PENDING"]

    retried = await person.do(operations.RETRY, id=job)
    session = await person.completed(id)

    assert retried["job"]["status"] == "PENDING"
    assert session["errorMessage"] is None
    assert [pair["state"] for pair in session["comparisons"]["nodes"]] == ["COMPLETED"]
    stages = [(stage["status"], stage["attempts"]) for stage in session["jobs"]["nodes"]]
    assert stages == [("COMPLETED", 1)] * 3


async def test_cancelling_a_stage_that_waits_ends_the_session_before_it(
    person: Person, instance: Instance, revisions: Revisions
) -> None:
    id = await person.begin(*revisions("A-101"))
    await person.do(operations.CANCEL, id=await person.job(id, "COMPARISON"))

    async with instance.working():
        state = await person.ended(id)
        assert (state["status"], state["errorMessage"]) == ("ERROR", "The job was cancelled.")
        stages = [stage["status"] for stage in state["jobs"]["nodes"]]
        assert stages == ["COMPLETED", "CANCELLED", "CANCELLED"]

        await person.start(id)
        session = await person.completed(id)

    assert len(session["comparisons"]["nodes"]) == 1


async def test_cancelling_what_has_not_begun_ends_the_session_at_once(
    person: Person, instance: Instance, tmp_path: Path
) -> None:
    file = sheets(tmp_path / "a.pdf", 0, "A-101")
    id = await person.begin(file, file)

    cancelled = await person.do(operations.CANCEL, id=await person.job(id, "PDF_EXTRACTION"))

    assert cancelled["job"]["status"] == "CANCELLED"
    state = await person.state(id)
    assert (state["status"], state["errorMessage"]) == ("ERROR", "The job was cancelled.")
    assert [stage["status"] for stage in state["jobs"]["nodes"]] == ["CANCELLED"] * 3


def in_mid_comparison(state: Any) -> bool:
    """Whether some pairs are compared and at least two wait."""
    pairs = [pair["state"] for pair in state["comparisons"]["nodes"]]
    return "COMPLETED" in pairs and pairs.count("PENDING") >= 2


async def until(condition: Callable[[], Any]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            held = condition()
            if await held if isinstance(held, Awaitable) else held:
                return
            await asyncio.sleep(0.02)


async def holder(instance: Instance, job: str) -> int:
    """The process that works on a job; 0 for none."""
    key = UUID(GlobalID.from_id(job).node_id)
    async with instance.database.platform(read_only=True) as uow:
        worker = await uow.scalar(select(Lease.worker).where(Lease.id == key))
    return int(worker.split(":")[1]) if worker else 0


async def taken_over(instance: Instance, job: str, lost: int) -> bool:
    """Whether the lost process does not hold the job any more."""
    return await holder(instance, job) != lost


async def overlays(person: Person, session: Any) -> list[bytes]:
    """Every overlay of a session."""
    return [await person.fetch(pair["overlayUrl"]) for pair in session["comparisons"]["nodes"]]


async def stored_files(instance: Instance, person: Person, session: Any) -> dict[str, str]:
    """The SHA-256 of everything that is stored for a session, by name."""
    prefix = session_prefix(person.company_id, UUID(GlobalID.from_id(session["id"]).node_id))
    objects = await instance.objects(person.company_id)
    return {key.removeprefix(prefix): digest for key, digest in objects.items() if key.startswith(prefix)}


def values(session: Any) -> Any:
    """An answer without ids, links and attempts: what has to be the same for the same files."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: kept(inner)
                for name, inner in value.items()
                if name not in ("id", "attempts") and not name.endswith(("Url", "urlTemplate"))
            }
        return [kept(inner) for inner in value] if isinstance(value, list) else value

    return kept(json.loads(json.dumps(session)))
