"""The rules of access by themselves: scopes, permissions and refusals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.dialects import registry

from core.errors import Conflict, Forbidden, NotFound
from db.models import Document, DocumentChunk, DrawingSession, Project, RefreshToken, RoleName
from db.uow import Scope
from resolvers import access
from resolvers.access import Viewer, find, is_published, model_label, not_found, require, require_unchanged

ME, MINE, PLATFORM, ID = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
VIEWER = Viewer(ME, MINE, RoleName.ANALYST, frozenset({"projects:read"}))


@pytest.mark.parametrize(
    ("permissions", "kind"),
    [
        (set(), "self"),
        ({"roles:read", "users:update", "platform:read"}, "self"),
        ({"users:read"}, "company"),
        ({"platform:manage"}, "platform"),
        ({"users:read", "platform:manage"}, "platform"),
    ],
)
def test_the_scope_is_as_wide_as_the_role(permissions: set[str], kind: Any) -> None:
    assert replace(VIEWER, permissions=frozenset(permissions)).scope == Scope(MINE, ME, kind)


def test_published_rows_are_read_in_the_platforms_scope_except_by_its_own_people() -> None:
    assert VIEWER.platform_scope is None
    assert replace(VIEWER, platform_id=MINE).platform_scope is None
    assert replace(VIEWER, platform_id=PLATFORM).platform_scope == Scope(PLATFORM, ME, "self")


def test_a_permission_is_required_by_its_name() -> None:
    require(VIEWER, "projects:read")
    for permission in ("projects:create", "projects", "projects:read "):
        with pytest.raises(Forbidden) as refused:
            require(VIEWER, permission)
        assert str(refused.value) == f"Your role, analyst, does not include {permission}."
        assert tuple(refused.value.path) == ()


def test_documents_and_their_chunks_alone_are_published() -> None:
    assert {model for model in access.POLICIES if is_published(model)} == {Document, DocumentChunk}


def test_models_have_a_name_in_prose() -> None:
    assert (model_label(DrawingSession), model_label(Project)) == ("drawing session", "project")
    refusal = not_found(DrawingSession, "input", "sessionId")
    assert (str(refusal), tuple(refusal.path)) == (
        "There is no such drawing session.",
        ("input", "sessionId"),
    )


class Unit:
    """A unit of work that answers every statement with one row or none, and remembers it."""

    def __init__(self, row: Any) -> None:
        self.row = row
        self.statements: list[str] = []

    async def first(self, statement: Any) -> Any:
        compiled = statement.compile(
            dialect=registry.load("postgresql")(), compile_kwargs={"literal_binds": True}
        )
        self.statements.append(" ".join(str(compiled).replace("tenant.projects.", "").split()))
        return self.row


def unit(row: Any) -> Any:
    return Unit(row)


FROM = f"FROM tenant.projects WHERE status != 'deleted' AND id = '{ID}'"


async def test_a_row_is_found_where_it_is_visible() -> None:
    row: Any = SimpleNamespace()
    uow = unit(row)
    columns = [Project.__table__.c.name, Project.__table__.c.id]

    assert await find(uow, VIEWER, Project, ID, columns=columns) is row
    assert await find(uow, VIEWER, Project, ID, lock=True, columns=columns) is row
    assert uow.statements == [f"SELECT name, id {FROM}", f"SELECT name, id {FROM} FOR UPDATE OF projects"]


async def test_all_columns_are_read_unless_some_are_named() -> None:
    uow = unit(SimpleNamespace())
    await find(uow, VIEWER, Project, ID)

    (statement,) = uow.statements
    assert set(statement.removeprefix("SELECT ").partition(" FROM")[0].split(", ")) == {
        column.name for column in Project.__table__.c
    }


@pytest.mark.parametrize(("path", "shown"), [((), ("id",)), (("input", "projectId"), ("input", "projectId"))])
async def test_a_row_that_is_not_visible_is_not_found(path: tuple[str, ...], shown: tuple[str, ...]) -> None:
    with pytest.raises(NotFound) as refused:
        await find(unit(None), VIEWER, Project, ID, *path)

    assert (str(refused.value), tuple(refused.value.path)) == ("There is no such project.", shown)


NOW = datetime(2026, 3, 1, tzinfo=UTC)


async def test_an_update_of_what_has_changed_meanwhile_is_a_conflict() -> None:
    uow = unit(SimpleNamespace(updated_at=NOW))

    await require_unchanged(uow, VIEWER, Project, ID, None)
    assert uow.statements == []
    await require_unchanged(uow, VIEWER, Project, ID, NOW)
    assert uow.statements == [f"SELECT updated_at {FROM} FOR UPDATE OF projects"]
    for other in (NOW - timedelta(microseconds=1), NOW + timedelta(microseconds=1)):
        with pytest.raises(Conflict) as refused:
            await require_unchanged(uow, VIEWER, Project, ID, other)
        assert str(refused.value) == "The project has changed since it was read."
        assert tuple(refused.value.path) == ("input", "expectedUpdatedAt")
    with pytest.raises(NotFound):
        await require_unchanged(unit(None), VIEWER, Project, ID, NOW)


async def test_a_model_without_a_policy_is_not_read() -> None:
    with pytest.raises(KeyError):
        await find(unit(None), VIEWER, RefreshToken, ID)
