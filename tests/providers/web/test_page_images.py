"""Pictures of pages in the markup of many kinds of sites: the largest real rendition of each."""

import json

import pytest

from providers.web.html_pages import parse_page, style_sheet_images
from tests.providers.web.fake_site import a_page

URL = "https://example.com/gallery/index.html"
HTML = {"content-type": "text/html"}
LD = '<script type="application/ld+json">{}</script>'


def images_of(body: str, head: str = "") -> list[str]:
    page = parse_page(a_page("Page", body, head).encode(), URL, HTML)
    return [image.url.removeprefix("https://example.com") for image in page.images]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<img src="/placeholder.png" data-src="/1.jpg" class="lazyload">', ["/1.jpg"]),
        ('<img src="/blank.gif" data-original="/1.jpg">', ["/1.jpg"]),
        ('<img src="/x.png" data-lazy="/1.jpg"><img src="/x.png" data-lazy="/2.jpg">', ["/1.jpg", "/2.jpg"]),
        ('<img data-lazy-src="/1.jpg" src="data:image/svg+xml,%3Csvg%3E">', ["/1.jpg"]),
        ('<img data-srcset="/s.jpg 300w, /l.jpg 1200w" src="/tiny.jpg">', ["/l.jpg"]),
        ('<img data-lazy-srcset="/s.jpg 1x, /l.jpg 2x">', ["/l.jpg"]),
        ('<img src="/s.jpg" data-zoom-image="/zoom?id=4">', ["/zoom?id=4"]),
        ('<img src="/s.jpg" data-full-url="/full.jpg">', ["/full.jpg"]),
        ('<img src="/s.jpg" data-anything="/l.webp">', ["/l.webp"]),
        ('<img src="/s.jpg" data-id="/not/an/image" data-note="see 1.jpg for more">', ["/s.jpg"]),
        ("<img src='/s.jpg' data-a-dynamic-image='{\"https://example.com/l.jpg\":[900,600]}'>", ["/l.jpg"]),
        ('<picture><source data-srcset="/l.avif 900w"><img src="/blank.gif"></picture>', ["/l.avif"]),
        ('<img class="lazy" data-src="/1.jpg"><noscript><img src="/1.jpg"></noscript>', ["/1.jpg"]),
        ('<div><img src="/blank.gif"><noscript><img src="/1.jpg"></noscript></div>', ["/1.jpg"]),
        ('<noscript><img src="/1.jpg"></noscript>', ["/1.jpg"]),
        ('<div style="background-image:url(/1.jpg)"></div>', ["/1.jpg"]),
        ("<div style=\"background: #fff url('/1.php?id=3') no-repeat\"></div>", ["/1.php?id=3"]),
        ('<div style="background-image:image-set(url(/s.jpg) 1x, url(/l.jpg) 2x)"></div>', ["/l.jpg"]),
        (
            '<div data-bg="/1.jpg"></div><section data-background-image="/2.jpg"></section>',
            ["/1.jpg", "/2.jpg"],
        ),
        ('<video poster="/poster.jpg"></video>', ["/poster.jpg"]),
        ('<iframe src="/1.jpg"></iframe><iframe src="/page.html"></iframe>', ["/1.jpg"]),
        ('<object data="/1.png" type="image/png"></object><embed src="/2.png">', ["/1.png", "/2.png"]),
        ('<svg><image href="/1.png"/><image xlink:href="/2.png"/></svg>', ["/1.png", "/2.png"]),
        ('<input type="image" src="/send.png">', ["/send.png"]),
        ('<amp-img src="/1.jpg" srcset="/l.jpg 800w"></amp-img>', ["/l.jpg"]),
        ('<a href="/full.jpg"><img src="/thumb.jpg"></a>', ["/full.jpg"]),
        ('<a href="/all.jpg"><img src="/1.jpg"><img src="/2.jpg"></a>', ["/all.jpg", "/1.jpg", "/2.jpg"]),
        ('<a data-fancybox href="/page.html" data-src="/full.jpg">x</a>', []),
        (
            '<span itemprop="image" content="/1.jpg"></span><meta itemprop="image" content="/2.jpg">',
            ["/2.jpg"],
        ),
        ('<img src="/spacer.gif">', []),
        ('<img src="/loading.gif" data-src="/loading-bay.jpg">', ["/loading-bay.jpg"]),
    ],
)
def test_pictures_of_a_body(body: str, found: list[str]) -> None:
    assert images_of(body) == found


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ('<link rel="preload" as="image" href="/s.jpg" imagesrcset="/m.jpg 640w, /l.jpg 1280w">', ["/l.jpg"]),
        ('<link rel="preload" as="script" href="/s.js">', []),
        ('<link rel="apple-touch-icon" href="/touch.png">', ["/touch.png"]),
        ('<meta property="og:image:secure_url" content="/1.jpg">', ["/1.jpg"]),
        ('<meta name="twitter:image:src" content="/1.jpg">', ["/1.jpg"]),
        (
            "<style>.a{background:url(/1.jpg)}@font-face{src:url(/f.woff2)}/* url(/no.jpg) */</style>",
            ["/1.jpg"],
        ),
        ("<style>a{background-image:-webkit-image-set('s.png' 1x, 'l.png' 2x)}</style>", ["/gallery/l.png"]),
        (
            "<style>:root{--hero:url('/h.webp')} a{background-image:url(data:image/gif;base64,R0)}</style>",
            ["/h.webp"],
        ),
    ],
)
def test_pictures_of_a_head(head: str, found: list[str]) -> None:
    assert images_of("", head) == found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"@type": "ImageObject", "contentUrl": "/1.jpg", "thumbnailUrl": "/t.jpg"}, ["/1.jpg"]),
        (
            {"@type": "Product", "image": ["/1.jpg", {"@type": "ImageObject", "url": "/2.jpg"}]},
            ["/1.jpg", "/2.jpg"],
        ),
        (
            {"@graph": [{"@type": "Article", "image": {"url": "/1.jpg"}, "author": {"image": "/2.jpg"}}]},
            ["/1.jpg", "/2.jpg"],
        ),
        ({"@type": "Organization", "url": "/about", "logo": "/logo.png"}, ["/logo.png"]),
        ("broken", []),
    ],
)
def test_pictures_of_linked_data(data: object, found: list[str]) -> None:
    text = data if isinstance(data, str) else json.dumps(data)
    assert images_of(LD.format("{" + text) if data == "broken" else LD.replace("{}", text)) == found


