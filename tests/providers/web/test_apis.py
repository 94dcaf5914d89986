"""Sources that are asked for keywords, on answers of the shapes that they document or show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from core.ports import (
    CandidateBatch,
    FetchError,
    FetchErrorCode,
    FetchResponse,
    ImageCandidate,
    ImageSource,
    SourceKind,
    SourceQuery,
)
from core.settings import load_settings
from providers.web import image_sources
from tests.providers.web.fake_network import refusal

KEYS = {
    "unsplash_key": "unsplash-secret",
    "pixabay_key": "pixabay-secret",
    "crawl_engines": "google,bing,duckduckgo",
}
CATS = SourceQuery(keyword="black cats")


@dataclass
class RecordedFetcher:
    """A fetcher that knows what some addresses answer, one answer after the other."""

    answers: list[Any]
    requests: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    robots: list[bool] = field(default_factory=list)

    async def read(
        self, url: str, *, headers: Mapping[str, str] | None = None, robots: bool = True, **rest: Any
    ) -> FetchResponse:
        """The next answer: an object is JSON, a refusal is raised."""
        self.requests.append(url)
        self.headers.append(headers or {})
        self.robots.append(robots)
        answer = self.answers.pop(0)
        if isinstance(answer, FetchError):
            raise answer
        content = answer.encode() if isinstance(answer, str) else orjson.dumps(answer)
        return FetchResponse(url, 200, {}, len(content), content)

    async def download(self, url: str, path: Path, **rest: Any) -> FetchResponse:
        """Nothing is downloaded here."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""

    def questions(self) -> list[dict[str, str]]:
        """What was asked for, by the names of the parameters."""
        return [
            {name: each[0] for name, each in parse_qs(urlsplit(url).query).items()} for url in self.requests
        ]


def source_of(kind: SourceKind, *answers: Any, **settings: Any) -> tuple[ImageSource, RecordedFetcher]:
    """A source with all keys unless told otherwise, and what it asks."""
    fetcher = RecordedFetcher(list(answers))
    return image_sources(fetcher, load_settings({**KEYS, **settings}))[kind], fetcher


async def all_of(source: ImageSource, wanted: SourceQuery = CATS) -> list[CandidateBatch]:
    """Every batch of a search."""
    batches = [await source.search(wanted)]
    while batches[-1].cursor is not None:
        batches.append(await source.search(wanted, orjson.loads(orjson.dumps(batches[-1].cursor))))
    return batches


async def test_unsplash() -> None:
    photo = {
        "id": "a",
        "width": 6000,
        "height": 4000,
        "description": None,
        "alt_description": "a black cat",
        "urls": {"raw": "https://images.example/a?raw", "full": "https://images.example/a?full"},
        "links": {"html": "https://unsplash.com/photos/a"},
        "user": {"name": "Ada"},
    }
    source, request = source_of(
        SourceKind.UNSPLASH,
        {"total": 2, "total_pages": 2, "results": [photo]},
        {"total": 2, "total_pages": 2, "results": []},
    )

    first, second = await all_of(source)

    assert first.candidates == (
        ImageCandidate(
            "https://images.example/a?full",
            "https://unsplash.com/photos/a",
            "https://unsplash.com/license",
            "Ada",
            "a black cat",
            6000,
            4000,
        ),
    )
    assert second.candidates == ()
    assert request.questions() == [
        {"query": "black cats", "page": "1", "per_page": "30"},
        {"query": "black cats", "page": "2", "per_page": "30"},
    ]
    assert request.headers[0]["Authorization"] == "Client-ID unsplash-secret"
    assert request.robots == [False, False]


async def test_pixabay() -> None:
    hit = {
        "id": 1,
        "pageURL": "https://pixabay.com/photos/1/",
        "tags": "cat,  black",
        "largeImageURL": "https://pixabay.com/get/1_1280.jpg",
        "imageWidth": 4000,
        "imageHeight": 3000,
        "user": "Bob",
    }
    source, request = source_of(
        SourceKind.PIXABAY,
        {"total": 900, "totalHits": 201, "hits": [hit]},
        {"total": 900, "totalHits": 201, "hits": [hit]},
    )

    batches = await all_of(source)

    assert [batch.candidates for batch in batches] == [
        (
            ImageCandidate(
                "https://pixabay.com/get/1_1280.jpg",
                "https://pixabay.com/photos/1/",
                "https://pixabay.com/service/license-summary/",
                "Bob",
                "cat, black",
            ),
        )
    ] * 2
    assert [question["page"] for question in request.questions()] == ["1", "2"]
    assert request.questions()[0]["key"] == "pixabay-secret"


