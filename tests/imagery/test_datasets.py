"""Data sets: created, changed, refused, frozen; what freezing promises afterwards."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from strawberry import relay

from schema.framework.context import Services
from server.worker import Worker
from tests.conftest import People, Save, Unchanged
from tests.factories import Fixture, a_project
from tests.factories.imagery import a_crawl, a_dataset, an_image
from tests.graphql_client import Client
from tests.imagery.stored_crawls import at_work, describe, picture, wait_for_end
from tests.onlooker import Onlooker

FIELDS = """id name description seed versionCount selectedImageCount
  selection { crawlJobIds onlyValid onlyAccepted labels licences formats minSide }
  splitFractions { train validation test }"""
CREATE = f"""mutation ($input: DatasetCreateInput!) {{ datasetCreate(input: $input) {{
  errors {{ code path message }} dataset {{ {FIELDS} project {{ id }} createdBy {{ id }} }} }} }}"""
UPDATE = f"""mutation ($id: ID!, $input: DatasetUpdateInput!) {{ datasetUpdate(id: $id, input: $input) {{
  errors {{ code path }} dataset {{ {FIELDS} }} }} }}"""
DELETE = "mutation ($id: ID!) { datasetDelete(id: $id) { errors { code path } deletedId } }"
VERSION = """id number note imageCount groupCount duplicateCount movedCount contentBytes digest
  deletedImageCount quarantinedImageCount seed splits {
    split imageCount groupCount unlabelledCount labels { label imageCount } }
  images(first: 100) { totalCount nodes { position split labels groupNumber hash image { id } caption } }"""
FREEZE = f"""mutation ($id: ID!, $input: DatasetFreezeInput) {{ datasetFreeze(id: $id, input: $input) {{
  errors {{ code path message }} datasetVersion {{ {VERSION} }} }} }}"""
LOOK = f"query ($id: ID!) {{ datasetVersion(id: $id) {{ {VERSION} }} }}"
DELETE_VERSION = "mutation ($id: ID!) { datasetVersionDelete(id: $id) { errors { code path } deletedId } }"
REVIEW = """mutation ($id: ID!, $input: ImageUpdateInput!) { imageUpdate(id: $id, input: $input) {
  errors { code } } }"""
DELETE_IMAGE = "mutation ($id: ID!) { imageDelete(id: $id) { errors { code path } } }"
DELETE_CRAWL = "mutation ($id: ID!) { crawlJobDelete(id: $id) { errors { code path } } }"
REMOVAL = """SELECT id FROM tenant.processing_jobs
  WHERE company_id = $1 AND task = 'RemoveUnusedPictures' ORDER BY id DESC"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(services: Services) -> AsyncIterator[Worker]:
    """A worker for the module."""
    async with at_work(services) as worker:
        yield worker


def images_of(crawl: Fixture, count: int, **values: Any) -> list[Fixture]:
    return [an_image(crawl, **values) for _ in range(count)]


async def freeze(client: Client, dataset: Fixture, **input: Any) -> dict[str, Any]:
    """A new version."""
    frozen = (await client(FREEZE, id=dataset.gid, input=input))["datasetFreeze"]
    assert frozen["errors"] == []
    version: dict[str, Any] = frozen["datasetVersion"]
    return version


async def test_a_data_set_is_created_with_its_selection_and_fractions(
    graphql: Client, save: Save, people: People
) -> None:
    project = a_project(people.user)
    crawl, other = a_crawl(project), a_crawl(a_project(people.user))
    await save(
        *images_of(crawl, 2, licence="CC0"),
        *images_of(crawl, 1, licence="CC0", width=50),
        *images_of(crawl, 1, licence="CC0", is_valid=False),
        *images_of(other, 3, licence="CC0"),
        *images_of(other, 1),
    )
    input = {
        "projectId": project.gid,
        "name": " Birds ",
        "description": "Of my garden",
        "selection": {"crawlJobIds": [crawl.gid, other.gid], "licences": ["CC0"], "minSide": 100},
        "splitFractions": {"train": 0.5, "validation": 0.25, "test": 0.25},
        "seed": 5,
    }

    made = (await graphql.of(people.user)(CREATE, input=input))["datasetCreate"]

    assert made["errors"] == []
    assert made["dataset"] == {
        "id": made["dataset"]["id"],
        "name": "Birds",
        "description": "Of my garden",
        "seed": 5,
        "versionCount": 0,
        "selectedImageCount": 5,
        "selection": {
            "crawlJobIds": [crawl.gid, other.gid],
            "onlyValid": True,
            "onlyAccepted": False,
            "labels": None,
            "licences": ["CC0"],
            "formats": None,
            "minSide": 100,
        },
        "splitFractions": {"train": 0.5, "validation": 0.25, "test": 0.25},
        "project": {"id": project.gid},
        "createdBy": {"id": people.user.gid},
    }


