"""Exports and validations that are refused, and change nothing. No worker runs beside."""

from typing import Any

import pytest

from db.models import JobStatus, ProjectStatus
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_project
from tests.factories.imagery import a_crawl, an_image
from tests.graphql_client import Client, Refusal
from tests.imagery.stored_crawls import a_done_crawl

EXPORT = (
    """mutation ($input: ExportJobCreateInput!) { exportJobCreate(input: $input) { errors { code path } } }"""
)
VALIDATE = """mutation ($input: ValidationJobCreateInput!) {
  validationJobCreate(input: $input) { errors { code path } } }"""

WRONG_EXPORTS: list[tuple[dict[str, Any], Refusal]] = [
    ({"name": " "}, ("INVALID", ("input", "name"))),
    ({"name": "a" * 101}, ("INVALID", ("input", "name"))),
    ({"options": {"delimiter": ";"}}, ("INVALID", ("input", "options", "delimiter"))),
    ({"options": {"shardSize": 10}}, ("INVALID", ("input", "options", "shardSize"))),
    ({"format": "TAR", "options": {"compress": True}}, ("INVALID", ("input", "options", "compress"))),
    (
        {"format": "PARQUET", "options": {"includeMetadata": False}},
        ("INVALID", ("input", "options", "includeMetadata")),
    ),
    ({"format": "CSV", "options": {"delimiter": "ab"}}, ("INVALID", ("input", "options", "delimiter"))),
    ({"format": "PARQUET", "options": {"shardSize": 0}}, ("INVALID", ("input", "options", "shardSize"))),
    ({"format": "RAR"}, ("BAD_USER_INPUT", ("input", "format"))),
    ({"options": {"colour": "red"}}, ("BAD_USER_INPUT", ("input", "options"))),
]

WRONG_VALIDATIONS: list[tuple[dict[str, Any], Refusal]] = [
    ({"name": " "}, ("INVALID", ("input", "name"))),
    ({"name": "a" * 101}, ("INVALID", ("input", "name"))),
    ({"rules": {"minWidth": 0}}, ("INVALID", ("input", "rules", "minWidth"))),
    ({"rules": {"minHeight": 100_001}}, ("INVALID", ("input", "rules", "minHeight"))),
    ({"rules": {"maxSizeMb": 0}}, ("INVALID", ("input", "rules", "maxSizeMb"))),
    ({"rules": {"minBytes": 0}}, ("INVALID", ("input", "rules", "minBytes"))),
    ({"rules": {"minBytes": 2_000_000, "maxSizeMb": 1}}, ("INVALID", ("input", "rules", "minBytes"))),
    ({"rules": {"formats": []}}, ("INVALID", ("input", "rules", "formats"))),
    ({"rules": {"formats": ["png", "exe"]}}, ("INVALID", ("input", "rules", "formats", "1"))),
    ({"rules": {"duplicateDistance": 3}}, ("INVALID", ("input", "rules", "duplicateDistance"))),
    (
        {"rules": {"duplicates": "REPORT", "duplicateDistance": 17}},
        ("INVALID", ("input", "rules", "duplicateDistance")),
    ),
    ({"rules": {"minSharpness": -1}}, ("INVALID", ("input", "rules", "minSharpness"))),
    ({"rules": {"minwidth": 1}}, ("BAD_USER_INPUT", ("input", "rules"))),
    ({"rules": {"preset": "HARSH"}}, ("BAD_USER_INPUT", ("input", "rules", "preset"))),
]


@pytest.fixture
def crawl(people: People) -> Fixture:
    """A crawl that has ended."""
    return a_done_crawl(people.user)


@pytest.mark.parametrize(("wrong", "refusal"), WRONG_EXPORTS)
async def test_exports_that_make_no_sense_are_refused(
    graphql: Client,
    save: Save,
    assert_unchanged: Unchanged,
    people: People,
    crawl: Fixture,
    wrong: Any,
    refusal: Refusal,
) -> None:
    await save(an_image(crawl))

    async with assert_unchanged():
        refused = await graphql.of(people.user).refusals(
            EXPORT, input={"crawlJobId": crawl.gid, "name": "Birds", **wrong}
        )

    assert refused == [refusal]


async def test_nothing_and_what_is_under_way_is_not_exported(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    running = a_crawl(a_project(people.user), status=JobStatus.RUNNING)
    empty, refused = a_done_crawl(people.user), a_done_crawl(people.user)
    await save(an_image(running), an_image(empty, storage_url=None), an_image(refused, is_valid=False))
    path = ("input", "crawlJobId")

    async with assert_unchanged():
        for crawl in (running, empty, refused):
            arguments = {"crawlJobId": crawl.gid, "name": "Birds"}
            assert await graphql.of(people.user).refusals(EXPORT, input=arguments) == [("CONFLICT", path)]
        arguments |= {"name": "Owls"}
        assert await graphql.of(people.viewer).refusals(EXPORT, input=arguments) == [("FORBIDDEN", ())]
        assert await graphql.of(people.stranger).refusals(EXPORT, input=arguments) == [("NOT_FOUND", path)]


@pytest.mark.parametrize(("wrong", "refusal"), WRONG_VALIDATIONS)
async def test_validations_that_make_no_sense_are_refused(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People, wrong: Any, refusal: Refusal
) -> None:
    crawl = a_done_crawl(people.user)
    await save(an_image(crawl))

    async with assert_unchanged():
        refused = await graphql.of(people.user).refusals(
            VALIDATE, input={"crawlJobId": crawl.gid, "name": "Check", **wrong}
        )

    assert refused == [refusal]


async def test_only_crawls_that_have_ended_and_found_images_are_checked(
    graphql: Client, save: Save, assert_unchanged: Unchanged, people: People
) -> None:
    running = a_crawl(a_project(people.user), status=JobStatus.RUNNING)
    archived = a_crawl(a_project(people.user, status=ProjectStatus.ARCHIVED))
    empty = a_done_crawl(people.user)
    await save(an_image(running), an_image(archived), empty)
    path = ("input", "crawlJobId")

    async with assert_unchanged():
        for crawl in (running, archived, empty):
            arguments = {"crawlJobId": crawl.gid, "name": "Check"}
            assert await graphql.of(people.user).refusals(VALIDATE, input=arguments) == [("CONFLICT", path)]
        arguments = {"crawlJobId": empty.gid, "name": "Check"}
        assert await graphql.of(people.viewer).refusals(VALIDATE, input=arguments) == [("FORBIDDEN", ())]
        assert await graphql.of(people.stranger).refusals(VALIDATE, input=arguments) == [("NOT_FOUND", path)]
