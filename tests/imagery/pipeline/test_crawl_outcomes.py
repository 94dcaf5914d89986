"""Every address that a crawl has seen has an end, which is listed, counted and explained."""

import asyncio
import os
from collections import Counter

import pytest

from pipelines.imagery import retry_schedule
from schema.framework.context import Services
from tests.imagery.pipeline import operations
from tests.imagery.pipeline.conftest import Person, a_worker, url_source, walk
from tests.providers.web.fake_site import (
    Ask,
    Behaviour,
    Reply,
    Site,
    a_page,
    etag_reply,
    fail_first,
    gallery,
    picture,
)

OVERLOADED = Reply(b"", 503)
PAUSE_SECONDS = int(os.environ.get("PAUSE_SECONDS", "10"))
"""Seconds that a host asks to wait for: a minute with `PAUSE_SECONDS=60 make test ARGS="-k asks_to_wait"`."""


def throttle(seconds: int) -> Reply:
    """Asks to wait for so many seconds."""
    return Reply(b"", 429, {"Retry-After": str(seconds)})


async def test_each_address_is_listed_with_what_became_of_it(
    services: Services, person: Person, site: Site
) -> None:
    site.put("/a.jpg", picture(1))
    site.put("/b.jpg", picture(1))
    start = site.put("/", a_page("Start", "".join(f'<img src="/{name}.jpg">' for name in "abc")))
    id = await person.crawl(walk(start))

    async with a_worker(services):
        crawl = await person.ended(id)

    assert crawl["outcome"] | {"refusedPages": 0, "boundedPages": 0} == crawl["outcome"]
    found = {node["url"].removeprefix(site.url): node for node in await person.candidates(id)}
    ends = {url: (node["state"], node["code"], node["attempts"]) for url, node in found.items()}
    assert {ends["/a.jpg"][0], ends["/b.jpg"][0]} == {"STORED", "DUPLICATE"}
    assert ends["/c.jpg"] == ("REFUSED", "NOT_FOUND", 1)
    assert found["/a.jpg"]["image"] == found["/b.jpg"]["image"]
    assert {node["pageUrl"] for node in found.values()} == {start}
    refused = await person.candidates(id, state="REFUSED", code="NOT_FOUND")
    assert [node["url"] for node in refused] == [site.url + "/c.jpg"]
    assert refused[0]["message"] == "The server responded with status 404."


async def test_what_limits_leave_out_has_a_warning_that_names_the_setting_to_raise(
    services: Services, person: Person, site: Site
) -> None:
    for depth in range(6):
        content = f'<img src="/{depth}.jpg"><a href="/page{depth + 1}">on</a>'
        site.put(f"/page{depth}", a_page("Deep", content))
        site.put(f"/{depth}.jpg", picture(depth))
    wide = gallery(site, {f"{number}.jpg": picture(10 + number) for number in range(12)}, per_page=2)
    deep = await person.crawl(walk(site.url + "/page0", maxDepth=2))
    short = await person.crawl(walk(wide, maxPages=4))
    few = await person.crawl(walk(wide), maxImages=5)
    listed = await person.crawl(
        url_source(*[f"{site.url}/images/{number}.jpg" for number in range(12)]), maxImages=5
    )

    async with a_worker(services):
        crawls = [await person.ended(id) for id in (deep, short, few, listed)]

    reasons = [[(each["code"], each["setting"]) for each in crawl["warnings"]] for crawl in crawls]
    assert reasons == [
        [("MAX_DEPTH", "maxDepth")],
        [("MAX_PAGES", "maxPages")],
        [("MAX_IMAGES", "maxImages")],
        [("MAX_IMAGES", "maxImages")],
    ]
    assert crawls[0]["warnings"][0]["url"] == site.url + "/page3"
    assert [crawl["outcome"]["boundedPages"] for crawl in crawls[:2]] == [1, 3]
    assert crawls[3]["outcome"] | {"seen": 12, "stored": 5, "bounded": 7} == crawls[3]["outcome"]


async def test_a_source_that_fails_has_a_warning_beside_one_that_works(
    services: Services, person: Person, site: Site
) -> None:
    url = site.put("/a.jpg", picture(1))
    id = await person.crawl(walk(site.url + "/nothing"), url_source(url))

    async with a_worker(services):
        crawl = await person.ended(id)

    assert crawl["warnings"] == [
        {
            "code": "SOURCE_FAILED",
            "message": "The source SITE failed: The server responded with status 404.",
            "setting": None,
            "count": 1,
            "url": site.url + "/nothing",
        }
    ]


