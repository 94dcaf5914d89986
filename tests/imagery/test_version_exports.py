"""Exports of data set versions: every format is loaded back with labels and splits, and is the same twice."""

import asyncio
import hashlib
import io
import json
import os
import sys
import tarfile
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image as Pixels

from db.models import ExportFormat
from schema.framework.context import Services
from server.worker import Worker
from tests.conftest import People, Save
from tests.factories import Fixture
from tests.factories.imagery import a_dataset
from tests.graphql_client import Client
from tests.imagery.stored_crawls import (
    a_done_crawl,
    at_work,
    download_client,
    picture,
    store_images,
    wait_for_end,
)

EXPORT = """mutation ($id: ID!, $input: DatasetVersionExportInput!) {
  datasetVersionExport(id: $id, input: $input) { errors { code path message } exportJob { id } } }"""
JOB = """query ($id: ID!) { exportJob(id: $id) {
  phase errorMessage totalImages exportedImages fileSize downloadUrl
  datasetVersion { id } crawlJob { id } files { name imageCount downloadUrl }
  exportOptions { unlabelled multiLabel resize { longestSide mode format quality } } } }"""
FREEZE = """mutation ($id: ID!) { datasetFreeze(id: $id) { errors { code } datasetVersion { id
  images(first: 100) { nodes { hash split image { id } } } } } }"""
CREATE_DATASET = """mutation ($input: DatasetCreateInput!) { datasetCreate(input: $input) {
  errors { code message } dataset { id } } }"""
DELETE_IMAGE = "mutation ($id: ID!) { imageDelete(id: $id) { errors { code } } }"
LABEL = """mutation ($id: ID!, $input: ImageUpdateInput!) { imageUpdate(id: $id, input: $input) {
  errors { code } } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(services: Services) -> AsyncIterator[Worker]:
    """A worker for the module."""
    async with at_work(services, queue_slots={"imagery": 4}) as worker:
        yield worker


@pytest_asyncio.fixture
async def api(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever follows links to files."""
    async with download_client(services) as client:
        yield client


class Frozen:
    """A version of pictures, with the truth about each: digest of the file, split and labels."""

    def __init__(self, id: str, truth: list[tuple[str, str, list[str]]]) -> None:
        self.id, self.truth = id, sorted(truth)


async def freeze(
    graphql: Client,
    services: Services,
    save: Save,
    user: Fixture,
    labels: list[list[str]],
    size: tuple[int, int] = (40, 30),
) -> Frozen:
    """A version of as many pictures as there are lists of labels."""
    crawl = a_done_crawl(user)
    contents = [picture(seed, size) for seed in range(len(labels))]
    images = await store_images(services, crawl, contents, licence="CC0", caption="A wren")
    for image, names in zip(images, labels, strict=True):
        await graphql.of(user)(LABEL, id=image.gid, input={"labels": names})
    dataset = a_dataset(
        crawl.parents[0], name="Birds", split_fractions={"train": 0.5, "validation": 0.25, "test": 0.25}
    )
    await save(dataset)
    version = (await graphql.of(user)(FREEZE, id=dataset.gid))["datasetFreeze"]["datasetVersion"]
    splits = {node["hash"]: node["split"].lower() for node in version["images"]["nodes"]}
    truth = []
    for content, names in zip(contents, labels, strict=True):
        hash = hashlib.sha256(content).hexdigest()
        truth.append((hash, splits[hash], names))
    return Frozen(version["id"], truth)


async def export(
    client: Client, api: httpx.AsyncClient, version: Frozen, format: str, **options: Any
) -> tuple[dict[str, Any], bytes]:
    """The job of an export that went well, and its package."""
    input = {"name": "Birds", "format": format, "options": options}
    made = (await client(EXPORT, id=version.id, input=input))["datasetVersionExport"]["exportJob"]
    job = await wait_for_end(client, JOB, made["id"])
    assert (job["phase"], job["errorMessage"]) == ("SUCCEEDED", None)
    answer = await api.get(job["downloadUrl"])
    assert int(answer.headers["Content-Length"]) == len(answer.content) == job["fileSize"]
    return job, answer.content


def unpack(content: bytes, format: str, folder: Path) -> None:
    """Unpack a package as a person would; tables have their usual name."""
    folder.mkdir()
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            assert zipped.testzip() is None
            zipped.extractall(folder)
    elif format in ("CSV", "JSON", "JSONL"):
        (folder / f"images.{format.lower()}").write_bytes(content)
    else:
        with tarfile.open(fileobj=io.BytesIO(content)) as opened:
            opened.extractall(folder, filter="data")


