"""Servers that send images only to polite visitors, or with the wrong media type."""

import asyncio
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from schema.framework.context import Services
from tests.imagery.pipeline import operations
from tests.imagery.pipeline.conftest import Person, a_worker, url_source, walk
from tests.imagery.sample_files import HEIC
from tests.providers.web.fake_site import Ask, Behaviour, Reply, Site, a_page, picture, sites

JPEG = {"Content-Type": "image/jpeg"}


def protect(content: bytes, header: str, value: str) -> Behaviour:
    """Sent only to who sends this header."""

    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply:
        is_welcome = value in ask.headers.get(header, "")
        return Reply(content, headers=JPEG) if is_welcome else Reply(b"", 403)

    return answer


async def test_images_are_requested_from_their_page_and_with_its_cookies(
    services: Services, person: Person
) -> None:
    async with sites(2) as (site, other):
        page = a_page("Page", f'<img src="/linked.jpg"><img src="/member.jpg"><img src="{other.url}/o.jpg">')
        headers = {"Content-Type": "text/html", "Set-Cookie": "visit=7; Path=/; HttpOnly"}
        start = site.put("/gallery", Reply(page.encode(), headers=headers))
        site.put("/linked.jpg", protect(picture(1), "referer", start))
        site.put("/member.jpg", protect(picture(2), "cookie", "visit=7"))
        other.put("/o.jpg", protect(picture(3), "referer", site.url + "/"))
        id = await person.crawl(walk(start))
        async with a_worker(services):
            crawl = await person.ended(id)
        second = await person.crawl(url_source(site.url + "/member.jpg"))
        async with a_worker(services):
            await person.ended(second, "FAILED")

    assert crawl["outcome"] | {"seen": 3, "stored": 3} == crawl["outcome"]
    (foreign,) = [ask for ask in other.requests if ask.path == "/o.jpg"]
    assert foreign.headers["referer"] == site.url + "/"
    assert "cookie" not in foreign.headers


@pytest.fixture(scope="session")
def formats() -> dict[str, bytes]:
    """An image in each format, by its extension."""
    pixels = np.random.default_rng(5).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    names = {"jpg": "JPEG", "png": "PNG", "gif": "GIF", "webp": "WEBP", "bmp": "BMP", "tiff": "TIFF"}
    names |= {"avif": "AVIF", "jp2": "JPEG2000", "ico": "ICO", "tga": "TGA"}
    files = {}
    for number, (extension, name) in enumerate(names.items()):
        file = BytesIO()
        Image.fromarray(np.roll(pixels, number * 5, axis=0)).save(file, name)
        files[extension] = file.getvalue()
    return files | {"heic": HEIC}


async def test_the_content_decides_and_not_the_media_type(
    services: Services, person: Person, site: Site, formats: dict[str, bytes]
) -> None:
    urls = [site.put(f"/{name}", content, "text/plain") for name, content in formats.items()]
    page = site.put("/page.jpg", a_page("Page", "No image."), "text/html")
    video = site.put("/video.jpg", bytes(100), "video/mp4")
    id = await person.crawl(url_source(*urls, page, video))

    async with a_worker(services):
        crawl = await person.ended(id)

    images = (await person(operations.IMAGES, id=id))["crawlJob"]["images"]["nodes"]
    assert sorted(node["format"] for node in images) == sorted(formats.keys() - {"ico", "tga"})
    assert all(node["thumbnailUrl"] and node["perceptualHash"] for node in images)
    reasons = {
        node["url"].rpartition("/")[2]: (node["code"], node["message"])
        for node in await person.candidates(id, state="REFUSED")
    }
    assert crawl["outcome"]["refused"] == len(reasons)
    assert reasons["ico"] == ("NOT_TAKEN", "ICO is not supported.")
    assert reasons["tga"][0] in ("NOT_TAKEN", "WRONG_TYPE")
    assert {reasons["page.jpg"][0], reasons["video.jpg"][0]} == {"WRONG_TYPE"}