def test_pictures_of_a_style_sheet() -> None:
    sheet = b"""@import url(other.css); .a { background: url( "../1.jpg" ) } .b{list-style-image:url(/2.png)}
        .c::before{content:url(/3.gif)} .d{background:url(#gradient)} .e{filter:url(/f.svg)}"""

    found = style_sheet_images(sheet, "https://example.com/css/site.css")

    assert [image.removeprefix("https://example.com") for image in found] == ["/1.jpg", "/2.png", "/3.gif"]


@pytest.mark.parametrize(
    ("url", "body", "continuations"),
    [
        ("/list", '<a rel="next" href="/list?page=2">more</a>', ["/list?page=2"]),
        (
            "/list?page=2",
            '<a href="/list?page=1">1</a><a href="/list?page=3">3</a>',
            ["/list?page=1", "/list?page=3"],
        ),
        ("/list", '<a href="/list/page/2/">2</a><a href="/other/page/2/">2</a>', ["/list/page/2/"]),
        ("/list-1.html", '<a href="/list-2.html">2</a><a href="/news-2.html">3</a>', ["/list-2.html"]),
        ("/list", '<a href="/list?page=2">second page</a>', []),
        ("/list", '<a rel="next nofollow" href="/list?page=2">more</a>', []),
    ],
)
def test_pages_that_continue_a_list(url: str, body: str, continuations: list[str]) -> None:
    page = parse_page(a_page("Page", body).encode(), f"https://example.com{url}", HTML)

    assert [link.removeprefix("https://example.com") for link in page.continuations] == continuations


def test_style_sheets_of_a_page() -> None:
    head = '<link rel="stylesheet" href="/a.css"><link rel="alternate stylesheet" href="b.css">'
    page = parse_page(a_page("Page", "", head).encode(), URL, HTML)

    assert page.style_sheets == ("https://example.com/a.css", "https://example.com/gallery/b.css")
