"""What is fetched, within which bounds, and what is said of the rest."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from core.ports import FetchErrorCode
from tests.providers.web.fake_network import MEBIBYTE, open_fetcher, refusal
from tests.providers.web.fake_site import (
    Ask,
    Behaviour,
    Reply,
    Site,
    bomb,
    break_connection,
    endless,
    endless_headers,
    etag_reply,
    fail_first,
    gallery,
    gzip_reply,
    overlong_body,
    picture,
    redirect,
    silent,
    sites,
    slow,
    slow_body,
    stalled_body,
)

LOOPBACK = "127.0.0.0/8"
IMAGE = picture(1)
JPEG = {"Content-Type": "image/jpeg"}


def names(folder: Path) -> list[str]:
    """The files in a folder."""
    return [file.name for file in folder.iterdir()]


async def test_an_image_is_put_into_a_file(tmp_path: Path) -> None:
    file = tmp_path / "image"
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        site.put("/1.jpg", IMAGE)
        site.put("/start", redirect("/1.jpg"))
        fetched = await fetcher.download(site.url + "/start", file, limit=MEBIBYTE, accept=("image/",))

        assert fetched.url == site.url + "/1.jpg"

    assert file.read_bytes() == IMAGE
    assert (fetched.status, fetched.size, fetched.media_type) == (200, len(IMAGE), "image/jpeg")
    assert names(tmp_path) == ["image"]
    assert site.requests[-1].headers["user-agent"] == "SeshatBot/0.1"
    assert site.requests[-1].headers["accept"] == "image/*, */*;q=0.1"
    assert site.requests[-1].headers["accept-encoding"] == "identity"


async def test_pages_come_compressed() -> None:
    page = b"<p>word</p>" * 50_000
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        site.put("/", gzip_reply(page))
        fetched = await fetcher.read(site.url + "/", limit=MEBIBYTE)

    assert fetched.content == page
    assert site.requests[-1].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("known", [{"etag": '"1"'}, {"last_modified": "Sun, 01 Nov 2026 08:00:00 GMT"}])
async def test_what_is_known_is_not_sent_again(tmp_path: Path, known: dict[str, str]) -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        url = site.put("/1.jpg", etag_reply(IMAGE, '"1"'))
        first = await fetcher.download(url, tmp_path / "first", limit=MEBIBYTE)
        again = await fetcher.download(url, tmp_path / "again", limit=MEBIBYTE, **known)  # type: ignore[arg-type]

    assert (first.etag, first.last_modified) == ('"1"', "Sun, 01 Nov 2026 08:00:00 GMT")
    assert (first.is_not_modified, again.is_not_modified) == (False, True)
    assert names(tmp_path) == ["first"]


@pytest.mark.parametrize(
    ("status", "code", "passing"),
    [
        (204, None, False),
        (206, FetchErrorCode.INVALID_ANSWER, False),
        (304, FetchErrorCode.INVALID_ANSWER, False),
        (400, FetchErrorCode.INVALID_ANSWER, False),
        (401, FetchErrorCode.NOT_PERMITTED, False),
        (403, FetchErrorCode.NOT_PERMITTED, False),
        (404, FetchErrorCode.NOT_FOUND, False),
        (408, FetchErrorCode.TIMED_OUT, True),
        (410, FetchErrorCode.NOT_FOUND, False),
        (429, FetchErrorCode.THROTTLED, True),
        (500, FetchErrorCode.SERVER_ERROR, True),
        (501, FetchErrorCode.SERVER_ERROR, False),
        (503, FetchErrorCode.SERVER_ERROR, True),
    ],
)
async def test_a_status_says_whether_time_may_cure_it(
    tmp_path: Path, status: int, code: FetchErrorCode | None, passing: bool
) -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        url = site.put("/", Reply(b"", status))
        if code is None:
            assert (await fetcher.download(url, tmp_path / "empty", limit=MEBIBYTE)).size == 0
            return
        refused = await refusal(fetcher.download(url, tmp_path / "none", limit=MEBIBYTE))

    assert (refused.code, refused.is_transient) == (code, passing)
    assert str(status) in refused.message
    assert names(tmp_path) == []


@pytest.mark.parametrize("length", ["1048577", "99999999999999999999"])
async def test_what_is_announced_as_too_large_is_not_read(length: str) -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        url = site.put("/", Reply(b"", headers={"Content-Length": length}))
        refused = await refusal(fetcher.read(url, limit=MEBIBYTE))

    assert refused.code is FetchErrorCode.TOO_LARGE


@pytest.mark.parametrize(
    ("behaviour", "code", "passing"),
    [
        (endless, FetchErrorCode.TOO_LARGE, False),
        (silent, FetchErrorCode.TIMED_OUT, True),
        (overlong_body, FetchErrorCode.CONNECTION_LOST, True),
        (endless_headers, FetchErrorCode.CONNECTION_LOST, True),
        (break_connection(IMAGE, 1), FetchErrorCode.CONNECTION_LOST, True),
        (bomb(20 * MEBIBYTE, "image/png"), FetchErrorCode.TOO_LARGE, False),
        (Reply(b"no gzip", headers={"Content-Encoding": "gzip"}), FetchErrorCode.INVALID_ANSWER, False),
        (
            Reply(gzip_reply(IMAGE).body[:-9], headers={"Content-Encoding": "gzip"}),
            FetchErrorCode.INVALID_ANSWER,
            False,
        ),
        (Reply(IMAGE, headers={"Content-Encoding": "br"}), FetchErrorCode.INVALID_ANSWER, False),
        (Reply(b"<html>", headers={"Content-Type": "text/html"}), FetchErrorCode.WRONG_TYPE, False),
        (redirect("/bad"), FetchErrorCode.TOO_MANY_REDIRECTS, False),
        (redirect("http://127.0.0.1:1/"), FetchErrorCode.UNREACHABLE, True),
        (redirect("http://[::1"), FetchErrorCode.BAD_ADDRESS, False),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_bad_server_takes_little(
    tmp_path: Path, behaviour: Reply | Behaviour, code: FetchErrorCode, passing: bool
) -> None:
    async with (
        Site().serving() as site,
        open_fetcher(crawl_allow=LOOPBACK, crawl_timeout=60, crawl_silence=1) as fetcher,
    ):
        url = site.put("/bad", behaviour)
        refused = await refusal(
            fetcher.download(url, tmp_path / "bad", limit=MEBIBYTE, accept=("image/",), robots=False)
        )

    assert (refused.code, refused.is_transient) == (code, passing)
    assert names(tmp_path) == []


@pytest.mark.parametrize("behaviour", [slow_body, stalled_body])
async def test_a_server_that_never_gets_done_is_left(tmp_path: Path, behaviour: Behaviour) -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK, crawl_timeout=0.5) as fetcher:
        url = site.put("/drip", behaviour)
        refused = await refusal(fetcher.download(url, tmp_path / "image", limit=MEBIBYTE, robots=False))

    assert (refused.code, refused.is_transient) == (FetchErrorCode.TIMED_OUT, True)
    assert names(tmp_path) == []


async def test_a_long_chain_of_redirects_ends() -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        for step in range(10):
            site.put(f"/{step}", redirect(f"/{step + 1}"))
        site.put("/5", "arrived")
        arrived = await fetcher.read(site.url + "/0", limit=MEBIBYTE, robots=False)
        refused = await refusal(fetcher.read(site.url + "/6", limit=MEBIBYTE, robots=False))
        site.put("/5", redirect("/6"))
        site.put("/6", "too far")
        further = await refusal(fetcher.read(site.url + "/0", limit=MEBIBYTE, robots=False))

    assert arrived.content == b"arrived"
    assert refused.code is FetchErrorCode.NOT_FOUND
    assert further.code is FetchErrorCode.TOO_MANY_REDIRECTS


async def test_keys_stay_with_their_host() -> None:
    async with sites(2) as (site, other), open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        site.put("/1", redirect("/2"))
        site.put("/2", redirect(other.url + "/3"))
        other.put("/3", redirect(site.url + "/4"))
        site.put("/4", "text")
        await fetcher.read(site.url + "/1", limit=MEBIBYTE, headers={"Authorization": "key"}, robots=False)

    sent = {ask.path: ask.headers.get("authorization") for ask in [*site.requests, *other.requests]}
    assert sent == {"/1": "key", "/2": "key", "/3": None, "/4": None}


@pytest.mark.parametrize(
    "behaviour",
    [
        fail_first(Reply(b"", 503), 2, Reply(IMAGE, headers=JPEG)),
        fail_first(Reply(b"", 429, {"Retry-After": "0"}), 2, Reply(IMAGE, headers=JPEG)),
        break_connection(IMAGE, 2),
    ],
    ids=["out of order", "throttled", "cut"],
)
async def test_what_time_cures_is_tried_again(
    tmp_path: Path, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.web.fetcher.BACKOFF_SECONDS", 0.01)
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK, crawl_retries=2) as fetcher:
        url = site.put("/1.jpg", behaviour)
        fetched = await fetcher.download(url, tmp_path / "image", limit=MEBIBYTE)

    assert fetched.size == len(IMAGE)
    assert (tmp_path / "image").read_bytes() == IMAGE
    assert site.paths == ["/robots.txt", *["/1.jpg"] * 3]


async def test_attempts_are_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.web.fetcher.BACKOFF_SECONDS", 0.01)
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK, crawl_retries=2) as fetcher:
        missing, failed = site.put("/missing", Reply(b"", 404)), site.put("/failed", Reply(b"", 500))
        await refusal(fetcher.read(missing, limit=MEBIBYTE))
        await refusal(fetcher.read(failed, limit=MEBIBYTE))

    assert site.paths == ["/robots.txt", "/missing", *["/failed"] * 3]


async def test_a_long_pause_is_the_callers_to_wait() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    waits = []
    for request in ("120", later, "soon", "-5", "nan"):
        async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
            url = site.put("/", Reply(b"", 503, {"Retry-After": request}))
            waits.append((await refusal(fetcher.read(url, limit=MEBIBYTE, robots=False))).retry_after)

    assert waits[0] == 120
    assert 3500 < waits[1] <= 3600
    assert waits[2:] == [0, 0, 0]


async def test_a_slow_server_is_waited_for() -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        url = site.put("/", slow(b"text", 0.3))
        assert (await fetcher.read(url, limit=MEBIBYTE)).content == b"text"


async def test_connections_are_kept() -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        start = gallery(site, {f"{number}.jpg": IMAGE for number in range(10)})
        await fetcher.read(start, limit=MEBIBYTE)
        await fetcher.read(site.put("/start", redirect("/")), limit=MEBIBYTE)
        await refusal(fetcher.read(start + "missing", limit=MEBIBYTE))
        for number in range(10):
            await fetcher.read(f"{start}images/{number}.jpg", limit=MEBIBYTE)

    assert site.connections == 1


async def test_a_cancelled_download_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> None:
        begun.set()
        await slow_body(ask, writer)

    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        url = site.put("/drip", answer)
        task = asyncio.create_task(fetcher.download(url, tmp_path / "image", limit=MEBIBYTE))
        await begun.wait()
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert names(tmp_path) == []
        assert (await fetcher.read(site.put("/", "text"), limit=MEBIBYTE)).content == b"text"
