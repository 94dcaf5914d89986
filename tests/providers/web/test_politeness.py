"""How servers are treated."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest

from core.ports import FetchErrorCode
from providers.web.politeness import LocalRateLimit
from providers.web.robots import parse_robots
from tests.providers.web.fake_network import MEBIBYTE, open_fetcher, refusal
from tests.providers.web.fake_site import Ask, Reply, Site, redirect, sites, slow

LOOPBACK = "127.0.0.0/8"
ROBOTS = """
User-agent: *
Disallow: /

User-agent: SeshatBot
Disallow: /private/
Allow: /private/open
Disallow: /*.gif$
"""


@dataclass
class Turns:
    """Turns at hosts that are all so many seconds away; who took them is kept."""

    wait: float = 0
    taken: list[tuple[str, float]] = field(default_factory=list)

    async def __call__(self, host: str, apart: float) -> float:
        """`core.ports.TakeTurn`."""
        self.taken.append((host, apart))
        return self.wait


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True),
        ("/private", True),
        ("/private/1.jpg", False),
        ("/private/open/1.jpg", True),
        ("/%70rivate/1.jpg", False),
        ("/1.gif", False),
        ("/1.gif?size=2", True),
    ],
)
async def test_a_robots_txt_is_obeyed(path: str, allowed: bool) -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        site.put("/robots.txt", ROBOTS)
        site.put("*", "text")
        if allowed:
            assert (await fetcher.read(site.url + path, limit=MEBIBYTE)).content == b"text"
        else:
            refused = await refusal(fetcher.read(site.url + path, limit=MEBIBYTE))
            assert (refused.code, refused.is_transient) == (FetchErrorCode.FORBIDDEN_BY_ROBOTS, False)

    assert site.paths == ["/robots.txt", *[path] * allowed]


GROUPS = [
    ("User-agent: *\nDisallow: /a", "a"),
    ("User-agent: other\nDisallow: /", ""),
    ("User-agent: other\nUser-agent: SeshatBot\nDisallow: /a", "a"),
    ("User-agent: SeshatBot\nUser-agent: other\nDisallow: /a", "a"),
    ("User-agent: SeshatBot\n\n# note\nSitemap: /s.xml\nUser-agent: other\nDisallow: /a", "a"),
    ("User-agent: SeshatBot\nDisallow: /a\nUser-agent: other\nDisallow: /b", "a"),
    ("User-agent: other\nDisallow: /b\nUser-agent: *\nDisallow: /a", "a"),
    ("User-agent: *\nDisallow: /b\nUser-agent: SeshatBot\nDisallow: /a", "a"),
    ("User-agent: *\nDisallow: /b\nUser-agent: seshat*\nDisallow: /a", "a"),
    ("User-agent: *\nDisallow: /a\nUser-agent: bot\nDisallow: /b", "a"),
    ("User-agent: *\nDisallow: /a\nUser-agent: SeshatBotter\nDisallow: /b", "a"),
    ("useragent SeshatBot # us\ndisalow: /a", "a"),
    ("Disallow: /b", ""),
    ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", "a"),
    ("User-agent:\nDisallow: /b\nUser-agent: **\nDisallow: /b", ""),
]


@pytest.mark.parametrize(("text", "closed"), GROUPS)
def test_the_rules_for_us_are_found(text: str, closed: str) -> None:
    robots = parse_robots(text.encode(), "SeshatBot")

    assert robots is not None
    assert [path for path in "ab" if not robots.can_fetch(f"http://x.example/{path}", "SeshatBot")] == [
        *closed
    ]


def test_many_agents_and_rules_are_not_multiplied() -> None:
    stars = "".join(f"User-agent: {'*' * number}seshat\n" for number in range(300))
    agents = stars + "".join(f"User-agent: agent{number}\n" for number in range(10_000))

    few, many = (
        parse_robots((agents + "Disallow: /x\n" * rules).encode(), "SeshatBot") for rules in (4000, 9000)
    )

    assert few is not None
    assert not few.can_fetch("http://x.example/x", "SeshatBot")
    assert many is None


async def test_a_redirect_does_not_lead_around_a_robots_txt() -> None:
    async with sites(2) as (site, other), open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        site.put("/1", redirect(other.url + "/private/1"))
        other.put("/robots.txt", ROBOTS)
        other.put("/private/1", "text")
        refused = await refusal(fetcher.read(site.url + "/1", limit=MEBIBYTE))

    assert refused.code is FetchErrorCode.FORBIDDEN_BY_ROBOTS
    assert other.paths == ["/robots.txt"]


async def test_a_robots_txt_is_read_once_for_many_that_ask_at_once() -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        site.put("/robots.txt", slow(b"User-agent: *\nAllow: /", 0.1, "text/plain"))
        site.put("*", "text")
        await asyncio.gather(*(fetcher.read(f"{site.url}/{each}", limit=MEBIBYTE) for each in range(20)))

    assert site.paths.count("/robots.txt") == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Reply(b"", 404), None),
        (Reply(b"", 403), None),
        (redirect("/robots.txt"), None),
        (Reply(b"\xff\xfe\x00 no text", headers={"Content-Type": "image/png"}), None),
        (Reply(b"", 500), FetchErrorCode.SERVER_ERROR),
        (Reply(b"", 429), FetchErrorCode.THROTTLED),
        (Reply(b"#" * MEBIBYTE), FetchErrorCode.TOO_LARGE),
    ],
)
async def test_without_a_robots_txt_all_is_allowed_and_in_doubt_nothing(
    answer: Reply, code: FetchErrorCode | None
) -> None:
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        site.put("/robots.txt", answer)
        site.put("/1", "text")
        if code is None:
            assert (await fetcher.read(site.url + "/1", limit=MEBIBYTE)).content == b"text"
        else:
            first = await refusal(fetcher.read(site.url + "/1", limit=MEBIBYTE))
            again = await refusal(fetcher.read(site.url + "/1", limit=MEBIBYTE))
            assert (first.code, again.code) == (code, code)
            assert site.paths == ["/robots.txt"]


async def test_every_request_takes_its_turn() -> None:
    turns = Turns()
    async with (
        Site().serving() as site,
        open_fetcher(crawl_allow=LOOPBACK, crawl_host_interval=0.7, take_turn=turns) as fetcher,
    ):
        site.put("/1", redirect("/2"))
        site.put("/2", "text")
        await fetcher.read(site.url + "/1", limit=MEBIBYTE)

    assert site.paths == ["/robots.txt", "/1", "/2"]
    assert turns.taken == [(site.url.removeprefix("http://"), 0.7)] * 3


@pytest.mark.parametrize(("delay", "apart"), [("0.2", 0.5), ("2", 2), ("86400", 60), ("soon", 0.5)])
async def test_a_host_may_ask_for_more_distance(delay: str, apart: float) -> None:
    turns = Turns()
    async with (
        Site().serving() as site,
        open_fetcher(crawl_allow=LOOPBACK, crawl_host_interval=0.5, take_turn=turns) as fetcher,
    ):
        site.put("/robots.txt", f"User-agent: *\nCrawl-delay: {delay}\nDisallow:")
        site.put("/1", "text")
        await fetcher.read(site.url + "/1", limit=MEBIBYTE)

    assert [each for _, each in turns.taken] == [0.5, apart]


async def test_a_turn_is_waited_for_and_the_wait_not_held_against_the_host() -> None:
    began = monotonic()
    async with (
        Site().serving() as site,
        open_fetcher(
            crawl_allow=LOOPBACK, crawl_timeout=0.5, crawl_host_interval=0.01, take_turn=Turns(wait=0.6)
        ) as fetcher,
    ):
        url = site.put("/", "text")
        fetched = await fetcher.read(url, limit=MEBIBYTE, robots=False)

    assert fetched.content == b"text"
    assert monotonic() - began >= 0.6


async def test_turns_follow_one_another() -> None:
    turns = LocalRateLimit()

    waits = [await turns("one", 10), await turns("other", 10), await turns("one", 5), await turns("one", 5)]

    assert [round(wait) for wait in waits] == [0, 0, 10, 15]


@pytest.mark.parametrize("hosts", [1, 3])
async def test_few_requests_are_made_at_once(hosts: int) -> None:
    meeting, present, most = asyncio.Barrier(2), 0, 0

    async def answer(ask: Ask, writer: asyncio.StreamWriter) -> Reply:
        nonlocal present, most
        present += 1
        most = max(most, present)
        await meeting.wait()
        present -= 1
        return Reply(b"text")

    bounds: dict[str, Any] = {"crawl_host_concurrency": 2} if hosts == 1 else {"crawl_concurrency": 2}
    async with sites(hosts) as all_sites, open_fetcher(crawl_allow=LOOPBACK, **bounds) as fetcher:
        urls = [site.put(f"/{number}", answer) for site in all_sites for number in range(6)]
        await asyncio.gather(*(fetcher.read(url, limit=MEBIBYTE, robots=False) for url in urls))

    assert most == 2


async def test_a_host_that_throttles_one_request_gets_no_other_meanwhile() -> None:
    began = monotonic()
    async with Site().serving() as site, open_fetcher(crawl_allow=LOOPBACK) as fetcher:
        busy = site.put("/busy", Reply(b"", 429, {"Retry-After": "0.4"}))
        refused = await refusal(fetcher.read(busy, limit=MEBIBYTE, robots=False))
        await fetcher.read(site.put("/other", "text"), limit=MEBIBYTE, robots=False)

    assert (refused.code, refused.is_transient, refused.retry_after) == (FetchErrorCode.THROTTLED, True, 0.4)
    assert monotonic() - began >= 0.4