async def test_wikimedia() -> None:
    def file(index: int, name: str, mime: str = "image/jpeg") -> dict[str, Any]:
        return {
            "pageid": index,
            "title": f"File:{name}",
            "index": index,
            "imageinfo": [
                {
                    "url": f"https://upload.wikimedia.org/{name}",
                    "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{name}",
                    "width": 640,
                    "height": 480,
                    "mime": mime,
                    "extmetadata": {
                        "LicenseShortName": {"value": "CC BY-SA 4.0"},
                        "Artist": {"value": '<a href="//example.com">Ada &amp; <b>Bob</b></a>'},
                        "ImageDescription": {"value": "<p>A cat</p>"},
                    },
                }
            ],
        }

    following = {"gsroffset": 50, "continue": "gsroffset||"}
    source, request = source_of(
        SourceKind.WIKIMEDIA,
        {
            "continue": following,
            "query": {"pages": [file(2, "2.jpg"), file(1, "1.jpg"), file(3, "3.pdf", "application/pdf")]},
        },
        {"batchcomplete": True},
    )

    first, second = await all_of(source)

    assert [found.url.rpartition("/")[2] for found in first.candidates] == ["1.jpg", "2.jpg"]
    assert first.candidates[0] == ImageCandidate(
        "https://upload.wikimedia.org/1.jpg",
        "https://commons.wikimedia.org/wiki/File:1.jpg",
        "CC BY-SA 4.0",
        "Ada & Bob",
        "A cat",
        640,
        480,
    )
    assert second == CandidateBatch((), None)
    assert request.questions()[0]["gsrsearch"] == "filetype:bitmap black cats"
    assert request.questions()[1]["gsroffset"] == "50"


@pytest.mark.parametrize(("token", "sent"), [(None, None), ("secret", "Bearer secret")])
async def test_openverse(token: str | None, sent: str | None) -> None:
    image = {
        "url": "https://live.example/1.jpg",
        "foreign_landing_url": "https://live.example/photos/1",
        "title": "Cat",
        "creator": "Ada",
        "license": "by",
        "license_url": "https://creativecommons.org/licenses/by/4.0/",
        "width": None,
        "height": None,
    }
    source, request = source_of(
        SourceKind.OPENVERSE, {"page_count": 1, "results": [image, image]}, openverse_token=token
    )

    (batch,) = await all_of(source)

    assert batch.candidates == (
        ImageCandidate(
            "https://live.example/1.jpg",
            "https://live.example/photos/1",
            "https://creativecommons.org/licenses/by/4.0/",
            "Ada",
            "Cat",
        ),
    )
    assert request.headers[0].get("Authorization") == sent


async def test_bing() -> None:
    def result(number: int) -> str:
        carried = (
            orjson.dumps(
                {
                    "murl": f"https://pets.example/{number}.jpg",
                    "purl": f"https://pets.example/{number}.html",
                    "turl": f"https://tse1.mm.bing.net/th?id={number}",
                    "t": "Black &amp; white",
                }
            )
            .decode()
            .replace('"', "&quot;")
        )
        return (
            f'<li><a class="iusc" href="/images/search?id={number}" m="{carried}"><img src="t.jpg"></a></li>'
        )

    source, request = source_of(SourceKind.BING, f"<ul>{result(1)}{result(2)}{result(1)}</ul>", "<div></div>")

    first, second = await all_of(source)

    assert first.candidates == tuple(
        ImageCandidate(
            f"https://pets.example/{number}.jpg",
            f"https://pets.example/{number}.html",
            caption="Black & white",
        )
        for number in (1, 2)
    )
    assert second == CandidateBatch((), None)
    assert [question["first"] for question in request.questions()] == ["1", "4"]


async def test_google() -> None:
    page = (
        '<html><script>AF_initDataCallback({data:[[1,[0,"x",'
        '["https://encrypted-tbn0.gstatic.com/images?q\\u003dtbn:1",168,300],'
        '["https://pets.example/1.jpg?w\\u003d1200\\u0026x",800,1200],null]],'
        '["https://pets.example/2.jpg",480,640]]});</script></html>'
    )
    source, request = source_of(SourceKind.GOOGLE, page, "<html><script></script></html>")

    first, second = await all_of(source)

    assert first.candidates == (
        ImageCandidate("https://pets.example/1.jpg?w=1200&x", width=1200, height=800),
        ImageCandidate("https://pets.example/2.jpg", width=640, height=480),
    )
    assert second == CandidateBatch((), None)
    assert [question["start"] for question in request.questions()] == ["0", "100"]


