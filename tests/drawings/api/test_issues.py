"""Which issue of a drawing set a new one is compared with."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from db.models import DrawingSession, DrawingType, ProjectStatus, SessionStatus
from resolvers.drawings import issues
from schema.framework.context import Services
from tests.conftest import People, Save
from tests.factories import Fixture, a_drawing, a_project, a_session, an_upload

START = datetime(2026, 3, 1, tzinfo=UTC)


def an_issue(
    project: Fixture, user: Fixture, hour: int, content: str, *names: str, **values: Any
) -> list[Fixture]:
    """The sheets of a complete session that has taken in this content."""
    upload = an_upload(user, sha256=content * 64, filename=f"{content}.pdf")
    created_at = START + timedelta(hours=hour)
    fields = {"status": SessionStatus.COMPLETED, "created_at": created_at, **values}
    session = a_session(user, project, None, upload, **fields)
    return [a_drawing(session, DrawingType.NEW, drawing_name=name) for name in names]


async def started_by(
    services: Services, user: Fixture, sheet: Fixture
) -> list[tuple[UUID | None, UUID | None]]:
    """The uploads of the sessions that a complete session leads to."""
    async with services.database.tenant(user.company.id) as uow:
        row = await uow.one(select(DrawingSession).where(DrawingSession.id == sheet.session_id))
        made = await issues.create_comparisons(uow, row)
        assert all(each.is_automatic for each in made)
        return [(each.old_upload_id, each.new_upload_id) for each in made]


def upload_of(sheet: Fixture) -> UUID:
    """The file of a sheet's session."""
    id: UUID = sheet.parents[0].new_upload_id
    return id


async def test_the_last_issue_of_the_same_set_is_compared_once(
    services: Services, save: Save, people: People
) -> None:
    user = people.user
    project = a_project(user, auto_compare=True)
    oldest = an_issue(project, user, 0, "a", "A-101", "A-102")
    last = an_issue(project, user, 1, "b", "A-101", "A-102", "A-103")
    other_set = an_issue(project, user, 2, "c", "E-101", "E-102")
    unfinished = an_issue(project, user, 3, "d", "A-101", "A-102", status=SessionStatus.ERROR)
    again = an_issue(project, user, 4, "e", "A-101", "A-102")
    new = an_issue(project, user, 5, "e", "A-102", "A-103")
    await save(*oldest, *last, *other_set, *unfinished, *again, *new)

    assert await started_by(services, user, new[0]) == [(upload_of(last[0]), upload_of(new[0]))]
    assert await started_by(services, user, new[0]) == []
    assert await started_by(services, user, again[0]) == []
    assert await started_by(services, user, other_set[0]) == []


async def test_an_issue_that_was_complete_first_is_compared_with_the_one_before_it(
    services: Services, save: Save, people: People
) -> None:
    user = people.user
    project = a_project(user, auto_compare=True)
    late, early = an_issue(project, user, 0, "a", "A-101"), an_issue(project, user, 1, "b", "A-101")
    await save(*late, *early)

    assert await started_by(services, user, late[0]) == [(upload_of(late[0]), upload_of(early[0]))]


async def test_projects_compare_by_themselves_only_if_they_say_so_and_are_active(
    services: Services, save: Save, people: People
) -> None:
    user = people.user
    for project in (
        a_project(user),
        a_project(user, auto_compare=True, status=ProjectStatus.ARCHIVED),
    ):
        new = an_issue(project, user, 1, "b", "A-101")
        await save(*an_issue(project, user, 0, "a", "A-101"), *new)
        assert await started_by(services, user, new[0]) == []
