"""What crawls find, and what they refuse."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from PIL import Image

from schema.framework.context import Services
from tests.imagery.pipeline import operations
from tests.imagery.pipeline.conftest import Person, a_worker, url_source, walk
from tests.providers.web.fake_site import Reply, Site, a_page, endless, etag_reply, gallery, picture, redirect

Stored = Callable[[str, str], Any]


async def test_a_sites_images_are_gathered_each_once(
    services: Services, person: Person, site: Site, stored_objects: Stored
) -> None:
    images = {f"{number}.jpg": picture(number) for number in range(30)}
    start = gallery(site, images, per_page=10)
    id = await person.crawl(walk(start))

    async with a_worker(services):
        crawl = await person.ended(id)

    assert (crawl["progress"], crawl["phase"], crawl["problems"]) == (100, "SUCCEEDED", [])
    assert (crawl["totalImages"], crawl["downloadedImages"]) == (30, 30)
    assert (crawl["totalChunks"], crawl["completedChunks"], crawl["failedChunks"]) == (1, 1, 0)
    found = (await person(operations.IMAGES, id=id))["crawlJob"]["images"]
    assert found["totalCount"] == 30
    assert sorted(node["filename"] for node in found["nodes"]) == sorted(images)
    (first,) = [node for node in found["nodes"] if node["filename"] == "0.jpg"]
    assert (first["width"], first["height"], first["format"]) == (320, 240, "jpg")
    assert int(first["fileSize"]) == len(images["0.jpg"])
    assert first["caption"] == "Picture 0.jpg"
    assert first["pageUrl"].startswith(site.url)
    keys = await stored_objects(
        "SELECT storage_url, thumbnail_key FROM tenant.images WHERE crawl_job_id = $1", id
    )
    sizes = [(await services.store.head(each)).size for row in keys for each in row]
    assert len(sizes) == 60


async def test_one_image_is_kept_once_however_many_addresses_lead_to_it(
    services: Services, person: Person, site: Site, stored_objects: Stored
) -> None:
    content = picture(1)
    names = [f"/{number}.jpg" for number in range(300)]
    for name in names:
        site.put(name, content)
    body = "".join(f'<img src="{name}">' for name in names)
    same = '<a href="/0.jpg">again</a>' * 10_000
    start = site.put("/", a_page("Copies", body + same))
    id = await person.crawl(walk(start), maxImages=1000)

    async with a_worker(services):
        crawl = await person.ended(id)

    assert (crawl["totalImages"], crawl["downloadedImages"], crawl["problems"]) == (300, 1, [])
    states = "SELECT state, count(*) FROM tenant.crawl_candidates WHERE crawl_job_id = $1 GROUP BY state"
    assert sorted(await stored_objects(states, id)) == [("duplicate", 299), ("stored", 1)]
    assert site.paths.count("/0.jpg") == 1


async def test_a_crawl_ends_with_as_many_images_as_were_wanted(
    services: Services, person: Person, site: Site
) -> None:
    urls = [site.put(f"/{number}.png", picture(number, format="PNG")) for number in range(60)]
    id = await person.crawl(
        *(url_source(*urls[start : start + 10]) for start in range(0, 60, 10)), maxImages=25
    )

    async with a_worker(services):
        crawl = await person.ended(id)

    assert (crawl["downloadedImages"], crawl["progress"]) == (25, 100)
    assert crawl["totalImages"] <= 60
    chunks = [crawl[f"{each}Chunks"] for each in ("total", "active", "completed", "failed")]
    assert chunks[0] == chunks[2] >= 6
    assert (chunks[1], chunks[3]) == (0, 0)


async def test_what_is_no_picture_is_refused_with_its_reason(
    services: Services, person: Person, site: Site, bad: Mapping[str, bytes]
) -> None:
    urls = [site.put(f"/{name}.jpg", content) for name, content in bad.items()]
    gone, endless_one = f"{site.url}/gone.jpg", site.put("/endless.jpg", endless)
    circle = site.put("/circle.jpg", redirect("/circle.jpg"))
    fine = site.put("/fine.jpg", picture(7))
    id = await person.crawl(url_source(*urls, gone, endless_one, circle, fine))

    async with a_worker(services, crawl_image_bytes=300_000):
        crawl = await person.ended(id)

    assert {(each["code"], each["count"], each["message"]) for each in crawl["problems"]} == {
        ("DAMAGED", 1, "The image is damaged or incomplete."),
        ("EMPTY", 1, "The file is empty."),
        ("NOT_AN_IMAGE", 2, "The file is a web page, not an image."),
        ("NOT_FOUND", 1, "The server responded with status 404."),
        ("NOT_TAKEN", 1, "SVG is not supported, as it may contain scripts."),
        ("POLYGLOT", 2, "The file is an image and another file type at once."),
        ("TOO_LARGE", 1, "The response is larger than 300000 bytes."),
        ("TOO_MANY_PIXELS", 1, "The image has far more pixels than the maximum of 100000000."),
        ("TOO_MANY_REDIRECTS", 1, "The server redirects too many times."),
        ("TOO_SMALL", 1, "The image has a single row or column of pixels."),
    }
    assert (crawl["totalImages"], crawl["downloadedImages"]) == (len(urls) + 4, 1)


async def test_unusual_pictures_are_kept_as_they_are_looked_at(
    services: Services, person: Person, site: Site, unusual: Mapping[str, bytes]
) -> None:
    urls = [site.put(f"/{name}", content) for name, content in unusual.items()]
    id = await person.crawl(url_source(*urls))

    async with a_worker(services):
        crawl = await person.ended(id)

    nodes = (await person(operations.IMAGES, id=id))["crawlJob"]["images"]["nodes"]
    measures = {node["filename"]: (node["width"], node["height"], node["format"]) for node in nodes}
    assert (crawl["problems"], crawl["downloadedImages"]) == ([], len(unusual))
    assert measures == {
        "animated.gif": (64, 48, "gif"),
        "cmyk.jpg": (64, 48, "jpg"),
        "deep.png": (64, 48, "png"),
        "see-through.png": (64, 48, "png"),
        "turned.jpg": (48, 64, "jpg"),
    }
    assert all(node["thumbnailUrl"] and node["perceptualHash"] for node in nodes)


async def test_pictures_that_look_alike_are_grouped(services: Services, person: Person, site: Site) -> None:
    large = picture(1, width=640, height=480)
    with Image.open(BytesIO(large)) as opened:
        small, grey = BytesIO(), BytesIO()
        opened.resize((200, 150)).save(small, "JPEG", quality=60)
        opened.convert("L").save(grey, "PNG")
    contents = {"a.jpg": large, "b.jpg": small.getvalue(), "c.png": grey.getvalue()}
    contents |= {f"{number}.jpg": picture(number) for number in range(2, 7)}
    id = await person.crawl(url_source(*(site.put(f"/{name}", each) for name, each in contents.items())))

    async with a_worker(services):
        await person.ended(id)

    nodes = (await person(operations.IMAGES, id=id))["crawlJob"]["images"]["nodes"]
    groups = {node["filename"]: node["duplicateGroup"] for node in nodes}
    alike = {name for name, group in groups.items() if group is not None}
    assert alike == {"a.jpg", "b.jpg", "c.png"}
    (group,) = {groups[name] for name in alike}
    assert group in {node["id"] for node in nodes if node["filename"] in alike}
    chosen = await person(operations.IMAGES, id=id, filter={"duplicateGroup": group})
    assert chosen["crawlJob"]["images"]["totalCount"] == 3


async def test_what_did_not_change_is_not_sent_again(
    services: Services, person: Person, site: Site, stored_objects: Stored
) -> None:
    url = site.put("/a.jpg", etag_reply(picture(1), '"one"'))
    first, second = await person.crawl(url_source(url)), await person.crawl(url_source(url), start=False)
    async with a_worker(services):
        await person.ended(first)
        await person(operations.START, id=second)
        crawl = await person.ended(second)

    assert crawl["downloadedImages"] == 1
    assert [ask.headers.get("if-none-match") for ask in site.requests if ask.path == "/a.jpg"] == [
        None,
        '"one"',
    ]
    rows = "SELECT hash, storage_url, width, etag FROM tenant.images WHERE crawl_job_id = $1"
    assert await stored_objects(rows, first) == await stored_objects(rows, second)


async def test_what_a_chunk_leaves_another_one_does(
    services: Services, person: Person, site: Site, stored_objects: Stored
) -> None:
    start = gallery(site, {f"{number}.jpg": picture(number) for number in range(60)}, per_page=5)
    id = await person.crawl(walk(start))

    async with a_worker(services, crawl_chunk_seconds=0.05):
        crawl = await person.ended(id)

    assert (crawl["totalImages"], crawl["downloadedImages"]) == (60, 60)
    assert crawl["totalChunks"] == crawl["completedChunks"] > 1
    numbers = await stored_objects(
        "SELECT sequence FROM tenant.images WHERE crawl_job_id = $1 ORDER BY sequence", id
    )
    assert [number for (number,) in numbers] == list(range(1, 61))
    assert all(site.paths.count(f"/images/{number}.jpg") == 1 for number in range(60))


async def test_a_crawl_none_of_whose_sources_answers_fails_with_their_reasons(
    services: Services, person: Person, site: Site
) -> None:
    site.put("/", Reply(b"", 404))
    id = await person.crawl(walk(site.url + "/"), walk(site.url + "/other"))

    async with a_worker(services):
        crawl = await person.ended(id, "FAILED")

    assert (crawl["totalChunks"], crawl["failedChunks"], crawl["activeChunks"]) == (2, 2, 0)
    assert crawl["errorMessage"] == "The server responded with status 404."


async def test_one_source_that_answers_is_enough(services: Services, person: Person, site: Site) -> None:
    url = site.put("/a.jpg", picture(1))
    id = await person.crawl(walk(site.url + "/nothing"), url_source(url))

    async with a_worker(services):
        crawl = await person.ended(id)

    assert (crawl["completedChunks"], crawl["failedChunks"], crawl["downloadedImages"]) == (1, 1, 1)
