"""Review of images: labels with their sources, verdicts and notes, one by one and by a filter."""

from typing import Any

import pytest
from sqlalchemy import insert

from db.models import ImageLabel, JobStatus, LabelSource, ReviewState
from resolvers.imagery import image_labels, image_review
from schema.framework.context import Services
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_project
from tests.factories.imagery import a_crawl, an_image
from tests.graphql_client import Client

FIELDS = "caption keyword source accepted note labels { name source }"
IMAGE = f"query ($id: ID!) {{ image(id: $id) {{ {FIELDS} }} }}"
UPDATE = f"""mutation ($id: ID!, $input: ImageUpdateInput!) {{ imageUpdate(id: $id, input: $input) {{
  errors {{ code path }} image {{ {FIELDS} }} }} }}"""
UPDATE_ALL = """mutation ($filter: ImageFilter!, $input: ImagesUpdateInput!) {
  imagesUpdate(filter: $filter, input: $input) { errors { code path } updatedCount } }"""
ALL = """mutation ($filter: ImageFilter!) { result: images%s(filter: $filter) {
  errors { code path } count: %sCount } }"""
QUARANTINE, RESTORE = ALL % ("Quarantine", "quarantined"), ALL % ("Restore", "restored")
EMPTY = "mutation ($id: ID!) { quarantineEmpty(crawlJobId: $id) { errors { code path } deletedCount } }"
LIST_AWAY = """query ($filter: ImageFilter) { images(filter: $filter) { nodes { id quarantineReason } } }"""
LABEL_ALL = """mutation ($filter: ImageFilter!, $input: ImagesLabelInput!) {
  imagesLabel(filter: $filter, input: $input) { errors { code path } labeledCount } }"""
LIST = "query ($filter: ImageFilter) { images(filter: $filter) { totalCount nodes { id } } }"
STATES = ReviewState.ACCEPTED, ReviewState.REJECTED, ReviewState.PENDING
LABELS = "{ images(first: 100) { nodes { labels { name } } } }"


def names(image: Any) -> list[str]:
    """The names of an image's labels."""
    return [label["name"] for label in image["labels"]]


async def give_label(services: Services, image: Fixture, name: str, source: LabelSource) -> None:
    """Label an image as a crawl or a rule does."""
    values = {"image_id": image.id, "crawl_job_id": image.crawl_job_id, "name": name, "source": source}
    async with services.database.tenant(image.company.id) as uow:
        await uow.execute(insert(ImageLabel).values(values))


async def test_a_person_sets_caption_labels_verdict_and_note(
    graphql: Client, save: Save, services: Services, people: People
) -> None:
    image = an_image(a_crawl(a_project(people.user)), keyword="cat", source="site", caption="A cat")
    await save(image)
    await give_label(services, image, "cat", LabelSource.KEYWORD)
    await give_label(services, image, "pets", LabelSource.FOLDER)
    user = graphql.of(people.user)
    assert (await user(IMAGE, id=image.gid))["image"] == {
        "caption": "A cat",
        "keyword": "cat",
        "source": "SITE",
        "accepted": None,
        "note": None,
        "labels": [{"name": "cat", "source": "KEYWORD"}, {"name": "pets", "source": "FOLDER"}],
    }

    changes = {"caption": " A tabby ", "labels": ["tabby", " cat "], "accepted": True, "note": "sharp"}
    updated = (await user(UPDATE, id=image.gid, input=changes))["imageUpdate"]

    assert updated["errors"] == []
    assert updated["image"] == (await user(IMAGE, id=image.gid))["image"]
    assert updated["image"] == {
        "caption": "A tabby",
        "keyword": "cat",
        "source": "SITE",
        "accepted": True,
        "note": "sharp",
        "labels": [{"name": "cat", "source": "KEYWORD"}, {"name": "tabby", "source": "PERSON"}],
    }
    cleared: dict[str, Any] = {"caption": None, "labels": [], "accepted": None, "note": " "}
    image_now = (await user(UPDATE, id=image.gid, input=cleared))["imageUpdate"]["image"]
    assert (image_now["caption"], image_now["accepted"], image_now["note"], names(image_now)) == (
        *(None, None, None),
        [],
    )


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"labels": ["cat", "Cat"]}, ("input", "labels", "1")),
        ({"labels": ["cat", " "]}, ("input", "labels", "1")),
        ({"labels": ["x" * 101]}, ("input", "labels", "0")),
        ({"labels": [f"label {number}" for number in range(51)]}, ("input", "labels")),
        ({"note": "x" * 2001}, ("input", "note")),
        ({"caption": "x" * 2001, "accepted": True}, ("input", "caption")),
    ],
)
async def test_a_review_that_makes_no_sense_changes_nothing(
    graphql: Client,
    save: Save,
    people: People,
    assert_unchanged: Unchanged,
    changes: dict[str, Any],
    path: tuple[str, ...],
) -> None:
    image = an_image(a_crawl(a_project(people.user)))
    await save(image)

    async with assert_unchanged():
        refused = await graphql.of(people.user).refusals(UPDATE, id=image.gid, input=changes)

    assert refused == [("INVALID", path)]