async def load(folders: dict[str, Path], home: Path) -> dict[str, list[tuple[str, str, list[str]]]]:
    """What the loaders find, in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.imagery.version_loaders",
        *(f"{name}={folder}" for name, folder in folders.items()),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "HF_HOME": str(home / "hub")},
    )
    received, _ = await asyncio.wait_for(process.communicate(), 240)
    assert process.returncode == 0
    return {name: sorted(map(tuple, rows)) for name, rows in json.loads(received).items()}


async def test_every_format_is_loaded_back_with_labels_and_splits_and_is_the_same_twice(
    graphql: Client,
    services: Services,
    save: Save,
    people: People,
    worker: Worker,
    api: httpx.AsyncClient,
    tmp_path: Path,
) -> None:
    user = graphql.of(people.user)
    single = await freeze(
        graphql, services, save, people.user, [["cat"] if n % 3 else ["dog"] for n in range(24)]
    )
    folders = {}
    for format in ExportFormat:
        options = {"shardSize": 5} if format in (ExportFormat.PARQUET, ExportFormat.WEBDATASET) else {}
        (job, first), (_, second) = await asyncio.gather(
            *(export(user, api, single, format.name, **options) for _ in range(2))
        )
        assert first == second, format
        assert (job["exportedImages"], job["datasetVersion"], job["crawlJob"]) == (
            24,
            {"id": single.id},
            None,
        )
        folders[format.name] = tmp_path / format.name
        unpack(first, format.name, folders[format.name])

    found = await load(folders, tmp_path)

    assert found == {format.name: single.truth for format in ExportFormat}
    for name in ("ZIP", "PARQUET", "IMAGEFOLDER", "WEBDATASET", "COCO", "CLASS_FOLDERS", "YOLO"):
        card = (folders[name] / "README.md").read_text()
        assert "| cat | 16 |\n| dog | 8 |" in card
        assert "| CC0 | 24 |" in card
        assert "| pictures.example | 24 |" in card


async def test_images_with_no_label_and_with_several_are_loaded_back(
    graphql: Client,
    services: Services,
    save: Save,
    people: People,
    worker: Worker,
    api: httpx.AsyncClient,
    tmp_path: Path,
) -> None:
    user = graphql.of(people.user)
    kinds: list[list[str]] = [[], ["cat"], ["cat", "dog/wolf"], []]
    mixed = await freeze(graphql, services, save, people.user, [kinds[n % 4] for n in range(24)])
    folders: dict[str, Path] = {}
    for name in ("ZIP", "CSV", "JSONL", "IMAGEFOLDER", "PARQUET", "WEBDATASET", "COCO"):
        _, content = await export(user, api, mixed, name)
        unpack(content, name, folders.setdefault(name, tmp_path / name))
    actions = {
        "EACH": {"multiLabel": "EACH"},
        "FIRST": {"multiLabel": "FIRST"},
        "OMIT": {"multiLabel": "OMIT"},
    }
    for name, options in actions.items():
        _, content = await export(user, api, mixed, "YOLO", unlabelled="OMIT", **options)
        unpack(content, "YOLO", folders.setdefault(f"YOLO:{name}", tmp_path / name))
    _, content = await export(user, api, mixed, "YOLO", unlabelled="CLASS", multiLabel="FIRST")
    unpack(content, "YOLO", folders.setdefault("YOLO:CLASS", tmp_path / "CLASS"))

    found = await load(folders, tmp_path)

    truth, escaped = mixed.truth, {"cat": "cat", "dog/wolf": "dog%2Fwolf"}
    for name in ("ZIP", "CSV", "JSONL", "IMAGEFOLDER", "PARQUET", "WEBDATASET", "COCO"):
        assert found[name] == truth, name
    each = [(hash, split, [escaped[name]]) for hash, split, labels in truth for name in labels]
    assert found["YOLO:EACH"] == sorted(each)
    first = [(hash, split, labels[:1]) for hash, split, labels in truth if labels]
    assert found["YOLO:FIRST"] == first
    assert found["YOLO:OMIT"] == [row for row in truth if len(row[2]) == 1]
    unlabelled = [(hash, split, ["unlabelled"]) for hash, split, labels in truth if not labels]
    assert found["YOLO:CLASS"] == sorted([*first, *unlabelled])
    assert "images of the version are left out" in (tmp_path / "OMIT" / "README.md").read_text()
    assert json.loads((tmp_path / "EACH" / "classes.json").read_text()) == {
        folder: label for label, folder in escaped.items()
    }


async def test_a_format_with_classes_asks_what_it_cannot_know(
    graphql: Client,
    services: Services,
    save: Save,
    people: People,
) -> None:
    user = graphql.of(people.user)
    mixed = await freeze(graphql, services, save, people.user, [[], ["a", "b"], ["a"], []])
    plain = await freeze(graphql, services, save, people.user, [[], []], (50, 40))

    async def refusals(version: Frozen, format: str = "YOLO", **options: Any) -> Any:
        input = {"name": "Birds", "format": format, "options": options}
        answer = await user.send(EXPORT, id=version.id, input=input)
        assert answer.data is not None
        errors = answer.data["datasetVersionExport"]["errors"]
        return [(error["code"], error["path"][1:], error["message"]) for error in errors]

    assert await refusals(mixed) == [
        (
            "INVALID",
            ["options", "unlabelled"],
            "2 images have no label. Choose what happens to them: OMIT or CLASS.",
        )
    ]
    assert await refusals(mixed, unlabelled="OMIT") == [
        (
            "INVALID",
            ["options", "multiLabel"],
            "1 images have several labels. Choose one of OMIT, FIRST and EACH.",
        )
    ]
    assert [error[:2] for error in await refusals(plain)] == [("INVALID", ["format"])]
    assert [error[:2] for error in await refusals(plain, unlabelled="OMIT")] == [("CONFLICT", ["options"])]
    assert [error[:2] for error in await refusals(mixed, "ZIP", onlyValid=True)] == [
        ("INVALID", ["options", "onlyValid"])
    ]
    assert [error[:2] for error in await refusals(mixed, "ZIP", resize={"longestSide": 5})] == [
        ("INVALID", ["options", "resize", "longestSide"])
    ]


@pytest.mark.parametrize(
    ("resize", "size", "format"),
    [
        ({"longestSide": 100}, (100, 75), "JPEG"),
        ({"longestSide": 1000, "format": "PNG"}, (400, 300), "PNG"),
        ({"longestSide": 64, "mode": "CROP", "format": "WEBP", "quality": 50}, (64, 64), "WEBP"),
    ],
)
async def test_images_are_resized_and_described_as_they_are_packed(
    graphql: Client,
    services: Services,
    save: Save,
    people: People,
    worker: Worker,
    api: httpx.AsyncClient,
    resize: dict[str, Any],
    size: tuple[int, int],
    format: str,
) -> None:
    user = graphql.of(people.user)
    version = await freeze(graphql, services, save, people.user, [["a"], ["b"], ["a"]], (400, 300))

    job, first = await export(user, api, version, "ZIP", resize=resize)
    _, second = await export(user, api, version, "ZIP", resize=resize)

    assert first == second
    assert job["exportOptions"]["resize"]["longestSide"] == resize["longestSide"]
    with zipfile.ZipFile(io.BytesIO(first)) as zipped:
        listed = json.loads(zipped.read("images.json"))
        for image in listed:
            content = zipped.read(image["file_name"])
            opened = Pixels.open(io.BytesIO(content))
            assert (opened.size, opened.format) == (size, format)
            assert (image["width"], image["height"], image["file_size"]) == (*size, len(content))
            assert image["sha256"] == hashlib.sha256(content).hexdigest()
    assert sorted(image["original_sha256"] for image in listed) == [hash for hash, _, _ in version.truth]


async def test_images_that_people_accept_are_frozen_and_exported_as_they_were(
    graphql: Client,
    services: Services,
    save: Save,
    people: People,
    worker: Worker,
    api: httpx.AsyncClient,
) -> None:
    user, manager = graphql.of(people.user), graphql.of(people.manager)
    crawl = a_done_crawl(people.user)
    contents = [picture(seed, (48, 36)) for seed in range(8)]
    images = await store_images(services, crawl, contents)
    for number, image in enumerate(images):
        await user(LABEL, id=image.gid, input={"labels": ["wren"], "accepted": number != 3})

    selection = {"labels": ["wren"], "onlyAccepted": True}
    input = {"projectId": crawl.parents[0].gid, "name": "Wrens", "selection": selection}
    made = (await user(CREATE_DATASET, input=input))["datasetCreate"]["dataset"]
    frozen = (await user(FREEZE, id=made["id"]))["datasetFreeze"]["datasetVersion"]
    version = Frozen(frozen["id"], [])
    _, first = await export(user, api, version, "JSONL")
    await user(LABEL, id=images[0].gid, input={"labels": ["owl"], "accepted": False})
    await manager(DELETE_IMAGE, id=images[1].gid)
    _, second = await export(user, api, version, "JSONL")

    rows = [json.loads(line) for line in first.splitlines()]
    accepted = [content for number, content in enumerate(contents) if number != 3]
    assert {row["sha256"] for row in rows} == {hashlib.sha256(content).hexdigest() for content in accepted}
    assert {row["label"] for row in rows} == {"wren"}
    assert second == first