async def test_a_crawl_of_which_all_is_refused_fails_whatever_its_source(
    services: Services, person: Person, site: Site
) -> None:
    start = site.put("/", a_page("Start", '<img src="/x.jpg"><img src="/y.jpg">'))
    listed = await person.crawl(url_source(site.url + "/x.jpg", site.url + "/y.jpg"))
    walked = await person.crawl(walk(start))

    async with a_worker(services):
        crawls = [await person.ended(id, "FAILED") for id in (listed, walked)]

    assert [crawl["errorMessage"] for crawl in crawls] == [
        "All addresses were refused (2). The server responded with status 404. (NOT_FOUND, 2)"
    ] * 2


async def test_a_private_address_is_refused_with_the_setting_that_allows_it(
    services: Services, person: Person, site: Site
) -> None:
    id = await person.crawl(url_source("http://10.1.2.3/a.jpg", site.put("/a.jpg", picture(1))))

    async with a_worker(services):
        await person.ended(id)

    (refused,) = await person.candidates(id, state="REFUSED")
    assert refused["code"] == "FORBIDDEN_ADDRESS"
    assert "CRAWL_ALLOW" in refused["message"]


async def test_a_crawl_that_finds_nothing_has_a_warning(
    services: Services, person: Person, site: Site
) -> None:
    id = await person.crawl(walk(site.put("/", a_page("Start", "Nothing."))))

    async with a_worker(services):
        crawl = await person.ended(id)

    assert [each["code"] for each in crawl["warnings"]] == ["NOTHING_FOUND"]


