"""Sources that are told where to look."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson
import pytest

from core.ports import CandidateBatch, FetchErrorCode, ImageSource, SearchCursor, SourceKind, SourceQuery
from core.settings import load_settings
from providers.web import image_sources
from tests.providers.web.fake_network import MEBIBYTE, open_fetcher, refusal
from tests.providers.web.fake_site import Ask, Reply, Site, a_page, gallery, picture, redirect, sites

LOOPBACK = "127.0.0.0/8"
LOCAL = {"crawl_allow": LOOPBACK, "crawl_host_interval": 0, "crawl_retries": 0}


@asynccontextmanager
async def source_of(kind: SourceKind, **settings: Any) -> AsyncIterator[ImageSource]:
    """A source that may ask sites of this machine."""
    async with open_fetcher(**{**LOCAL, **settings}) as fetcher:
        yield image_sources(fetcher, load_settings({**LOCAL, **settings}))[kind]


async def all_of(source: ImageSource, wanted: SourceQuery) -> list[CandidateBatch]:
    """Every batch of a search, each found by the cursor of the one before as it is stored."""
    batches, cursor = [], None
    while True:
        batches.append(await source.search(wanted, cursor))
        if batches[-1].cursor is None:
            return batches
        cursor = through_json(batches[-1].cursor)


def through_json(cursor: SearchCursor) -> SearchCursor:
    """A cursor after it was kept as JSON."""
    kept: Mapping[str, Any] = orjson.loads(orjson.dumps(cursor))
    return kept


def urls_of(batches: list[CandidateBatch]) -> list[str]:
    """The addresses that were found, in order."""
    return [found.url for batch in batches for found in batch.candidates]


async def test_a_gallery_is_found_whole() -> None:
    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        names = [f"{number}.jpg" for number in range(230)]
        start = gallery(site, dict.fromkeys(names, b""), per_page=10)
        batches = await all_of(source, SourceQuery(urls=(start,)))

        assert sorted(urls_of(batches)) == sorted(f"{site.url}/images/{name}" for name in names)
        assert batches[0].candidates[0].page_url == f"{site.url}/page/1"
        assert batches[0].candidates[0].caption == "Picture 0.jpg"

    assert len(batches) >= 2
    assert sorted(site.paths) == sorted(["/robots.txt", "/", *(f"/page/{number}" for number in range(1, 24))])
    assert [refused for batch in batches for refused in batch.errors] == []


async def test_a_walk_goes_on_from_any_of_its_batches() -> None:
    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        start = gallery(site, {f"{number}.jpg": b"" for number in range(300)}, per_page=5)
        wanted = SourceQuery(urls=(start,))
        batches = await all_of(source, wanted)
        assert batches[0].cursor is not None
        again = await source.search(wanted, through_json(batches[0].cursor))

    assert again.candidates == batches[1].candidates
    assert again.cursor == batches[1].cursor


@pytest.mark.parametrize(
    ("depth", "pages", "found"), [(0, 10, 1), (1, 10, 2), (2, 10, 3), (20, 10, 10), (20, 4, 4), (20, 1, 1)]
)
async def test_a_walk_has_bounds(depth: int, pages: int, found: int) -> None:
    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        for number in range(12):
            body = f'<img src="/{number}.jpg"><a href="/{number + 1}.html">on</a><a href="/0.html">back</a>'
            site.put(f"/{number}.html", a_page("Page", body))
        wanted = SourceQuery(urls=(site.url + "/0.html",), max_depth=depth, max_pages=pages)
        batches = await all_of(source, wanted)

    assert len(urls_of(batches)) == found


async def test_a_walk_stays_on_its_hosts() -> None:
    async with sites(3) as (site, moved, stranger), source_of(SourceKind.SITE) as source:
        links = [f"{each.url}/2.html" for each in (site, moved, stranger)]
        body = "".join(f'<a href="{link}">x</a>' for link in links) + f'<img src="{stranger.url}/cdn.jpg">'
        site.put("/", redirect(moved.url + "/"))
        moved.put("/", a_page("Moved", body))
        site.put("/2.html", a_page("Two", '<img src="2.jpg">'))
        moved.put("/2.html", a_page("Two", '<img src="2.jpg">'))
        batches = await all_of(source, SourceQuery(urls=(site.url,)))

        assert urls_of(batches) == [stranger.url + "/cdn.jpg", site.url + "/2.jpg", moved.url + "/2.jpg"]

    assert stranger.requests == []


async def test_a_page_that_cant_be_read_stops_nothing() -> None:
    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        site.put("/robots.txt", "User-agent: *\nDisallow: /closed")
        links = "".join(f'<a href="{path}">x</a>' for path in ("/closed", "/missing", "/broken", "/good"))
        start = site.put("/", a_page("Start", links))
        site.put("/broken", Reply(b"<html>", headers={"Content-Encoding": "br"}))
        site.put("/good", a_page("Good", '<img src="/1.jpg">'))
        (batch,) = await all_of(source, SourceQuery(urls=(start,)))

        assert [found.url for found in batch.candidates] == [site.url + "/1.jpg"]
        assert {address.removeprefix(site.url): reason for address, reason in batch.errors} == {
            "/closed": "The robots.txt of 127.0.0.1 disallows this URL.",
            "/missing": "The server responded with status 404.",
            "/broken": "The response body cannot be decompressed.",
        }

    assert "/closed" not in site.paths


async def test_a_start_that_cant_be_read_is_the_searchs_refusal() -> None:
    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        missing = SourceQuery(urls=(site.url + "/1", site.url + "/2"))
        refused = await refusal(source.search(missing))
        site.put("/2", a_page("Two", '<img src="/2.jpg">'))
        one = await source.search(missing)

    assert refused.code is FetchErrorCode.NOT_FOUND
    assert (len(one.candidates), len(one.errors)) == (1, 1)


async def test_sitemaps_and_images_are_starts_too() -> None:
    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        site.put(
            "/maps.xml", f"<sitemapindex><sitemap><loc>{site.url}/map.xml</loc></sitemap></sitemapindex>"
        )
        site.put("/map.xml", f"<?xml version='1.0'?><urlset><url><loc>{site.url}/1</loc></url></urlset>")
        site.put("/1", a_page("One", '<img src="/1.jpg">'))
        site.put("/file", picture(1), "image/jpeg")
        starts = (site.url + "/maps.xml", site.url + "/file", site.url + "/2.png")
        batches = await all_of(source, SourceQuery(urls=starts))

        assert sorted(urls_of(batches)) == [site.url + path for path in ("/1.jpg", "/2.png", "/file")]


async def test_ten_thousand_links_to_one_image_are_one() -> None:
    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        start = site.put("/", a_page("Many", '<a href="/1.jpg"><img src="/1.jpg"></a>' * 10_000))
        (batch,) = await all_of(source, SourceQuery(urls=(start,)))

    assert [found.url for found in batch.candidates] == [site.url + "/1.jpg"]


async def test_a_trap_of_endless_pages_ends() -> None:
    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply:
        links = "".join(f'<a href="{ask.path}{step}/">x</a>' for step in range(30))
        return Reply(a_page("Trap", links).encode(), headers={"Content-Type": "text/html"})

    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        site.put("*", answer)
        site.put("/robots.txt", Reply(b"", 404))
        batches = await all_of(source, SourceQuery(urls=(site.url + "/",), max_pages=60, max_depth=20))

    assert urls_of(batches) == []
    assert len(site.requests) == 61


async def test_a_list_of_addresses_is_taken_as_it_is() -> None:
    addresses = tuple(f"https://example.com/{number}.jpg" for number in range(1200))
    async with source_of(SourceKind.URLS) as source:
        batches = await all_of(source, SourceQuery(urls=(*addresses, addresses[-1])))

    assert urls_of(batches) == list(addresses)
    assert [len(batch.candidates) for batch in batches] == [500, 500, 200]


async def test_feeds_are_read_one_after_the_other() -> None:
    feed = "<rss><channel><item><enclosure url='/{}.jpg' type='image/jpeg'/></item></channel></rss>"
    async with Site().serving() as site, source_of(SourceKind.FEED) as source:
        feeds = tuple(site.put(f"/{name}.xml", feed.format(name)) for name in ("a", "b"))
        batches = await all_of(source, SourceQuery(urls=feeds))
        page = site.put("/page.html", "<html></html>")
        refused = await refusal(source.search(SourceQuery(urls=(page,))))

        assert urls_of(batches) == [site.url + "/a.jpg", site.url + "/b.jpg"]

    assert refused.code is FetchErrorCode.INVALID_ANSWER


async def test_a_candidate_is_downloaded_as_an_image(tmp_path: Path) -> None:
    async with Site().serving() as site, source_of(SourceKind.URLS) as source:
        image = site.put("/1.jpg", picture(1))
        page = site.put("/2.jpg", "<html>", "text/html")
        fetched = await source.download(image, tmp_path / "1", limit=MEBIBYTE)
        refused = await refusal(source.download(page, tmp_path / "2", limit=MEBIBYTE))

    assert fetched.size == len(picture(1))
    assert refused.code is FetchErrorCode.WRONG_TYPE


@pytest.mark.parametrize(
    ("kind", "wanted", "fault"),
    [
        (SourceKind.URLS, SourceQuery(), "At least one URL is required."),
        (
            SourceKind.URLS,
            SourceQuery(urls=("https://example.com/1.jpg", "ftp://example.com/2.jpg")),
            "ftp://example.com/2.jpg: The URL is not allowed. It must start with http:// or https://.",
        ),
        (
            SourceKind.FEED,
            SourceQuery(urls=("http://user@example.com/",)),
            "http://user@example.com/: The URL is not allowed. It must not contain credentials.",
        ),
        (
            SourceKind.SITE,
            SourceQuery(urls=("https://example.com",), max_pages=0),
            "maxPages must be between 1 and 10000 (got 0).",
        ),
        (
            SourceKind.SITE,
            SourceQuery(urls=("https://example.com",), max_depth=21),
            "maxDepth must be between 0 and 20 (got 21).",
        ),
        (SourceKind.SITE, SourceQuery(urls=("https://example.com",)), None),
        (SourceKind.S3, SourceQuery(urls=("s3://photos/cats",)), None),
        (
            SourceKind.S3,
            SourceQuery(urls=("https://photos/cats",)),
            "The URL must have the form s3://bucket/prefix.",
        ),
        (
            SourceKind.S3,
            SourceQuery(urls=("s3://",)),
            "The URL must have the form s3://bucket/prefix.",
        ),
        (
            SourceKind.S3,
            SourceQuery(urls=("s3://payroll/",)),
            "The bucket payroll is not in CRAWL_S3_BUCKETS.",
        ),
    ],
)
async def test_what_cant_be_requested_is_known_before(
    kind: SourceKind, wanted: SourceQuery, fault: str | None
) -> None:
    async with source_of(kind, crawl_s3_buckets="photos") as source:
        assert source.validate(wanted) == fault


def bucket(site: Site, keys: list[str], page: int = 1000) -> None:
    """Serve a bucket named `photos` as S3 does, in the form with the bucket in the path."""

    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply:
        path, _, query = ask.path.partition("?")
        if path.rstrip("/") != "/photos":
            key = unquote(path.removeprefix("/photos/"))
            return Reply(key.encode(), headers=STORED) if key in keys else Reply(b"<Error/>", 404)
        request = {name: values[0] for name, values in parse_qs(query).items()}
        after = request.get("continuation-token") or request.get("start-after", "")
        left = [key for key in sorted(keys) if key > after and key.startswith(request.get("prefix", ""))]
        entries = "".join(
            f"<Contents><Key>{key}</Key><Size>1</Size><ETag>1</ETag>"
            "<LastModified>2026-11-01T08:00:00.000Z</LastModified></Contents>"
            for key in left[:page]
        )
        more = f"<NextContinuationToken>{left[page - 1]}</NextContinuationToken>" if len(left) > page else ""
        listing = f"<ListBucketResult><KeyCount>1</KeyCount>{entries}{more}</ListBucketResult>"
        return Reply(listing.encode(), headers={"Content-Type": "application/xml"})

    site.put("*", answer)


STORED = {"ETag": '"1"', "Last-Modified": "Sun, 01 Nov 2026 08:00:00 GMT"}


async def test_a_buckets_images_are_found_and_downloaded(tmp_path: Path) -> None:
    keys = [f"cats/{number:04}.jpg" for number in range(1500)]
    async with Site().serving() as site:
        bucket(site, [*keys, "cats/list.txt", "dogs/1.jpg", "cats/a b+c%.png"])
        settings = {"crawl_s3_buckets": "photos", "crawl_s3_endpoint": site.url}
        async with source_of(SourceKind.S3, **settings) as source:
            batches = await all_of(source, SourceQuery(urls=("s3://photos/cats",)))
            last = batches[-1].candidates[-1].url
            fetched = await source.download(last, tmp_path / "cat", limit=MEBIBYTE)
            large = await refusal(source.download(last, tmp_path / "large", limit=3))
            gone = await refusal(source.download(f"{site.url}/photos/x.jpg", tmp_path / "x", limit=9))
            others = await refusal(source.download(f"{site.url}/payroll/1.jpg", tmp_path / "x", limit=9))

        assert urls_of(batches) == [f"{site.url}/photos/{key}" for key in [*keys, "cats/a%20b%2Bc%25.png"]]

    assert (tmp_path / "cat").read_text() == "cats/a b+c%.png"
    assert fetched.size == 15
    assert [each.code for each in (large, gone, others)] == [
        FetchErrorCode.TOO_LARGE,
        FetchErrorCode.NOT_FOUND,
        FetchErrorCode.FORBIDDEN_ADDRESS,
    ]


async def test_a_store_that_is_away_may_come_back() -> None:
    settings = {"crawl_s3_buckets": "photos", "crawl_s3_endpoint": "http://127.0.0.1:1"}
    async with source_of(SourceKind.S3, **settings) as source:
        refused = await refusal(source.search(SourceQuery(urls=("s3://photos",))))

    assert (refused.code, refused.is_transient) == (FetchErrorCode.UNREACHABLE, True)


async def test_lists_are_followed_beside_the_depth_and_style_sheets_are_read_once() -> None:
    async with Site().serving() as site, source_of(SourceKind.SITE) as source:
        site.put("/site.css", ".hero { background: url(/hero.jpg) }", "text/css")
        head = '<link rel="stylesheet" href="/site.css"><link rel="stylesheet" href="/lost.css">'
        for number in range(1, 6):
            following = f'<a rel="next" href="/list?page={number + 1}">more</a>' if number < 5 else ""
            site.put(
                f"/list?page={number}",
                a_page("List", f'<img src="/{number}.jpg">{following}', head),
                "text/html",
            )
        start = f"{site.url}/list?page=1"
        batches = await all_of(source, SourceQuery(urls=(start,), max_depth=0))

        assert sorted(urls_of(batches)) == sorted(
            [*(f"{site.url}/{number}.jpg" for number in range(1, 6)), f"{site.url}/hero.jpg"]
        )

    assert (site.paths.count("/site.css"), site.paths.count("/lost.css")) == (1, 1)
    unread = [error for batch in batches for error in batch.errors]
    assert unread == [(f"{site.url}/lost.css", "The server responded with status 404.")]