@pytest.mark.parametrize(
    ("input", "refusal"),
    [
        ({"name": " "}, ("INVALID", ("input", "name"))),
        ({"seed": -1}, ("INVALID", ("input", "seed"))),
        (
            {"splitFractions": {"train": 0.9, "validation": 0.2, "test": 0}},
            ("INVALID", ("input", "splitFractions")),
        ),
        (
            {"splitFractions": {"train": 1.5, "validation": -0.5, "test": 0}},
            ("INVALID", ("input", "splitFractions", "train")),
        ),
        ({"selection": {"minSide": 0}}, ("INVALID", ("input", "selection", "minSide"))),
        ({"selection": {"licences": []}}, ("INVALID", ("input", "selection", "licences"))),
        (
            {
                "selection": {
                    "crawlJobIds": [relay.to_base64("CrawlJob", "0198c0de-0000-7000-8000-000000000000")]
                }
            },
            ("NOT_FOUND", ("input", "selection", "crawlJobIds", "0")),
        ),
    ],
)
async def test_values_that_make_no_sense_are_refused_and_change_nothing(
    graphql: Client,
    save: Save,
    people: People,
    assert_unchanged: Unchanged,
    input: dict[str, Any],
    refusal: tuple[str, tuple[str, ...]],
) -> None:
    user, dataset = graphql.of(people.user), a_dataset(project := a_project(people.user))
    await save(dataset)

    async with assert_unchanged():
        created = await user.refusals(CREATE, input={"projectId": project.gid, "name": "Birds", **input})
        updated = await user.refusals(UPDATE, id=dataset.gid, input=input)

    assert created == updated == [refusal]


async def test_an_update_changes_the_next_version_only(graphql: Client, save: Save, people: People) -> None:
    user, dataset = graphql.of(people.user), a_dataset(project := a_project(people.user))
    crawl = a_crawl(project)
    await save(dataset, *images_of(crawl, 3), *images_of(crawl, 2, format="png"))
    first = await freeze(user, dataset)

    changes = {"name": "Owls", "selection": {"formats": ["png"]}, "seed": 9}
    updated = (await user(UPDATE, id=dataset.gid, input=changes))["datasetUpdate"]["dataset"]
    second = await freeze(user, dataset, note="Only PNG")

    assert (updated["name"], updated["selectedImageCount"], updated["versionCount"]) == ("Owls", 2, 1)
    assert (second["number"], second["imageCount"], second["note"]) == (2, 2, "Only PNG")
    assert (await user(LOOK, id=first["id"]))["datasetVersion"] == first


async def test_a_version_lists_each_content_once_and_keeps_near_duplicates_together(
    graphql: Client, save: Save, people: People
) -> None:
    project = a_project(people.user)
    crawl, other = a_crawl(project), a_crawl(project)
    dataset = a_dataset(project)
    pictures = images_of(crawl, 30)
    twins = [an_image(crawl, duplicate_group=pictures[0].id) for _ in range(3)]
    copies = [an_image(other, hash=image.hash) for image in pictures[:10]]
    await save(dataset, *pictures, *twins, *copies)

    version = await freeze(graphql.of(people.user), dataset)

    assert (version["imageCount"], version["duplicateCount"], version["groupCount"]) == (33, 10, 31)
    nodes = version["images"]["nodes"]
    assert [node["position"] for node in nodes] == list(range(1, 34))
    listed = {node["image"]["id"]: node for node in nodes}
    assert listed.keys() == {image.gid for image in (*pictures, *twins)}
    assert len({listed[twin.gid]["groupNumber"] for twin in twins}) == 1
    assert len({listed[twin.gid]["split"] for twin in twins}) == 1
    counted = Counter(node["split"] for node in nodes)
    assert {split["split"]: split["imageCount"] for split in version["splits"]} == dict(counted)
    assert [node["split"] for node in nodes] == sorted(
        (node["split"] for node in nodes), key=["TRAIN", "VALIDATION", "TEST"].index
    )