@pytest.fixture
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that name no time are asked again soon."""
    monkeypatch.setattr(retry_schedule, "FIRST_DELAY_SECONDS", 0.2)


@pytest.mark.usefixtures("short_delays")
async def test_passing_refusals_wait_for_their_time_without_a_worker(
    services: Services, person: Person, site: Site
) -> None:
    images = {f"/{number}.jpg": picture(number) for number in range(12)}
    for number, (path, content) in enumerate(images.items()):
        first = throttle(2) if number % 2 else OVERLOADED
        reply = Reply(content, headers={"Content-Type": "image/jpeg"})
        site.put(path, fail_first(first, 1 + number % 2, reply))
    id = await person.crawl(url_source(*(site.url + path for path in images)))
    other = await person.crawl(url_source(site.put("/other.jpg", picture(99))), start=False)

    async with a_worker(services, crawl_retry_seconds=60.0, queue_slots={"crawl": 1}):
        await person.until(id, lambda crawl: crawl["outcome"]["waiting"] and not crawl["activeChunks"])
        waiting = await person.candidates(id, state="WAITING")
        await person(operations.START, id=other)
        crawl = await person.ended(id)

    assert {node["code"] for node in waiting} <= {"THROTTLED", "SERVER_ERROR"}
    assert all(node["retryAt"] for node in waiting)
    assert crawl["outcome"] | {"seen": 12, "stored": 12, "waiting": 0} == crawl["outcome"]
    assert {node["code"] for node in await person.candidates(id)} == {None}


@pytest.mark.usefixtures("short_delays")
async def test_what_does_not_pass_until_the_deadline_is_refused_with_its_setting(
    services: Services, person: Person, site: Site
) -> None:
    site.put("/busy.jpg", throttle(7200))
    site.put("/down.jpg", OVERLOADED)
    fine = site.put("/fine.jpg", picture(1))
    id = await person.crawl(url_source(site.url + "/down.jpg", fine, site.url + "/busy.jpg"))

    async with a_worker(services, crawl_retry_seconds=2.0, crawl_host_concurrency=1):
        crawl = await person.ended(id)

    assert crawl["outcome"] | {"seen": 3, "stored": 1, "refused": 2} == crawl["outcome"]
    refused = {node["url"].rpartition("/")[2]: node for node in await person.candidates(id, state="REFUSED")}
    assert "asks to wait 7200 seconds" in refused["busy.jpg"]["message"]
    assert all("CRAWL_RETRY_SECONDS" in node["message"] for node in refused.values())


@pytest.mark.usefixtures("short_delays")
async def test_pages_and_sources_wait_as_images_do(services: Services, person: Person, site: Site) -> None:
    page = a_page("Page", '<img src="/a.jpg"><a href="/more">more</a>').encode()
    html = {"Content-Type": "text/html"}
    site.put("/", fail_first(throttle(3), 1, Reply(page, headers=html)))
    more = a_page("More", '<img src="/b.jpg">').encode()
    site.put("/more", fail_first(throttle(3), 1, Reply(more, headers=html)))
    site.put("/a.jpg", picture(1))
    site.put("/b.jpg", picture(2))
    id = await person.crawl(walk(site.url + "/"))

    async with a_worker(services, crawl_retry_seconds=60.0):
        crawl = await person.ended(id)

    assert crawl["outcome"] | {"seen": 2, "stored": 2, "refusedPages": 0} == crawl["outcome"]
    assert crawl["warnings"] == []


async def test_a_retry_requests_what_failed_and_nothing_else(
    services: Services, person: Person, site: Site
) -> None:
    fine = [site.put(f"/{number}.jpg", picture(number)) for number in range(5)]
    missing = [f"{site.url}/late{number}.jpg" for number in range(3)]
    id = await person.crawl(url_source(*fine, *missing), walk(site.url + "/"))
    async with a_worker(services):
        first = await person.ended(id)
        for number in range(3):
            site.put(f"/late{number}.jpg", picture(50 + number))
        site.put("/", a_page("Start", f'<img src="{fine[0]}"><img src="/new.jpg">'))
        site.put("/new.jpg", picture(70))
        answer = await person(operations.CRAWL_RETRY, id=id, what="FAILED")
        again = await person.ended(id)
        refused = await person.graphql.refusals(operations.CRAWL_RETRY, id=id, what="FAILED")

    assert (first["outcome"]["stored"], first["outcome"]["refused"], first["failedChunks"]) == (5, 3, 1)
    assert answer["crawlRetry"]["crawlJob"]["status"] == "RUNNING"
    assert again["outcome"] | {"seen": 9, "stored": 9, "refused": 0} == again["outcome"]
    assert again["warnings"] == []
    assert Counter(site.paths)["/0.jpg"] == 1
    assert refused == [("CONFLICT", ("id",))]


async def test_a_retry_finds_what_is_new_and_what_was_left_out(
    services: Services, person: Person, site: Site
) -> None:
    start = gallery(site, {f"{number}.jpg": picture(number) for number in range(6)}, per_page=3)
    id = await person.crawl(walk(start), maxImages=4)
    async with a_worker(services):
        first = await person.ended(id)
        full = await person.graphql.refusals(operations.CRAWL_RETRY, id=id, what="NEW")
        await person(operations.RAISE, id=id, input={"maxImages": 100})
        site.put("/page/1", a_page("Page 1", '<img src="/images/0.jpg"><img src="/images/new.jpg">'))
        site.put("/images/new.jpg", picture(80))
        await person(operations.CRAWL_RETRY, id=id, what="NEW")
        again = await person.ended(id)

    assert (first["outcome"]["stored"], full) == (4, [("CONFLICT", ("id",))])
    assert again["outcome"] | {"seen": 7, "stored": 7, "bounded": 0} == again["outcome"]
    assert Counter(site.paths)["/images/0.jpg"] == 1


async def test_a_repeated_crawl_downloads_only_what_has_changed(
    services: Services, person: Person, site: Site
) -> None:
    same = site.put("/same.jpg", etag_reply(picture(1), '"1"'))
    changing = site.put("/changing.jpg", etag_reply(picture(2), '"2"'))
    id = await person.crawl(url_source(same, changing))
    async with a_worker(services):
        await person.ended(id)
        site.put("/changing.jpg", etag_reply(picture(3), '"3"'))
        answer = await person(operations.CRAWL_REPEAT, id=id)
        new = answer["crawlRepeat"]["crawlJob"]["id"]
        crawl = await person.ended(new)

    assert crawl["outcome"] | {"seen": 2, "stored": 2} == crawl["outcome"]
    assert new != id
    requests = [(ask.path, ask.headers.get("if-none-match")) for ask in site.requests]
    assert {("/same.jpg", '"1"'), ("/changing.jpg", '"2"')} <= set(requests)
    images = (await person(operations.IMAGES, id=new))["crawlJob"]["images"]["nodes"]
    before = (await person(operations.IMAGES, id=id))["crawlJob"]["images"]["nodes"]
    assert len({node["hash"] for node in images} & {node["hash"] for node in before}) == 1


async def test_twenty_addresses_whose_host_asks_to_wait_all_end_stored(
    services: Services, person: Person, site: Site
) -> None:
    opens_at = asyncio.get_running_loop().time() + PAUSE_SECONDS

    def closed_at_first(content: bytes) -> Behaviour:
        async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply:
            is_open = ask.at >= opens_at
            return (
                Reply(content, headers={"Content-Type": "image/jpeg"}) if is_open else throttle(PAUSE_SECONDS)
            )

        return answer

    urls = [site.put(f"/{number}.jpg", closed_at_first(picture(number))) for number in range(20)]
    id = await person.crawl(url_source(*urls))

    async with a_worker(services, crawl_retry_seconds=600.0):
        crawl = await person.ended(id)

    assert crawl["outcome"] | {"seen": 20, "stored": 20, "refused": 0, "waiting": 0} == crawl["outcome"]
    early = [ask for ask in site.requests if ask.path.endswith(".jpg") and ask.at < opens_at]
    assert len(early) <= 2 * services.settings.crawl_host_concurrency