async def test_images_are_listed_by_label_verdict_and_state(
    graphql: Client, save: Save, services: Services, people: People
) -> None:
    crawl = a_crawl(a_project(people.user))
    good, bad, new = (an_image(crawl, review=review) for review in STATES)
    away = an_image(crawl, quarantined=True)
    await save(good, bad, new, away)
    await give_label(services, good, "cat", LabelSource.PERSON)
    await give_label(services, good, "tabby", LabelSource.PERSON)
    await give_label(services, new, "cat", LabelSource.KEYWORD)

    async def found(**filter: Any) -> list[str]:
        answer = (await graphql.of(people.viewer)(LIST, filter=filter))["images"]
        assert answer["totalCount"] == len(answer["nodes"])
        return [node["id"] for node in answer["nodes"]]

    assert await found(label="cat") == [good.gid, new.gid]
    assert await found(label="cat", review="ACCEPTED") == [good.gid]
    assert await found(label="Cat") == []
    assert await found(review="REJECTED") == [bad.gid]
    assert await found(review="PENDING") == [new.gid]
    assert await found(state="QUARANTINED") == [away.gid]
    assert await found(state="ACTIVE", crawlJobId=crawl.gid) == [good.gid, bad.gid, new.gid]


async def test_labels_cost_one_statement_for_any_number_of_images(
    graphql: Client, save: Save, services: Services, people: People
) -> None:
    crawl, user = a_crawl(a_project(people.user)), graphql.of(people.user)
    images = [an_image(crawl) for _ in range(3)]
    await save(*images)
    await give_label(services, images[0], "cat", LabelSource.PERSON)
    await user(LABELS)
    cost = len(graphql.statements)

    await save(*(an_image(crawl) for _ in range(20)))
    answer = await user(LABELS)

    assert len(graphql.statements) == cost == 2
    assert [names(image) for image in answer["images"]["nodes"]] == [["cat"]] + [[]] * 22


async def test_all_images_of_a_filter_are_updated_and_counted(
    graphql: Client, save: Save, services: Services, people: People
) -> None:
    crawl, other = a_crawl(a_project(people.user)), a_crawl(a_project(people.user))
    first, second, elsewhere = an_image(crawl), an_image(crawl), an_image(other)
    await save(first, second, elsewhere)
    await give_label(services, first, "cat", LabelSource.KEYWORD)
    user = graphql.of(people.user)

    changes = {"addLabels": ["pet", "cat"], "accepted": False, "note": "dull"}
    answer = await user(UPDATE_ALL, filter={"crawlJobId": crawl.gid}, input=changes)

    assert answer["imagesUpdate"] == {"errors": [], "updatedCount": 2}
    images = [(await user(IMAGE, id=image.gid))["image"] for image in (first, second, elsewhere)]
    assert [names(image) for image in images] == [["cat", "pet"], ["cat", "pet"], []]
    assert [label["source"] for label in images[0]["labels"]] == ["KEYWORD", "PERSON"]
    assert [image["accepted"] for image in images] == [False, False, None]
    assert [image["note"] for image in images] == ["dull", "dull", None]

    answer = await user(UPDATE_ALL, filter={"label": "pet"}, input={"removeLabels": ["pet", "dog"]})
    assert answer["imagesUpdate"]["updatedCount"] == 2
    assert names((await user(IMAGE, id=first.gid))["image"]) == ["cat"]


