"""`seshat reset`: everything goes, or the data of one company; nothing without the name and `--force`."""

import asyncio
from argparse import Namespace
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import delete, insert
from sqlalchemy.engine import make_url

from core.settings import Settings, driverless_url
from db import migrate
from db.database import Database
from db.ids import new_id
from db.models import Company, Lease, RoleName
from db.placement import Placement
from db.provision import provision
from providers.storage import open_store
from resolvers.identity import roles
from server.cli import parser
from server.commands import reset
from server.embedded.vectors import EmbeddedVectors, socket_path
from tests import factories
from tests.conftest import Postgres
from tests.factories import Fixture, a_company, a_user
from tests.factories.everything import everything
from tests.fingerprints import of_company


@pytest.fixture(scope="module")
def installation(postgres: Postgres, stored_vectors: EmbeddedVectors) -> Settings:
    """Settings of an installation of the module's own."""
    name = f"reset_{uuid4().hex[:12]}"
    url = make_url(postgres.direct).set(database=name).render_as_string(hide_password=False)
    asyncio.run(provision(postgres.admin, url))
    migrate.upgrade(make_url(postgres.admin).set(database=name).render_as_string(hide_password=False))
    return Settings(
        data=stored_vectors.data,
        database_url=url,
        database_admin_url=make_url(postgres.admin).set(database=name).render_as_string(hide_password=False),
        qdrant_url=f"unix:{socket_path(stored_vectors.data)}",
        secret_key="a secret that only the tests know of",
    )


async def store_company(settings: Settings, *, is_active: bool) -> Fixture:
    """A company with a row of everything and a file."""
    database = Database(Placement(settings, settings.database_url or ""))
    async with database.platform() as uow:
        await roles.seed(uow)
    company = a_company(is_active=is_active)
    rows = everything([a_user(company, RoleName.ADMIN), a_user(company, RoleName.USER)])
    await factories.save(database, *(row for alike in rows.values() for row in alike))
    await database.close()
    await open_store(settings.object_store_url).put(f"{company.id}/files/1", b"x")
    return company


async def remains(settings: Settings, company_id: UUID) -> tuple[set[str], list[str]]:
    """The tables in which the company has rows, and its files."""
    admin = make_url(settings.database_admin_url or "").set(
        database=make_url(settings.database_url or "").database
    )
    connection = await asyncpg.connect(driverless_url(admin.render_as_string(hide_password=False)))
    try:
        found = await of_company(connection, company_id)
    finally:
        await connection.close()
    objects = [each.key async for each in open_store(settings.object_store_url).list(f"{company_id}/")]
    return {table for table, digest in found.items() if digest is not None}, objects


async def run(settings: Settings, *arguments: str) -> int:
    """The exit code of `seshat reset`."""
    options: Namespace = parser().parse_args(["reset", *arguments])
    return await asyncio.to_thread(reset.run, settings, options)


async def test_the_data_of_a_company_goes_and_its_users_stay(installation: Settings) -> None:
    company = await store_company(installation, is_active=False)
    other = await store_company(installation, is_active=False)
    everywhere, _ = await remains(installation, other.id)

    assert await run(installation, "--company", str(company.id), "--confirm", company.name, "--force") == 0

    tables, objects = await remains(installation, company.id)
    kept = {"platform.users", "platform.invitations", "tenant.members", "tenant.tenants"}
    assert (tables, objects) == (kept, [])
    assert await remains(installation, other.id) == (everywhere, [f"{other.id}/files/1"])


async def test_what_is_not_confirmed_stays(
    installation: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    idle = await store_company(installation, is_active=False)
    active = await store_company(installation, is_active=True)
    before = [await remains(installation, company.id) for company in (idle, active)]
    refused = {
        ("--company", str(idle.id), "--confirm", idle.name): "knows of no backup",
        ("--company", str(idle.id), "--confirm", "another", "--force"): f"the name is not {idle.name}",
        ("--company", "nobody", "--confirm", "nobody", "--force"): "no companies are called nobody",
        ("--company", str(active.id), "--confirm", active.name, "--force"): "This company is active",
        ("--confirm", "another", "--force"): "nothing was deleted",
    }

    for arguments, message in refused.items():
        with pytest.raises(reset.ResetRefused, match=message):
            await run(installation, *arguments)
    monkeypatch.setattr("sys.stdin.readline", lambda: "something else\n")
    with pytest.raises(reset.ResetRefused, match="the name is not"):
        await run(installation, "--company", str(idle.id), "--force")

    assert f"deletes the data of {idle.name} for good" in capsys.readouterr().out
    assert [await remains(installation, company.id) for company in (idle, active)] == before


async def test_an_installation_in_use_stays(installation: Settings) -> None:
    database = Database(Placement(installation, installation.database_url or ""))
    async with database.platform(read_only=True) as uow:
        await uow.first(Company.__table__.select())
        with pytest.raises(reset.ResetRefused, match="stop them first"):
            await run(
                installation, "--confirm", make_url(installation.database_url or "").database or "", "--force"
            )
    await database.close()


async def test_files_that_are_still_to_be_removed_stop_a_reset(installation: Settings) -> None:
    company = await store_company(installation, is_active=True)
    before = await remains(installation, company.id)
    lease = {
        "id": new_id(),
        "company_id": company.id,
        "task": "RemoveObjects",
        "queue": "upkeep",
        "entry_id": 1,
    }
    database = Database(Placement(installation, installation.database_url or ""))
    async with database.tenant(company.id) as uow:
        await uow.execute(insert(Lease).values(lease))
    await database.close()

    with pytest.raises(reset.ResetRefused, match="1 removals of files wait"):
        await run(
            installation, "--confirm", make_url(installation.database_url or "").database or "", "--force"
        )

    tables, objects = await remains(installation, company.id)
    assert (tables - {"platform.leases"}, objects) == (before[0] - {"platform.leases"}, before[1])
    database = Database(Placement(installation, installation.database_url or ""))
    async with database.tenant(company.id) as uow:
        await uow.execute(delete(Lease).where(Lease.id == lease["id"]))
    await database.close()


async def test_everything_goes(installation: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    company = await store_company(installation, is_active=True)

    name = make_url(installation.database_url or "").database or ""
    assert await run(installation, "--confirm", name, "--force") == 0

    assert await remains(installation, company.id) == (set(), [])
    assert f"{name} is empty" in capsys.readouterr().out
