"""The demo company: three users with different roles, a few rows of every kind, and one comparison."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select

from db.ids import new_id
from db.models import (
    TERMINAL,
    Company,
    CompanyKind,
    DrawingSession,
    ProcessingJob,
    RoleName,
    SessionStatus,
    User,
)
from resolvers import files, projects
from resolvers.access import Viewer
from resolvers.drawings import sessions
from resolvers.identity import accounts, passwords, placement, users
from resolvers.knowledge import model_rollout
from schema.framework.context import Services
from server.demo.scale import sample

log = structlog.get_logger(__name__)

COMPANY = "City Library Works"
PEOPLE = (
    ("ada@demo.example", "Ada Admin", RoleName.ADMIN),
    ("max@demo.example", "Max Manager", RoleName.MANAGER),
    ("vera@demo.example", "Vera Viewer", RoleName.VIEWER),
)
REVISIONS = "Revision A → Revision B"
SIGN_INS = "demo.json"
CHUNK = 256 * 1024
ENDED = (SessionStatus.COMPLETED, SessionStatus.ERROR)


async def show(services: Services) -> None:
    """Creates missing parts of the demo, and prints its sign-ins. Errors are logged only."""
    try:
        await make(services)
    except Exception:
        log.exception("demo_failed")


async def make(services: Services) -> UUID:
    """Creates the missing company, users, rows and comparison. Returns the company's ID."""
    file = services.settings.data / SIGN_INS
    company_id = await company_of(services)
    if company_id is None:
        company_id = await people(services, file)
    if file.exists():
        tell(json.loads(file.read_text()))
    await sample(services.database, services.store, company_id)
    async with services.database.tenant(company_id) as uow:
        embedding = await model_rollout.enqueue_first(uow)
    admin = await viewer(services, company_id)
    session_id = await comparison(services, admin)
    if services.settings.worker:
        await wait_for_session(services, admin, session_id)
        await searchable(services, admin, embedding)
    return company_id


def tell(sign_ins: list[dict[str, str]]) -> None:
    """Prints the sign-ins."""
    lines = [f"  {person['role']:<8} {person['login']:<20} {person['password']}" for person in sign_ins]
    print("Demo sign-ins:", *lines, sep="\n", flush=True)


async def company_of(services: Services) -> UUID | None:
    """ID of the demo company, or None."""
    async with services.database.platform(read_only=True) as uow:
        id: UUID | None = await uow.scalar(select(Company.id).where(Company.name == COMPANY))
        return id


async def people(services: Services, file: Path) -> UUID:
    """Creates the company and its users. The generated passwords are stored in `file` (mode 600)."""
    company_id = new_id()
    made = []
    server = placement.default_server(services.settings)
    async with (
        placement.new_place(services.database, services.settings, company_id, server) as new,
        services.database.tenant(company_id, kind="platform") as uow,
    ):
        await users.insert_company(uow, COMPANY, CompanyKind.ORGANISATION, "Construction", new=new)
        for email, name, role in PEOPLE:
            password = passwords.generate()
            hashed = await passwords.hash(password)
            await users.insert_user(uow, email=email, role=role, hashed_password=hashed, full_name=name)
            made.append({"login": email, "password": password, "role": role.value})
        draft = file.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(made, indent=2) + "\n")
        os.replace(draft, file)
    return company_id


async def viewer(services: Services, company_id: UUID) -> Viewer:
    """The demo's administrator."""
    async with services.database.tenant(company_id, kind="platform", read_only=True) as uow:
        id = await uow.scalar(select(User.id).where(User.email == PEOPLE[0][0]))
    return await accounts.load_viewer(services.database, id, None)


async def comparison(services: Services, admin: Viewer) -> UUID:
    """Creates and starts a session of two generated revisions, unless it exists."""
    async with services.database.transaction(admin.scope, read_only=True) as uow:
        found: UUID | None = await uow.scalar(
            select(DrawingSession.id)
            .where(DrawingSession.name == REVISIONS)
            .order_by(DrawingSession.id)
            .limit(1)
        )
    if found is not None:
        return found
    with TemporaryDirectory(prefix="seshat-") as folder:
        drawn = await asyncio.to_thread(draw, Path(folder))
        old, new = [await upload_file(services, admin, path) for path in drawn]
    async with services.database.transaction(admin.scope) as uow:
        plan = {"name": "City Library", "location": "Alexandria", "project_number": "CL-01"}
        project = await projects.create(uow, admin, plan)
        session = await sessions.create(
            uow,
            admin,
            project_id=project.id,
            old_upload_id=old,
            new_upload_id=new,
            name=REVISIONS,
        )
        await sessions.start(uow, admin, session.id)
    id: UUID = session.id
    return id


def draw(folder: Path) -> tuple[Path, Path]:
    """Draws the two revisions."""
    from server.demo.drawings import demo_set  # with the library that draws, in this thread

    return demo_set(folder)


async def upload_file(services: Services, admin: Viewer, path: Path) -> UUID:
    """Uploads a file of the demo."""

    async def chunks() -> AsyncIterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    largest = services.settings.max_upload_size
    row: Any = await files.store_file(
        services.database, services.store, admin, filename=path.name, chunks=chunks(), max_size=largest
    )
    id: UUID = row.id
    return id


async def searchable(services: Services, admin: Viewer, job_id: UUID | None) -> None:
    """Waits for the job that embeds the documents."""
    if job_id is None:
        return
    async with aclosing(services.events.listen(f"job:{job_id}", admin.company_id)) as changes:
        async for _ in changes:
            async with services.database.transaction(admin.scope, read_only=True) as uow:
                status = select(ProcessingJob.status).where(ProcessingJob.id == job_id)
                if await uow.scalar(status) in TERMINAL:
                    return


async def wait_for_session(services: Services, admin: Viewer, session_id: UUID) -> None:
    """Waits for the comparison."""
    topic = sessions.topic(session_id)
    async with aclosing(services.events.listen(topic, admin.company_id)) as changes:
        async for _ in changes:
            async with services.database.transaction(admin.scope, read_only=True) as uow:
                status = select(DrawingSession.status).where(DrawingSession.id == session_id)
                if await uow.scalar(status) in ENDED:
                    return