async def test_duckduckgo() -> None:
    result = {
        "image": "https://pets.example/1.jpg",
        "url": "https://pets.example/1.html",
        "title": "Cat",
        "width": 640,
        "height": 480,
        "thumbnail": "https://tse.example/1",
    }
    source, request = source_of(
        SourceKind.DUCKDUCKGO,
        '<script>nrj(0,"/d.js?q=x&vqd=4-123456789012345-6");vqd="4-123456789012345-6";</script>',
        {"results": [result], "next": "i.js?s=1"},
        {"results": [result]},
    )

    first, second = await all_of(source)

    cat = ImageCandidate(
        "https://pets.example/1.jpg", "https://pets.example/1.html", None, None, "Cat", 640, 480
    )
    assert (first.candidates, second.candidates) == ((cat,), (cat,))
    assert [(question.get("vqd"), question.get("s")) for question in request.questions()] == [
        (None, None),
        ("4-123456789012345-6", "0"),
        ("4-123456789012345-6", "1"),
    ]


KEYWORD_SOURCES = [kind for kind in SourceKind if kind.by_keyword]


@pytest.mark.parametrize("kind", KEYWORD_SOURCES)
@pytest.mark.parametrize("answer", ["", "<html>are you human?</html>", "[]", '{"results": 5}'])
async def test_an_answer_that_cant_be_read_is_refused(kind: SourceKind, answer: str) -> None:
    source, _ = source_of(kind, answer)
    if kind is SourceKind.WIKIMEDIA and answer.startswith("{"):
        return  # to it, this is a page without files

    refused = await refusal(source.search(CATS))

    assert refused.code is FetchErrorCode.INVALID_ANSWER
    assert not refused.is_transient


@pytest.mark.parametrize("kind", KEYWORD_SOURCES)
async def test_a_sources_refusal_is_the_searchs(kind: SourceKind) -> None:
    source, _ = source_of(
        kind, FetchError(FetchErrorCode.THROTTLED, "Later.", is_transient=True, retry_after=60)
    )

    refused = await refusal(source.search(CATS))

    assert (refused.code, refused.retry_after) == (FetchErrorCode.THROTTLED, 60)


LATER: dict[SourceKind, dict[str, Any]] = {
    SourceKind.GOOGLE: {"page": 1},
    SourceKind.BING: {"first": 36},
    SourceKind.DUCKDUCKGO: {"ticket": "4-1", "first": 100},
    SourceKind.WIKIMEDIA: {"continue": {"gsroffset": 50}},
}


@pytest.mark.parametrize("kind", KEYWORD_SOURCES)
async def test_a_source_that_refuses_to_go_on_is_at_its_end(kind: SourceKind) -> None:
    source, _ = source_of(
        kind,
        FetchError(FetchErrorCode.INVALID_ANSWER, "The server responded with status 400."),
        FetchError(FetchErrorCode.THROTTLED, "Later.", is_transient=True),
    )
    later = LATER.get(kind, {"page": 2})

    ended, refused = await source.search(CATS, later), await refusal(source.search(CATS, later))

    assert (ended.candidates, ended.cursor) == ((), None)
    assert [reason for _, reason in ended.errors] == ["The server responded with status 400."]
    assert refused.code is FetchErrorCode.THROTTLED


@pytest.mark.parametrize("kind", SourceKind)
def test_a_source_says_what_it_lacks(kind: SourceKind) -> None:
    bare, _ = source_of(kind, unsplash_key=None, pixabay_key=None, crawl_engines="")
    equipped, _ = source_of(kind, crawl_s3_buckets="photos")

    lacking = {
        SourceKind.UNSPLASH: "Unsplash requires an API key: UNSPLASH_KEY is not set.",
        SourceKind.PIXABAY: "Pixabay requires an API key: PIXABAY_KEY is not set.",
        SourceKind.GOOGLE: "Google is not enabled: CRAWL_ENGINES does not contain google.",
        SourceKind.BING: "Bing is not enabled: CRAWL_ENGINES does not contain bing.",
        SourceKind.DUCKDUCKGO: "DuckDuckGo is not enabled: CRAWL_ENGINES does not contain duckduckgo.",
        SourceKind.S3: "Crawling of S3 buckets is not configured: CRAWL_S3_BUCKETS is not set.",
    }
    assert bare.missing_setting == lacking.get(kind)
    assert equipped.missing_setting is None
    assert bare.kind is kind


@pytest.mark.parametrize("kind", KEYWORD_SOURCES)
def test_a_keyword_is_wanted(kind: SourceKind) -> None:
    source, _ = source_of(kind)

    assert source.validate(CATS) is None
    assert source.validate(SourceQuery(keyword="🐈")) is None
    assert str(source.validate(SourceQuery(keyword="  "))).endswith("requires a keyword.")
    assert (
        source.validate(SourceQuery(keyword="a" * 201)) == "keyword must be at most 200 characters (got 201)."
    )