async def test_bulk_updates_are_bounded_and_say_so(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    crawl = a_crawl(a_project(people.user))
    image = an_image(crawl)
    await save(image, an_image(crawl), an_image(crawl))
    user, filter = graphql.of(people.user), {"crawlJobId": crawl.gid}
    many = [f"label {number}" for number in range(50)]
    await user(UPDATE, id=image.gid, input={"labels": ["cat"]})
    monkeypatch.setattr(image_review, "MAX_IMAGES", 3)

    async with assert_unchanged():
        for changes, refusal in (
            ({}, ("INVALID", ("input",))),
            ({"addLabels": many}, ("CONFLICT", ("input",))),
            ({"addLabels": ["cat"], "removeLabels": ["Cat"]}, ("INVALID", ("input", "removeLabels"))),
        ):
            assert await user.refusals(UPDATE_ALL, filter=filter, input=changes) == [refusal]
        nothing = {**filter, "label": "dog"}
        refused = await user.refusals(UPDATE_ALL, filter=nothing, input={"accepted": True})
        assert refused == [("NOT_FOUND", ("filter",))]
        assert await graphql.of(people.viewer).refusals(
            UPDATE_ALL, filter=filter, input={"accepted": True}
        ) == [("FORBIDDEN", ())]
        monkeypatch.setattr(image_review, "MAX_IMAGES", 2)
        refused = await user.refusals(UPDATE_ALL, filter=filter, input={"accepted": True})
        assert refused == [("INVALID", ("filter",))]


async def test_rules_label_images_by_keyword_folder_and_caption(
    graphql: Client, save: Save, people: People
) -> None:
    crawl = a_crawl(a_project(people.user))
    place = "https://pictures.example/sets/"
    tabby = an_image(crawl, keyword="cats", caption="A Tabby asleep", original_url=f"{place}my%20cats/1.jpg")
    lone = an_image(crawl, caption="nothing", original_url="https://pictures.example/2.jpg")
    await save(tabby, lone)
    user, filter = graphql.of(people.user), {"crawlJobId": crawl.gid}

    counts = [
        (await user(LABEL_ALL, filter=filter, input=rule))["imagesLabel"]["labeledCount"]
        for rule in (
            {"source": "KEYWORD"},
            {"source": "FOLDER"},
            {"source": "CAPTION", "contains": "tabby", "label": "tabby cat"},
            {"source": "FOLDER", "contains": "dogs"},
        )
    ]

    assert counts == [1, 1, 1, 0]
    assert (await user(IMAGE, id=tabby.gid))["image"]["labels"] == [
        {"name": "cats", "source": "KEYWORD"},
        {"name": "my cats", "source": "FOLDER"},
        {"name": "tabby cat", "source": "CAPTION"},
    ]
    assert names((await user(IMAGE, id=lone.gid))["image"]) == []
    for rule, path in (
        ({"source": "PERSON"}, ("input", "source")),
        ({"source": "CAPTION", "label": "x"}, ("input", "contains")),
        ({"source": "CAPTION", "contains": "x"}, ("input", "label")),
    ):
        assert await user.refusals(LABEL_ALL, filter=filter, input=rule) == [("INVALID", path)]


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("https://a.example/b/c%2Fd/e.jpg?f=g/h.jpg", "d"),
        ("https://a.example/e.jpg", None),
        ("https://a.example", None),
        ("s3://bucket/cats/1.png", "cats"),
    ],
)
def test_the_folder_is_the_last_of_the_path(url: str, folder: str | None) -> None:
    assert image_labels.folder_of(url) == folder


async def test_people_set_images_aside_and_restore_them_by_filter(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    crawl = a_crawl(a_project(people.user), total_images=2, downloaded_images=2, valid_images=2)
    good, bad = an_image(crawl, is_valid=True), an_image(crawl, is_valid=True, review=ReviewState.REJECTED)
    await save(good, bad)
    user, filter = graphql.of(people.user), {"crawlJobId": crawl.gid}

    async def found() -> list[str]:
        return [node["id"] for node in (await user(LIST, filter=filter))["images"]["nodes"]]

    answer = await user(QUARANTINE, filter={**filter, "review": "REJECTED"})

    assert answer["result"] == {"errors": [], "count": 1}
    (image,) = (await user(LIST_AWAY, filter={**filter, "state": "QUARANTINED"}))["images"]["nodes"]
    assert (image["id"], image["quarantineReason"]) == (bad.gid, "person")
    assert await found() == [good.gid]
    async with assert_unchanged():
        assert await user.refusals(QUARANTINE, filter={**filter, "review": "REJECTED"}) == [
            ("NOT_FOUND", ("filter",))
        ]
        assert await graphql.of(people.viewer).refusals(RESTORE, filter=filter) == [("FORBIDDEN", ())]
    assert (await user(RESTORE, filter=filter))["result"] == {"errors": [], "count": 1}
    assert await found() == [good.gid, bad.gid]


async def test_a_quarantine_is_not_emptied_while_its_crawl_runs(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    crawl = a_crawl(a_project(people.user), status=JobStatus.RUNNING)
    await save(an_image(crawl, quarantined=True))

    async with assert_unchanged():
        refused = await graphql.of(people.admin).refusals(EMPTY, id=crawl.gid)

    assert refused == [("CONFLICT", ("crawlJobId",))]