async def test_labels_and_verdicts_of_people_select_images_and_are_counted(
    graphql: Client, save: Save, people: People
) -> None:
    user, dataset = graphql.of(people.user), a_dataset(project := a_project(people.user))
    crawl, other = a_crawl(project), a_crawl(project)
    cat, dog, both, plain, rejected = images_of(crawl, 5)
    copy = an_image(other, hash=cat.hash)
    await save(dataset, cat, dog, both, plain, rejected, copy)
    for image, labels in ((cat, ["cat"]), (dog, ["dog"]), (both, ["cat", "dog"]), (copy, ["cat", "kitten"])):
        await user(REVIEW, id=image.gid, input={"labels": labels, "accepted": image is not dog or None})
    await user(REVIEW, id=rejected.gid, input={"labels": ["cat"], "accepted": False})

    every = await freeze(user, dataset)
    await user(UPDATE, id=dataset.gid, input={"selection": {"labels": ["cat"], "onlyAccepted": True}})
    cats = await freeze(user, dataset)

    found = {node["hash"]: node["labels"] for node in every["images"]["nodes"]}
    assert found == {
        cat.hash: ["cat", "kitten"],
        dog.hash: ["dog"],
        both.hash: ["cat", "dog"],
        plain.hash: [],
    }
    counted: Counter[str] = Counter()
    for split in every["splits"]:
        counted.update({label["label"]: label["imageCount"] for label in split["labels"]})
    assert counted == {"cat": 2, "dog": 2, "kitten": 1}
    assert sum(split["unlabelledCount"] for split in every["splits"]) == 1
    assert {node["hash"] for node in cats["images"]["nodes"]} == {cat.hash, both.hash}


async def test_freezing_twice_gives_the_same_digest_and_added_images_move_nothing(
    graphql: Client, save: Save, people: People
) -> None:
    user, dataset = graphql.of(people.user), a_dataset(project := a_project(people.user))
    crawl = a_crawl(project)
    await save(dataset, *images_of(crawl, 40))

    first, again = await freeze(user, dataset), await freeze(user, dataset)
    await save(*images_of(crawl, 40))
    larger = await freeze(user, dataset)

    assert first["digest"] == again["digest"] != larger["digest"]
    before = {node["hash"]: node["split"] for node in first["images"]["nodes"]}
    after = {node["hash"]: node["split"] for node in larger["images"]["nodes"]}
    assert {hash: after[hash] for hash in before} == before
    assert (larger["number"], larger["imageCount"], larger["movedCount"]) == (3, 80, 0)


async def test_a_key_freezes_once(graphql: Client, save: Save, people: People) -> None:
    user, dataset = graphql.of(people.user), a_dataset(project := a_project(people.user))
    await save(dataset, *images_of(a_crawl(project), 2))

    first = await freeze(user, dataset, idempotencyKey="1")
    again = await freeze(user, dataset, idempotencyKey="1")

    assert (first["id"], first["number"]) == (again["id"], 1)


async def test_a_data_set_without_a_stored_image_is_not_frozen(
    graphql: Client, save: Save, people: People, assert_unchanged: Unchanged
) -> None:
    dataset = a_dataset(project := a_project(people.user))
    crawl = a_crawl(project)
    await save(dataset, an_image(crawl, storage_url=None), an_image(crawl, quarantined=True))

    async with assert_unchanged():
        refused = await graphql.of(people.user).refusals(FREEZE, id=dataset.gid)

    assert refused == [("CONFLICT", ("id",))]


