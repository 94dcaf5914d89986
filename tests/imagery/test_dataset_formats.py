"""Every format is loaded by the libraries that it is made for, in a process of their own."""

import asyncio
import json
import os
import sys
from pathlib import Path

from db.models import ExportFormat
from resolvers.imagery.exports import CLASS_FORMATS, TABLES
from schema.framework.context import Services
from tests.conftest import People
from tests.graphql_client import Client
from tests.imagery import test_exports
from tests.imagery.stored_crawls import a_done_crawl, at_work, download_client, picture, store_images

FORMATS = [format for format in ExportFormat if format not in CLASS_FORMATS]
"""The formats of crawls."""


async def test_every_format_is_loaded_back(
    graphql: Client, services: Services, people: People, tmp_path: Path
) -> None:
    crawl, user = a_done_crawl(people.user), graphql.of(people.user)
    sizes = [(40 + seed, 30 + seed) for seed in range(12)]
    kinds = ["JPEG", "PNG", "WEBP"]
    contents = [picture(seed, size, kinds[seed % 3]) for seed, size in enumerate(sizes)]
    # What is not known of the first images is known of later ones: no loader may take it for nothing.
    await store_images(services, crawl, contents[:6])
    known = {"licence": "CC0", "caption": "A wren", "perceptual_hash": -1, "is_valid": True}
    await store_images(services, crawl, contents[6:], **known)
    files = []
    async with at_work(services, queue_slots={"imagery": 4}), download_client(services) as api:
        jobs = await asyncio.gather(*(test_exports.export(user, crawl, format.name) for format in FORMATS))
        for format, job in zip(FORMATS, jobs, strict=True):
            path = tmp_path / job["files"][0]["name"]
            path = path.with_stem(format.value.replace(".", ""))
            path.write_bytes((await api.get(job["files"][0]["downloadUrl"])).content)
            files.append(f"{format.name}={path}")

    found = await load_files(files, tmp_path)

    pixels = sum(width * height for width, height in sizes)
    assert found == {format.name: [12, 0 if format in TABLES else pixels, pixels] for format in FORMATS}


async def load_files(files: list[str], home: Path) -> dict[str, list[int]]:
    """What the loaders say of the packages."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.imagery.dataset_loaders",
        *files,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "HF_HOME": str(home / "hub")},
    )
    received, _ = await asyncio.wait_for(process.communicate(), 240)
    assert process.returncode == 0
    found: dict[str, list[int]] = json.loads(received)
    return found
