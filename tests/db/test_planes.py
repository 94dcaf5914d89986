"""Planes of statements: which database they run in, and what would need two."""

from typing import Any

import pytest
from sqlalchemy import exists, func, insert, select, text, update
from sqlalchemy.orm import aliased

from db.models import Company, Document, Lease, OutboxMessage, Project, User
from db.planes import Access, CrossPlaneStatement, access_of, local_tables
from db.statements import Statement

OTHER = aliased(Company)
OWNERS = select(User.id).scalar_subquery()


@pytest.mark.parametrize(
    ("statement", "access"),
    [
        (select(User), Access("platform", writes=False)),
        (select(OTHER.id), Access("platform", writes=False)),
        (update(Company).where(Company.name == "a").values(name="b"), Access("platform", writes=True)),
        (select(Project).where(Project.id.in_(select(Document.id))), Access("tenant", writes=False)),
        (select(exists().where(Lease.id.is_not(None))), Access("tenant", writes=False)),
        (insert(OutboxMessage).values(kind="a"), Access("tenant", writes=True)),
        (select(func.now()), Access("tenant", writes=False)),
        (text("SELECT pg_notify('a', 'b')"), Access("tenant", writes=False)),
        (text(" insert INTO platform.pgqueuer SELECT 1"), Access("platform", writes=True)),
        ("UPDATE tenant.projects SET name = $1", Access("tenant", writes=True)),
        ("SAVEPOINT a", Access("tenant", writes=False)),
        (select(Project.id).add_cte(update(Project).values(name="a").cte()), Access("tenant", writes=True)),
    ],
)
def test_a_statement_has_one_plane(statement: Any, access: Access) -> None:
    assert access_of(statement) == access


@pytest.mark.parametrize(
    "statement",
    [
        select(Project.id, User.id).join(User, User.id == Project.user_id),
        select(Project.id).where(Project.user_id == OWNERS),
        update(Project).where(Project.user_id == User.id).values(name="a"),
        select(Lease.id).where(text("EXISTS (SELECT FROM platform.pgqueuer)")),
    ],
)
def test_a_statement_of_both_planes_is_refused(statement: Any) -> None:
    with pytest.raises(CrossPlaneStatement):
        access_of(statement)


def test_a_compiled_statement_knows_its_plane() -> None:
    assert access_of(Statement(select(User.id))) == Access("platform", writes=False)


def test_every_database_has_the_tables_of_its_own_companies() -> None:
    assert local_tables() == {"platform.leases", "platform.outbox", "platform.departures"}