async def test_deleted_and_quarantined_images_stay_in_a_version_that_says_so(
    graphql: Client,
    services: Services,
    save: Save,
    people: People,
    worker: Worker,
    onlooker: Onlooker,
) -> None:
    user, manager = graphql.of(people.user), graphql.of(people.manager)
    crawl, dataset = a_crawl(project := a_project(people.user)), a_dataset(project)
    contents = [picture(seed, (32, 32)) for seed in range(3)]
    keys = [f"{people.user.company.id}/images/{n:02x}/{n:064x}.jpg" for n in range(3)]
    for key, content in zip(keys, contents, strict=True):
        await services.store.put(key, content)
    stored = [
        an_image(crawl, storage_url=key, hash=f"{n:064x}", **describe(content))
        for n, (key, content) in enumerate(zip(keys, contents, strict=True))
    ]
    await save(dataset, *stored)
    version = await freeze(user, dataset)

    await manager(DELETE_IMAGE, id=stored[0].gid)
    await onlooker.execute("UPDATE tenant.images SET quarantined = true WHERE id = $1", stored[1].id)
    seen = (await user(LOOK, id=version["id"]))["datasetVersion"]
    await manager(DELETE_CRAWL, id=crawl.gid)
    await removal_ended(graphql.of(people.admin), onlooker, people)
    left = (await user(LOOK, id=version["id"]))["datasetVersion"]

    assert (seen["deletedImageCount"], seen["quarantinedImageCount"]) == (1, 1)
    assert (left["deletedImageCount"], left["quarantinedImageCount"]) == (3, 0)
    for now in (seen, left):
        assert (now["digest"], now["imageCount"], now["splits"]) == (
            version["digest"],
            version["imageCount"],
            version["splits"],
        )
        assert [node["hash"] for node in now["images"]["nodes"]] == [
            node["hash"] for node in version["images"]["nodes"]
        ]
    assert [(await services.store.head(key)).size for key in keys] == list(map(len, contents))

    deleted = (await manager(DELETE_VERSION, id=version["id"]))["datasetVersionDelete"]
    await removal_ended(graphql.of(people.admin), onlooker, people)

    assert deleted == {"errors": [], "deletedId": version["id"]}
    assert [found.key async for found in services.store.list(f"{people.user.company.id}/images")] == []


async def removal_ended(admin: Client, onlooker: Onlooker, people: People) -> None:
    """Wait until unused files are removed."""
    latest, *_ = await onlooker.fetch(REMOVAL, people.user.company.id)
    ended = await wait_for_end(
        admin,
        "query ($id: ID!) { processingJob(id: $id) { phase } }",
        relay.to_base64("ProcessingJob", str(latest["id"])),
    )
    assert ended["phase"] == "SUCCEEDED"


async def test_deleting_a_data_set_deletes_its_versions_and_no_image(
    graphql: Client, save: Save, people: People, onlooker: Onlooker
) -> None:
    dataset = a_dataset(project := a_project(people.user))
    await save(dataset, *(images := images_of(a_crawl(project), 2)))
    await freeze(graphql.of(people.user), dataset)

    deleted = await graphql.of(people.manager)(DELETE, id=dataset.gid)

    assert deleted["datasetDelete"] == {"errors": [], "deletedId": dataset.gid}
    (left,) = await onlooker.fetch(
        """SELECT (SELECT count(*) FROM tenant.dataset_images WHERE company_id = $1) AS listed,
             (SELECT count(*) FROM tenant.dataset_versions WHERE company_id = $1) AS versions,
             (SELECT count(*) FROM tenant.images WHERE company_id = $1) AS images""",
        people.user.company.id,
    )
    assert tuple(left) == (0, 0, len(images))


async def test_cost_does_not_grow_with_the_data(graphql: Client, save: Save, people: People) -> None:
    user = graphql.of(people.user)
    document = """{ projects(first: 4) { nodes { datasets(first: 2) { nodes {
      selectedImageCount project { id } versions(first: 2) { nodes {
        deletedImageCount dataset { id } exportJobs(first: 2) { nodes { id } }
        images(first: 3) { nodes { image { id datasetImages(first: 2) { nodes { version { id } } } } } }
      } } } } } } }"""
    await grow(user, save, people, 1)
    await user(document)
    await user(document)
    cost = len(user.statements)

    await grow(user, save, people, 3)
    await user(document)

    assert len(user.statements) == cost


async def grow(user: Client, save: Save, people: People, count: int) -> None:
    for _ in range(count):
        dataset = a_dataset(project := a_project(people.user))
        await save(dataset, *images_of(a_crawl(project), 3))
        await freeze(user, dataset)
        await freeze(user, dataset)
