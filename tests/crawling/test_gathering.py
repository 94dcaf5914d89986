"""What crawls find, and what they refuse."""

from collections.abc import Callable
from typing import Any

from schema.context import Services
from tests.crawling import questions
from tests.crawling.conftest import Person, a_worker, listed, walk
from tests.web.site import Site, gallery, picture

Stored = Callable[[str, str], Any]


async def test_a_sites_images_are_gathered_each_once(
    services: Services, person: Person, site: Site, stored: Stored
) -> None:
    images = {f"{number}.jpg": picture(number) for number in range(30)}
    start = gallery(site, images, per_page=10)
    id = await person.crawl(walk(start))

    async with a_worker(services):
        crawl = await person.ended(id)

    assert (crawl["progress"], crawl["phase"], crawl["problems"]) == (100, "SUCCEEDED", [])
    assert (crawl["totalImages"], crawl["downloadedImages"]) == (30, 30)
    assert (crawl["totalChunks"], crawl["completedChunks"], crawl["failedChunks"]) == (1, 1, 0)
    found = (await person(questions.IMAGES, id=id))["crawlJob"]["images"]
    assert found["totalCount"] == 30
    assert sorted(node["filename"] for node in found["nodes"]) == sorted(images)
    (first,) = [node for node in found["nodes"] if node["filename"] == "0.jpg"]
    assert (first["width"], first["height"], first["format"]) == (320, 240, "jpg")
    assert int(first["fileSize"]) == len(images["0.jpg"])
    assert first["caption"] == "Picture 0.jpg"
    assert first["pageUrl"].startswith(site.url)
    keys = await stored("SELECT storage_url, thumbnail_key FROM tenant.images WHERE crawl_job_id = $1", id)
    sizes = [(await services.store.head(each)).size for row in keys for each in row]
    assert len(sizes) == 60
