"""Where crawls are told to look, and what they are refused."""

from typing import Any

import pytest

from core.ports import SourceQuery
from resolvers.imagery.crawl_sources import CrawlTask, crawl_tasks
from tests.conftest import Unchanged
from tests.graphql_client import Refusal
from tests.imagery.pipeline import operations
from tests.imagery.pipeline.conftest import Person, url_source, walk

URL = "https://pictures.example/a.jpg"
SOURCES = ("input", "sources")
FIRST = (*SOURCES, "0")

WRONG: list[tuple[list[dict[str, Any]], Refusal]] = [
    ([{"kind": "SITE"}], ("INVALID", (*FIRST, "startUrls"))),
    ([{"kind": "SITE", "startUrls": []}], ("INVALID", (*FIRST, "startUrls"))),
    ([{"kind": "URLS"}], ("INVALID", (*FIRST, "urls"))),
    ([{"kind": "FEED"}], ("INVALID", (*FIRST, "feedUrls"))),
    ([{"kind": "S3", "prefix": "cats"}], ("CONFLICT", FIRST)),
    ([{"kind": "S3", "bucket": "somebodys"}], ("CONFLICT", FIRST)),
    ([url_source(URL), {"kind": "URLS", "urls": [" "]}], ("INVALID", (*SOURCES, "1", "urls", "0"))),
    ([{"kind": "URLS", "urls": [URL] * 101}], ("INVALID", (*FIRST, "urls"))),
    ([url_source(URL)] * 21, ("INVALID", SOURCES)),
    ([url_source(URL) | {"startUrls": [URL]}], ("INVALID", (*FIRST, "startUrls"))),
    ([url_source(URL) | {"maxPages": 5}], ("INVALID", (*FIRST, "maxPages"))),
    ([{"kind": "WIKIMEDIA", "urls": [URL]}], ("INVALID", (*FIRST, "urls"))),
    ([walk(URL, maxPages=0)], ("INVALID", (*FIRST, "maxPages"))),
    ([walk(URL, maxDepth=11)], ("INVALID", (*FIRST, "maxDepth"))),
    ([url_source("file:///etc/passwd")], ("INVALID", FIRST)),
    ([{"kind": "UNSPLASH"}], ("CONFLICT", FIRST)),
    ([{"kind": "PIXABAY"}], ("CONFLICT", FIRST)),
    ([{"kind": "GOOGLE"}], ("CONFLICT", FIRST)),
]


@pytest.mark.parametrize(("sources", "refusal"), WRONG)
async def test_a_source_that_lacks_something_is_refused_with_what_it_lacks(
    person: Person, assert_unchanged: Unchanged, sources: list[dict[str, Any]], refusal: Refusal
) -> None:
    wanted = {"projectId": person.project.gid, "name": "Cats", "keywords": ["cat"], "sources": sources}

    async with assert_unchanged():
        refused = await person.graphql.refusals(operations.CREATE, input=wanted)

    assert refused == [refusal]


async def test_a_crawl_says_where_it_looks(person: Person) -> None:
    wanted = {"projectId": person.project.gid, "name": "Cats", "keywords": ["cat", "🐈"]}
    sources = [walk(URL, maxPages=5), url_source(URL, f" {URL}"), {"kind": "WIKIMEDIA"}]

    named = await person(operations.CREATE, input={**wanted, "sources": sources})
    defaults = await person(operations.CREATE, input=wanted)

    assert named["crawlJobCreate"]["crawlJob"]["sources"] == [
        {"kind": "SITE", "addresses": [URL], "maxPages": 5, "maxDepth": 3},
        {"kind": "URLS", "addresses": [URL], "maxPages": 1000, "maxDepth": 3},
        {"kind": "WIKIMEDIA", "addresses": [], "maxPages": 1000, "maxDepth": 3},
    ]
    assert [each["kind"] for each in defaults["crawlJobCreate"]["crawlJob"]["sources"]] == [
        "OPENVERSE",
        "WIKIMEDIA",
    ]


def test_sources_take_turns() -> None:
    bounds = {"pages": 10, "depth": 1}
    search = {"kind": "openverse", "addresses": [], **bounds}
    site = {"kind": "site", "addresses": ["https://one.example/"], **bounds}

    request = [
        (kind.value, wanted.keyword, wanted.urls)
        for kind, wanted in crawl_tasks([search, site], ["cat", "dog"])
    ]

    assert request == [
        ("openverse", "cat", ()),
        ("site", "", ("https://one.example/",)),
        ("openverse", "dog", ()),
    ]


def test_the_stored_form_of_a_task_keeps_its_keys() -> None:
    stored_objects = {
        "kind": "site",
        "keyword": "",
        "addresses": ["https://a.example/"],
        "pages": 4,
        "depth": 2,
    }
    task = CrawlTask.from_json(stored_objects)
    assert task.query == SourceQuery(urls=("https://a.example/",), max_pages=4, max_depth=2)
    assert task.to_json() == stored_objects | {"addresses": ("https://a.example/",)}
