"""The context of an operation whose viewer changes."""

from dataclasses import replace

import pytest

from db.models import Project
from resolvers.access import Viewer
from resolvers.identity import accounts
from schema.framework.context import Context, Services
from tests import factories
from tests.conftest import People
from tests.factories import a_project


async def test_a_viewer_who_may_no_longer_read_finds_nothing_that_was_loaded_before(
    services: Services, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = a_project(people.admin)
    await factories.save(services.database, project)
    viewer = await accounts.load_viewer(services.database, people.admin.id, None)
    context = Context(services, viewer)
    assert project.id in await context.loaders.records(Project, ("id",), [project.id])

    async def demote(*_: object) -> Viewer:
        return replace(viewer, permissions=viewer.permissions - {"projects:read"})

    monkeypatch.setattr(services.viewers, "load", demote)
    assert await context.refresh()
    assert await context.loaders.records(Project, ("id",), [project.id]) == {}
    await context.close()
